/** Balances changed by staff: adjustments, grants, reversals, transfers; once each, whoever dies. */
import { describe, expect, test } from 'vitest';
import { charge } from '../../../src/charging/charge.js';
import { createOutboxStreams } from '../../../src/charging/stream.js';
import { toAmount } from '../../../src/domain/amounts.js';
import { adjust } from '../../../src/management/balances/adjustment.js';
import { grantBucket } from '../../../src/management/balances/bucket-posting.js';
import type { PostingOutcome } from '../../../src/management/balances/posting.js';
import { reverse } from '../../../src/management/balances/reversal.js';
import { readSettlement } from '../../../src/management/balances/settlement.js';
import { topUp } from '../../../src/management/balances/top-up.js';
import { transfer } from '../../../src/management/balances/transfer.js';
import { readTimeline } from '../../../src/records/account-timeline.js';
import { verify } from '../../../src/recovery/verify.js';
import { chargeRequest, chargeService } from '../../support/charge-requests.js';
import { testManagement } from './fixture.js';
import { Crash, mortalProcess } from './mortal-process.js';

const management = testManagement();
const { engine, transact, pool, face } = management;
const CLOCK = { clock: Date.now };
const EURO = 1_000_000;

let count = 0;

/** Accounts of their own for each test: ten euros and 100 octets each. */
async function accounts(): Promise<readonly [string, string]> {
  count += 1;
  const ids = [`p${count}-one`, `p${count}-two`] as const;
  const declared = ids.map(
    (id) => `
      - id: ${id}
        buckets:
          - { id: main, resource: EUR, amount: '10.00' }
          - { id: data, resource: octets, amount: 100 B }`,
  );
  await management.load(`
version: 1
tenants:
  - code: post${count}
    resources: [{ code: EUR }]
    accounts: ${declared.join('')}
`);
  await finished(1);
  return ids;
}

/** A transfer takes, tries to give, gives back, and is over. */
const ROUNDS = 4;

async function finished(rounds = ROUNDS): Promise<void> {
  for (let round = 0; round < rounds; round += 1) {
    const { failed } = await management.newSynchroniser().runOnce();
    expect(failed).toBe(0);
    await management.flushed();
  }
}

function request(key: string) {
  return { idempotencyKey: `${key}-${count}`, actor: 'test', reason: 'because' };
}

async function left(id: string, bucket = 'main'): Promise<number | undefined> {
  const account = await management.account(id);
  return account?.buckets.find(({ bucketId }) => bucketId === bucket)?.remaining;
}

async function becameOf(outcome: { readonly kind: string }): Promise<unknown> {
  const { kind, intentId } = outcome as PostingOutcome & { intentId: string };
  expect(['accepted', 'repeated']).toContain(kind);
  await finished();
  return transact((client) => readSettlement(client, intentId));
}

async function ledgerOf(id: string) {
  const { rows } = await pool.query<{ kind: string; amount: number; sequence: number }>(
    `SELECT kind, bucket_id AS bucket, amount::float8, balance_after::float8 AS after,
       sequence::int FROM tolld.ledger_entries WHERE account_id = $1 AND amount <> 0
     ORDER BY sequence, position`,
    [id],
  );
  return rows;
}

/** Of the bucket "main", in the order of its entries: whether the ledger says it went below. */
async function belowFloorOf(id: string): Promise<readonly boolean[]> {
  const events = await readTimeline(pool, {
    tenant: `post${count}`,
    accountId: id,
    since: null,
    countMax: 100,
  });
  return events
    .filter(({ impacts }) => impacts.some(({ bucketId }) => bucketId === 'main'))
    .map(({ belowFloor }) => belowFloor);
}

async function findings() {
  const streams = createOutboxStreams(engine);
  return (await verify({ partitions: 4 }, { engine, streams, pool })).findings;
}

