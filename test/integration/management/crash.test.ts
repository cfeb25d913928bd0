/**
 * A process that brings a loaded file to Redis dies at every step it takes, before the step had its
 * effect or after: whoever comes next finishes, and the end is the same as without a crash.
 */
import { expect, test } from 'vitest';
import type { EngineFace } from '../../../src/management/engine-face.js';
import type { Transact } from '../../../src/management/transaction.js';
import { testManagement } from './fixture.js';
import { Crash, mortalProcess } from './mortal-process.js';

const management = testManagement();
const { face, transact, pool } = management;
const mortal = (diesAt: number, moment: 'before' | 'after') => {
  return mortalProcess({ face, transact }, diesAt, moment);
};

/** A file of its own accounts for each run; `later` is what it becomes. */
function fileOf(run: string, later: boolean): string {
  const { number } = /^r(?<number>\d+)$/.exec(run)?.groups ?? {};
  const phone = `49170${String(number).padStart(7, '0')}`;
  const identities = later
    ? `[{ kind: e164, value: '${phone}1' }, { kind: e164, value: '${phone}2' }]`
    : `[{ kind: e164, value: '${phone}1' }, { kind: e164, value: '${phone}3' }]`;
  return `
version: 1
tenants:
  - code: crash
    resources: [{ code: EUR }]
    tariffs:
      - code: flat
        currency: EUR
        flatRates: [{ id: all, unit: octets, price: { amount: '${later ? 2 : 1}.${number}', per: 1 GB } }]
    accounts:
      - id: ${run}-one
        tariff: flat
        standing: ${later ? 'suspended' : 'active'}
        buckets:
          - { id: main, resource: EUR, amount: '10.00', creditLimit: '${later ? 5 : 0}' }
          - { id: bundle, resource: octets, amount: 1 GB }
          ${later ? "- { id: extra, resource: EUR, amount: '3.00' }" : ''}
      - id: ${run}-two
        tariff: flat
        buckets: [{ id: main, resource: EUR, amount: '1.00' }]
    subscribers:
      - { id: ${run}, account: ${later ? `${run}-two` : `${run}-one`}, identities: ${identities} }
`;
}

/** What stands in the end, told apart from what is different in every run. */
async function endState(run: string) {
  const phone = `49170${run.slice(1).padStart(7, '0')}`;
  const accounts = await Promise.all(
    [`${run}-one`, `${run}-two`].map((id) => management.account(id)),
  );
  const { rows: ledger } = await pool.query(
    `SELECT account_id, bucket_id, kind, amount::int FROM tolld.ledger_entries
     WHERE account_id LIKE $1 ORDER BY account_id, sequence, position`,
    [`${run}-%`],
  );
  const { rows: intents } = await pool.query(
    `SELECT account_id, number::int, state FROM tolld.intents WHERE account_id LIKE $1
     ORDER BY account_id, number`,
    [`${run}-%`],
  );
  const { rows: due } = await pool.query(
    `SELECT count(*)::int AS publications FROM tolld.publications
     WHERE published_at IS NULL AND subject LIKE $1`,
    [`${run}-%`],
  );
  const profiles = await Promise.all(
    [1, 2, 3].map((digit) => management.profile(`${phone}${digit}`)),
  );
  const configuration = await management.configuration();
  const text = JSON.stringify({
    accounts: accounts.map((account) => ({
      standing: account?.standing,
      profileVersion: account?.profileVersion,
      lastIntent: account?.lastIntent,
      buckets: account?.buckets.map(({ bucketId, remaining, floor }) => {
        return { bucketId, remaining, floor };
      }),
    })),
    ledger,
    intents,
    due,
    profiles: profiles.map((profile) => profile && { ...profile, partition: 0 }),
    rated: configuration?.document.includes(`.${run.slice(1)}"`),
  });
  return JSON.parse(text.replaceAll(run, 'run').replaceAll(phone, 'phone')) as unknown;
}

/** An engine that fails once, at a step, and works again. */
function flaky(failsAt: number, moment: 'before' | 'after') {
  let steps = 0;
  const engine = Object.fromEntries(
    Object.entries(face).map(([name, call]) => [
      name,
      async (...args: never[]) => {
        steps += 1;
        const fails = steps === failsAt;
        if (fails && moment === 'before') throw new Crash();
        const result = await (call as (...args: never[]) => Promise<unknown>)(...args);
        if (fails) throw new Crash();
        return result;
      },
    ]),
  ) as unknown as EngineFace;
  return { engine, steps: () => steps };
}

