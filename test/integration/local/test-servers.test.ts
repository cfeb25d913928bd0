import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { once } from 'node:events';
import path from 'node:path';
import { Redis } from 'ioredis';
import { describe, expect, test } from 'vitest';
import { testDatabase } from '../../support/postgres.js';
import { startRedis, testRedis } from '../../support/redis.js';

const redis = testRedis();
const database = testDatabase();

describe('the servers of a test run', () => {
  test('answer with what charging needs', async () => {
    expect(await redis.client.config('GET', 'maxmemory-policy')).toEqual([
      'maxmemory-policy',
      'noeviction',
    ]);
    expect(await redis.client.config('GET', 'appendfsync')).toEqual(['appendfsync', 'always']);
    const { rows } = await database.pool.query<{ server_version: string }>('SHOW server_version');
    expect(Number(rows[0]?.server_version.split('.')[0])).toBeGreaterThanOrEqual(15);
  });

  test('a server of its own keeps its data over kill -9 and restart', async () => {
    const own = await startRedis();
    const client = new Redis(own.url, { lazyConnect: true, retryStrategy: () => null });
    client.on('error', () => undefined);
    await client.set('kept', 'yes');
    const firstPid = own.pid();
    await own.kill();
    await own.start();
    const again = new Redis(own.url);
    expect(await again.get('kept')).toBe('yes');
    expect(own.pid()).not.toBe(firstPid);
    client.disconnect();
    again.disconnect();
  });

  test('leave no process and no directory behind when the runner is killed', async () => {
    const script = path.resolve('test/support/redis-instance.ts');
    const program = `
      const { startRedisInstance } = await import(${JSON.stringify(script)});
      const own = await startRedisInstance();
      console.log(JSON.stringify({ pid: own.pid(), directory: own.directory }));
      setInterval(() => undefined, 1000);
    `;
    const runner = spawn(process.execPath, [
      '--import',
      'tsx',
      '--input-type=module',
      '-e',
      program,
    ]);
    const [chunk] = (await once(runner.stdout, 'data')) as [Buffer];
    const { pid, directory } = JSON.parse(chunk.toString()) as { pid: number; directory: string };
    expect(isRunning(pid)).toBe(true);
    runner.kill('SIGKILL');
    await expect.poll(() => isRunning(pid), { timeout: 10_000 }).toBe(false);
    await expect.poll(() => existsSync(directory), { timeout: 10_000 }).toBe(false);
  });
});

/** A zombie that nobody has waited for yet has ended, too. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  const stat = `/proc/${pid}/stat`;
  return !existsSync(stat) || !/\) Z /.test(readFileSync(stat, 'utf8'));
}
