import { beforeEach, describe, expect, it } from 'vitest';
import type { Engine } from '../../../src/charging/engine.js';
import { readTrackedSession } from '../../../src/charging/network-sessions.js';
import { creditAccount, provisionAccount } from '../../../src/charging/provisioning.js';
import { raiseSteering } from '../../../src/charging/steering.js';
import { sweepTimer } from '../../../src/charging/sweeping.js';
import { readAccount } from '../../../src/charging/snapshot.js';
import type { AccessControl } from '../../../src/credit-control/access/access-control.js';
import { createAccessSteering } from '../../../src/credit-control/access/steering-sender.js';
import { createCatalogHolder } from '../../../src/credit-control/catalog-holder.js';
import type { AccessPlan } from '../../../src/domain/access-plan.js';
import type {
  AccessTerms,
  SessionReport,
  SteeringOrder,
  SteeringOutcome,
} from '../../../src/domain/access.js';
import { toAmount } from '../../../src/domain/amounts.js';
import { createMetrics } from '../../../src/observability/metrics.js';
import { createSteeringDispatcher } from '../../../src/steering/dispatcher.js';
import { stamp } from '../../support/charge-requests.js';
import { silentLogger, testEngines } from '../../support/charging-engine.js';
import {
  HOME,
  ispProcess,
  login,
  openIsp,
  openSubscriber,
  report,
  type IspSubscriber,
} from '../../support/isp.js';

const engines = testEngines();
const SLOW = { uploadBitsPerSecond: 64_000, downloadBitsPerSecond: 64_000 };
const WORN = { uploadBitsPerSecond: 1_000_000, downloadBitsPerSecond: 1_000_000 };
const ACK: SteeringOutcome = { kind: 'acknowledged', unchanged: [] };

let engine: Engine;
let isp: AccessControl;
let orders: SteeringOrder[];
let answers: SteeringOutcome[];
let dispatch: () => Promise<void>;
let accepted: AccessTerms;
let session: { handle: SessionReport['handle']; at: number };

async function open(
  plan: Partial<AccessPlan>,
  octets = 1_000,
  subscriber: IspSubscriber = {},
): Promise<void> {
  engine = await engines.fresh();
  const nas = [
    {
      name: 'bng',
      networkScope: 'isp',
      addresses: [],
      secrets: [],
      vendor: 'mikrotik',
      dynamicAuthorization: { address: '127.0.0.1', port: 3799 },
    } as const,
  ];
  await openIsp(engine, { plans: [{ ...HOME, ...plan }], nas });
  await openSubscriber(engine, { octets, ...subscriber });
  isp = await ispProcess(engine);
  const catalog = createCatalogHolder({ engine, logger: silentLogger });
  await catalog.refresh();
  orders = [];
  answers = [];
  const sender = createAccessSteering({
    engine,
    catalog,
    clock: Date.now,
    steer: async (_session, order) => {
      orders.push(order);
      return answers.shift() ?? ACK;
    },
    reaches: () => true,
    end: (partition, sessionId) => isp.end(partition, sessionId, 'unknown-to-nas'),
  });
  const dispatcher = createSteeringDispatcher(
    {
      node: 'test',
      partitions: 1,
      intervalMs: 1_000,
      leaseMs: 10_000,
      retryMs: 1_000,
      retryMaxMs: 1_000,
      attemptsMax: 3,
      inFlightMax: 10,
    },
    {
      engine,
      senders: { radius: sender },
      liveSessions: async () => ({ sequence: 1_000, sessionIds: [] }),
      logger: silentLogger,
      metrics: createMetrics({ processMetrics: false }),
      clock: Date.now,
    },
  );
  dispatch = () => dispatcher.runOnce();
  const decision = await isp.access(login());
  if (decision.kind !== 'accepted') throw new Error(JSON.stringify(decision));
  accepted = decision.terms;
  session = { handle: decision.session, at: Date.now() };
  await say({ status: 'start' });
}

/** A report `seconds` into the session with so many octets in all. */
async function say(
  more: Partial<SessionReport> & { readonly octets?: number; readonly seconds?: number },
): Promise<void> {
  const { octets, seconds, ...rest } = more;
  const outcome = await isp.accounting(
    report({
      handle: session.handle,
      eventAt: session.at + (seconds ?? 0) * 1000,
      ...(octets !== undefined && {
        counters: { uploadOctets: toAmount(0), downloadOctets: toAmount(octets), width: 64 },
      }),
      ...(seconds !== undefined && { sessionSeconds: seconds }),
      ...rest,
    }),
  );
  expect(outcome).toEqual({ kind: 'recorded' });
}

