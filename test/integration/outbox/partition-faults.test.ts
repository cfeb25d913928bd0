import { describe, expect, test } from 'vitest';
import { createKeys } from '../../../src/charging/keys.js';
import type { AccountEvents, ChargingEvent } from '../../../src/domain/events.js';
import type { EntryDecoder } from '../../../src/outbox/batch.js';
import { describeFault } from '../../../src/outbox/fault.js';
import { testDatabase } from '../../support/postgres.js';
import { testRedis } from '../../support/redis.js';
import type { FlusherSettings, TestFlusher } from './flusher-fixture.js';
import { startFlusher } from './running-flusher.js';
import { decodeFromJson, encodeAsJson, stampOf } from './workload.js';

const redis = testRedis();
const database = testDatabase();
const POLL = { timeout: 10_000, interval: 10 } as const;
let tests = 0;

function accountEvent(change: 'created' | 'changed' | 'moved-out' | 'moved-in'): ChargingEvent {
  return { type: 'account', change, standing: 'active', profileVersion: 1 };
}

/** Streams of a test's own, over a record that begins anew. */
async function setUp(partitions: number) {
  tests += 1;
  const prefix = `${redis.prefix}:faults-${tests}`;
  const keys = createKeys(prefix);
  const name = (account: string): string => `${prefix}-${account}`;
  await database.pool.query('UPDATE tolld.flush_offsets SET epoch = 0, n = -1');

  async function write(
    partition: number,
    sections: readonly Omit<AccountEvents, 'events'>[],
    options: { readonly epoch?: number; readonly events?: readonly ChargingEvent[] } = {},
  ): Promise<string> {
    const { epoch = 1, events = [accountEvent('changed')] } = options;
    const accounts = sections.map((section) => ({
      ...section,
      accountId: name(section.accountId),
      events,
    }));
    const entry = encodeAsJson({ at: Date.UTC(2026, 10, 21), stamp: stampOf('x'), accounts });
    const id = await redis.client.xadd(keys.outbox(partition), `${epoch}-*`, 'e', entry);
    return id ?? '';
  }

  async function sequences(account: string): Promise<readonly number[]> {
    const { rows } = await database.pool.query<{ sequence: string }>(
      'SELECT sequence FROM tolld.account_events WHERE account_id = $1 ORDER BY sequence',
      [name(account)],
    );
    return rows.map(({ sequence }) => Number(sequence));
  }

  const common = { redis: redis.client, prefix, pool: database.pool, partitions };
  return {
    keys,
    name,
    write,
    sequences,
    start: (change: Partial<FlusherSettings> = {}) => startFlusher({ ...common, ...change }),
  };
}

function faultsOf(flusher: TestFlusher): readonly string[] {
  return flusher.status().faults.map(describeFault);
}