let runs = 100;

/** Loads, dies at a step, and lets another process finish. */
async function play(diesAt: number, moment: 'before' | 'after') {
  runs += 1;
  const run = `r${runs}`;
  let steps = 0;
  for (const later of [false, true]) {
    await management.load(fileOf(run, later));
    const dying = mortal(diesAt, moment);
    const synchroniser = management.newSynchroniser(dying);
    await synchroniser.runOnce().catch((error: unknown) => {
      if (!(error instanceof Crash)) throw error;
    });
    steps = Math.max(steps, dying.steps());
    const report = await management.newSynchroniser().runOnce();
    expect(report.failed).toBe(0);
    await management.flushed();
  }
  return { steps, state: await endState(run) };
}

test('ends the same wherever the process that brings it to Redis dies', async () => {
  const whole = await play(Infinity, 'before');
  expect(whole.state).toMatchObject({
    accounts: [
      {
        standing: 'suspended',
        lastIntent: 4,
        buckets: [
          { bucketId: 'bundle', remaining: 1_000_000_000 },
          { bucketId: 'main', remaining: 10_000_000, floor: -5_000_000 },
          { bucketId: 'extra', remaining: 3_000_000 },
        ],
      },
      { standing: 'active', buckets: [{ bucketId: 'main', remaining: 1_000_000 }] },
    ],
    due: [{ publications: 0 }],
    profiles: [{ accountId: 'run-two' }, { accountId: 'run-two' }, null],
    rated: true,
  });
  expect(whole.steps).toBeGreaterThan(10);
  for (let at = 1; at <= whole.steps; at += 1) {
    for (const moment of ['before', 'after'] as const) {
      const { state } = await play(at, moment);
      expect(state, `died ${moment} step ${at} of ${whole.steps}`).toEqual(whole.state);
    }
  }
}, 300_000);

/** Loads, has Redis fail at a step, and lets the same process go on. */
async function limp(failsAt: number, moment: 'before' | 'after') {
  runs += 1;
  const run = `r${runs}`;
  let steps = 0;
  for (const later of [false, true]) {
    await management.load(fileOf(run, later));
    const failing = flaky(failsAt, moment);
    const synchroniser = management.newSynchroniser(failing);
    await synchroniser.runOnce().catch((error: unknown) => {
      if (!(error instanceof Crash)) throw error;
    });
    steps = Math.max(steps, failing.steps());
    expect((await synchroniser.runOnce()).failed).toBe(0);
    await management.flushed();
  }
  return { steps, state: await endState(run) };
}

test('ends the same wherever Redis fails once while the process lives on', async () => {
  const whole = await limp(Infinity, 'before');
  expect(whole.steps).toBeGreaterThan(5);
  for (let at = 1; at <= whole.steps; at += 1) {
    for (const moment of ['before', 'after'] as const) {
      const { state } = await limp(at, moment);
      expect(state, `failed ${moment} step ${at} of ${whole.steps}`).toEqual(whole.state);
    }
  }
}, 300_000);

test('writes nothing at all when a load dies before its end', async () => {
  const text = fileOf('r99', false);
  const dying: Transact = (work) =>
    transact(async (client) => {
      await work(client);
      throw new Crash();
    });
  await expect(management.load(text, { transact: dying })).rejects.toThrow(Crash);
  const { rows } = await pool.query(`SELECT FROM tolld.accounts WHERE id LIKE 'r99-%'`);
  expect(rows).toEqual([]);
  await management.load(text);
  await management.newSynchroniser().runOnce();
  await management.flushed();
  expect((await management.account('r99-one'))?.buckets).toHaveLength(2);
});

test('grants once when several processes load and bring over at the same time', async () => {
  const text = fileOf('r98', false);
  await Promise.all([management.load(text), management.load(text), management.load(text)]);
  const reports = await Promise.all(
    Array.from({ length: 4 }, () => management.newSynchroniser().runOnce()),
  );
  expect(reports.every(({ failed }) => failed === 0)).toBe(true);
  await management.newSynchroniser().runOnce();
  await management.flushed();
  const { rows } = await pool.query(
    `SELECT bucket_id, count(*)::int FROM tolld.ledger_entries WHERE account_id = 'r98-one'
     GROUP BY bucket_id ORDER BY bucket_id`,
  );
  expect(rows).toEqual([
    { bucket_id: 'bundle', count: 1 },
    { bucket_id: 'main', count: 1 },
  ]);
});
