import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { Redis } from 'ioredis';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createKeys } from '../../../src/charging/keys.js';
import { startPostgresServer, type PostgresServer } from '../../../src/local/postgres-server.js';
import { migrate } from '../../../src/records/migrate.js';
import { testDatabase } from '../../support/postgres.js';
import { randomSource } from '../../support/random-source.js';
import { startRedis } from '../../support/redis.js';
import { makeScratchDirectory } from '../../support/scratch-directory.js';
import { expectRecordOf } from './record-check.js';
import { startFlusher } from './running-flusher.js';
import { Workload } from './workload.js';

const PARTITIONS = 4;
const POLL = { timeout: 20_000, interval: 20 } as const;
const database = testDatabase();

/** A Postgres of this file's own, which may be killed. */
const directory = makeScratchDirectory('outage');
const password = randomBytes(8).toString('hex');
let postgres: PostgresServer;
let pool: pg.Pool;

async function startPostgres(port?: number): Promise<PostgresServer> {
  return startPostgresServer({
    directory,
    disposable: directory,
    password,
    // What was answered must survive kill -9, which loses nothing that reached the system.
    durable: true,
    maxConnections: 20,
    ...(port === undefined ? {} : { choosePort: async () => port }),
  });
}

beforeAll(async () => {
  postgres = await startPostgres();
  const url = postgres.databaseUrl('postgres');
  await migrate({ url });
  pool = new pg.Pool({ connectionString: url, max: 4 });
  pool.on('error', () => undefined);
}, 60_000);
afterAll(async () => {
  await pool.end();
  await postgres.kill();
  await rm(directory, { recursive: true, force: true });
});

function makeWorkload(): Workload {
  return new Workload({ accounts: 20, partitions: PARTITIONS, source: randomSource() });
}

describe('flushing goes on', () => {
  test('when Postgres was killed and is back, and meanwhile the streams keep everything', async () => {
    const own = await startRedis();
    const redis = new Redis(own.url);
    const keys = createKeys('outage');
    const workload = makeWorkload();
    const flusher = startFlusher({ redis, prefix: 'outage', pool, partitions: PARTITIONS });
    await workload.write(500, { redis, keys });
    await flusher.recorded();
    for (let kill = 0; kill < 3; kill += 1) {
      await workload.write(400, { redis, keys });
      await postgres.kill();
      await workload.write(400, { redis, keys });
      await expect.poll(() => flusher.status().failingSince, POLL).not.toBeNull();
      postgres = await startPostgres(postgres.port);
      await workload.write(400, { redis, keys });
      await flusher.recorded();
      await expectRecordOf(workload, pool);
    }
    await flusher.stop();
    redis.disconnect();
  }, 60_000);

  test('when Redis was killed and is back', async () => {
    const own = await startRedis();
    const redis = new Redis(own.url, { retryStrategy: () => 20 });
    redis.on('error', () => undefined);
    const keys = createKeys('outage');
    const workload = makeWorkload();
    const flusher = startFlusher({
      redis,
      prefix: 'outage',
      pool: database.pool,
      partitions: PARTITIONS,
      batchEntriesMax: 50,
    });
    await workload.write(300, { redis, keys });
    await flusher.recorded();
    for (let kill = 0; kill < 3; kill += 1) {
      await workload.write(600, { redis, keys });
      await own.kill();
      await own.start();
      await flusher.recorded();
      await expectRecordOf(workload, database.pool);
    }
    await flusher.stop();
    redis.disconnect();
  }, 60_000);
});