describe('a partition stands still', () => {
  test("at a gap in an account's events, and the others go on", async () => {
    const { write, sequences, start, name } = await setUp(2);
    await write(0, [{ accountId: 'a', firstSequence: 1 }]);
    await write(0, [{ accountId: 'a', firstSequence: 2 }]);
    await write(0, [{ accountId: 'a', firstSequence: 4 }]);
    await write(0, [{ accountId: 'b', firstSequence: 1 }]);
    await write(1, [{ accountId: 'c', firstSequence: 1 }]);
    const flusher = start();
    await expect
      .poll(() => faultsOf(flusher), POLL)
      .toEqual([
        `partition 0 at 1-2: account ${name('a')} lacks event 3 before 4; run \`tolld verify\``,
      ]);
    await expect.poll(() => sequences('c'), POLL).toEqual([1]);
    await write(1, [{ accountId: 'c', firstSequence: 2 }]);
    await expect.poll(() => sequences('c'), POLL).toEqual([1, 2]);
    expect(await sequences('a')).toEqual([1, 2]);
    expect(await sequences('b')).toEqual([]);
    expect(await flusher.metrics.exposition()).toContain(
      'tolld_outbox_stopped_partitions{cause="gap"} 1',
    );
  });

  test('at an event that is recorded already', async () => {
    const { write, sequences, start, name } = await setUp(1);
    await write(0, [{ accountId: 'a', firstSequence: 1 }]);
    const flusher = start();
    await flusher.recorded();
    await write(0, [
      { accountId: 'b', firstSequence: 1 },
      { accountId: 'a', firstSequence: 1 },
    ]);
    await expect
      .poll(() => faultsOf(flusher), POLL)
      .toEqual([
        `partition 0 at 1-1: account ${name('a')} has event 1 again, the record stands at 1; ` +
          'run `tolld verify`',
      ]);
    expect(await sequences('b')).toEqual([]);
    expect(await flusher.streams.backlog(0)).toMatchObject({ entries: 1 });
  });

  test('at an entry that is missing from the stream', async () => {
    const { write, start, keys, sequences } = await setUp(1);
    await write(0, [{ accountId: 'a', firstSequence: 1 }]);
    const lost = await write(0, [{ accountId: 'b', firstSequence: 1 }]);
    await write(0, [{ accountId: 'a', firstSequence: 2 }]);
    await redis.client.xdel(keys.outbox(0), lost);
    const flusher = start();
    await expect.poll(() => flusher.status().faults[0]?.kind, POLL).toBe('entries-missing');
    expect(faultsOf(flusher)[0]).toMatch(/^partition 0: entries between 1-0 and 1-2 are neither/);
    expect(await sequences('a')).toEqual([1]);
  });

  test('at an entry that it cannot read, and goes on once it can', async () => {
    const { write, start, sequences } = await setUp(1);
    await write(0, [{ accountId: 'a', firstSequence: 1 }]);
    await write(0, [{ accountId: 'a', firstSequence: 2 }]);
    await write(0, [{ accountId: 'a', firstSequence: 3 }]);
    let isUpgraded = false;
    const decode: EntryDecoder = (partition, id, packed) => {
      if (id === '1-1' && !isUpgraded) throw new Error('entry 1-1 has schema 2: upgrade first');
      return decodeFromJson(partition, id, packed);
    };
    const flusher = start({ decode });
    await expect
      .poll(() => faultsOf(flusher), POLL)
      .toEqual(["partition 0: entry 1-1 can't be read: entry 1-1 has schema 2: upgrade first"]);
    expect(await sequences('a')).toEqual([1]);
    isUpgraded = true;
    await flusher.recorded();
    expect(await sequences('a')).toEqual([1, 2, 3]);
    await expect.poll(() => flusher.status().faults, POLL).toEqual([]);
  });

  test('when Redis has forgotten what the record has', async () => {
    const { write, start, keys } = await setUp(1);
    await write(0, [{ accountId: 'a', firstSequence: 1 }]);
    await write(0, [{ accountId: 'a', firstSequence: 2 }]);
    const flusher = start();
    await flusher.recorded();
    await flusher.stop();
    await redis.client.del(keys.outbox(0));
    await write(0, [{ accountId: 'a', firstSequence: 3 }]);
    const next = start();
    await expect.poll(() => next.status().faults[0]?.kind, POLL).toBe('stream-behind');
    expect(faultsOf(next)[0]).toMatch(/^partition 0: Redis ends at 1-0, Postgres has 1-1/);
  });
});

describe('a moved account', () => {
  test('is recorded in its new partition only when the old one has told all', async () => {
    const { write, sequences, start } = await setUp(2);
    const movedIn = { events: [accountEvent('moved-in')] };
    await write(1, [{ accountId: 'm', firstSequence: 3 }], movedIn);
    await write(1, [{ accountId: 'm', firstSequence: 4 }]);
    const flusher = start();
    await expect.poll(() => flusher.status().faults[0]?.kind, POLL).toBe('moving');
    await write(0, [{ accountId: 'm', firstSequence: 1 }]);
    await write(0, [{ accountId: 'm', firstSequence: 2 }], { events: [accountEvent('moved-out')] });
    await flusher.recorded();
    expect(await sequences('m')).toEqual([1, 2, 3, 4]);
    await expect.poll(() => flusher.status().faults, POLL).toEqual([]);
  });
});

describe('a new epoch', () => {
  test('begins at 0 and follows the old one', async () => {
    const { write, sequences, start } = await setUp(1);
    await write(0, [{ accountId: 'a', firstSequence: 1 }]);
    await write(0, [{ accountId: 'a', firstSequence: 2 }]);
    await write(0, [{ accountId: 'a', firstSequence: 3 }], { epoch: 2 });
    const flusher = start();
    await flusher.recorded();
    await write(0, [{ accountId: 'a', firstSequence: 4 }], { epoch: 3 });
    await flusher.recorded();
    expect(await sequences('a')).toEqual([1, 2, 3, 4]);
  });

  test('that recovery wrote down in the record begins with its first entry', async () => {
    const { write, sequences, start } = await setUp(1);
    await write(0, [{ accountId: 'a', firstSequence: 1 }]);
    const flusher = start();
    await flusher.recorded();
    await flusher.stop();
    await database.pool.query('UPDATE tolld.flush_offsets SET epoch = 5, n = -1');
    await write(0, [{ accountId: 'a', firstSequence: 2 }], { epoch: 5 });
    await start().recorded();
    expect(await sequences('a')).toEqual([1, 2]);
  });
});
