/** The proof names whatever is not as the events left it: each fault is planted by hand, one an account. */
import { beforeAll, describe, expect, test } from 'vitest';
import { leaseAddress } from '../../../src/charging/address-pools.js';
import { charge } from '../../../src/charging/charge.js';
import * as layout from '../../../src/charging/generated/layout.js';
import { pack, unpackBytes, type Packable } from '../../../src/charging/packing.js';
import { creditAccount, type CreditOperation } from '../../../src/charging/provisioning.js';
import type { LedgerKind } from '../../../src/domain/events.js';
import type { AddressPool } from '../../../src/domain/access-plan.js';
import { toAmount } from '../../../src/domain/amounts.js';
import type { Finding, FindingKind } from '../../../src/recovery/finding.js';
import { verify } from '../../../src/recovery/verify.js';
import {
  chargeRequest,
  chargeService,
  chargeWindow,
  newBucket,
  rateLine,
  stamp,
  START_MS,
} from '../../support/charge-requests.js';
import { recordedEngine } from '../../support/recorded-engine.js';
import { provisionAccount } from '../../../src/charging/provisioning.js';

/** An account in a partition of its own: what is planted concerns all of it. */
const BEYOND = 'facts beyond the place of the record';
const HOMES: AddressPool = {
  ...{ code: 'homes', ranges: [{ first: '10.0.0.1', last: '10.0.1.0' }], restSeconds: 60 },
};
const DAY_MS = 86_400_000;
const PARTITIONS = 2;
const world = recordedEngine({ partitions: PARTITIONS });
const windows = [
  chargeWindow(rateLine({ counter: 'T/month', tiers: [{ from: 0, num: 3, den: 2 }] }), {
    periodStartMs: 1,
  }),
];

type Plant = (accountId: string) => Promise<unknown>;

const TOP_UP = `kind = 'top-up'`;
const redis = () => world.engine.redis;
const account = (id: string, partition = 0): string => world.engine.keys.account(partition, id);
const session = (id: string, partition = 0): string =>
  world.engine.keys.session(partition, `open ${id}`);

async function edit(id: string, change: (account: Packable[]) => void): Promise<void> {
  const packed = (await redis().getBuffer(account(id))) ?? Buffer.alloc(0);
  const fields = unpackBytes(packed) as Packable[];
  change(fields);
  await redis().set(account(id), pack(fields));
}

function editBucket(id: string, place: number, value: (before: Packable) => Packable) {
  return edit(id, (fields) => {
    const buckets = fields[layout.ACCOUNT_BUCKETS - 1] as Packable[];
    const at = buckets.findIndex((each, index) => index % 3 === 0 && String(each) === 'data');
    const bucket = unpackBytes(buckets[at + 2] as Buffer) as Packable[];
    bucket[place - 1] = value(bucket[place - 1] as Packable);
    buckets[at + 2] = pack(bucket);
  });
}

async function editField(id: string, field: string, change: (fields: Packable[]) => void) {
  const packed = (await redis().hgetBuffer(session(id), field)) ?? Buffer.alloc(0);
  const fields = unpackBytes(packed) as Packable[];
  change(fields);
  await redis().hset(session(id), field, pack(fields));
}

/** Past the rights and triggers that keep facts as they are. */
async function tamper(table: string, statement: string, id: string): Promise<void> {
  const client = await world.pool.connect();
  try {
    await client.query('BEGIN');
    await client.query(`ALTER TABLE tolld.${table} DISABLE TRIGGER USER`);
    const { rowCount } = await client.query(statement, [id]);
    if (rowCount === 0) throw new Error(`nothing was changed by ${statement}`);
    await client.query(`ALTER TABLE tolld.${table} ENABLE TRIGGER USER`);
    await client.query('COMMIT');
  } finally {
    client.release();
  }
}

const set =
  (table: string, change: string, where = 'true') =>
  (id: string) =>
    tamper(table, `UPDATE tolld.${table} SET ${change} WHERE account_id = $1 AND ${where}`, id);
