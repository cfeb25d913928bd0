import { beforeEach, describe, expect, it } from 'vitest';
import type { Engine } from '../../../src/charging/engine.js';
import {
  provisionAccount,
  publishConfiguration,
  publishProfile,
} from '../../../src/charging/provisioning.js';
import { findRoute } from '../../../src/charging/routing.js';
import { readAccount } from '../../../src/charging/snapshot.js';
import { createCatalogHolder } from '../../../src/credit-control/catalog-holder.js';
import { createCreditControlMetrics } from '../../../src/credit-control/metrics.js';
import { createCreditControl } from '../../../src/credit-control/session.js';
import { toAmount } from '../../../src/domain/amounts.js';
import type {
  CreditControlHandler,
  CreditControlOutcome,
  ServiceOutcome,
  ServiceRequest,
} from '../../../src/domain/credit-control.js';
import { createMetrics } from '../../../src/observability/metrics.js';
import type { QuotaRule, Tariff, TariffVersion } from '../../../src/rating/tariff.js';
import { silentLogger, testEngines } from '../../support/charging-engine.js';
import { stamp } from '../../support/charge-requests.js';
import { createEngineSubject } from '../../support/engine-subject.js';
import {
  ACCOUNT,
  CATALOG,
  gyRequest,
  IMSI,
  openAccount,
  openOperator,
  profileOf,
  SCOPE,
  TARIFF,
} from '../../support/operator.js';

const engines = testEngines();
let engine: Engine;
let handle: CreditControlHandler;

async function processOf(
  target: Engine,
  more: { requestsInFlightMax?: number; refusesSessions?: () => string | null } = {},
): Promise<CreditControlHandler> {
  const { requestsInFlightMax = 100, ...rest } = more;
  const catalog = createCatalogHolder({ engine: target, logger: silentLogger });
  await catalog.refresh();
  return createCreditControl(
    { requestsInFlightMax },
    {
      engine: target,
      catalog,
      logger: silentLogger,
      metrics: createCreditControlMetrics(createMetrics({ processMetrics: false })),
      clock: Date.now,
      ...rest,
    },
  );
}

beforeEach(async () => {
  engine = await engines.fresh();
  await openOperator(engine, { octets: 1000, money: 5 });
  handle = await processOf(engine);
});

function ask(ratingGroup: number | null, more: Partial<ServiceRequest> = {}): ServiceRequest {
  return { ratingGroup, serviceIdentifiers: [], used: [], ...more };
}

function octets(amount: number): { octets: ReturnType<typeof toAmount> } {
  return { octets: toAmount(amount) };
}

function servicesOf(outcome: CreditControlOutcome): readonly ServiceOutcome[] {
  if (outcome.kind === 'refused') throw new Error(`${outcome.refusal}: ${outcome.detail}`);
  return outcome.services;
}

async function balances(): Promise<Record<string, readonly [number, number]>> {
  const account = await readAccount(engine, 0, ACCOUNT);
  return Object.fromEntries(
    (account?.buckets ?? []).map((each) => [each.resource, [each.remaining, each.reserved]]),
  );
}

/** A process that charges by the operator's tariff with these quotas. */
function withQuotas(quotas: readonly QuotaRule[]): Promise<CreditControlHandler> {
  return withTariff({}, { quotas });
}

/** A process that charges by the operator's tariff with these changes, in it and in its version. */
async function withTariff(
  changes: Partial<Tariff>,
  ofVersion: Partial<TariffVersion>,
): Promise<CreditControlHandler> {
  const [version] = TARIFF.versions;
  const [tenant] = CATALOG.tenants;
  if (version === undefined || tenant === undefined) throw new Error('no tariff');
  const tariff = { ...TARIFF, ...changes, versions: [{ ...version, ...ofVersion }] };
  const catalog = { ...CATALOG, tenants: [{ ...tenant, tariffs: [tariff] }] };
  await publishConfiguration(engine, 2, JSON.stringify(catalog));
  return processOf(engine);
}

