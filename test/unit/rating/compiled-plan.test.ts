import { describe, expect, it } from 'vitest';
import type { ResourceDeclaration } from '../../../src/rating/catalog.js';
import {
  bundleTerm,
  compilePlan,
  type BundleTerm,
  type CompiledPlan,
} from '../../../src/rating/compiled-plan.js';
import type { Bundle, Plan, PlanBucket } from '../../../src/rating/plan.js';
import type { Tariff } from '../../../src/rating/tariff.js';

const RESOURCES: readonly ResourceDeclaration[] = [
  { code: 'EUR', kind: 'money', scale: 6, consumptionOrder: 'earliest-expiring' },
  { code: 'octets', kind: 'units', scale: 0, consumptionOrder: 'earliest-expiring' },
  { code: 'seconds', kind: 'units', scale: 0, consumptionOrder: 'earliest-expiring' },
];

const TARIFF: Tariff = {
  code: 'standard',
  timezone: 'Europe/Berlin',
  currency: { code: 'EUR', scale: 6 },
  zones: [{ id: 'de', prefixes: ['49'] }],
  bands: [{ id: 'night', windows: [{ from: '22:00', until: '06:00' }] }],
  versions: [],
};

const SOUND: Plan = {
  code: 'basic',
  tariff: 'standard',
  orders: [{ resource: 'octets', order: 'smallest' }],
  bundles: [
    { id: 'money', buckets: [{ id: 'credit', resource: 'EUR', amount: '12.5', creditLimit: '5' }] },
    {
      id: 'data',
      buckets: [
        { id: 'volume', resource: 'octets', amount: 10_000_000_000, scope: { zones: ['de'] } },
        { id: 'voice', resource: 'seconds', amount: '6000', step: 60, blocker: true },
      ],
      validity: { count: 1, unit: 'months' },
    },
    {
      id: 'more',
      begins: { after: 'data' },
      buckets: [{ id: 'extra', resource: 'octets', amount: 1_000, priority: 7 }],
      validity: { count: 30, unit: 'days' },
    },
  ],
  thresholds: [
    { id: 'low', resource: 'EUR', amount: '2' },
    { id: 'most', resource: 'octets', bundle: 'data', percent: 20 },
  ],
};

function compile(plan: Plan): CompiledPlan {
  const result = compilePlan(plan, { tariffs: [TARIFF], resources: RESOURCES });
  if (result.result === 'refused') throw new Error(JSON.stringify(result.faults));
  return result.plan;
}

function faultsOf(plan: Plan): readonly string[] {
  const result = compilePlan(plan, { tariffs: [TARIFF], resources: RESOURCES });
  return result.result === 'refused' ? result.faults.map(({ path }) => path) : [];
}

function withBundle(more: object): Plan {
  const bundle = { id: 'b', buckets: [{ id: 'x', resource: 'octets', amount: 1 }], ...more };
  return { code: 'basic', tariff: 'standard', bundles: [bundle] };
}

const withBucket = (more: object): Plan =>
  withBundle({ buckets: [{ id: 'x', resource: 'octets', amount: 1, ...more } as PlanBucket] });

const withThreshold = (more: object): Plan => ({
  ...withBundle({}),
  thresholds: [{ id: 't', resource: 'octets', ...more }],
});