const remove =
  (table: string, where = 'true') =>
  (id: string) =>
    tamper(table, `DELETE FROM tolld.${table} WHERE account_id = $1 AND ${where}`, id);
const rearm: Plant = (id) =>
  edit(id, (fields) => {
    const [low] = fields[layout.ACCOUNT_THRESHOLDS - 1] as Packable[][];
    low?.splice(layout.THRESHOLD_ARMED - 1, 1, low[layout.THRESHOLD_ARMED - 1] !== true);
  });
const header = (place: number, value: Packable) => (id: string) =>
  edit(id, (fields) => void (fields[place - 1] = value));

const neverApplied: Plant = async (id) => {
  await world.pool.query(
    `INSERT INTO tolld.intents (id, tenant, account_id, number, idempotency_key, kind, body, state)
     VALUES ($1 || '-3', 'test', $1, 3, $1 || '-3', 'top-up', '{"operations": []}', 'applied')`,
    [id],
  );
};

const timers = (): string => world.engine.keys.timers(0);
const LATE = START_MS + 99 * DAY_MS;
const inHeader = (place: number, value: Packable) => (id: string) =>
  editField(id, 'h', (fields) => void (fields[place - 1] = value));
const inService = (place: number, value: Packable) => (id: string) =>
  editField(id, 's:1', (fields) => void (fields[place - 1] = value));
const inBucket = (place: number, value: (before: Packable) => Packable) => (id: string) =>
  editBucket(id, place, value);
const oneMore = (before: Packable): Packable => (before as number) + 1;

/** As the pool keeps it: a number. */
const addressOf = async (id: string): Promise<string> =>
  (await redis().hget(world.engine.keys.holders('homes'), `s:open ${id}`)) ?? '';

