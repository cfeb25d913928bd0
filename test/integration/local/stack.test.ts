import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Redis } from 'ioredis';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { createProgress } from '../../../src/local/progress.js';
import { findFreePort } from '../../../src/local/port-choice.js';
import { startLocalStack, type LocalStack } from '../../../src/local/stack.js';
import type { StackState } from '../../../src/local/state-directory.js';

const told: string[] = [];
const progress = createProgress({ write: (line) => told.push(line) });
let directory: string;
let running: LocalStack | undefined;

beforeEach(() => {
  told.length = 0;
  directory = mkdtempSync(path.join(tmpdir(), 'tolld-stack-'));
  // Root's Postgres runs as another user, and would otherwise be put elsewhere.
  chmodSync(directory, 0o755);
});
afterEach(async () => {
  await running?.stop();
  running = undefined;
  rmSync(directory, { recursive: true, force: true });
});

/** Making a Postgres cluster takes long: only the tests that speak of it have one made. */
function startRedisOnly() {
  return start({ postgresUrl: inject('postgresUrl') });
}

async function start(options: Partial<Parameters<typeof startLocalStack>[0]> = {}) {
  running = await startLocalStack({ directory, reset: false, ...options }, { progress });
  return running;
}

async function stop() {
  await running?.stop();
  running = undefined;
}

async function withRedis<Result>(url: string, work: (client: Redis) => Promise<Result>) {
  const client = new Redis(url, { retryStrategy: () => null, maxRetriesPerRequest: 0 });
  client.on('error', () => undefined);
  try {
    return await work(client);
  } finally {
    client.disconnect();
  }
}

async function withPostgres<Result>(url: string, work: (client: pg.Client) => Promise<Result>) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

describe('the local stack', () => {
  test('keeps one key for secrets, and makes one where an earlier version made none', async () => {
    const { secretsKey } = await startRedisOnly();
    await stop();
    expect((await startRedisOnly()).secretsKey).toBe(secretsKey);
    await stop();
    const file = path.join(directory, 'stack.json');
    const { secretsKey: _, ...before } = JSON.parse(readFileSync(file, 'utf8')) as StackState;
    writeFileSync(file, JSON.stringify(before));
    const made = (await startRedisOnly()).secretsKey;
    expect(made).toMatch(/^[A-Za-z0-9+/]{32}$/);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({ ...before, secretsKey: made });
    expect(told.join('\n')).not.toContain(made);
  });

  test('goes on with the data of the start before, and begins anew when told to', async () => {
    const first = await start();
    await withRedis(first.redisUrl, (client) => client.set('kept', '1'));
    await withPostgres(first.postgresUrl, (client) => client.query('CREATE TABLE kept (n int)'));
    await stop();

    const second = await start();
    expect(second.redisUrl).toBe(first.redisUrl);
    expect(await withRedis(second.redisUrl, (client) => client.get('kept'))).toBe('1');
    await withPostgres(second.postgresUrl, (client) => client.query('SELECT * FROM kept'));
    await stop();

    const third = await start({ reset: true });
    expect(await withRedis(third.redisUrl, (client) => client.get('kept'))).toBeNull();
    await expect(
      withPostgres(third.postgresUrl, (client) => client.query('SELECT * FROM kept')),
    ).rejects.toThrow('does not exist');
  });

  test('runs Redis so that nothing is forgotten, and asks for a password', async () => {
    const { redisUrl } = await startRedisOnly();
    const settings = await withRedis(redisUrl, async (client) =>
      Promise.all(
        ['appendfsync', 'appendonly', 'maxmemory-policy', 'maxmemory', 'bind'].map(
          async (name) => ((await client.config('GET', name)) as unknown[])[1],
        ),
      ),
    );
    expect(settings).toEqual(['always', 'yes', 'noeviction', String(512 * 1024 ** 2), '127.0.0.1']);
    const url = new URL(redisUrl);
    url.password = '';
    await expect(withRedis(url.href, (client) => client.get('x'))).rejects.toThrow('NOAUTH');
  });

  test('takes other ports when the usual ones are taken, and says so', async () => {
    const port = await findFreePort();
    const taken = createServer().listen(port, '127.0.0.1');
    await startRedisOnly();
    await stop();
    const file = path.join(directory, 'stack.json');
    const state = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
    writeFileSync(file, JSON.stringify({ ...state, redisPort: port }));
    told.length = 0;
    const { redisUrl } = await startRedisOnly();
    taken.close();
    expect(Number(new URL(redisUrl).port)).not.toBe(port);
    expect(told.join('\n')).toContain(`port ${port} is taken`);
  });

  test('refuses to run twice over the same data', async () => {
    await startRedisOnly();
    // The lock names this very process; another one's is simulated by its parent, which runs.
    writeFileSync(path.join(directory, 'lock'), String(process.ppid));
    await expect(startLocalStack({ directory, reset: false }, { progress })).rejects.toMatchObject({
      code: 'TOLLD_LOCAL_STATE_UNUSABLE',
    });
  });

  test('takes over from a process that was killed', async () => {
    writeFileSync(path.join(directory, 'lock'), '999999999');
    await expect(startRedisOnly()).resolves.toBeDefined();
  });

  test('uses given servers as they are and leaves them running', async () => {
    const given = { redisUrl: inject('redisUrl'), postgresUrl: inject('postgresUrl') };
    const stack = await start(given);
    expect(stack.redisUrl).toBe(given.redisUrl);
    await stop();
    expect(await withRedis(given.redisUrl, (client) => client.ping())).toBe('PONG');
  });

  test('says at once that a given server does not answer', async () => {
    const port = await findFreePort();
    await expect(start({ redisUrl: `redis://127.0.0.1:${port}` })).rejects.toThrow(
      /REDIS_URL names a Redis that doesn't answer: .*ECONNREFUSED/,
    );
    await expect(
      start({ redisUrl: inject('redisUrl'), postgresUrl: `postgres://127.0.0.1:${port}/x` }),
    ).rejects.toThrow(/DATABASE_URL names a Postgres that doesn't answer: .*ECONNREFUSED/);
  });

  test('tells which of its servers ended by itself', async () => {
    const stack = await startRedisOnly();
    await withRedis(stack.redisUrl, (client) => client.call('SHUTDOWN', 'NOW').catch(() => null));
    expect(await stack.lost).toBe('Redis');
  });
});