describe('a quota that says how long silence is no use', () => {
  it('says so of seconds, and of nothing else', async () => {
    const answer = await withQuotas([{ consumptionSeconds: 15 }]);
    const services = [
      ask(10, { requested: octets(5) }),
      ask(20, { requested: { seconds: toAmount(60) } }),
    ];
    const [data, voice] = servicesOf(
      await answer(gyRequest({ phase: 'initial', requestNumber: 0, services })),
    );
    expect(voice).toMatchObject({ granted: { unit: 'seconds' }, quotaConsumptionSeconds: 15 });
    expect(data).toMatchObject({ granted: { unit: 'octets' } });
    expect(data).not.toHaveProperty('quotaConsumptionSeconds');
  });
});

describe('services of a pool', () => {
  const pooled = (used: number): Pick<ServiceRequest, 'used'> => ({ used: [octets(used)] });

  /** Two services of one pool, 100 octets each, which are all there is. */
  async function open(pool: boolean): Promise<CreditControlHandler> {
    await openOperator((engine = await engines.fresh()), { octets: 200 });
    const quota = {
      sharePercent: 100,
      minimum: 1,
      default: 100,
      maximum: 100,
      validitySeconds: 60,
    };
    return withQuotas(
      [10, 11].map((ratingGroup) => ({
        ...quota,
        ratingGroups: [ratingGroup],
        unit: 'octets' as const,
        ...(pool ? { pool: { id: 7, multiplier: '0.5' } } : {}),
      })),
    );
  }

  async function overuseOfTheFirst(pool: boolean): Promise<number> {
    const answer = await open(pool);
    const services = [ask(10, { requested: octets(100) }), ask(11, { requested: octets(100) })];
    const granted = await answer(gyRequest({ phase: 'initial', requestNumber: 0, services }));
    const link = pool ? { pool: { id: 7, digits: 5, exponent: -1 } } : {};
    expect(servicesOf(granted)).toMatchObject([
      { granted: { amount: 100 }, ...link },
      { granted: { amount: 100 }, ...link },
    ]);
    const used = [ask(10, pooled(150)), ask(11, pooled(40))];
    await answer(gyRequest({ phase: 'terminate', requestNumber: 1, services: used }));
    return (await balances())['octets']?.[0] ?? -1;
  }

  it('use what the others were granted, whatever stands first in the report', async () => {
    expect(await overuseOfTheFirst(true)).toBe(10);
  });

  it('keep to their own grants where there is no pool', async () => {
    expect(await overuseOfTheFirst(false)).toBe(60);
  });
});