async function level(): Promise<unknown> {
  const id = `radius:${session.handle?.nonce ?? ''}`;
  return (await readTrackedSession(engine, 0, id))?.level;
}

async function told(): Promise<unknown> {
  const id = `radius:${session.handle?.nonce ?? ''}`;
  return (await readTrackedSession(engine, 0, id))?.limits;
}

async function topUp(amount: number, intentNumber = 2, bucketId = 'anna-octets'): Promise<void> {
  await creditAccount(engine, {
    ...{ partition: 0, accountId: 'anna', stamp },
    intentNumber,
    intentId: `top-up-${intentNumber}`,
    kind: 'top-up',
    reason: null,
    operations: [{ operation: 'add', bucketId, amount: toAmount(amount) }],
  });
}

const LADDER: Partial<AccessPlan> = {
  ladder: [{ kind: 'speed', speed: SLOW }, { kind: 'garden' }, { kind: 'disconnect' }],
  garden: { addressList: 'pay' },
};
const TO_SLOW = { kind: 'change', terms: { speed: SLOW } };
const TO_GARDEN = { kind: 'change', terms: { addressList: 'pay' } };

describe('a session whose credit is spent', () => {
  beforeEach(() => open(LADDER));

  it('is made slower, is charged nothing there, and is as before after a top-up', async () => {
    await say({ octets: 1_500, seconds: 60 });
    await dispatch();
    expect(orders).toEqual([TO_SLOW]);
    expect(await level()).toEqual({ kind: 'ladder', rung: 1 });
    await say({ octets: 9_000, seconds: 120 });
    await dispatch();
    expect(orders).toHaveLength(1);
    await topUp(5_000_000);
    await dispatch();
    // Half of what is there, as another session may come in.
    const totalOctetsMax = 9_000 + 2_500_000;
    expect(orders.at(-1)).toEqual({ kind: 'change', terms: { speed: HOME.speed, totalOctetsMax } });
    expect(await level()).toEqual({ kind: 'full' });
    await say({ octets: 10_000, seconds: 180 });
    const [bucket] = (await readAccount(engine, 0, 'anna'))?.buckets ?? [];
    // 1,500 of the first report, of which 1,000 were there, and 1,000 of the last.
    expect(bucket?.remaining).toBe(5_000_000 - 1_000);
  });

  it('takes the next step where its NAS refuses one, and where it cannot change a speed', async () => {
    answers.push({ kind: 'refused', cause: 'Unsupported-Attribute', sessionGone: false });
    await say({ octets: 1_500, seconds: 60 });
    await dispatch();
    expect(orders).toEqual([TO_SLOW, TO_GARDEN]);
    expect(await level()).toEqual({ kind: 'ladder', rung: 2 });
  });

  it('takes the next step where a NAS says it is slower and its totals say it is not', async () => {
    await say({ octets: 1_500, seconds: 60 });
    await dispatch();
    session.at = Date.now() + 1_000;
    await say({ octets: 2_000, seconds: 120 });
    await say({ octets: 60_000_000, seconds: 180 });
    await dispatch();
    expect(orders).toEqual([TO_SLOW, TO_GARDEN]);
  });

  it('is told to end again where its NAS goes on with it', async () => {
    answers.push(
      { kind: 'impossible', why: 'nothing-changeable' },
      { kind: 'impossible', why: 'nothing-changeable' },
    );
    await say({ octets: 1_500, seconds: 60 });
    await dispatch();
    expect(orders.at(-1)).toEqual({ kind: 'disconnect' });
    session.at = Date.now();
    await say({ octets: 1_600, seconds: 120 });
    await dispatch();
    expect(orders.filter(({ kind }) => kind === 'disconnect')).toHaveLength(2);
  });
});

const REFUSAL: SteeringOutcome = { kind: 'refused', cause: 'Invalid-Request', sessionGone: false };

