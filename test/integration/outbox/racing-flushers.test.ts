import { describe, expect, test } from 'vitest';
import { createKeys } from '../../../src/charging/keys.js';
import {
  BEFORE_FIRST,
  type FlushLeases,
  type FlushOutcome,
  type PartitionBatch,
  type ReceivedEntry,
} from '../../../src/domain/flush.js';
import { createFlushSink } from '../../../src/records/flush-sink.js';
import { testDatabase } from '../../support/postgres.js';
import { randomSource } from '../../support/random-source.js';
import { testRedis } from '../../support/redis.js';
import { metricOf } from './flusher-fixture.js';
import { expectRecordOf } from './record-check.js';
import { startFlusher } from './running-flusher.js';
import { Workload } from './workload.js';

const PARTITIONS = 4;
const redis = testRedis();
const racing = testDatabase();
const handing = testDatabase();

function makeWorkload(): Workload {
  return new Workload({ accounts: 12, partitions: PARTITIONS, source: randomSource() });
}

describe('several flushers', () => {
  test('that all believe to own all partitions record each event once', async () => {
    const prefix = `${redis.prefix}:race`;
    const keys = createKeys(prefix);
    const workload = makeWorkload();
    const everything: FlushLeases = {
      renew: async () => new Map(Array.from({ length: PARTITIONS }, (_, n) => [n, 1])),
      release: async () => undefined,
    };
    const common = {
      redis: redis.client,
      prefix,
      partitions: PARTITIONS,
      pool: racing.pool,
      leases: everything,
      batchEntriesMax: 40,
    };
    const racers = [startFlusher(common), startFlusher(common), startFlusher(common)];
    for (let round = 0; round < 15; round += 1) {
      await workload.write(100, { redis: redis.client, keys });
    }
    await Promise.all(racers.map((racer) => racer.recorded()));
    await expectRecordOf(workload, racing.pool);
    const given = await Promise.all(
      racers.map((racer) => metricOf(racer, 'tolld_outbox_superseded_flushes_total')),
    );
    expect(given.reduce((sum, n) => sum + n, 0)).toBeGreaterThan(0);
    await Promise.all(racers.map((racer) => racer.stop()));
  });

  test('hand partitions to each other as they come and go', async () => {
    const prefix = `${redis.prefix}:hand`;
    const keys = createKeys(prefix);
    const workload = makeWorkload();
    const common = {
      redis: redis.client,
      prefix,
      partitions: PARTITIONS,
      pool: handing.pool,
      leaseMs: 200,
      batchEntriesMax: 30,
    };
    const flushers = [startFlusher(common)];
    for (let round = 0; round < 8; round += 1) {
      await workload.write(150, { redis: redis.client, keys });
      const fresh = startFlusher(common);
      flushers.push(fresh);
      await expect.poll(() => fresh.status().heldPartitions, POLL).toBeGreaterThan(0);
      if (flushers.length > 2) await flushers.shift()?.stop();
    }
    const held = (): readonly number[] =>
      flushers.map((flusher) => flusher.status().heldPartitions);
    await expect.poll(held, POLL).toEqual([PARTITIONS / 2, PARTITIONS / 2]);
    await Promise.all(flushers.map((flusher) => flusher.recorded()));
    await expectRecordOf(workload, handing.pool);
    await Promise.all(flushers.map((flusher) => flusher.stop()));
    const { rows } = await handing.pool.query(
      'SELECT holder FROM tolld.flush_leases WHERE holder IS NOT NULL',
    );
    expect(rows).toEqual([]);
  });
});

const POLL = { timeout: 10_000, interval: 10 } as const;

describe('the record', () => {
  const partition = 99;
  const entry = (n: number): ReceivedEntry => {
    const id = { epoch: 1, n };
    const read = () => ({ partition, id, at: n, stamp: null, accounts: [] });
    return { id, packed: Buffer.alloc(0), read };
  };
  const first = { partition, previous: BEFORE_FIRST, entries: [entry(0)] };

  test('refuses a batch that was written, and one under an older lease', async () => {
    const sink = createFlushSink({ pool: racing.pool });
    const write = async (batches: readonly PartitionBatch[]): Promise<FlushOutcome> =>
      (await sink.prepare(batches))();
    await sink.offsets([partition]);
    expect(await write([{ ...first, fence: 7 }])).toMatchObject({
      kind: 'written',
      entries: 1,
    });
    const refused = { kind: 'superseded', partitions: [partition], lost: [] };
    expect(await write([{ ...first, fence: 7 }])).toEqual(refused);
    const second = { partition, previous: { epoch: 1, n: 0 }, entries: [entry(1)] };
    expect(await write([{ ...second, fence: 6 }])).toEqual(refused);
    expect(await write([{ ...second, fence: 7 }])).toMatchObject({ kind: 'written' });
  });
});