describe('a session', () => {
  it('is granted units, charged for its use, and gives back the rest', async () => {
    const opened = await handle(
      gyRequest({
        phase: 'initial',
        requestNumber: 0,
        services: [ask(10, { requested: octets(800) })],
      }),
    );
    expect(servicesOf(opened)).toMatchObject([
      { ratingGroup: 10, result: 'granted', granted: { unit: 'octets', amount: 800 } },
    ]);
    expect(await balances()).toMatchObject({ octets: [1000, 800] });

    const updated = await handle(
      gyRequest({
        phase: 'update',
        requestNumber: 1,
        services: [ask(10, { requested: octets(1200), used: [octets(700)] })],
      }),
    );
    expect(servicesOf(updated)).toMatchObject([{ granted: { amount: 1200 } }]);
    expect(await balances()).toEqual({ octets: [300, 300], EUR: [5_000_000, 900_000] });

    const closed = await handle(
      gyRequest({
        phase: 'terminate',
        requestNumber: 2,
        services: [ask(10, { used: [octets(400)] })],
      }),
    );
    expect(servicesOf(closed)).toMatchObject([
      { result: 'settled', cost: { amount: 100_000, resource: 'EUR', scale: 6 } },
    ]);
    expect(await balances()).toEqual({ octets: [0, 0], EUR: [4_900_000, 0] });
  });

  it('goes on in another process, without naming its subscriber again', async () => {
    await handle(
      gyRequest({
        phase: 'initial',
        requestNumber: 0,
        services: [ask(10, { requested: octets(800) })],
      }),
    );
    expect(await findRoute(engine, 'gateway.test;1;1')).toMatchObject({
      accountId: ACCOUNT,
      peer: 'gateway',
      origin: { host: 'pgw.gateway.test' },
    });
    const other = await processOf(engine);
    await other(
      gyRequest({
        phase: 'terminate',
        requestNumber: 1,
        identities: [],
        services: [ask(10, { used: [octets(250)] })],
      }),
    );
    expect(await balances()).toMatchObject({ octets: [750, 0] });
  });

  it('gets the default quota where it names no amount', async () => {
    const outcome = await handle(
      gyRequest({ phase: 'initial', requestNumber: 0, services: [ask(10, { requested: {} })] }),
    );
    expect(servicesOf(outcome)).toMatchObject([{ granted: { amount: 500 }, validitySeconds: 300 }]);
  });

  it('is told when to come back where it asks for nothing', async () => {
    await handle(
      gyRequest({ phase: 'initial', requestNumber: 0, services: [ask(10, { requested: {} })] }),
    );
    const outcome = await handle(
      gyRequest({
        phase: 'update',
        requestNumber: 1,
        services: [ask(10, { used: [octets(1)] })],
      }),
    );
    expect(servicesOf(outcome)).toMatchObject([{ result: 'settled', validitySeconds: 300 }]);
  });

  it('counts input and output where a gateway sends no total', async () => {
    await handle(
      gyRequest({ phase: 'initial', requestNumber: 0, services: [ask(10, { requested: {} })] }),
    );
    await handle(
      gyRequest({
        phase: 'terminate',
        requestNumber: 1,
        services: [ask(10, { used: [{ inputOctets: toAmount(30), outputOctets: toAmount(12) }] })],
      }),
    );
    expect(await balances()).toMatchObject({ octets: [958, 0] });
  });

  it('adds up two entries of one service in one request', async () => {
    await handle(
      gyRequest({ phase: 'initial', requestNumber: 0, services: [ask(10, { requested: {} })] }),
    );
    const outcome = await handle(
      gyRequest({
        phase: 'terminate',
        requestNumber: 1,
        services: [ask(10, { used: [octets(10)] }), ask(10, { used: [octets(5)] })],
      }),
    );
    expect(servicesOf(outcome)).toHaveLength(1);
    expect(await balances()).toMatchObject({ octets: [985, 0] });
  });

  it('answers each service of a request for itself', async () => {
    const outcome = await handle(
      gyRequest({
        phase: 'initial',
        requestNumber: 0,
        services: [
          ask(10, { requested: octets(100) }),
          ask(20, { requested: { seconds: toAmount(60) } }),
          ask(30, { requested: {} }),
          ask(40, { requested: {} }),
          ask(99, { requested: {} }),
        ],
      }),
    );
    expect(servicesOf(outcome).map((service) => [service.ratingGroup, service.result])).toEqual([
      [10, 'granted'],
      [20, 'granted'],
      [30, 'not-chargeable'],
      [40, 'authorization-rejected'],
      [99, 'rating-failed'],
    ]);
  });

  it.each([
    [30, { result: 'not-chargeable' }, { uncollected: 0, cost: 0, tariffVersion: 'free' }],
    [40, { result: 'authorization-rejected' }, { uncollected: 0, cost: 0, tariffVersion: null }],
  ])('reports all the same what it used of %i', async (group, outcome, event) => {
    const services = [ask(group, { used: [octets(7)] })];
    const answered = await handle(gyRequest({ phase: 'initial', requestNumber: 0, services }));
    expect(servicesOf(answered)).toMatchObject([outcome]);
    const entries = await createEngineSubject(engine).newEntries(0);
    const usage = entries
      .flatMap(({ accounts }) => accounts.flatMap(({ events }) => events))
      .filter(({ type }) => type === 'usage');
    expect(usage).toMatchObject([{ used: 7, ...event }]);
  });

  it('is told that a service is barred at this hour, not that it has no price', async () => {
    const hour = (ahead: number): string =>
      new Date(Date.now() + ahead * 3_600_000).toISOString().slice(11, 16);
    const bands = [{ id: 'later', windows: [{ from: hour(1), until: hour(2) }] }];
    const rules = [
      { id: 'later', match: { ratingGroups: [10], band: 'later' }, rate: 'data' },
      { id: 'never', match: { ratingGroups: [10] }, barred: true },
      { id: 'gap', match: { ratingGroups: [11], band: 'later' }, rate: 'data' },
    ] as const;
    const answer = await withTariff({ timezone: 'UTC', bands }, { rules, quotas: [] });
    const services = [ask(10, { requested: {} }), ask(11, { requested: {} })];
    const outcome = await answer(gyRequest({ phase: 'initial', requestNumber: 0, services }));
    expect(servicesOf(outcome)).toMatchObject([
      { result: 'authorization-rejected' },
      { result: 'rating-failed' },
    ]);
  });

  it('is sent to the top-up page when nothing is left', async () => {
    const all = ask(11, { requested: octets(2000) });
    await handle(gyRequest({ phase: 'initial', requestNumber: 0, services: [all] }));
    const last = await handle(
      gyRequest({
        phase: 'update',
        requestNumber: 1,
        services: [{ ...all, requested: octets(2000), used: [octets(2000)] }],
      }),
    );
    await handle(
      gyRequest({
        phase: 'update',
        requestNumber: 2,
        services: [{ ...all, used: [octets(2000)] }],
      }),
    );
    const nearEnd = await handle(
      gyRequest({
        phase: 'update',
        requestNumber: 3,
        services: [{ ...all, used: [octets(2000)] }],
      }),
    );
    const spent = await handle(
      gyRequest({ phase: 'update', requestNumber: 4, services: [{ ...all, used: [octets(1)] }] }),
    );
    expect(servicesOf(last)).toMatchObject([{ result: 'granted' }]);
    expect(servicesOf(nearEnd)).toMatchObject([
      { result: 'credit-limit-reached', finalUnit: { action: 'redirect' } },
    ]);
    expect(servicesOf(spent)).toMatchObject([{ finalUnit: { address: 'http://top-up.example' } }]);
  });
});