/** What is planted in an account, and what the proof must say of that. */
const FAULTS: readonly (readonly [string, Plant, readonly FindingKind[]])[] = [
  ['a bucket that holds more', inBucket(layout.BUCKET_REMAINING, oneMore), ['bucket-live']],
  [
    'a bucket of which more is reserved',
    inBucket(layout.BUCKET_RESERVED, oneMore),
    ['reservation'],
  ],
  ['a bucket that ends later', inBucket(layout.BUCKET_END, oneMore), ['bucket-definition']],
  ['a bucket with a lower floor', inBucket(layout.BUCKET_FLOOR, () => -5), ['bucket-definition']],
  ['a bucket that waits', inBucket(layout.BUCKET_AFTER, () => 'x'), ['bucket-definition']],
  [
    'a bucket as if staff had taken it',
    inBucket(layout.BUCKET_SUSPENDED, () => true),
    ['bucket-definition'],
  ],
  ['an account suspended', header(layout.ACCOUNT_STANDING, layout.STANDING_SUSPENDED), ['header']],
  ['an account with a profile to come', header(layout.ACCOUNT_PROFILE, 7), ['header']],
  ['an intent that may be applied again', header(layout.ACCOUNT_INTENT, 1), ['header']],
  ['an end that nobody waits for', header(layout.ACCOUNT_NEXT_CHANGE, 0), ['timer']],
  ['an end that is waited for too long', header(layout.ACCOUNT_NEXT_CHANGE, LATE), ['timer']],
  ['an account without a timer', (id) => redis().zrem(timers(), `a:${id}`), ['timer']],
  ['an account with a late timer', (id) => redis().zadd(timers(), LATE, `a:${id}`), ['timer']],
  ['counters forgotten', header(layout.ACCOUNT_COUNTERS, []), ['counter']],
  ['thresholds forgotten', header(layout.ACCOUNT_THRESHOLDS, []), ['threshold']],
  ['a threshold that fires again', rearm, ['threshold']],
  [
    'an account in two places',
    (id) => redis().copy(account(id), account(id, 1)),
    ['account-double'],
  ],
  ['a session without a timer', (id) => redis().zrem(timers(), `s:open ${id}`), ['session-orphan']],
  ['a session with a late timer', (id) => redis().zadd(timers(), LATE, `s:open ${id}`), ['timer']],
  ['a session lost', (id) => redis().del(session(id)), ['session-missing', 'reservation']],
  ['a session ended', inHeader(layout.SESSION_STATE, layout.SESSION_CLOSED), ['session-missing']],
  [
    'a session of somebody else',
    inHeader(layout.SESSION_ACCOUNT, 'nobody'),
    ['reservation', 'session-orphan'],
  ],
  ['a session that knows no service', inHeader(layout.SESSION_SERVICES, []), ['session-services']],
  ['a session with an older number', inHeader(layout.SESSION_LAST_NUMBER, 0), ['session-carry']],
  ['a service lost', (id) => redis().hdel(session(id), 's:1'), ['session-services', 'reservation']],
  ['a service that holds nothing', inService(layout.SERVICE_LEGS, []), ['reservation']],
  ['a service that used less', inService(layout.SERVICE_USED, 1), ['session-live']],
  ['a service that cost less', inService(layout.SERVICE_COST, 1), ['session-live']],
  ['a service with another gross', inService(layout.SERVICE_GROSS, 1), ['session-carry']],
  ['a service whose fee is due again', inService(layout.SERVICE_OPENED, false), ['session-carry']],
  ['a service that is rounded anew', inService(layout.SERVICE_TOTALS, []), ['session-carry']],
  ['a service with units in hand', inService(layout.SERVICE_STEPS, ['data', 3]), ['session-carry']],
  [
    'a session in two places',
    (id) => redis().copy(session(id), session(id, 1)),
    ['session-orphan'],
  ],
  [
    'a ledger entry lost',
    remove('ledger_entries', 'sequence = 2'),
    ['run-gap', 'bucket-sum', 'intent-unmatched'],
  ],
  [
    'a ledger entry of more',
    set('ledger_entries', 'amount = amount + 1', TOP_UP),
    ['bucket-sum', 'bucket-chain', 'intent-unmatched'],
  ],
  [
    'a ledger entry that ends at more',
    set('ledger_entries', 'balance_after = balance_after + 1', TOP_UP),
    ['bucket-chain'],
  ],
  [
    'a ledger entry of another kind',
    set('ledger_entries', `kind = 'adjustment'`, TOP_UP),
    ['intent-unmatched'],
  ],
  [
    'a ledger entry of another intent',
    set('ledger_entries', `intent_id = 'x'`, TOP_UP),
    ['intent-unmatched'],
  ],
  [
    'a ledger entry of another bucket',
    set('ledger_entries', `bucket_id = 'data'`, `${TOP_UP} AND amount > 0`),
    ['bucket-sum', 'intent-unmatched'],
  ],
  ['usage lost', remove('rated_events', 'used = 300'), ['run-gap', 'bucket-sum', 'session-live']],
  [
    'usage of more',
    set('rated_events', 'used = used + 1', 'used = 300'),
    ['session-total', 'usage-units'],
  ],
  ['usage uncollected', set('rated_events', 'uncollected = 1', 'used = 300'), ['usage-units']],
  [
    'usage that cost more',
    set('rated_events', 'cost = cost + 1', 'used = 300'),
    ['session-total', 'usage-cost'],
  ],
  [
    'usage that adds up to more',
    set('rated_events', 'session_used = 301', 'used = 300'),
    ['session-live', 'session-total'],
  ],
  [
    'usage of another session',
    set('rated_events', `session_id = 'x'`, 'used = 300'),
    ['session-live'],
  ],
  [
    'usage that took nothing',
    set('rated_events', `impacts = '[]'`, 'used = 300'),
    ['bucket-sum', 'usage-cost'],
  ],
  [
    'usage without its totals',
    set('rated_events', 'carry = NULL', 'used = 300'),
    ['session-carry'],
  ],
  [
    'an end of a session lost',
    remove('account_events', `change = 'closed'`),
    ['run-gap', 'session-record'],
  ],
  [
    'an end of a session as another',
    set('account_events', `change = 'expired'`, `change = 'closed'`),
    ['session-record'],
  ],
  [
    'an end of a session nobody opened',
    set('account_events', `subject = 'x'`, `change = 'closed'`),
    ['session-record'],
  ],
  [
    'an open session unlisted',
    remove('sessions', `state = 'open'`),
    ['session-unrecorded', 'session-record'],
  ],
  [
    'an open session listed as closed',
    set('sessions', `state = 'closed', closed_at = now()`, `state = 'open'`),
    ['session-unrecorded', 'session-record'],
  ],
  ['a closed session unlisted', remove('sessions', `state = 'closed'`), ['session-record']],
  [
    'a closed session listed as open',
    set('sessions', `state = 'open', closed_at = NULL`, `state = 'closed'`),
    ['session-missing', 'session-record'],
  ],
  [
    'a run said to be shorter',
    set('account_states', 'last_sequence = last_sequence - 1'),
    ['run-length'],
  ],
  [
    'a run said to be longer',
    set('account_states', 'last_sequence = last_sequence + 1'),
    ['run-gap', 'account-behind'],
  ],
  [
    'a balance said to be another',
    set('account_states', `balances = jsonb_set(balances, '{money}', '9')`),
    ['bucket-sum'],
  ],
  ['an intent said to be to come', set('account_states', 'last_intent = 1'), ['header']],
  [
    'an account said to be elsewhere',
    set('account_states', 'partition = 1'),
    ['account-double', 'account-missing'],
  ],
  ['an account unlisted', remove('account_states'), ['account-unrecorded']],
  ['a bucket unlisted', remove('buckets', `bucket_id = 'data'`), ['bucket-definition']],
  [
    'a bucket said to end',
    set('buckets', 'ends_at = now()', `bucket_id = 'data'`),
    ['bucket-definition'],
  ],
  [
    'a bucket said to wait',
    set('buckets', `detail = '{"after": "x"}'`, `bucket_id = 'data'`),
    ['bucket-definition'],
  ],
  ['an intent lost', remove('intents', 'number = 2'), ['intent-missing']],
  [
    'an intent to be applied again',
    set('intents', `state = 'pending'`, 'number = 2'),
    ['intent-unconfirmed'],
  ],
  [
    'an intent said to be refused',
    set('intents', `state = 'refused'`, 'number = 2'),
    ['intent-unmatched'],
  ],
  [
    'an intent for more',
    set('intents', `body = jsonb_set(body, '{operations,1,amount}', '9')`, 'number = 2'),
    ['intent-unmatched'],
  ],
  [
    'an intent of another kind',
    set('intents', `kind = 'adjustment'`, 'number = 2'),
    ['intent-unmatched'],
  ],
  [
    'an account that counts fewer intents',
    (id) => world.pool.query('UPDATE tolld.accounts SET last_intent = 1 WHERE id = $1', [id]),
    ['intent-uncounted'],
  ],
  [
    'an account managed elsewhere',
    (id) => world.pool.query('UPDATE tolld.accounts SET partition = 1 WHERE id = $1', [id]),
    ['account-misplaced'],
  ],
  [
    'a ledger entry of another resource',
    set('ledger_entries', `resource = 'USD'`, `${TOP_UP} AND amount > 0`),
    ['bucket-resource'],
  ],
  [
    BEYOND,
    () => world.pool.query('UPDATE tolld.flush_offsets SET n = n - 1 WHERE partition = 1'),
    ['offset-behind'],
  ],
  [
    'an address of two sessions',
    async (id) =>
      redis().hset(
        world.engine.keys.holders('homes'),
        `a:${await addressOf(id)}`,
        'closed nothing',
      ),
    ['address-double'],
  ],
  [
    'an address that may be given again',
    async (id) => redis().zrem(world.engine.keys.leases('homes'), await addressOf(id)),
    ['address-unleased'],
  ],
  ['an intent that was never applied', neverApplied, ['intent-unmatched']],
];