describe('a top-up of a session that has credit', () => {
  it('widens what its NAS was told to end it at, and is not told twice', async () => {
    await open({ sessionsMax: 1 }, 1_000_000);
    await say({ octets: 400_000, seconds: 60 });
    await topUp(5_000_000);
    await dispatch();
    expect(orders).toEqual([{ kind: 'change', terms: { totalOctetsMax: 6_000_000 } }]);
    await topUp(0, 3);
    await dispatch();
    expect(orders).toHaveLength(1);
    expect(await told()).toEqual([6_000_000]);
  });

  it('leaves the session be where its NAS refuses, and the limits as the NAS knows them', async () => {
    await open({ sessionsMax: 1 }, 1_000_000);
    await say({ octets: 400_000, seconds: 60 });
    await topUp(5_000_000);
    answers.push(REFUSAL);
    await dispatch();
    expect(orders).toHaveLength(1);
    expect(await told()).toEqual([1_000_000]);
    expect(await level()).toEqual({ kind: 'full' });
  });

  it('widens the time that a voucher has', async () => {
    const charges = { volume: null, time: true } as const;
    await open({ sessionsMax: 1, charges }, 0, { seconds: 600 });
    await say({ seconds: 60 });
    await topUp(1_000, 2, 'anna-seconds');
    await dispatch();
    expect(orders).toEqual([{ kind: 'change', terms: { sessionSecondsMax: 1_600 } }]);
  });

  it('tells a session among others its new share as it comes near the old one', async () => {
    await open({}, 4_000_000_000);
    await say({ octets: 1_000_000, seconds: 60 });
    await dispatch();
    expect(orders).toEqual([]);
    await say({ octets: 1_900_000_000, seconds: 900 });
    await dispatch();
    expect(orders).toEqual([
      { kind: 'change', terms: { totalOctetsMax: 1_900_000_000 + 1_050_000_000 } },
    ]);
  });

  it('lets who was in the garden out of it, in place where the plan has a list of its own', async () => {
    const service = { addressList: 'paid' };
    await open({ ...LADDER, sessionsMax: 1, services: { pppoe: service } });
    answers.push(REFUSAL);
    await say({ octets: 1_500, seconds: 60 });
    await dispatch();
    expect(await level()).toEqual({ kind: 'ladder', rung: 2 });
    await topUp(5_000_000);
    await dispatch();
    expect(orders.at(-1)).toEqual({
      kind: 'change',
      terms: { addressList: 'paid', speed: HOME.speed, totalOctetsMax: 5_001_500 },
    });
    expect(await level()).toEqual({ kind: 'full' });
  });

  it('has who was in the garden log in again where nothing else leads out, until it is gone', async () => {
    await open(LADDER);
    answers.push(REFUSAL);
    await say({ octets: 1_500, seconds: 60 });
    await dispatch();
    await topUp(5_000_000);
    await dispatch();
    expect(orders.at(-1)).toEqual({ kind: 'disconnect' });
    await say({ octets: 1_600, seconds: 120 });
    await dispatch();
    expect(orders.slice(-2)).toEqual([{ kind: 'disconnect' }, { kind: 'disconnect' }]);
  });
});

describe('a session whose time ends', () => {
  async function sweepAt(now: number): Promise<void> {
    const timer = { partition: 0, member: `s:radius:${session.handle?.nonce ?? ''}` };
    await sweepTimer(engine, timer, now);
  }

  it('is cut at the second that its access ends, by its NAS and by a disconnect', async () => {
    const expiresAt = Date.now() + 1_500;
    await open({}, 1_000_000, { access: { expiresAt } });
    expect(accepted.sessionSecondsMax).toBe(1);
    const timers = engine.keys.timers(0);
    const due = await engine.redis.zscore(timers, `s:radius:${session.handle?.nonce ?? ''}`);
    expect(Number(due)).toBe(expiresAt);
    await expect
      .poll(async () => Number((await engine.redis.time())[0]) * 1000, { timeout: 10_000 })
      .toBeGreaterThan(expiresAt);
    await sweepAt(0);
    await dispatch();
    expect(orders).toEqual([{ kind: 'disconnect' }]);
    // A NAS that goes on with it is told again with each report, and not between them.
    await sweepAt(0);
    await dispatch();
    expect(orders).toHaveLength(1);
    await say({ octets: 10, seconds: 60 });
    await dispatch();
    expect(orders).toHaveLength(2);
  });

  it('goes on where more was bought, and its NAS knows', async () => {
    await open({}, 1_000_000, { access: { expiresAt: Date.now() + 100_500 } });
    expect(accepted.sessionSecondsMax).toBe(100);
    await openSubscriber(engine, { version: 2, access: { expiresAt: Date.now() + 200_500 } });
    const subject = {
      partition: 0,
      accountId: 'anna',
      sessionId: `radius:${session.handle?.nonce ?? ''}`,
    };
    await raiseSteering(engine, subject, { kind: 're-authorise', reason: 'profile' });
    await dispatch();
    expect(orders).toMatchObject([{ terms: { sessionSecondsMax: 200 } }]);
  });
});

