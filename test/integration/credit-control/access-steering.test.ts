import { beforeEach, describe, expect, it } from 'vitest';
import type { Engine } from '../../../src/charging/engine.js';
import { readTrackedSession } from '../../../src/charging/network-sessions.js';
import { creditAccount, provisionAccount } from '../../../src/charging/provisioning.js';
import { readAccount } from '../../../src/charging/snapshot.js';
import type { AccessControl } from '../../../src/credit-control/access/access-control.js';
import { createAccessSteering } from '../../../src/credit-control/access/steering-sender.js';
import { createCatalogHolder } from '../../../src/credit-control/catalog-holder.js';
import type { AccessPlan } from '../../../src/domain/access-plan.js';
import type { SessionReport, SteeringOrder, SteeringOutcome } from '../../../src/domain/access.js';
import { toAmount } from '../../../src/domain/amounts.js';
import { createMetrics } from '../../../src/observability/metrics.js';
import { createSteeringDispatcher } from '../../../src/steering/dispatcher.js';
import { stamp } from '../../support/charge-requests.js';
import { silentLogger, testEngines } from '../../support/charging-engine.js';
import { HOME, ispProcess, login, openIsp, openSubscriber, report } from '../../support/isp.js';

const engines = testEngines();
const SLOW = { uploadBitsPerSecond: 64_000, downloadBitsPerSecond: 64_000 };
const WORN = { uploadBitsPerSecond: 1_000_000, downloadBitsPerSecond: 1_000_000 };
const ACK: SteeringOutcome = { kind: 'acknowledged', unchanged: [] };

let engine: Engine;
let isp: AccessControl;
let orders: SteeringOrder[];
let answers: SteeringOutcome[];
let dispatch: () => Promise<void>;
let session: { handle: SessionReport['handle']; at: number };

async function open(plan: Partial<AccessPlan>, octets = 1_000): Promise<void> {
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
  await openSubscriber(engine, { octets });
  isp = await ispProcess(engine);
  const catalog = createCatalogHolder({ engine, logger: silentLogger });
  await catalog.refresh();
  orders = [];
  answers = [];
  const sender = createAccessSteering({
    engine,
    catalog,
    steer: async (_session, order) => {
      orders.push(order);
      return answers.shift() ?? ACK;
    },
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

async function topUp(amount: number): Promise<void> {
  await creditAccount(engine, {
    ...{ partition: 0, accountId: 'anna', stamp },
    intentNumber: 2,
    intentId: 'top-up',
    kind: 'top-up',
    reason: null,
    operations: [{ operation: 'add', bucketId: 'anna-octets', amount: toAmount(amount) }],
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
    expect(orders.at(-1)).toEqual({ kind: 'change', terms: { speed: HOME.speed } });
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
  expect(orders).toEqual([{ kind: 'change', terms: { speed: WORN } }]);
  await say({ octets: 2_000, seconds: 180 });
  await dispatch();
  expect(orders).toHaveLength(1);
  const [bucket] = (await readAccount(engine, 0, 'anna'))?.buckets ?? [];
  expect(bucket?.remaining).toBe(1_000_000_000 - 2_000);
  // A new login is at that speed from its beginning.
  const again = await isp.access(login({ station: '02:00:00:00:00:07' }));
  expect(again).toMatchObject({ terms: { speed: WORN } });
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
