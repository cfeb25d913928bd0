/**
 * `npm run branches`: the integration tests that call scripts, on scripts that count; then which ways
 * they went, and whether that is as much as it is to be.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { judgeBranches } from './branch-judgement.js';

const VITEST = path.resolve(import.meta.dirname, '../node_modules/.bin/vitest');
/** Where scripts are called: the rest would only take time. */
const FOLDERS = ['charging', 'credit-control', 'steering', 'management', 'recovery'];
const ARGUMENTS = [
  ...['run', '--project', 'integration', '--mode', 'branches', '--reporter=dot'],
  ...FOLDERS.map((folder) => `test/integration/${folder}`),
];

const child = spawn(VITEST, ARGUMENTS, { stdio: ['ignore', 'inherit', 'inherit'] });
const [code] = (await once(child, 'close')) as [number | null];
const isEnough = judgeBranches((line) => console.log(line));
process.exitCode = code === 0 && isEnough ? 0 : 1;