describe('an adjustment', () => {
  test('is made once by its key, and leads below the floor', async () => {
    const [id] = await accounts();
    const change = { accountId: id, bucketId: 'main', amount: toAmount(-12 * EURO) };
    const first = await adjust(transact, { ...change, ...request('a') }, CLOCK);
    expect(await becameOf(first)).toMatchObject({ state: 'applied' });
    expect(await left(id)).toBe(-2 * EURO);
    expect(await belowFloorOf(id)).toEqual([false, true]);
    const again = await adjust(transact, { ...change, ...request('a') }, CLOCK);
    expect(again).toEqual({ ...first, kind: 'repeated' });
    expect(await becameOf(again)).toMatchObject({ state: 'applied' });
    expect(await left(id)).toBe(-2 * EURO);
    const other = { ...change, amount: toAmount(1) };
    expect(await adjust(transact, { ...other, ...request('a') }, CLOCK)).toEqual({
      kind: 'conflict',
    });
  });

  test('of an account or a bucket that is not there changes nothing', async () => {
    const [id] = await accounts();
    const change = { bucketId: 'main', amount: toAmount(1), ...request('b') };
    expect(await adjust(transact, { ...change, accountId: 'nobody' }, CLOCK)).toEqual({
      kind: 'unknown-account',
    });
    const lost = await adjust(transact, { ...change, accountId: id, bucketId: 'none' }, CLOCK);
    expect(await becameOf(lost)).toEqual({ state: 'refused', refusal: 'unknown-bucket' });
  });
});

test('a bucket is granted once, and begins when it is there', async () => {
  const [id] = await accounts();
  const bucket = { accountId: id, bucketId: 'gift', resource: 'octets', amount: toAmount(7) };
  const more = { priority: null, endsAt: null };
  const grant = () => grantBucket(transact, { ...bucket, ...more, ...request('g') }, CLOCK);
  expect(await becameOf(await grant())).toMatchObject({ state: 'applied' });
  expect((await grant()).kind).toBe('repeated');
  const account = await management.account(id);
  const found = account?.buckets.find(({ bucketId }) => bucketId === 'gift');
  expect(found).toMatchObject({ remaining: 7, priority: 100, state: 'active', kind: 'units' });
  expect(found?.startsAt).toBeGreaterThan(0);
  expect(found?.createdAt).toBe(found?.startsAt);
  const unknown = { ...bucket, ...more, resource: 'POINTS', ...request('g2') };
  expect(await grantBucket(transact, unknown, CLOCK)).toEqual({ kind: 'unknown-resource' });
});

describe('a reversal', () => {
  test('takes a top-up back whole though it is spent, and only once', async () => {
    const [id] = await accounts();
    const paid = { accountId: id, bucketId: 'main', amount: toAmount(5 * EURO) };
    await becameOf(await topUp(transact, { ...paid, ...request('t') }, CLOCK));
    const spent = { ...paid, amount: toAmount(-14 * EURO) };
    await becameOf(await adjust(transact, { ...spent, ...request('s') }, CLOCK));
    const entry = (await ledgerOf(id)).find(({ kind }) => kind === 'top-up');
    const sequence = entry?.sequence ?? 0;
    const undo = (key: string) =>
      reverse(transact, { accountId: id, sequence, ...request(key) }, CLOCK);
    const first = await undo('r');
    expect(await becameOf(first)).toMatchObject({ state: 'applied' });
    expect(await left(id)).toBe(-4 * EURO);
    const account = await management.account(id);
    expect(account?.buckets.find(({ bucketId }) => bucketId === 'main')?.granted).toBe(10 * EURO);
    const { rows } = await pool.query(
      `SELECT granted::int FROM tolld.buckets WHERE account_id = $1 AND bucket_id = 'main'`,
      [id],
    );
    expect(rows).toEqual([{ granted: 10 * EURO }]);
    expect((await undo('r')).kind).toBe('repeated');
    expect(await undo('other')).toMatchObject({ kind: 'reversed-before' });
    const reversal = (await ledgerOf(id)).find(({ kind }) => kind === 'reversal');
    expect(reversal?.amount).toBe(-5 * EURO);
    const again = { accountId: id, sequence: reversal?.sequence ?? 0, ...request('rr') };
    expect(await reverse(transact, again, CLOCK)).toEqual({ kind: 'irreversible', of: 'reversal' });
    expect(await findings()).toEqual([]);
  });

  test('of a use gives back just what that took from each bucket', async () => {
    const [id] = await accounts();
    const account = await management.account(id);
    const rows = await pool.query<{ partition: number }>(
      'SELECT partition FROM tolld.accounts WHERE id = $1',
      [id],
    );
    const event = chargeRequest({
      phase: 'event',
      number: 0,
      accountId: id,
      partition: rows.rows[0]?.partition ?? 0,
      profileVersion: account?.profileVersion ?? 0,
      sessionId: `use-${id}`,
      services: [chargeService({ unit: 'octets', used: toAmount(130), want: null })],
      now: 0,
    });
    expect(await charge(engine, event)).toMatchObject({ services: [{ result: 'settled' }] });
    await management.flushed();
    expect([await left(id, 'data'), await left(id)]).toEqual([0, 10 * EURO - 30]);
    const used = await pool.query<{ sequence: number }>(
      'SELECT sequence::int FROM tolld.rated_events WHERE account_id = $1',
      [id],
    );
    const sequence = used.rows[0]?.sequence ?? 0;
    const undone = await reverse(transact, { accountId: id, sequence, ...request('u') }, CLOCK);
    expect(await becameOf(undone)).toMatchObject({ state: 'applied' });
    expect([await left(id, 'data'), await left(id)]).toEqual([100, 10 * EURO]);
    expect(await findings()).toEqual([]);
  });

  test('of what is no change of a balance is refused', async () => {
    const [id] = await accounts();
    const none = { accountId: id, sequence: 999, ...request('n') };
    expect(await reverse(transact, none, CLOCK)).toEqual({ kind: 'unknown-event' });
  });
});

