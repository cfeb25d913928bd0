/** A flusher over the run's servers, for one test. */
import { createKeys } from '../../../src/charging/keys.js';
import { createOutboxStreams, type OutboxStreams } from '../../../src/charging/stream.js';
import type { Redis } from 'ioredis';
import type pg from 'pg';
import type { FlushLeases, RecordSink } from '../../../src/domain/flush.js';
import { createLogger } from '../../../src/observability/logger.js';
import { createMetrics, type Metrics } from '../../../src/observability/metrics.js';
import type { EntryDecoder } from '../../../src/outbox/batch.js';
import {
  createFlusher,
  type Flusher,
  type FlusherDependencies,
} from '../../../src/outbox/flusher.js';
import { createOutboxMetrics } from '../../../src/outbox/metrics.js';
import { untilRecorded } from '../../../src/outbox/recorded.js';
import { createFlushLeases } from '../../../src/records/flush-leases.js';
import { createFlushSink } from '../../../src/records/flush-sink.js';
import { decodeFromJson } from './workload.js';

export interface FlusherSettings {
  readonly redis: Redis;
  readonly prefix: string;
  readonly pool: pg.Pool;
  readonly partitions: number;
  readonly holder?: string;
  readonly batchEntriesMax?: number;
  readonly leaseMs?: number;
  readonly trimAfterSeconds?: number;
  readonly sink?: RecordSink;
  readonly leases?: FlushLeases;
  readonly decode?: EntryDecoder;
  readonly courtesy?: FlusherDependencies['courtesy'];
}

export interface TestFlusher extends Flusher {
  readonly metrics: Metrics;
  readonly streams: OutboxStreams;
  /** Resolves when all that stands in the streams now is in Postgres. */
  recorded(): Promise<void>;
}

const RECORDED_TIMEOUT_MS = 20_000;

export function makeFlusher(settings: FlusherSettings): TestFlusher {
  const { redis, pool, partitions, prefix } = settings;
  const { batchEntriesMax = 500, leaseMs = 3_000, trimAfterSeconds = 900 } = settings;
  const holder = settings.holder ?? `test ${Math.random()}`;
  const metrics = createMetrics({ processMetrics: false });
  const streams = createOutboxStreams({ redis, keys: createKeys(prefix) });
  const flusher = createFlusher(
    { intervalMs: 5, batchEntriesMax, leaseMs, trimAfterSeconds, faultRetryMs: 50 },
    {
      streams,
      sink: settings.sink ?? createFlushSink({ pool }),
      leases: settings.leases ?? createFlushLeases({ holder, partitions, leaseMs }, { pool }),
      decode: settings.decode ?? decodeFromJson,
      logger: createLogger({ level: 'silent' }),
      metrics: createOutboxMetrics(metrics),
      ...(settings.courtesy !== undefined && { courtesy: settings.courtesy }),
    },
  );
  const recorded = (): Promise<void> =>
    untilRecorded({ partitions, timeoutMs: RECORDED_TIMEOUT_MS }, { streams });
  return { ...flusher, metrics, streams, recorded };
}

/** Value of a metric without labels. */
export async function metricOf({ metrics }: TestFlusher, name: string): Promise<number> {
  const text = await metrics.exposition();
  return Number(new RegExp(`^${name} (\\S+)`, 'm').exec(text)?.[1]);
}