describe('a subscriber', () => {
  it('is unknown where no identity of the request is known in its scope', async () => {
    const outcome = await handle(
      gyRequest({ phase: 'initial', requestNumber: 0, networkScope: 'elsewhere' }),
    );
    expect(outcome).toMatchObject({ kind: 'refused', refusal: 'unknown-subscriber' });
  });

  it('is found by any identity of the request', async () => {
    const outcome = await handle(
      gyRequest({
        phase: 'initial',
        requestNumber: 0,
        identities: [
          { kind: 'e164', value: '4900000' },
          { kind: 'imsi', value: IMSI },
        ],
        services: [ask(10, { requested: {} })],
      }),
    );
    expect(servicesOf(outcome)).toMatchObject([{ result: 'granted' }]);
  });

  it('is read again when the copy of the profile is stale', async () => {
    await handle(
      gyRequest({ phase: 'initial', requestNumber: 0, services: [ask(10, { requested: {} })] }),
    );
    await provisionAccount(engine, {
      partition: 0,
      accountId: ACCOUNT,
      standing: 'active',
      profileVersion: 2,
      stamp,
    });
    await publishProfile(engine, SCOPE, { kind: 'imsi', value: IMSI }, profileOf(ACCOUNT, 2));
    const outcome = await handle(
      gyRequest({ phase: 'update', requestNumber: 1, services: [ask(10, { requested: {} })] }),
    );
    expect(servicesOf(outcome)).toMatchObject([{ result: 'granted' }]);
  });

  it.each([
    ['by its route', false],
    ['by its key where the route is lost', true],
  ])('whose number goes to another ends on the first account, found %s', async (_, routeLost) => {
    await handle(
      gyRequest({ phase: 'initial', requestNumber: 0, services: [ask(10, { requested: {} })] }),
    );
    await openAccount(engine, { accountId: 'bert', imsi: IMSI, octets: 70 });
    if (routeLost) await engine.redis.del(engine.keys.route('gateway.test;1;1'));
    const other = await processOf(engine);
    await other(
      gyRequest({
        phase: 'terminate',
        requestNumber: 1,
        services: [ask(10, { used: [octets(100)] })],
      }),
    );
    expect(await balances()).toMatchObject({ octets: [900, 0] });
    expect((await readAccount(engine, 0, 'bert'))?.buckets[0]).toMatchObject({ remaining: 70 });
  });

  it('who is suspended is refused a session, and still charged for the one under way', async () => {
    await handle(
      gyRequest({ phase: 'initial', requestNumber: 0, services: [ask(10, { requested: {} })] }),
    );
    await provisionAccount(engine, {
      partition: 0,
      accountId: ACCOUNT,
      standing: 'suspended',
      profileVersion: 1,
      stamp,
    });
    const update = await handle(
      gyRequest({
        phase: 'update',
        requestNumber: 1,
        services: [ask(10, { requested: {}, used: [octets(40)] })],
      }),
    );
    expect(servicesOf(update)).toMatchObject([{ result: 'service-denied' }]);
    expect(await balances()).toMatchObject({ octets: [960, 0] });
    const initial = await handle(
      gyRequest({ phase: 'initial', requestNumber: 0, sessionId: 'gateway.test;1;2' }),
    );
    expect(initial).toMatchObject({ kind: 'refused', refusal: 'service-denied' });
  });

  it('that is closed ends what it has and begins nothing', async () => {
    await handle(
      gyRequest({ phase: 'initial', requestNumber: 0, services: [ask(10, { requested: {} })] }),
    );
    const closed = { partition: 0, accountId: ACCOUNT, profileVersion: 1, stamp };
    await provisionAccount(engine, { ...closed, standing: 'closed' });
    const services = [ask(10, { requested: {}, used: [octets(40)] })];
    const update = await handle(gyRequest({ phase: 'update', requestNumber: 1, services }));
    expect(servicesOf(update)).toMatchObject([{ result: 'authorization-rejected' }]);
    expect(await balances()).toMatchObject({ octets: [960, 0] });
    const again = { requestNumber: 0, sessionId: 'gateway.test;1;2' } as const;
    const initial = await handle(gyRequest({ phase: 'initial', ...again, services }));
    expect(initial).toMatchObject({ kind: 'refused', refusal: 'authorization-rejected' });
    const balance = { phase: 'event', action: 'balance-check', ...again } as const;
    expect(
      await handle(gyRequest({ ...balance, services: [ask(10, { requested: {} })] })),
    ).toMatchObject({
      kind: 'refused',
      refusal: 'authorization-rejected',
    });
  });
});