it('a session that stays fast after its NAS said that it is slower has to log in again', async () => {
  const fairUse = [
    { id: 'day', period: 'day', counts: 'total', octets: toAmount(1_000), speed: WORN },
  ] as const;
  await open({ fairUse }, 1_000_000_000);
  await say({ octets: 1_000, seconds: 60 });
  await dispatch();
  session.at = Date.now() + 1_000;
  await say({ octets: 2_000, seconds: 120 });
  await say({ octets: 2_000_000, seconds: 180 });
  await dispatch();
  expect(orders).toHaveLength(1);
  await say({ octets: 90_000_000, seconds: 240 });
  await dispatch();
  expect(orders.slice(1)).toEqual([{ kind: 'disconnect' }]);
});

it('a session whose NAS cannot be slowed down logs in again, slower', async () => {
  const fairUse = [
    { id: 'day', period: 'day', counts: 'total', octets: toAmount(1_000), speed: WORN },
  ] as const;
  await open({ fairUse }, 1_000_000_000);
  answers.push({ kind: 'impossible', why: 'nothing-changeable' });
  await say({ octets: 1_000, seconds: 60 });
  await dispatch();
  expect(orders.at(-1)).toEqual({ kind: 'disconnect' });
});

it('a session past its fair use is slower until the period ends, and is charged on', async () => {
  const fairUse = [
    { id: 'day', period: 'day', counts: 'total', octets: toAmount(1_000), speed: WORN },
  ] as const;
  await open({ fairUse }, 1_000_000_000);
  await say({ octets: 999, seconds: 60 });
  await dispatch();
  expect(orders).toEqual([]);
  await say({ octets: 1_000, seconds: 120 });
  await dispatch();
  expect(orders).toMatchObject([{ kind: 'change', terms: { speed: WORN } }]);
  await say({ octets: 2_000, seconds: 180 });
  await dispatch();
  expect(orders).toHaveLength(1);
  const [bucket] = (await readAccount(engine, 0, 'anna'))?.buckets ?? [];
  expect(bucket?.remaining).toBe(1_000_000_000 - 2_000);
  // A new login is at that speed from its beginning.
  const again = await isp.access(login({ station: '02:00:00:00:00:07' }));
  expect(again).toMatchObject({ terms: { speed: WORN } });
});

it('a session that its NAS knows no more is ended, gives back what it held, and may be told late', async () => {
  await open({ sessionsMax: 1 }, 1_000_000_000);
  await say({ octets: 1_000, seconds: 60 });
  const left = async () => (await readAccount(engine, 0, 'anna'))?.buckets[0];
  expect((await left())?.reserved).toBeGreaterThan(0);
  const id = `radius:${session.handle?.nonce ?? ''}`;
  const subject = { partition: 0, accountId: 'anna', sessionId: id };
  await raiseSteering(engine, subject, { kind: 'abort', reason: 'demand' });
  answers.push({ kind: 'refused', cause: 'Session-Context-Not-Found', sessionGone: true });
  await dispatch();
  expect(orders).toEqual([{ kind: 'disconnect' }]);
  expect(await left()).toMatchObject({ reserved: 0, remaining: 999_999_000 });
  // The subscriber may log in from elsewhere at once.
  const elsewhere = await isp.access(login({ station: '02:00:00:00:00:07' }));
  if (elsewhere.kind !== 'accepted') throw new Error(JSON.stringify(elsewhere));
  await isp.accounting(report({ handle: elsewhere.session, status: 'stop', sessionSeconds: 1 }));
  const stop = { status: 'stop', octets: 1_500, seconds: 70 } as const;
  await say(stop);
  await say(stop);
  expect(await left()).toMatchObject({ reserved: 0, remaining: 999_998_500 });
  expect((await readTrackedSession(engine, 0, id))?.state).toBe('ended');
});

it('a session of a suspended account is ended', async () => {
  await open({}, 1_000_000);
  await provisionAccount(engine, {
    ...{ partition: 0, accountId: 'anna', stamp },
    standing: 'suspended',
    profileVersion: 1,
  });
  await say({ octets: 10, seconds: 60 });
  await dispatch();
  expect(orders).toEqual([{ kind: 'disconnect' }]);
});
