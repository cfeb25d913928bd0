import { describe, expect, test } from 'vitest';
import type { CurrentState } from '../../../../src/management/operator-file/plan/current-state.js';
import { planLoad, type PlanResult } from '../../../../src/management/operator-file/plan/plan.js';
import { readOperatorFile } from '../../../../src/management/operator-file/reading/read-file.js';
import { compileTariff } from '../../../../src/rating/compile.js';
import { createSecretBox } from '../../../../src/secret-box.js';

const SECRETS = createSecretBox(['a key for these tests']);
const NOW = Date.parse('2026-06-01T00:00:00Z');
const DAY_MS = 86_400_000;
const NOTHING: CurrentState = {
  partitions: 4,
  tenants: new Map(),
  resources: new Map(),
  tariffs: new Map(),
  plans: new Map(),
  sharingGroups: new Map(),
  accounts: new Map(),
  subscribers: new Map(),
  identities: [],
  peers: new Map(),
  tariffUses: [],
  nas: new Map(),
  addressPools: new Map(),
  accessPlans: new Map(),
  accessPlanUses: [],
  planUses: [],
};

function plan(tenantFields: string): PlanResult {
  const { file, faults } = readOperatorFile(
    `version: 1\ntenants:\n  - code: t\n    timezone: Europe/Berlin\n` +
      `    resources: [{ code: EUR }, { code: POINT, scale: 0 }]\n${tenantFields}`,
  );
  expect(faults).toEqual([]);
  const result = planLoad(file, NOTHING, { now: NOW, secrets: SECRETS });
  expect(result.faults).toEqual([]);
  return result;
}

/** The bucket as an intent grants it. */
function granted(fields: string): unknown {
  const { plan: planned } = plan(`    accounts: [{ id: a, buckets: [{ id: b, ${fields} }] }]\n`);
  const [operation] = planned.accounts[0]?.intents[0]?.operations ?? [];
  return operation?.operation === 'grant' ? operation.bucket : null;
}

describe('a declared bucket is granted', () => {
  test('as money without an end, from its grant on', () => {
    expect(granted(`resource: EUR, amount: '12.50'`)).toEqual({
      bucketId: 'b',
      resource: 'EUR',
      kind: 'money',
      priority: 200,
      state: 'active',
      startsAt: null,
      endsAt: null,
      durationMs: null,
      after: null,
      createdAt: NOW,
      floor: 0,
      granted: 12_500_000,
      step: 1,
      blocker: false,
      bundleId: null,
      detail: {},
    });
  });

  test('as units before money, in steps, for some services only', () => {
    expect(
      granted(
        'resource: seconds, amount: 100 min, step: 1 min, blocker: true, bundle: pack, ' +
          'scope: { serviceContexts: [voice], ratingGroups: [1] }',
      ),
    ).toMatchObject({
      kind: 'units',
      priority: 100,
      granted: 6_000,
      step: 60,
      blocker: true,
      bundleId: 'pack',
      detail: { scope: { contexts: ['voice'], ratingGroups: [1] } },
    });
  });

  test('with its credit limit as a floor', () => {
    expect(granted(`resource: EUR, amount: '0', creditLimit: '50.00'`)).toMatchObject({
      floor: -50_000_000,
    });
    expect(granted(`resource: EUR, amount: '0', creditLimit: '0'`)).toMatchObject({ floor: 0 });
    expect(granted(`resource: EUR, amount: '0', creditLimit: unlimited`)).toMatchObject({
      floor: null,
    });
    expect(granted(`resource: EUR, amount: '9', floor: '1.5'`)).toMatchObject({
      floor: 1_500_000,
    });
  });

  test("as a token of the operator's own, which is whole", () => {
    expect(granted('resource: POINT, amount: 7')).toMatchObject({ kind: 'money', granted: 7 });
  });

  test("from a moment in the tenant's time zone", () => {
    expect(
      granted(`resource: EUR, amount: '1', validity: { from: 2026-07-01, until: 2026-08-01 }`),
    ).toMatchObject({
      state: 'pending',
      startsAt: Date.parse('2026-06-30T22:00:00Z'),
      endsAt: Date.parse('2026-07-31T22:00:00Z'),
    });
  });

  test('for a length of time from its grant, or from its start', () => {
    expect(granted(`resource: EUR, amount: '1', validity: { duration: 2 days }`)).toMatchObject({
      state: 'active',
      startsAt: null,
      endsAt: null,
      durationMs: 2 * DAY_MS,
    });
    expect(
      granted(`resource: EUR, amount: '1', validity: { from: 2026-07-01T00:00Z, duration: 1 day }`),
    ).toMatchObject({ state: 'pending', endsAt: Date.parse('2026-07-02T00:00:00Z') });
  });

  test('armed until its first use, and no longer than it may wait', () => {
    expect(
      granted(
        `resource: EUR, amount: '1', ` +
          'validity: { starts: first-use, duration: 1 day, until: 2026-12-31T23:00Z }',
      ),
    ).toMatchObject({
      state: 'armed',
      startsAt: null,
      endsAt: Date.parse('2026-12-31T23:00:00Z'),
      durationMs: DAY_MS,
    });
  });

  test('in the order of the file where nothing else tells buckets apart', () => {
    const { plan: planned } = plan(
      `    accounts:\n      - id: a\n        buckets:\n` +
        `          - { id: z, resource: EUR, amount: '1' }\n` +
        `          - { id: y, resource: EUR, amount: '1' }\n`,
    );
    const times = planned.accounts[0]?.intents.map(({ operations: [operation] }) =>
      operation?.operation === 'grant' ? operation.bucket.createdAt : 0,
    );
    expect(times).toEqual([NOW, NOW + 1]);
  });
});

