/** Management over the run's servers, as a process has it, and a look at what came of it. */
import type pg from 'pg';
import { afterAll, beforeAll } from 'vitest';
import { createEngineConnection } from '../../../src/charging/engine-connection.js';
import type { Engine } from '../../../src/charging/engine.js';
import { decodeEntry } from '../../../src/charging/event-codec.js';
import { partitionOf } from '../../../src/charging/keys.js';
import { openKeySpace } from '../../../src/charging/partitions.js';
import { readConfiguration } from '../../../src/charging/provisioning.js';
import { findProfile } from '../../../src/charging/routing.js';
import { readAccount } from '../../../src/charging/snapshot.js';
import { createOutboxStreams } from '../../../src/charging/stream.js';
import type { SubscriberIdentity } from '../../../src/domain/identity.js';
import type { SubscriberProfile } from '../../../src/domain/profile.js';
import { createEngineFace, type EngineFace } from '../../../src/management/engine-face.js';
import { loadOperatorFile, type LoadReport } from '../../../src/management/operator-file/load.js';
import {
  createSynchroniser,
  type Synchroniser,
  type SynchroniserDependencies,
  type SynchroniserOptions,
} from '../../../src/management/synchroniser.js';
import type { Transact } from '../../../src/management/transaction.js';
import { createLogger } from '../../../src/observability/logger.js';
import { createMetrics } from '../../../src/observability/metrics.js';
import { createFlusher } from '../../../src/outbox/flusher.js';
import { createOutboxMetrics } from '../../../src/outbox/metrics.js';
import { asTenant, createDatabase, EVERY_TENANT } from '../../../src/records/database.js';
import { createFlushLeases } from '../../../src/records/flush-leases.js';
import { createFlushSink } from '../../../src/records/flush-sink.js';
import { recordInstallation } from '../../../src/records/installation.js';
import { createSecretBox } from '../../../src/secret-box.js';
import { testDatabase } from '../../support/postgres.js';
import { testRedis } from '../../support/redis.js';

const PARTITIONS = 4;
export const KEYS = ['a key for these tests'];
const logger = createLogger({ level: 'silent' });

export interface Management {
  readonly engine: Engine;
  readonly face: EngineFace;
  readonly transact: Transact;
  /** Of the login that owns the database. */
  readonly pool: pg.Pool;
  readonly databaseUrl: () => string;
  load(text: string, options?: LoadSettings): Promise<LoadReport>;
  /** As a process that has just started: it knows nothing of what was done before. */
  newSynchroniser(
    changes?: Partial<SynchroniserDependencies>,
    options?: Partial<SynchroniserOptions>,
  ): Synchroniser;
  /** Until the events of all that was sent stand in Postgres. */
  flushed(): Promise<void>;
  account(id: string): ReturnType<typeof readAccount>;
  profile(value: string, kind?: SubscriberIdentity['kind']): Promise<SubscriberProfile | null>;
  configuration(): ReturnType<typeof readConfiguration>;
}

export interface LoadSettings {
  readonly dryRun?: boolean;
  readonly now?: number;
  readonly transact?: Transact;
  /** Keys that seal secrets, newest first. */
  readonly keys?: readonly string[];
}

/** Call it at the top of a test file. */
export function testManagement(): Management {
  const database = testDatabase();
  const redis = testRedis();
  const connection = createEngineConnection(
    {
      url: redis.url,
      keyPrefix: redis.prefix,
      name: 'management test',
      commandTimeoutMs: 2_000,
      requestTimeoutMs: 5_000,
    },
    { logger },
  );
  const { engine } = connection;
  const pool = createDatabase(
    { url: database.url, name: 'management test', connectionsMax: 4, role: 'manager' },
    { logger },
  );
  const transact: Transact = (work) => asTenant(pool, EVERY_TENANT, work);
  const face = createEngineFace(engine);
  const flusher = createFlusher(
    { intervalMs: 5, batchEntriesMax: 500, leaseMs: 3_000, trimAfterSeconds: 900 },
    {
      streams: createOutboxStreams(engine),
      sink: createFlushSink({ pool: database.pool }),
      leases: createFlushLeases(
        { holder: 'management test', partitions: PARTITIONS, leaseMs: 3_000 },
        { pool: database.pool },
      ),
      decode: decodeEntry,
      logger,
      metrics: createOutboxMetrics(createMetrics({ processMetrics: false })),
    },
  );
  beforeAll(async () => {
    await connection.open();
    const { instance, partitions } = await openKeySpace(engine, PARTITIONS, null);
    await recordInstallation(database.pool, { instanceId: instance, partitions });
    flusher.start();
  });
  afterAll(async () => {
    await flusher.stop();
    await connection.close();
    await pool.end();
  });

  async function partition(id: string): Promise<number> {
    const { rows } = await database.pool.query<{ partition: number }>(
      'SELECT partition FROM tolld.accounts WHERE id = $1',
      [id],
    );
    return rows[0]?.partition ?? 0;
  }

  async function flushed(): Promise<void> {
    const { rows } = await database.pool.query<{ partition: number; n: string }>(
      'SELECT partition, n FROM tolld.flush_offsets',
    );
    const offsets = new Map(rows.map((row) => [row.partition, Number(row.n)]));
    for (let each = 0; each < PARTITIONS; each += 1) {
      const [entry] = await engine.redis.xrevrange(engine.keys.outbox(each), '+', '-', 'COUNT', 1);
      const last = entry === undefined ? -1 : Number(entry[0].split('-')[1]);
      if ((offsets.get(each) ?? -1) < last) return flushed();
    }
  }

  return {
    engine,
    face,
    transact,
    pool: database.pool,
    databaseUrl: () => database.url,
    load: (text, { dryRun = false, now, transact: other = transact, keys = KEYS } = {}) =>
      loadOperatorFile(
        { file: 'test.yaml', text, dryRun, actor: 'test' },
        {
          transact: other,
          partitionOf,
          secrets: createSecretBox(keys),
          clock: () => now ?? Date.now(),
        },
      ),
    newSynchroniser: (changes, options) =>
      createSynchroniser(
        { intervalMs: 10, auditIntervalMs: Infinity, reAuthorisationsPerSecond: 100, ...options },
        {
          transact,
          engine: face,
          logger,
          metrics: createMetrics({ processMetrics: false }),
          clock: Date.now,
          ...changes,
        },
      ),
    flushed,
    account: async (id) => readAccount(engine, await partition(id), id),
    profile: (value, kind = 'e164') => findProfile(engine, 'default', { kind, value }),
    configuration: () => readConfiguration(engine),
  };
}
