import { describe, expect, test } from 'vitest';
import { createKeys } from '../../../src/charging/keys.js';
import { createOutboxStreams } from '../../../src/charging/stream.js';
import { createLogger } from '../../../src/observability/logger.js';
import { createBacklogMonitor } from '../../../src/outbox/backlog-monitor.js';
import { BACKLOG_LIMIT_DEFAULTS, type BacklogState } from '../../../src/outbox/backlog.js';
import { untilRecorded } from '../../../src/outbox/recorded.js';
import { testDatabase } from '../../support/postgres.js';
import { randomSource } from '../../support/random-source.js';
import { testRedis } from '../../support/redis.js';
import { startFlusher } from './running-flusher.js';
import { decodeFromJson, Workload } from './workload.js';

const PARTITIONS = 3;
const redis = testRedis();
const database = testDatabase();
const keys = createKeys(redis.prefix);
const streams = createOutboxStreams({ redis: redis.client, keys });
const POLL = { timeout: 10_000, interval: 20 } as const;

function startHere(settings: { readonly trimAfterSeconds?: number } = {}) {
  return startFlusher({
    redis: redis.client,
    prefix: redis.prefix,
    pool: database.pool,
    partitions: PARTITIONS,
    ...settings,
  });
}

async function lengths(): Promise<readonly number[]> {
  return Promise.all(
    Array.from({ length: PARTITIONS }, (_, partition) => redis.client.xlen(keys.outbox(partition))),
  );
}

describe('the backlog', () => {
  test('counts what Postgres lacks, and says so until it is recorded', async () => {
    const states: BacklogState[] = [];
    const monitor = createBacklogMonitor(
      {
        partitions: PARTITIONS,
        intervalMs: 1_000,
        limits: {
          ...BACKLOG_LIMIT_DEFAULTS,
          alertEntries: 100,
          alertAgeSeconds: null,
          refuseEntries: 250,
        },
      },
      {
        streams,
        decode: decodeFromJson,
        diskRoom: async () => null,
        logger: createLogger({ level: 'silent' }),
        onState: (state) => states.push(state),
      },
    );
    expect(await monitor.measure()).toMatchObject({ entries: 0, oldestAgeSeconds: 0 });
    const workload = new Workload({ accounts: 9, partitions: PARTITIONS, source: randomSource() });
    await workload.write(120, { redis: redis.client, keys });
    expect(await monitor.measure()).toMatchObject({ entries: 120 });
    await workload.write(180, { redis: redis.client, keys });
    const measure = await monitor.measure();
    expect(measure.entries).toBe(300);
    expect(measure.memoryRatio).toBeGreaterThan(0);
    expect(measure.memoryRatio).toBeLessThan(1);

    const flusher = startHere();
    await flusher.recorded();
    expect(await monitor.measure()).toMatchObject({ entries: 0, oldestAgeSeconds: 0 });
    expect(states).toEqual(['alert', 'refuse-new-sessions', 'ok']);
    expect((await lengths()).reduce((sum, length) => sum + length, 0)).toBe(300);
  });

  test('is measured where the oldest entry can be read by nobody, and its age with the rest', async () => {
    const ownKeys = createKeys(`${redis.prefix}:unreadable`);
    const states: BacklogState[] = [];
    const monitor = createBacklogMonitor(
      {
        partitions: PARTITIONS,
        intervalMs: 1_000,
        limits: { ...BACKLOG_LIMIT_DEFAULTS, alertEntries: 3 },
      },
      {
        streams: createOutboxStreams({ redis: redis.client, keys: ownKeys }),
        decode: decodeFromJson,
        diskRoom: async () => null,
        logger: createLogger({ level: 'silent' }),
        onState: (state) => states.push(state),
      },
    );
    await redis.client.xadd(ownKeys.outbox(0), '1-*', 'e', 'no entry');
    expect(await monitor.measure()).toMatchObject({ entries: 1, oldestAgeSeconds: 0 });
    const workload = new Workload({ accounts: 9, partitions: PARTITIONS, source: randomSource() });
    await workload.write(9, { redis: redis.client, keys: ownKeys });
    const measure = await monitor.measure();
    expect(measure.entries).toBe(10);
    expect(measure.oldestAgeSeconds).toBeGreaterThan(0);
    expect(states).toEqual(['alert']);
  });

  test('is told by name of the partition to whoever waits in vain', async () => {
    await redis.client.xadd(keys.outbox(1), '1-*', 'e', '{}');
    await expect(
      untilRecorded({ partitions: PARTITIONS, timeoutMs: 50 }, { streams }),
    ).rejects.toThrow(/Postgres still lacks events of partition 1;/);
    await redis.client.del(keys.outbox(1));
  });
});

describe('what is in Postgres', () => {
  test('leaves Redis some time later, and what is not stays', async () => {
    const own = `${redis.prefix}:trim`;
    const ownKeys = createKeys(own);
    await database.pool.query('UPDATE tolld.flush_offsets SET epoch = 0, n = -1');
    const source = randomSource();
    const workload = new Workload({ accounts: 4, partitions: 1, source, name: 'trim' });
    await workload.write(50, { redis: redis.client, keys: ownKeys });
    const flusher = startFlusher({
      redis: redis.client,
      prefix: own,
      pool: database.pool,
      partitions: 1,
      trimAfterSeconds: 0,
    });
    await flusher.recorded();
    const length = (): Promise<number> => redis.client.xlen(ownKeys.outbox(0));
    await expect.poll(length, POLL).toBe(0);
    await flusher.stop();
    await workload.write(5, { redis: redis.client, keys: ownKeys });
    const [entry] = await redis.client.xrange(ownKeys.outbox(0), '-', '+', 'COUNT', 1);
    expect(entry?.[0]).toBe('1-50');
    expect(await length()).toBe(5);
  });
});
