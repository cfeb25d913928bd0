import { describe, expect, test } from 'vitest';
import { createKeys } from '../../../src/charging/keys.js';
import { createFlushSink } from '../../../src/records/flush-sink.js';
import { testDatabase } from '../../support/postgres.js';
import { randomSource } from '../../support/random-source.js';
import { testRedis } from '../../support/redis.js';
import { startFlusher } from './running-flusher.js';
import { expectRecordOf } from './record-check.js';
import { severPool } from './severed-pool.js';
import { Workload } from './workload.js';

const PARTITIONS = 4;
const redis = testRedis();
const database = testDatabase();

/** The statements of a batch, in their order. */
const STATEMENTS = [
  'BEGIN',
  'lock offsets',
  'SAVEPOINT accounts',
  'move accounts',
  'make accounts',
  'account headers',
  'ended buckets',
  'RELEASE SAVEPOINT accounts',
  'SAVEPOINT attempt',
  'COPY tolld.rated_events',
  'COPY tolld.ledger_entries',
  'COPY tolld.account_events',
  'session changes',
  'notifications',
  'settled intents',
  'bucket definitions',
  'bucket states',
  'bucket grants',
  'RELEASE SAVEPOINT attempt',
  'move offsets',
  'COMMIT',
];

describe('a flusher that dies loses nothing and doubles nothing', () => {
  test.each(
    STATEMENTS.flatMap((at) => [
      { when: 'before' as const, at },
      { when: 'behind' as const, at },
    ]),
  )('$when $at', async ({ when, at }) => {
    const prefix = `${redis.prefix}:${when} ${at}`;
    const source = randomSource();
    const workload = new Workload({ accounts: 60, partitions: PARTITIONS, source, name: prefix });
    const keys = createKeys(prefix);
    const common = { redis: redis.client, prefix, partitions: PARTITIONS, pool: database.pool };
    await database.pool.query('UPDATE tolld.flush_offsets SET epoch = 0, n = -1');
    // Some accounts are known already and some are new, so that every statement occurs.
    await workload.write(150, { redis: redis.client, keys });
    const before = startFlusher(common);
    await before.recorded();
    await before.stop();
    await workload.write(450, { redis: redis.client, keys });

    const severed = severPool(database.pool, { at, when });
    const dying = startFlusher({ ...common, sink: createFlushSink({ pool: severed.pool }) });
    await expect.poll(() => severed.severed, { interval: 2, timeout: 10_000 }).toBe(true);
    await dying.stop();

    const next = startFlusher(common);
    await next.recorded();
    await next.stop();
    await expectRecordOf(workload, database.pool);
  });
});