const partitionOf = (id: string): number => (id === BEYOND ? 1 : 0);

async function apply(
  id: string,
  number: number,
  kind: LedgerKind,
  operations: readonly CreditOperation[],
) {
  const { engine, pool } = world;
  const partition = partitionOf(id);
  await pool.query(
    `INSERT INTO tolld.intents (id, tenant, account_id, number, idempotency_key, kind, body)
     VALUES ($1, 'test', $2, $3, $1, $4, $5)`,
    [`${id}-${number}`, id, number, kind, JSON.stringify({ operations, reason: null })],
  );
  await pool.query('UPDATE tolld.accounts SET last_intent = $2 WHERE id = $1', [id, number]);
  await creditAccount(engine, {
    ...{ partition, accountId: id, stamp, now: START_MS },
    ...{ intentNumber: number, intentId: `${id}-${number}`, kind, reason: null, operations },
  });
}

async function live(id: string): Promise<void> {
  const { engine, pool } = world;
  const partition = partitionOf(id);
  await pool.query(`INSERT INTO tolld.accounts (id, tenant, partition) VALUES ($1, 'test', $2)`, [
    id,
    partition,
  ]);
  const place = { partition, accountId: id, stamp, now: START_MS };
  await provisionAccount(engine, { ...place, standing: 'active', profileVersion: 1 });
  await apply(id, 1, 'grant', [
    {
      operation: 'grant',
      bucket: { ...newBucket('data', 'octets', 200), endsAt: START_MS + 30 * DAY_MS },
    },
    {
      operation: 'grant',
      bucket: { ...newBucket('late', 'seconds', 5_000), endsAt: START_MS + 60 * DAY_MS },
    },
    { operation: 'grant', bucket: newBucket('money', 'EUR', 10_000) },
  ]);
  await apply(id, 2, 'top-up', [
    {
      operation: 'set-thresholds',
      thresholds: [{ id: 'low', resource: 'octets', bundleId: null, level: { percent: 50 } }],
    },
    { operation: 'add', bucketId: 'money', amount: toAmount(50) },
  ]);
  const say = (
    sessionId: string,
    phase: 'initial' | 'update' | 'terminate',
    number: number,
    used: number,
  ) =>
    charge(
      engine,
      chargeRequest({
        ...{ partition, accountId: id, sessionId, phase, number, now: START_MS + number * 1_000 },
        services: [
          chargeService({
            used: toAmount(used),
            want: phase === 'terminate' ? null : toAmount(400),
            windows,
          }),
        ],
      }),
    );
  await say(`open ${id}`, 'initial', 0, 0);
  await say(`open ${id}`, 'update', 1, 300);
  await say(`closed ${id}`, 'initial', 0, 0);
  await say(`closed ${id}`, 'terminate', 1, 7);
  const lease = { pool: HOMES, sessionId: `open ${id}`, owner: id, leaseMs: DAY_MS };
  expect(await leaseAddress(engine, lease)).not.toBeNull();
}

async function findings(): Promise<readonly Finding[]> {
  const { engine, streams, pool } = world;
  return (await verify({ partitions: PARTITIONS }, { engine, streams, pool })).findings;
}

describe('a fault that was planted', () => {
  let found: readonly Finding[];
  beforeAll(async () => {
    await world.pool.query(
      `INSERT INTO tolld.tenants (id, moniker, name) VALUES ('test', 'test', 'test')`,
    );
    for (const id of ['nothing', ...FAULTS.map(([title]) => title)]) await live(id);
    await world.recorded();
    expect(await findings()).toEqual([]);
    for (const [title, plant] of FAULTS) await plant(title);
    found = await findings();
  }, 120_000);

  const namedOf = (id: string): readonly string[] =>
    found
      .filter(({ accountId, sessionId }) => accountId === id || sessionId === `open ${id}`)
      .map(({ kind }) => kind);

  test.each(FAULTS)('is named: %s', (title, _, kinds) => {
    expect(namedOf(title)).toEqual(expect.arrayContaining([...kinds]));
  });

  test('is not named where there is none', () => {
    expect(namedOf('nothing')).toEqual([]);
  });
});
