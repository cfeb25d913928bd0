import { describe, expect, test } from 'vitest';
import { createKeys, type Keys } from '../../../src/charging/keys.js';
import { createFlushSink } from '../../../src/records/flush-sink.js';
import { testDatabase } from '../../support/postgres.js';
import { randomSource } from '../../support/random-source.js';
import { testRedis } from '../../support/redis.js';
import { startFlusher } from './running-flusher.js';
import { expectRecordOf } from './record-check.js';
import { severPool, type Stroke } from './severed-pool.js';
import { encodeAsJson, stampOf, Workload } from './workload.js';

const PARTITIONS = 4;
const redis = testRedis();
const database = testDatabase();

/** Of a batch to which nothing is amiss. */
const STATEMENTS = ['series', 'COMMIT'];

/** Of one with an entry that Postgres refuses. */
const CAREFUL_STATEMENTS = [
  'BEGIN',
  'lock offsets',
  'stored accounts',
  'SAVEPOINT attempt',
  'ROLLBACK TO SAVEPOINT attempt',
  'INSERT INTO tolld.quarantined_events',
];

/** A series is some forty writes: a few for each statement. */
const WRITES = Array.from({ length: 10 }, (_, index) => index * 5);

const STROKES: readonly (Stroke & { readonly refused: boolean })[] = [
  ...STATEMENTS.flatMap((at) => aroundOf(at, false)),
  ...CAREFUL_STATEMENTS.flatMap((at) => aroundOf(at, true)),
  ...WRITES.map((when) => ({ when, at: 'series', refused: false })),
];

function aroundOf(at: string, refused: boolean): (Stroke & { readonly refused: boolean })[] {
  return [
    { when: 'before', at, refused },
    { when: 'behind', at, refused },
  ];
}

describe('a flusher that dies loses nothing and doubles nothing', () => {
  test.each(STROKES)('$when $at, with an entry refused: $refused', async (stroke) => {
    const { when, at, refused } = stroke;
    const prefix = `${redis.prefix}:${when} ${at}`;
    const source = randomSource();
    const workload = new Workload({ accounts: 60, partitions: PARTITIONS, source, name: prefix });
    const keys = createKeys(prefix);
    const common = { redis: redis.client, prefix, partitions: PARTITIONS, pool: database.pool };
    await database.pool.query('UPDATE tolld.flush_offsets SET epoch = 0, n = -1');
    await database.pool.query('DELETE FROM tolld.quarantined_events');
    // Some accounts are known already and some are new, so that every statement occurs.
    await workload.write(150, { redis: redis.client, keys });
    const before = startFlusher(common);
    await before.recorded();
    await before.stop();
    await workload.write(450, { redis: redis.client, keys });
    if (refused) await writeRefused(workload, keys);

    const severed = severPool(database.pool, stroke);
    const dying = startFlusher({ ...common, sink: createFlushSink({ pool: severed.pool }) });
    await expect.poll(() => severed.severed, { interval: 2, timeout: 10_000 }).toBe(true);
    await dying.stop();

    const next = startFlusher(common);
    await next.recorded();
    await next.stop();
    await expectRecordOf(workload, database.pool);
  });
});

/** An entry of an account of its own that Postgres refuses: its jsonb holds no NUL. */
async function writeRefused(workload: Workload, keys: Keys): Promise<void> {
  const accountId = `refused by ${workload.name}`;
  const event = {
    type: 'session',
    sessionId: accountId,
    change: 'opened',
    requestNumber: 0,
    cause: 'a\u0000b',
    openedAt: Date.UTC(2026, 10, 21),
  } as const;
  const section = { accountId, firstSequence: 1, events: [event] };
  const entry = { at: event.openedAt, stamp: stampOf(accountId), accounts: [section] };
  await redis.client.xadd(keys.outbox(0), '1-*', 'e', encodeAsJson(entry));
  workload.entries.set(0, (workload.entries.get(0) ?? 0) + 1);
}
