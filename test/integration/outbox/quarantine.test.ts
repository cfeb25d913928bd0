import { describe, expect, test } from 'vitest';
import { createKeys } from '../../../src/charging/keys.js';
import type { Amount } from '../../../src/domain/amounts.js';
import type { ChargingEvent, EventStamp, OutboxEntry } from '../../../src/domain/events.js';
import { newBucket } from '../../support/charge-requests.js';
import { testDatabase } from '../../support/postgres.js';
import { testRedis } from '../../support/redis.js';
import { metricOf } from './flusher-fixture.js';
import { startFlusher } from './running-flusher.js';
import { decodeFromJson, encodeAsJson, stampOf } from './workload.js';

const redis = testRedis();
const database = testDatabase();
const keys = createKeys(redis.prefix);
const AT = Date.UTC(2026, 10, 21);
const GRANTED = 1_000_000;
const amount = (value: number): Amount => value as Amount;

/** Usage of 10 of the account's bucket; the first event of an account grants it. */
class Account {
  readonly accountId: string;
  #sequence = 0;
  #remaining = 0;

  constructor(accountId: string) {
    this.accountId = accountId;
  }

  get sequence(): number {
    return this.#sequence;
  }

  get remaining(): number {
    return this.#remaining;
  }

  grant(): Promise<string | null> {
    this.#remaining = GRANTED;
    return this.write([
      {
        type: 'ledger',
        kind: 'grant',
        intentNumber: 1,
        intentId: `${this.accountId}-1`,
        reason: null,
        impacts: [this.#impact(GRANTED)],
        grant: newBucket('b', 'octets', GRANTED, { priority: 1, createdAt: AT }),
      },
    ]);
  }

  use(stamp: Partial<EventStamp> = {}, change: Partial<OutboxEntry> = {}): Promise<string | null> {
    this.#remaining -= 10;
    const usage: ChargingEvent = {
      type: 'usage',
      sessionId: `s-${this.accountId}`,
      requestNumber: this.#sequence,
      service: '-',
      ratingGroup: null,
      unit: 'octets',
      used: amount(10),
      uncollected: amount(0),
      cost: amount(0),
      currency: null,
      tariffVersion: null,
      zone: null,
      reason: null,
      impacts: [this.#impact(-10)],
      serviceAfter: { used: amount(10), cost: amount(0), carry: null },
    };
    return this.write([usage], stamp, change);
  }

  write(
    events: readonly ChargingEvent[],
    stamp: Partial<EventStamp> = {},
    change: Partial<OutboxEntry> = {},
  ): Promise<string | null> {
    const section = { accountId: this.accountId, firstSequence: this.#sequence + 1, events };
    this.#sequence += events.length;
    const entry = { at: AT, stamp: stampOf(this.accountId, stamp), accounts: [section], ...change };
    return redis.client.xadd(keys.outbox(0), '1-*', 'e', encodeAsJson(entry));
  }

  #impact(delta: number) {
    const after = amount(this.#remaining);
    return { bucketId: 'b', resource: 'octets', delta: amount(delta), after, units: amount(10) };
  }
}

describe('an entry that Postgres refuses', () => {
  test('goes whole to quarantine, and everything else is recorded', async () => {
    const accounts = Array.from({ length: 20 }, (_, index) => new Account(`q${index}`));
    for (const account of accounts) await account.grant();
    const refused = new Map<string, string | null>();
    for (let round = 0; round < 10; round += 1) {
      for (const account of accounts) await account.use();
      const [victim] = accounts.slice(round);
      if (victim === undefined) continue;
      // Text of Postgres holds no NUL, jsonb no half of a pair, its times no year 275,000.
      const id =
        round % 3 === 0
          ? await victim.use({ peer: 'a\u0000b' })
          : round % 3 === 1
            ? await victim.use({ network: { apn: '\ud800' } })
            : await victim.use({}, { at: 8.6e15 });
      refused.set(victim.accountId, id);
    }
    const flusher = startFlusher({
      redis: redis.client,
      prefix: redis.prefix,
      pool: database.pool,
      partitions: 1,
      batchEntriesMax: 64,
    });
    await flusher.recorded();
    expect(flusher.status().faults).toEqual([]);
    expect(await metricOf(flusher, 'tolld_outbox_quarantined_entries_total')).toBe(refused.size);

    const { rows } = await database.pool.query<{
      n: string;
      code: string;
      accounts: readonly (readonly [string, number, number])[];
      packed: Buffer;
    }>('SELECT n, code, accounts, packed FROM tolld.quarantined_events ORDER BY n');
    expect(rows.map(({ accounts: [first], n }) => [first?.[0], `1-${n}`])).toEqual([...refused]);
    const codes = new Set(rows.map(({ code }) => code));
    expect([...codes].sort()).toEqual(['22021', '22P02', 'TOLLD_UNSTORABLE']);
    expect(
      rows.every(({ packed, n }) => decodeFromJson(0, `1-${n}`, packed).accounts.length === 1),
    ).toBe(true);
  });

  test('leaves the buckets and the runs behind it exact', async () => {
    const account = new Account('exact');
    await account.grant();
    await account.use();
    await account.use({ peer: 'a\u0000b' });
    await account.use();
    const flusher = startFlusher({
      redis: redis.client,
      prefix: redis.prefix,
      pool: database.pool,
      partitions: 1,
    });
    await flusher.recorded();
    const bucket = await database.pool.query(
      `SELECT remaining, granted FROM tolld.bucket_balances WHERE account_id = 'exact'`,
    );
    expect(bucket.rows).toEqual([
      { remaining: String(account.remaining), granted: String(GRANTED) },
    ]);
    const state = await database.pool.query(
      `SELECT last_sequence FROM tolld.account_states WHERE account_id = 'exact'`,
    );
    expect(state.rows).toEqual([{ last_sequence: String(account.sequence) }]);
    expect(await metricOf(flusher, 'tolld_outbox_unbalanced_buckets_total')).toBe(0);
  });

  test('for want of a tenant is told apart from what Postgres refuses', async () => {
    const account = new Account('nobody');
    await account.write(
      [{ type: 'account', change: 'changed', standing: 'active', profileVersion: 2 }],
      {},
      { stamp: null },
    );
    await account.grant();
    await startFlusher({
      redis: redis.client,
      prefix: redis.prefix,
      pool: database.pool,
      partitions: 1,
    }).recorded();
    const { rows } = await database.pool.query(
      `SELECT code, message FROM tolld.quarantined_events WHERE accounts @> '[["nobody"]]'`,
    );
    expect(rows).toEqual([
      {
        code: 'TOLLD_UNSTORABLE',
        message: 'account nobody is not in the record, and its event carries no tenant',
      },
    ]);
    const states = await database.pool.query(
      `SELECT tenant, last_sequence FROM tolld.account_states WHERE account_id = 'nobody'`,
    );
    expect(states.rows).toEqual([{ tenant: 'acme', last_sequence: '2' }]);
  });
});

describe('a bucket that does not add up', () => {
  test('is counted, and stops nothing', async () => {
    const account = new Account('crooked');
    await account.grant();
    await account.write([
      {
        type: 'ledger',
        kind: 'top-up',
        intentNumber: 2,
        intentId: 'crooked-2',
        reason: null,
        impacts: [
          {
            bucketId: 'b',
            resource: 'octets',
            delta: amount(5),
            after: amount(7),
            units: amount(0),
          },
        ],
        grant: null,
      },
    ]);
    const flusher = startFlusher({
      redis: redis.client,
      prefix: redis.prefix,
      pool: database.pool,
      partitions: 1,
    });
    await flusher.recorded();
    expect(await metricOf(flusher, 'tolld_outbox_unbalanced_buckets_total')).toBe(1);
    expect(flusher.status().faults).toEqual([]);
  });
});