describe('a one-time event', () => {
  const sms = { phase: 'event', requestNumber: 0, serviceContext: '32274@3gpp.org' } as const;
  const one = [ask(null, { requested: { events: toAmount(1) } })];

  it('takes its price at once, and once however often it is sent', async () => {
    const request = gyRequest({ ...sms, action: 'debit', services: one });
    const first = await handle(request);
    const second = await handle({ ...request, retransmitted: true });
    expect(servicesOf(first)).toMatchObject([{ result: 'settled', cost: { amount: 90_000 } }]);
    expect(second).toEqual({ ...first, repeated: true });
    expect(await balances()).toMatchObject({ EUR: [4_910_000, 0] });
  });

  it('gives its price back as a refund', async () => {
    await handle(gyRequest({ ...sms, action: 'refund', services: one }));
    expect(await balances()).toMatchObject({ EUR: [5_090_000, 0] });
  });

  const inMoney = (amount: number, currency: string | null = 'EUR'): ServiceRequest[] => [
    ask(null, { requested: { money: { currency, amount: toAmount(amount) } } }),
  ];

  it.each([
    ['debit', 'EUR', 3_750_000],
    ['debit', null, 3_750_000],
    ['refund', 'EUR', 6_250_000],
  ] as const)('in money alone is a %s of that money (%s)', async (action, currency, left) => {
    const services = inMoney(1_250_000, currency);
    const request = gyRequest({ ...sms, action, services });
    const outcome = await handle(request);
    const cost = { amount: action === 'refund' ? 0 : 1_250_000, resource: 'EUR', scale: 6 };
    expect(servicesOf(outcome)).toMatchObject([{ result: 'settled', cost }]);
    expect(await handle(request)).toMatchObject({ repeated: true });
    expect(await balances()).toMatchObject({ EUR: [left, 0], octets: [1000, 0] });
  });

  it('in money beyond the balance takes nothing', async () => {
    const outcome = await handle(
      gyRequest({ ...sms, action: 'debit', services: inMoney(5_000_001) }),
    );
    expect(servicesOf(outcome)).toMatchObject([{ result: 'credit-limit-reached' }]);
    expect(await balances()).toMatchObject({ EUR: [5_000_000, 0] });
  });

  it('in money of another currency has no price', async () => {
    const outcome = await handle(
      gyRequest({ ...sms, action: 'debit', services: inMoney(1, 'USD') }),
    );
    expect(servicesOf(outcome)).toMatchObject([{ result: 'rating-failed' }]);
    expect(await balances()).toMatchObject({ EUR: [5_000_000, 0] });
  });

  it.each([
    [5_000_000, true],
    [5_000_001, false],
  ])('asks whether there is credit of %i: %s', async (amount, enoughCredit) => {
    const services = inMoney(amount);
    const outcome = await handle(gyRequest({ ...sms, action: 'balance-check', services }));
    expect(outcome).toMatchObject({ kind: 'answered', enoughCredit });
  });

  it('asks for the price of money: that money', async () => {
    const services = inMoney(70);
    const outcome = await handle(gyRequest({ ...sms, action: 'price-enquiry', services }));
    expect(outcome).toMatchObject({ cost: { amount: 70, resource: 'EUR', scale: 6 } });
  });

  it('asks for the price without taking it', async () => {
    const outcome = await handle(gyRequest({ ...sms, action: 'price-enquiry', services: one }));
    expect(outcome).toMatchObject({ cost: { amount: 90_000, resource: 'EUR', scale: 6 } });
    expect(await balances()).toMatchObject({ EUR: [5_000_000, 0] });
  });

  it.each([
    [55, true],
    [56, false],
  ])('asks whether there is credit for %i messages: %s', async (events, enoughCredit) => {
    const outcome = await handle(
      gyRequest({
        ...sms,
        action: 'balance-check',
        services: [ask(null, { requested: { events: toAmount(events) } })],
      }),
    );
    expect(outcome).toMatchObject({ kind: 'answered', enoughCredit });
    expect(await balances()).toMatchObject({ EUR: [5_000_000, 0] });
  });

  it('knows no answer to a balance check of what has no price', async () => {
    const outcome = await handle(
      gyRequest({
        phase: 'event',
        requestNumber: 0,
        action: 'balance-check',
        services: [ask(99, { requested: {} })],
      }),
    );
    expect(outcome).toMatchObject({ kind: 'refused', refusal: 'rating-failed' });
  });

  it('leaves no route behind', async () => {
    await handle(gyRequest({ ...sms, action: 'debit', services: one }));
    expect(await findRoute(engine, 'gateway.test;1;1')).toBeNull();
  });
});

