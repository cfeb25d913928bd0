import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chown, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TRAFFIC } from '../../../src/cli/simulated-traffic.js';
import { awaitRecord, DEMO_SUBSCRIBERS, proveUsage } from '../../../src/local/demo.js';
import type { TallySession } from '../../../src/local/gy-simulator/tally.js';
import { findFreePort } from '../../../src/local/port-choice.js';
import { startPostgresServer, type PostgresServer } from '../../../src/local/postgres-server.js';
import { createLogger } from '../../../src/observability/logger.js';
import { runTolld, startDaemon, type Daemon } from '../../support/daemon.js';
import {
  configOf,
  demoGateway,
  environmentOf,
  loadDemoOperator,
  type Servers,
} from '../../support/demo-installation.js';
import { startRedisInstance, type OwnRedis } from '../../support/redis-instance.js';
import { makeScratchDirectory } from '../../support/scratch-directory.js';

const run = promisify(execFile);
const PATIENCE_MS = 240_000;
const SEED = Date.now() % 1_000_000;
const PASSWORD = randomBytes(12).toString('hex');
const QUIET = { logger: createLogger({ level: 'silent' }), print: () => undefined };

let port: number;
let postgres: PostgresServer;
let redis: OwnRedis;
let servers: Servers;

async function startPostgres(directory: string): Promise<void> {
  postgres = await startPostgresServer({
    directory,
    choosePort: async () => port,
    password: PASSWORD,
    durable: true,
    maxConnections: 50,
    disposable: directory,
  });
}

/** A copy of the running server's files that another can be started on, as pg_basebackup makes it. */
async function backUp(from: string, to: string): Promise<void> {
  const client = new pg.Client({ connectionString: postgres.databaseUrl('postgres') });
  await client.connect();
  try {
    await client.query(`SELECT pg_backup_start('test', true)`);
    const [source, target] = [path.join(from, 'cluster'), path.join(to, 'cluster')];
    // A file that goes while it is copied makes cp fail: the log has what was in it.
    await run('cp', ['-a', source, to]).catch(() => undefined);
    await rm(path.join(target, 'postmaster.pid'));
    const { rows } = await client.query<{ labelfile: string }>(
      'SELECT labelfile FROM pg_backup_stop(false)',
    );
    const label = path.join(target, 'backup_label');
    await writeFile(label, rows[0]?.labelfile ?? '');
    const { uid, gid } = await stat(target);
    await chown(label, uid, gid);
    await run('cp', ['-a', path.join(source, 'pg_wal'), target]);
  } finally {
    await client.end();
  }
}

async function play(daemon: Daemon, seed: number): Promise<readonly TallySession[]> {
  const gateway = demoGateway({
    nodes: [{ host: '127.0.0.1', port: daemon.diameterPort }],
    subscribers: Object.values(DEMO_SUBSCRIBERS).slice(0, 1),
    traffic: [TRAFFIC.data],
    sessions: 12,
    thinkMs: { min: 5, max: 30 },
    seed,
  });
  const { statistics, tally } = await gateway.run();
  expect(statistics.unanswered).toBe(0);
  return tally;
}

/** The record has all that was counted, and everything balances. */
async function prove(tally: readonly TallySession[]): Promise<void> {
  const config = configOf(servers);
  await expect.poll(async () => awaitRecord(config, QUIET), { timeout: 60_000 }).toBeUndefined();
  await proveUsage(config, tally, QUIET);
  const verified = await runTolld(['verify'], { environment: environmentOf(servers) });
  expect(verified, verified.stdout + verified.stderr).toMatchObject({ exitCode: 0 });
}

beforeAll(async () => {
  port = await findFreePort();
  redis = await startRedisInstance();
});
afterAll(async () => {
  await postgres?.kill();
  await redis.remove();
});

describe(`an installation that is backed up while it charges (seed ${SEED})`, () => {
  it(
    'is restored with all that Redis still has, and from the record alone where Redis is lost too',
    async () => {
      const [first, second] = ['postgres', 'restored'].map(makeScratchDirectory);
      if (first === undefined || second === undefined) throw new Error('there is no room');
      await startPostgres(first);
      const maintenance = new pg.Client({ connectionString: postgres.databaseUrl('postgres') });
      await maintenance.connect();
      await maintenance.query('CREATE DATABASE tolld');
      await maintenance.end();
      servers = {
        redisUrl: redis.url,
        keyPrefix: 'tolld',
        postgresUrl: postgres.databaseUrl('tolld'),
      };
      const environment = environmentOf(servers);
      expect(await runTolld(['migrate'], { environment })).toMatchObject({ exitCode: 0 });
      await loadDemoOperator(servers);
      const daemon = await startDaemon(servers);
      const [before] = await Promise.all([play(daemon, SEED), backUp(first, second)]);
      const after = await play(daemon, SEED + 1);
      await prove([...before, ...after]);

      // Postgres is lost, with what it recorded since the backup: the streams have it still.
      await postgres.kill();
      await startPostgres(second);
      const without = await play(daemon, SEED + 2);
      await prove([...before, ...after, ...without]);

      // Redis is lost: the record fills an empty one.
      await daemon.stop();
      await redis.remove();
      redis = await startRedisInstance();
      servers = { ...servers, redisUrl: redis.url };
      const rebuilt = await runTolld(['rebuild'], { environment: environmentOf(servers) });
      expect(rebuilt, rebuilt.stderr).toMatchObject({ exitCode: 0 });
      const later = await play(await startDaemon(servers), SEED + 3);
      await prove([...before, ...after, ...without, ...later]);
    },
    PATIENCE_MS,
  );
});