describe('a declared tariff', () => {
  test('of flat rates says the same as one written in full', () => {
    const written = plan(
      `    tariffs:
      - code: short
        currency: EUR
        flatRates:
          - id: voice
            match: { serviceContexts: [voice] }
            unit: seconds
            price: { amount: '0.09', per: 1 min }
            firstStep: 1 min
            step: 30
            cap: '5.00'
        quotas: [{ unit: seconds, default: 5 min, maximum: 10 min, minimum: 60 }]
      - code: full
        currency: EUR
        versions:
          - id: '1'
            startsAt: 2000-01-01
            rates:
              - id: voice
                unit: seconds
                price: { amount: '0.09', per: 60 }
                firstStep: 60
                step: 30
                cap: '5.00'
            rules: [{ id: voice, rate: voice, match: { serviceContexts: [voice] } }]
            quotas: [{ unit: seconds, default: 300, maximum: 600, minimum: 60 }]
`,
    ).plan.tariffs.map(({ definition }) => definition);
    const [short, full] = written;
    expect({ ...short, code: 'x' }).toEqual({ ...full, code: 'x' });
    expect(short && compileTariff(short).result).toBe('compiled');
  });

  test("has the tenant's time zone and the resource's scale unless it says otherwise", () => {
    const tariffs = plan(
      `    tariffs:
      - { code: a, currency: POINT, flatRates: [{ id: x, unit: events, price: { amount: '2' } }] }
      - { code: b, currency: EUR, timezone: UTC, flatRates: [{ id: x, unit: events, price: { amount: '2' } }] }
`,
    ).plan.tariffs.map(({ definition: { timezone, currency } }) => ({ timezone, currency }));
    expect(tariffs).toEqual([
      { timezone: 'Europe/Berlin', currency: { code: 'POINT', scale: 0 } },
      { timezone: 'UTC', currency: { code: 'EUR', scale: 6 } },
    ]);
  });

  test('reads slots, tiers, redirections and restrictions', () => {
    const [tariff] = plan(
      `    tariffs:
      - code: a
        currency: EUR
        counters: [{ id: month, unit: octets, period: month }]
        versions:
          - id: '1'
            startsAt: 2026-01-01T00:00
            rates:
              - { id: s, unit: seconds, slots: [{ from: 0, price: { amount: '0.4', per: 60 }, step: 30 }, { from: 1 min, price: { amount: '0.2', per: 60 }, step: 10 s }] }
              - { id: t, unit: octets, step: 1 kB, counter: month, tiers: [{ from: 0, price: { amount: '1', per: 1 GB } }, { from: 1 GB, price: { amount: '0' } }] }
            rules:
              - { id: s, rate: s, match: { ratingGroups: [1] } }
              - { id: t, rate: t }
              - { id: n, notChargeable: true, match: { ratingGroups: [9] } }
            quotas:
              - { ratingGroups: [1], finalUnit: { action: redirect, address: 'http://top-up.example/' } }
              - { ratingGroups: [2], finalUnit: { action: restrict, filterIds: [free] } }
              - { unit: seconds, consumptionSeconds: 10, pool: { id: 1, multiplier: '0.5' } }
`,
    ).plan.tariffs;
    expect(tariff?.definition.versions[0]).toMatchObject({
      rates: [
        {
          slots: [
            { from: 0, step: 30 },
            { from: 60, step: 10 },
          ],
        },
        { step: 1_000, counter: 'month', tiers: [{ from: 0, price: { per: 1e9 } }, { from: 1e9 }] },
      ],
      rules: [{ rate: 's' }, { rate: 't' }, { notChargeable: true }],
      quotas: [
        { finalUnit: { action: 'redirect', addressType: 'url' } },
        { finalUnit: { action: 'restrict', filterIds: ['free'], filterRules: [] } },
        { consumptionSeconds: 10, pool: { id: 1, multiplier: '0.5' } },
      ],
    });
  });
});

describe('a declared subscriber', () => {
  test('has its identities as the network spells them', () => {
    const { plan: planned } = plan(
      `    tariffs: [{ code: p, currency: EUR, flatRates: [{ id: x, unit: events, price: { amount: '1' } }] }]
    accounts: [{ id: a, tariff: p }]
    subscribers:
      - id: s
        account: a
        identities:
          - { kind: e164, value: '+491700000001' }
          - { kind: mac, value: 00-11-22-aa-bb-cc, networkScope: hotspots }
          - { kind: nai, value: s@example.org }
`,
    );
    expect(planned.identities).toEqual([
      {
        tenant: 't',
        subscriber: 's',
        account: 'a',
        networkScope: 'default',
        kind: 'e164',
        value: '491700000001',
      },
      {
        tenant: 't',
        subscriber: 's',
        account: 'a',
        networkScope: 'hotspots',
        kind: 'mac',
        value: '00:11:22:AA:BB:CC',
      },
      {
        tenant: 't',
        subscriber: 's',
        account: 'a',
        networkScope: 'default',
        kind: 'nai',
        value: 's@example.org',
      },
    ]);
  });
});
