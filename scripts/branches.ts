/**
 * `npm run branches`: the integration tests on scripts that count, then which ways they went. What
 * they may leave out stands in test/branches/allowed.txt with its reason.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { judgeBranches } from './branch-judgement.js';

const VITEST = path.resolve(import.meta.dirname, '../node_modules/.bin/vitest');
const ARGUMENTS = ['run', '--project', 'integration', '--mode', 'branches', '--reporter=dot'];

const child = spawn(VITEST, ARGUMENTS, { stdio: ['ignore', 'inherit', 'inherit'] });
const [code] = (await once(child, 'close')) as [number | null];
const isAsWritten = judgeBranches((line) => console.log(line));
process.exitCode = code === 0 && isAsWritten ? 0 : 1;