describe('a transfer', () => {
  test('takes from one and gives to the other, once', async () => {
    const [one, two] = await accounts();
    const ends = {
      from: { accountId: one, bucketId: 'main' },
      to: { accountId: two, bucketId: 'main' },
    };
    const move = () =>
      transfer(transact, { ...ends, amount: toAmount(3 * EURO), ...request('m') }, CLOCK);
    expect(await becameOf(await move())).toMatchObject({ state: 'applied' });
    expect((await move()).kind).toBe('repeated');
    await finished();
    expect([await left(one), await left(two)]).toEqual([7 * EURO, 13 * EURO]);
    expect((await ledgerOf(one)).at(-1)).toMatchObject({ kind: 'transfer', amount: -3 * EURO });
    expect((await ledgerOf(two)).at(-1)).toMatchObject({ kind: 'transfer', amount: 3 * EURO });
  });

  test('of more than is above the floor is refused whole', async () => {
    const [one, two] = await accounts();
    const ends = {
      from: { accountId: one, bucketId: 'main' },
      to: { accountId: two, bucketId: 'main' },
    };
    const amount = toAmount(10 * EURO + 1);
    const outcome = await transfer(transact, { ...ends, amount, ...request('f') }, CLOCK);
    expect(await becameOf(outcome)).toEqual({ state: 'refused', refusal: 'below-floor' });
    expect([await left(one), await left(two)]).toEqual([10 * EURO, 10 * EURO]);
  });

  test('that the other account cannot take comes back', async () => {
    const [one, two] = await accounts();
    const most = {
      accountId: two,
      bucketId: 'data',
      amount: toAmount(Number.MAX_SAFE_INTEGER - 100),
    };
    await becameOf(await adjust(transact, { ...most, ...request('full') }, CLOCK));
    const ends = {
      from: { accountId: one, bucketId: 'data' },
      to: { accountId: two, bucketId: 'data' },
    };
    const outcome = await transfer(
      transact,
      { ...ends, amount: toAmount(100), ...request('x') },
      CLOCK,
    );
    expect(await becameOf(outcome)).toEqual({ state: 'returned', refusal: 'amount-out-of-range' });
    const account = await management.account(one);
    expect(account?.buckets.find(({ bucketId }) => bucketId === 'data')).toMatchObject({
      remaining: 100,
      granted: 100,
    });
    expect(await findings()).toEqual([]);
  });

  test('between what cannot be exchanged is not even written down', async () => {
    const [one, two] = await accounts();
    const more = { amount: toAmount(1), ...request('y') };
    const main = { accountId: one, bucketId: 'main' };
    const tries = [
      { accountId: two, bucketId: 'data' },
      { accountId: two, bucketId: 'none' },
      { accountId: one, bucketId: 'data' },
      { accountId: 'nobody', bucketId: 'main' },
    ].map((to) => transfer(transact, { from: main, to, ...more }, CLOCK));
    expect((await Promise.all(tries)).map(({ kind }) => kind)).toEqual([
      'other-resource',
      'unknown-bucket',
      'same-account',
      'unknown-account',
    ]);
  });

  test('of which nobody got what was taken is found by the proof', async () => {
    const [one, two] = await accounts();
    const ends = {
      from: { accountId: one, bucketId: 'main' },
      to: { accountId: two, bucketId: 'main' },
    };
    const { kind } = await transfer(
      transact,
      { ...ends, amount: toAmount(5), ...request('z') },
      CLOCK,
    );
    expect(kind).toBe('accepted');
    await management.newSynchroniser().runOnce();
    await management.flushed();
    expect(await findings()).toEqual([]);
    const over = `UPDATE tolld.publications SET published_at = $1 WHERE topic = 'transfer'
      AND subject = (SELECT transfer_id FROM tolld.intents WHERE account_id = $2 AND kind = 'transfer')`;
    await pool.query(over, [new Date(), one]);
    expect((await findings()).map((found) => found.kind)).toEqual(['transfer-lost']);
    await pool.query(over, [null, one]);
    await finished();
    expect(await findings()).toEqual([]);
  });
});

