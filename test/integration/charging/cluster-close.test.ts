import { fork } from 'node:child_process';
import path from 'node:path';
import { expect, test } from 'vitest';
import { startLoneCluster } from '../../support/redis.js';

const WORKER = path.resolve(import.meta.dirname, '../../support/closing-worker.ts');

test('a process ends when it has closed a cluster, though it asked for the map of the slots', async () => {
  const child = fork(WORKER, [await startLoneCluster()], { execArgv: ['--import', 'tsx'] });
  const code = await Promise.race([
    new Promise((resolve) => child.once('exit', resolve)),
    new Promise((resolve) => setTimeout(resolve, 20_000, 'alive').unref()),
  ]);
  child.kill('SIGKILL');
  expect(code).toBe(0);
}, 40_000);
