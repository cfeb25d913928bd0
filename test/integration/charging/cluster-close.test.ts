import { fork } from 'node:child_process';
import path from 'node:path';
import { Redis } from 'ioredis';
import { expect, test, vi } from 'vitest';
import { startRedis } from '../../support/redis.js';

const WORKER = path.resolve(import.meta.dirname, '../../support/closing-worker.ts');

/** A cluster of one master that has every slot. */
async function startLoneCluster(): Promise<string> {
  const moreSettings = ['cluster-enabled yes', 'cluster-announce-ip 127.0.0.1'];
  const { url } = await startRedis({ moreSettings });
  const redis = new Redis(url);
  await redis.call('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
  await vi.waitUntil(
    async () => String(await redis.call('CLUSTER', 'INFO')).includes('cluster_state:ok'),
    { timeout: 20_000 },
  );
  redis.disconnect();
  return url;
}

test('a process ends when it has closed a cluster, though it asked for the map of the slots', async () => {
  const child = fork(WORKER, [await startLoneCluster()], { execArgv: ['--import', 'tsx'] });
  const code = await Promise.race([
    new Promise((resolve) => child.once('exit', resolve)),
    new Promise((resolve) => setTimeout(resolve, 20_000, 'alive').unref()),
  ]);
  child.kill('SIGKILL');
  expect(code).toBe(0);
}, 40_000);