/** Transfers, reverses and adjusts, dies at a step, and lets another process finish. */
async function play(diesAt: number, moment: 'before' | 'after') {
  const [one, two] = await accounts();
  const from = { accountId: one, bucketId: 'main' };
  const to = { accountId: two, bucketId: 'main' };
  const { sequence = 0 } = (await ledgerOf(two)).find(({ amount }) => amount === 100) ?? {};
  await transfer(transact, { from, to, amount: toAmount(4), ...request('m') }, CLOCK);
  await transfer(transact, { from: to, to: from, amount: toAmount(1), ...request('b') }, CLOCK);
  await reverse(transact, { accountId: two, sequence, ...request('r') }, CLOCK);
  await adjust(transact, { ...from, amount: toAmount(-2), ...request('a') }, CLOCK);
  const dying = mortalProcess({ face, transact }, diesAt, moment);
  for (let round = 1; round < ROUNDS; round += 1) {
    await management
      .newSynchroniser(dying)
      .runOnce()
      .catch((error: unknown) => {
        if (!(error instanceof Crash)) throw error;
      });
    await management.flushed();
  }
  // All of it once more, as whoever has heard no answer asks.
  await transfer(transact, { from, to, amount: toAmount(4), ...request('m') }, CLOCK);
  await reverse(transact, { accountId: two, sequence, ...request('r') }, CLOCK);
  await finished();
  const { rows } = await pool.query<{ count: number }>(
    `SELECT count(*)::int FROM tolld.publications WHERE published_at IS NULL`,
  );
  const state = {
    held: [await left(one), await left(two), await left(two, 'data')],
    ledger: [await ledgerOf(one), await ledgerOf(two)].map((entries) =>
      entries.map(({ kind, amount }) => `${kind} ${amount}`).toSorted(),
    ),
    due: rows[0]?.count,
  };
  return { steps: dying.steps(), state };
}

test('nothing is lost or doubled wherever the process that carries it out dies', async () => {
  const whole = await play(Infinity, 'before');
  expect(whole.state).toMatchObject({
    held: [10 * EURO - 5, 10 * EURO + 3, 0],
    due: 0,
  });
  expect(whole.steps).toBeGreaterThan(10);
  for (let at = 1; at <= whole.steps; at += 1) {
    for (const moment of ['before', 'after'] as const) {
      const { state } = await play(at, moment);
      expect(state, `died ${moment} step ${at} of ${whole.steps}`).toEqual(whole.state);
    }
  }
  expect(await findings()).toEqual([]);
}, 240_000);