describe('the record of a request', () => {
  it('has who called whom in fields that can be erased, and nowhere else', async () => {
    await handle(
      gyRequest({
        phase: 'initial',
        requestNumber: 0,
        context: {
          callingParty: '491701234567',
          calledAddress: 'alice',
          calledDomain: 'home.example',
        },
        services: [ask(10, { requested: octets(100) })],
      }),
    );
    const entry = (await createEngineSubject(engine).newEntries(0)).at(-1);
    expect(entry?.stamp?.personal).toMatchObject({
      callingParty: '491701234567',
      calledParty: 'alice',
    });
    expect(entry?.stamp?.network).toEqual({ calledDomain: 'home.example' });
  });
});

describe('a process', () => {
  it('says at once that it is too busy beyond its limit', async () => {
    const busy = await processOf(engine, { requestsInFlightMax: 1 });
    const first = busy(gyRequest({ phase: 'initial', requestNumber: 0 }));
    const second = await busy(
      gyRequest({ phase: 'initial', requestNumber: 0, sessionId: 'gateway.test;1;2' }),
    );
    expect(second).toMatchObject({ kind: 'refused', refusal: 'overloaded' });
    expect(await first).toMatchObject({ kind: 'answered' });
  });

  it('refuses new sessions while the record lags, and goes on with those under way', async () => {
    const held = await processOf(engine, { refusesSessions: () => 'the record lags' });
    await handle(gyRequest({ phase: 'initial', requestNumber: 0 }));
    expect(
      await held(gyRequest({ phase: 'initial', requestNumber: 0, sessionId: 'x;1' })),
    ).toMatchObject({ kind: 'refused', refusal: 'unavailable' });
    expect(await held(gyRequest({ phase: 'update', requestNumber: 1 }))).toMatchObject({
      kind: 'answered',
    });
  });

  it('refuses amounts that are no exact integers before anything changes', async () => {
    const huge = Number.MAX_SAFE_INTEGER as ReturnType<typeof toAmount>;
    const outcome = await handle(
      gyRequest({
        phase: 'update',
        requestNumber: 0,
        services: [ask(10, { used: [{ octets: huge }, { octets: huge }] })],
      }),
    );
    expect(outcome).toMatchObject({ kind: 'refused', refusal: 'invalid-request' });
    expect(await balances()).toMatchObject({ octets: [1000, 0] });
  });
});
