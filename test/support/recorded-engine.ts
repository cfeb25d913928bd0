/** An engine and the record that its events are flushed to, of one test file. */
import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import { afterAll, beforeAll, inject } from 'vitest';
import {
  createEngineConnection,
  type EngineConnection,
} from '../../src/charging/engine-connection.js';
import { decodeEntry } from '../../src/charging/event-codec.js';
import type { Engine } from '../../src/charging/engine.js';
import type { FenceGate } from '../../src/charging/fence-gate.js';
import { openKeySpace } from '../../src/charging/partitions.js';
import { createOutboxStreams, type OutboxStreams } from '../../src/charging/stream.js';
import { createMetrics } from '../../src/observability/metrics.js';
import { createFlusher, type Flusher } from '../../src/outbox/flusher.js';
import { createOutboxMetrics } from '../../src/outbox/metrics.js';
import { untilRecorded } from '../../src/outbox/recorded.js';
import { createFlushLeases } from '../../src/records/flush-leases.js';
import { createFlushSink } from '../../src/records/flush-sink.js';
import { recordInstallation } from '../../src/records/installation.js';
import { silentLogger } from './charging-engine.js';
import { testDatabase } from './postgres.js';

const RECORDED_TIMEOUT_MS = 20_000;

export interface RecordedEngine {
  readonly engine: Engine;
  readonly streams: OutboxStreams;
  readonly pool: pg.Pool;
  readonly databaseUrl: string;
  readonly redisUrl: () => string;
  readonly prefix: string;
  readonly partitions: number;
  /** Until Postgres has every event that stands in the outbox now. */
  recorded(): Promise<void>;
  /** Stops writing to Postgres, and goes on. */
  pauseFlusher(): Promise<void>;
  resumeFlusher(): void;
  /** Removes every key, as a Redis that lost its disk. */
  empty(): Promise<void>;
}

export interface RecordedEngineOptions {
  readonly partitions?: number;
  /** Default: the run's server. */
  readonly redisUrl?: () => string;
  /** Default 10,000: what is under way when Redis is killed is given up after it. */
  readonly commandTimeoutMs?: number;
  /** For calls that meet a closed partition. */
  readonly gate?: FenceGate;
}

async function removeKeys({ redis }: Engine, pattern: string): Promise<void> {
  let cursor = '0';
  do {
    const [next, keys] = await redis.scan(cursor, 'MATCH', pattern, 'COUNT', 1000);
    if (keys.length > 0) await redis.unlink(...keys);
    cursor = next;
  } while (cursor !== '0');
}

/** Call it at the top of a test file. */
export function recordedEngine({
  partitions = 1,
  redisUrl = () => inject('redisUrl'),
  commandTimeoutMs = 10_000,
  gate,
}: RecordedEngineOptions = {}): RecordedEngine {
  const database = testDatabase();
  const prefix = `v${randomBytes(4).toString('hex')}`;
  let connection: EngineConnection | undefined;
  let flusher: Flusher | undefined;
  const opened = (): EngineConnection => {
    if (connection === undefined) throw new Error('the engine opens before the first test');
    return connection;
  };
  const streamsOf = (): OutboxStreams => createOutboxStreams(opened().engine);

  function startFlusher(): void {
    flusher = createFlusher(
      { intervalMs: 5, batchEntriesMax: 500, leaseMs: 3_000, trimAfterSeconds: 900 },
      {
        streams: streamsOf(),
        sink: createFlushSink({ pool: database.pool }),
        leases: createFlushLeases(
          { holder: `${prefix} ${Math.random()}`, partitions, leaseMs: 3_000 },
          { pool: database.pool },
        ),
        decode: decodeEntry,
        logger: silentLogger,
        metrics: createOutboxMetrics(createMetrics({ processMetrics: false })),
      },
    );
    flusher.start();
  }

  beforeAll(async () => {
    connection = createEngineConnection(
      {
        url: redisUrl(),
        keyPrefix: prefix,
        name: 'recorded engine',
        commandTimeoutMs,
        requestTimeoutMs: 20_000,
        connections: 3,
      },
      { logger: silentLogger, ...(gate !== undefined && { gate }) },
    );
    await connection.open();
    const { instance } = await openKeySpace(connection.engine, partitions, null);
    await recordInstallation(database.pool, { instanceId: instance, partitions });
    startFlusher();
  });
  afterAll(async () => {
    await flusher?.stop();
    await connection?.close();
  });

  return {
    get engine() {
      return opened().engine;
    },
    get streams() {
      return streamsOf();
    },
    pool: database.pool,
    databaseUrl: database.url,
    redisUrl,
    prefix,
    partitions,
    recorded: () =>
      untilRecorded({ partitions, timeoutMs: RECORDED_TIMEOUT_MS }, { streams: streamsOf() }),
    pauseFlusher: async () => {
      await flusher?.stop();
      flusher = undefined;
    },
    resumeFlusher: startFlusher,
    empty: () => removeKeys(opened().engine, `${prefix}:*`),
  };
}
