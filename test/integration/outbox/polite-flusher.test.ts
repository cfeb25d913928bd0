import { describe, expect, test } from 'vitest';
import { createKeys } from '../../../src/charging/keys.js';
import { createOutboxStreams } from '../../../src/charging/stream.js';
import type { RecordSink } from '../../../src/domain/flush.js';
import { createLogger } from '../../../src/observability/logger.js';
import { createBacklogMonitor } from '../../../src/outbox/backlog-monitor.js';
import { BACKLOG_LIMIT_DEFAULTS, type BacklogMeasure } from '../../../src/outbox/backlog.js';
import { Lateness } from '../../../src/outbox/lateness.js';
import { createListening, PROBE_INTERVAL_MS } from '../../../src/outbox/listening.js';
import { Pace } from '../../../src/outbox/pace.js';
import { createFlushSink } from '../../../src/records/flush-sink.js';
import { testDatabase } from '../../support/postgres.js';
import { randomSource } from '../../support/random-source.js';
import { testRedis } from '../../support/redis.js';
import { expectRecordOf } from './record-check.js';
import { startFlusher } from './running-flusher.js';
import { decodeFromJson, Workload } from './workload.js';

const PARTITIONS = 7;
const ROUND_FULL = 400;
/** 250, about: the last read of each of its partitions may find a few more. */
const POLITE_MAX = 300;
const redis = testRedis();
const database = testDatabase();
const keys = createKeys(redis.prefix);
const streams = createOutboxStreams({ redis: redis.client, keys });

const BACKLOG: BacklogMeasure = {
  entries: 1_000_000,
  oldestAgeSeconds: 600,
  arrivingPerSecond: 1,
  memoryRatio: 0.1,
  diskRoom: null,
};

/** Counts the probes of work. */
class CountingLateness extends Lateness {
  workCount = 0;

  override worked(tookMs: number): void {
    this.workCount += 1;
    super.worked(tookMs);
  }
}

/** Of each transaction: entries and partitions. */
interface Written {
  readonly entries: number;
  readonly partitions: readonly number[];
}

function startHere({
  measure = BACKLOG,
  onWrite,
}: {
  readonly measure?: BacklogMeasure;
  readonly onWrite?: (pace: Pace) => void;
} = {}) {
  const written: Written[] = [];
  const sink = createFlushSink({ pool: database.pool });
  const noting: RecordSink = {
    offsets: (partitions) => sink.offsets(partitions),
    prepare: async (batches) => {
      const write = await sink.prepare(batches);
      return async () => {
        written.push({
          entries: batches.reduce((sum, { entries }) => sum + entries.length, 0),
          partitions: batches.map(({ partition }) => partition),
        });
        onWrite?.(pace);
        return write();
      };
    },
  };
  const lateness = new CountingLateness({ intervalMs: PROBE_INTERVAL_MS });
  const options = {
    catchUpSeconds: 600,
    batchEntriesMax: ROUND_FULL,
    limits: BACKLOG_LIMIT_DEFAULTS,
  };
  const pace = new Pace(options, { lateness });
  pace.measured(measure, performance.now());
  const probe = (): Promise<unknown> => redis.client.ping();
  const flusher = startFlusher({
    redis: redis.client,
    prefix: redis.prefix,
    pool: database.pool,
    partitions: PARTITIONS,
    batchEntriesMax: ROUND_FULL,
    sink: noting,
    courtesy: { pace, listening: createListening({ probe, lateness }) },
  });
  return { flusher, pace, written, lateness };
}

describe('a flusher that lets charging go first', () => {
  const workload = new Workload({ accounts: 30, partitions: PARTITIONS, source: randomSource() });

  test('writes small batches of partitions in turn, and loses and doubles nothing', async () => {
    await workload.write(2_000, { redis: redis.client, keys });
    const { flusher, written, lateness } = startHere();
    await flusher.recorded();
    await flusher.stop();
    await expectRecordOf(workload, database.pool);
    expect(Math.max(...written.map(({ partitions }) => partitions.length))).toBe(5);
    expect(Math.max(...written.map(({ entries }) => entries))).toBeLessThan(POLITE_MAX);
    expect(new Set(written.flatMap(({ partitions }) => partitions)).size).toBe(PARTITIONS);
    // It listened before the first batch, and while each was written.
    expect(lateness.calmCount).toBeGreaterThan(0);
    expect(lateness.workCount).toBeGreaterThanOrEqual(written.length);
  });

  test('writes what comes of half of the partitions at a time where nothing is behind', async () => {
    await workload.write(1_000, { redis: redis.client, keys });
    const { flusher, written, lateness } = startHere({
      measure: { ...BACKLOG, entries: 0, arrivingPerSecond: 500 },
    });
    await flusher.recorded();
    await workload.write(1_000, { redis: redis.client, keys });
    await flusher.recorded();
    await flusher.stop();
    await expectRecordOf(workload, database.pool);
    expect(Math.max(...written.map(({ partitions }) => partitions.length))).toBe(4);
    expect(new Set(written.flatMap(({ partitions }) => partitions)).size).toBe(PARTITIONS);
    // Nobody listens where there is nothing to be found out.
    expect(lateness.calmCount).toBe(0);
    expect(lateness.workCount).toBe(0);
  });

  test('writes large batches of all partitions once nobody charges any more', async () => {
    const later = new Workload({
      ...{ accounts: 30, partitions: PARTITIONS, source: randomSource(), name: 'later' },
    });
    await later.write(3_000, { redis: redis.client, keys });
    const { flusher, written } = startHere({
      onWrite: (pace) => {
        pace.measured({ ...BACKLOG, arrivingPerSecond: 0 }, performance.now());
      },
    });
    await flusher.recorded();
    await flusher.stop();
    const [first, second] = written;
    expect(first?.entries).toBeLessThan(POLITE_MAX);
    expect(second?.entries).toBeGreaterThanOrEqual(ROUND_FULL);
    expect(second?.partitions).toHaveLength(PARTITIONS);
  });

  test('hears from the streams whether anything arrives, recorded or not', async () => {
    const measures: BacklogMeasure[] = [];
    const monitor = createBacklogMonitor(
      { partitions: PARTITIONS, intervalMs: 1_000, limits: BACKLOG_LIMIT_DEFAULTS },
      {
        streams,
        decode: decodeFromJson,
        diskRoom: async () => null,
        logger: createLogger({ level: 'silent' }),
        onMeasure: (measure) => measures.push(measure),
      },
    );
    await monitor.measure();
    const arriving = new Workload({
      ...{ accounts: 9, partitions: PARTITIONS, source: randomSource(), name: 'arriving' },
    });
    await arriving.write(200, { redis: redis.client, keys });
    await monitor.measure();
    await monitor.measure();
    const [first, second, third] = measures.map(({ arrivingPerSecond }) => arrivingPerSecond);
    expect(first).toBeNull();
    expect(second).toBeGreaterThan(0);
    expect(third).toBe(0);
  });
});
