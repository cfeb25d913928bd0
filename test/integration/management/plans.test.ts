/** From a plan in an operator's file to charges that follow it. */
import { expect, test } from 'vitest';
import { createCatalogHolder } from '../../../src/credit-control/catalog-holder.js';
import { createCreditControlMetrics } from '../../../src/credit-control/metrics.js';
import { createCreditControl } from '../../../src/credit-control/session.js';
import { toAmount } from '../../../src/domain/amounts.js';
import type {
  CreditControlOutcome,
  CreditControlRequest,
} from '../../../src/domain/credit-control.js';
import { createLogger } from '../../../src/observability/logger.js';
import { createMetrics } from '../../../src/observability/metrics.js';
import { gyRequest } from '../../support/operator.js';
import { testManagement } from './fixture.js';

const { engine, load, newSynchroniser, account, flushed, pool } = testManagement();
const logger = createLogger({ level: 'silent' });

interface Talk {
  initial(want: number): Promise<CreditControlOutcome>;
  update(used: number, want: number): Promise<CreditControlOutcome>;
  terminate(used: number): Promise<CreditControlOutcome>;
}

/** A session of the subscriber with this number. */
async function talk(phone: string): Promise<Talk> {
  const catalog = createCatalogHolder({ engine, logger });
  await catalog.refresh();
  const handle = createCreditControl(
    { requestsInFlightMax: 10 },
    {
      engine,
      catalog,
      logger,
      metrics: createCreditControlMetrics(createMetrics({ processMetrics: false })),
      clock: Date.now,
    },
  );
  let number = -1;
  const send = (
    phase: CreditControlRequest['phase'],
    used: number,
    want: number | null,
  ): Promise<CreditControlOutcome> => {
    number += 1;
    return handle({
      ...gyRequest({ phase, requestNumber: number }),
      sessionId: `session of ${phone}`,
      networkScope: 'default',
      identities: [{ kind: 'e164', value: phone }],
      services: [
        {
          ratingGroup: 1,
          serviceIdentifiers: [],
          used: used === 0 ? [] : [{ octets: toAmount(used) }],
          ...(want !== null && { requested: { octets: toAmount(want) } }),
        },
      ],
    });
  };
  return {
    initial: (want) => send('initial', 0, want),
    update: (used, want) => send('update', used, want),
    terminate: (used) => send('terminate', used, null),
  };
}

const FILE = (plan: string, more = ''): string => `
version: 1
tenants:
  - code: plans
    resources: [{ code: EUR }]
    tariffs:
      - code: flat
        currency: EUR
        flatRates: [{ id: all, unit: octets, price: { amount: '1', per: 1 kB } }]
        quotas: [{ unit: octets, default: 1 kB, maximum: 100 kB, minimum: 1, sharePercent: 100 }]
    plans:
      - code: flow
        tariff: flat
        ${plan}
    accounts: [{ id: anna }, { id: ben }]
    subscribers:
      - { id: anna, account: anna, plan: flow, identities: [{ kind: e164, value: '4911' }] }
      - { id: ben, account: ben, plan: flow, identities: [{ kind: e164, value: '4912' }] }
${more}`;

const BUNDLES = `
        finalUnit: { action: redirect, address: 'http://more.example/' }
        policy: { overuse: debit }
        bundles:
          - { id: one, begins: first-use, validity: { count: 30, unit: days }, buckets: [{ id: d, resource: octets, amount: 3 kB }, { id: s, resource: seconds, amount: 60 }] }
          - { id: two, after: one, validity: { count: 7, unit: days }, buckets: [{ id: e, resource: octets, amount: 2 kB }] }
          - { id: money, buckets: [{ id: m, resource: EUR, amount: '4' }] }
        thresholds: [{ id: half, resource: octets, bundle: one, percent: 50 }]
        lowBalance: { resource: EUR, amount: '1' }`;

async function bucketsOf(id: string): Promise<unknown> {
  const found = await account(id);
  return Object.fromEntries(
    (found?.buckets ?? []).map(({ bucketId, state, remaining }) => [
      bucketId.replace(`${id}:flow:`, ''),
      [state, remaining],
    ]),
  );
}

test('a subscriber uses what its plan grants, bundle after bundle, then money, then is sent to buy', async () => {
  await load(FILE(BUNDLES));
  await newSynchroniser().runOnce();
  expect(await bucketsOf('anna')).toEqual({
    'one:d': ['armed', 3_000],
    'one:s': ['armed', 60],
    'two:e': ['pending', 2_000],
    'money:m': ['active', 4_000_000],
  });
  const session = await talk('4911');
  expect(await session.initial(3_000)).toMatchObject({
    lowBalance: false,
    services: [{ result: 'granted', granted: { amount: 3_000 } }],
  });
  // Both buckets of the bundle begin with the first use of one, and the one behind it waits.
  expect(await bucketsOf('anna')).toMatchObject({
    'one:d': ['active', 3_000],
    'one:s': ['active', 60],
    'two:e': ['pending', 2_000],
  });
  // 500 more than was granted: the next bundle pays, which the other bucket of the first holds up.
  await session.update(3_500, 100);
  expect(await bucketsOf('anna')).toMatchObject({
    'one:d': ['inactive', 0],
    'two:e': ['pending', 2_000],
    'money:m': ['active', 3_500_000],
  });
  const last = await session.update(100, 100_000);
  expect(last).toMatchObject({
    services: [
      {
        result: 'granted',
        granted: { amount: 3_400 },
        finalUnit: { action: 'redirect', address: 'http://more.example/' },
      },
    ],
  });
  // The plan's policy: what nothing covers is owed.
  await session.terminate(3_500);
  expect(await bucketsOf('anna')).toMatchObject({ 'money:m': ['active', -100_000] });
  await flushed();
  const { rows } = await pool.query<{ threshold_id: string }>(
    `SELECT threshold_id FROM tolld.notifications WHERE account_id = 'anna' ORDER BY 1`,
  );
  expect(rows.map((row) => row.threshold_id)).toEqual(['anna:half', 'anna:low-balance']);
});

test('a plan that changes rates its subscribers otherwise at once, and grants nothing twice', async () => {
  await load(FILE(BUNDLES));
  const sync = newSynchroniser();
  await sync.runOnce();
  const before = await bucketsOf('ben');
  const changed = `bundles: [{ id: money, buckets: [{ id: m, resource: EUR, amount: '9' }] }]`;
  const again = FILE(`finalUnit: { action: terminate }\n        ${changed}`);
  expect((await load(again)).intents).toBe(2);
  await sync.runOnce();
  expect(await bucketsOf('ben')).toEqual(before);
  const session = await talk('4912');
  await session.initial(3_000);
  await session.update(3_000, 100_000);
  expect(await session.update(4_000, 100)).toMatchObject({
    services: [{ result: 'credit-limit-reached' }],
  });
});