describe('a plan', () => {
  it('reads amounts in the smallest unit and fills in what is not said', () => {
    const plan = compile(SOUND);
    expect(plan.orders.get('octets')).toBe('smallest');
    expect(plan.bundles.flatMap(({ buckets }) => buckets)).toMatchObject([
      { id: 'credit', kind: 'money', amount: 12_500_000, floor: -5_000_000, priority: 200 },
      { id: 'volume', kind: 'units', amount: 10_000_000_000, floor: 0, priority: 100, step: 1 },
      { id: 'voice', amount: 6_000, step: 60, blocker: true },
      { id: 'extra', priority: 7, blocker: false, scope: null },
    ]);
    expect(plan.thresholds.map(({ level }) => level)).toEqual([
      { amount: 2_000_000 },
      { percent: 20 },
    ]);
  });

  it('has no floor where the credit has no end', () => {
    const plan = compile(withBucket({ resource: 'EUR', amount: '0', creditLimit: null }));
    expect(plan.bundles[0]?.buckets[0]?.floor).toBeNull();
  });

  it.each<readonly [string, Plan, string]>([
    ['an unknown tariff', { ...SOUND, tariff: 'x' }, 'tariff'],
    ['an odd code', { ...SOUND, code: '' }, 'code'],
    ['an empty bundle', withBundle({ buckets: [] }), 'bundles[0].buckets'],
    ['an unknown resource', withBucket({ resource: 'x' }), 'bundles[0].buckets[0].amount'],
    ['half a unit', withBucket({ amount: '0.5' }), 'bundles[0].buckets[0].amount'],
    ['a negative amount', withBucket({ amount: -1 }), 'bundles[0].buckets[0].amount'],
    [
      'money too fine',
      withBucket({ resource: 'EUR', amount: '0.0000001' }),
      'bundles[0].buckets[0].amount',
    ],
    ['a negative priority', withBucket({ priority: -1 }), 'bundles[0].buckets[0].priority'],
    ['a step of nothing', withBucket({ step: 0 }), 'bundles[0].buckets[0].step'],
    ['money in steps', withBucket({ resource: 'EUR', step: 5 }), 'bundles[0].buckets[0].step'],
    ['units on credit', withBucket({ creditLimit: '5' }), 'bundles[0].buckets[0].creditLimit'],
    [
      'an unknown zone',
      withBucket({ scope: { zones: ['x'] } }),
      'bundles[0].buckets[0].scope.zones[0]',
    ],
    [
      'an unknown band',
      withBucket({ scope: { bands: ['x'] } }),
      'bundles[0].buckets[0].scope.bands[0]',
    ],
    [
      'an empty scope',
      withBucket({ scope: { ratingGroups: [] } }),
      'bundles[0].buckets[0].scope.ratingGroups',
    ],
    [
      'a validity of nothing',
      withBundle({ validity: { count: 0, unit: 'days' } }),
      'bundles[0].validity.count',
    ],
    [
      'months from the first use',
      withBundle({ begins: 'first-use', validity: { count: 1, unit: 'months' } }),
      'bundles[0].validity.unit',
    ],
    [
      'whole days from the first use',
      withBundle({ begins: 'first-use', validity: { count: 1, unit: 'days', wholeDays: true } }),
      'bundles[0].validity.wholeDays',
    ],
    [
      'whole days of hours',
      withBundle({ validity: { count: 5, unit: 'hours', wholeDays: true } }),
      'bundles[0].validity.wholeDays',
    ],
    ['waiting for nobody', withBundle({ begins: { after: 'x' } }), 'bundles[0].begins.after'],
    ['waiting for itself', withBundle({ begins: { after: 'b' } }), 'bundles[0].begins.after'],
    [
      'a threshold of an unknown bundle',
      withThreshold({ bundle: 'x', percent: 1 }),
      'thresholds[0].bundle',
    ],
    ['a threshold at nothing', withThreshold({}), 'thresholds[0]'],
    ['a threshold at both', withThreshold({ percent: 1, amount: 1 }), 'thresholds[0]'],
    ['a threshold above all', withThreshold({ percent: 101 }), 'thresholds[0].percent'],
    [
      'two orders of one resource',
      {
        ...SOUND,
        orders: [
          { resource: 'EUR', order: 'largest' },
          { resource: 'EUR', order: 'smallest' },
        ],
      },
      'orders[1].resource',
    ],
    [
      'an order of an unknown resource',
      { ...SOUND, orders: [{ resource: 'x', order: 'largest' }] },
      'orders[0].resource',
    ],
  ])('is refused with %s', (_, plan, path) => {
    expect(faultsOf(plan)).toContain(path);
  });

  it('is refused with bundles that wait for each other', () => {
    const bundle = (id: string, after: string): Bundle => ({
      id,
      begins: { after },
      buckets: [{ id: `${id}-bucket`, resource: 'octets', amount: 1 }],
    });
    const bundles = [bundle('a', 'b'), bundle('b', 'c'), bundle('c', 'b')];
    expect(faultsOf({ code: 'p', tariff: 'standard', bundles })).toEqual([
      'bundles[1].begins.after',
      'bundles[2].begins.after',
    ]);
  });

  it('is refused with two buckets of one name in different bundles', () => {
    const bundles = ['a', 'b'].map((id) => ({
      id,
      buckets: [{ id: 'x', resource: 'octets', amount: 1 }],
    }));
    expect(faultsOf({ code: 'p', tariff: 'standard', bundles })).toEqual([
      'bundles[1].buckets[0].id',
    ]);
  });
});

describe('the term of a bundle', () => {
  function term(more: object, at: string): BundleTerm {
    const [bundle] = compile(withBundle(more)).bundles;
    if (bundle === undefined) throw new Error('no bundle');
    return bundleTerm(bundle, Date.parse(at));
  }
  const ends = (more: object, at: string): string =>
    new Date(term({ validity: more }, at).endsAt ?? 0).toISOString();

  it('follows the calendar of the tariff where it begins with the grant', () => {
    const grant = '2026-03-01T10:00:00Z';
    expect(ends({ count: 1, unit: 'months' }, grant)).toBe('2026-04-01T09:00:00.000Z');
    expect(ends({ count: 30, unit: 'days' }, grant)).toBe('2026-03-31T09:00:00.000Z');
    expect(ends({ count: 720, unit: 'hours' }, grant)).toBe('2026-03-31T10:00:00.000Z');
    expect(ends({ count: 1, unit: 'months' }, '2026-01-31T10:00Z')).toBe(
      '2026-02-28T10:00:00.000Z',
    );
  });

  it('ends at a midnight where it lasts whole days, the first of them the grant’s', () => {
    const validity = { count: 1, unit: 'days', wholeDays: true };
    expect(ends(validity, '2026-03-01T10:00Z')).toBe('2026-03-01T23:00:00.000Z');
    expect(ends(validity, '2026-03-01T23:30Z')).toBe('2026-03-02T23:00:00.000Z');
  });

  it('is left to the engine where it begins later', () => {
    const validity = { count: 2, unit: 'days' };
    const later = { startsAt: null, endsAt: null, durationMs: 172_800_000 };
    expect(term({ begins: 'first-use', validity }, '2026-03-01')).toEqual({
      state: 'armed',
      ...later,
    });
    const [, , more] = compile(SOUND).bundles;
    if (more === undefined) throw new Error('no bundle');
    expect(bundleTerm(more, 0)).toMatchObject({ state: 'pending', durationMs: 30 * 86_400_000 });
  });

  it('is endless where no validity is given', () => {
    expect(term({}, '2026-03-01')).toMatchObject({
      state: 'active',
      endsAt: null,
      durationMs: null,
    });
  });
});
