import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileTariff } from '../../../src/rating/compile.js';
import type { CompiledTariff } from '../../../src/rating/compiled-tariff.js';
import { QUOTA_DEFAULTS } from '../../../src/rating/quota.js';
import {
  COVERED_AFTER_MS,
  COVERED_BEFORE_MS,
  FOREVER_MS,
  windowAt,
  type RatedLines,
  type RatedService,
  type RatingQuestion,
} from '../../../src/rating/rate-line.js';
import { openBands, rate } from '../../../src/rating/rate.js';
import type { Rate, Rule, RuleMatch, Tariff, TariffVersion } from '../../../src/rating/tariff.js';
import { readScenario } from './rating-scenario.js';

const AT = Date.parse('2026-03-04T10:00+01:00');

function compiled(tariff: Tariff): CompiledTariff {
  const result = compileTariff(tariff);
  if (result.result === 'refused') throw new Error(JSON.stringify(result.faults, null, 2));
  return result.tariff;
}

function tariffOf(version: Partial<TariffVersion>, more: Partial<Tariff> = {}): Tariff {
  return {
    code: 'test',
    timezone: 'Europe/Berlin',
    currency: { code: 'EUR', scale: 6 },
    ...more,
    versions: [
      {
        id: '1',
        startsAt: '2020-01-01',
        rates: [
          { id: 'data', unit: 'octets', price: { amount: '1', per: 1_000_000 } },
          { id: 'time', unit: 'seconds', price: { amount: '1', per: 60 } },
          { id: 'piece', unit: 'events', price: { amount: '0.10' } },
        ],
        rules: [{ id: 'all', rate: 'data' }],
        ...version,
      },
    ],
  };
}

function question(more: Partial<RatingQuestion> = {}): RatingQuestion {
  return {
    serviceContext: '32251@3gpp.org',
    ratingGroup: 10,
    serviceIdentifiers: [],
    requestedUnitKinds: [],
    context: {},
    at: AT,
    ...more,
  };
}

function lines(rated: RatedService): RatedLines {
  if (rated.result !== 'lines') throw new Error(`not rated: ${JSON.stringify(rated)}`);
  return rated;
}

function ruleAt(rated: RatedService, at: number): string | null {
  const window = windowAt(lines(rated), at);
  return window === null ? null : (lines(rated).lines[window.line]?.id.split('#')[1] ?? null);
}

describe('the windows of an answer', () => {
  const { tariff: declared, cases } = readScenario('rating-time-and-place.txt');
  const tariff = compiled(declared);
  // Around both clock changes, the switch of versions and a new month.
  const instant = fc
    .tuple(
      fc.constantFrom('2025-10-26', '2026-03-29', '2026-07-01', '2026-03-04', '2025-05-31'),
      fc.integer({ min: -60 * 60 * 48, max: 60 * 60 * 48 }),
    )
    .map(([day, seconds]) => Date.parse(day) + seconds * 1_000);

  it('say of any time they cover what an answer asked at that time says', () => {
    const offset = fc.integer({ min: -COVERED_BEFORE_MS, max: COVERED_AFTER_MS - 1 });
    fc.assert(
      fc.property(fc.constantFrom(...cases), instant, offset, (row, at, after) => {
        const now = rate(tariff, { ...row.question, at });
        const then = rate(tariff, { ...row.question, at: at + after });
        if (now.result !== 'lines' || then.result !== 'lines' || now.unit !== then.unit) return;
        const [seen, known] = [windowAt(now, at + after), windowAt(then, at + after)];
        expect(ruleAt(now, at + after)).toBe(ruleAt(then, at + after));
        expect(seen?.periodStartMs).toBe(known?.periodStartMs);
      }),
      { numRuns: 600 },
    );
  });

  it('are sorted, apart, and differ from their neighbours', () => {
    fc.assert(
      fc.property(fc.constantFrom(...cases), instant, (row, at) => {
        const rated = rate(tariff, { ...row.question, at });
        if (rated.result !== 'lines') return;
        for (const [index, window] of rated.windows.entries()) {
          expect(window.untilMs).toBeGreaterThan(window.fromMs);
          expect(rated.lines[window.line]).toBeDefined();
          const next = rated.windows[index + 1];
          if (next === undefined) continue;
          expect(next.fromMs).toBeGreaterThanOrEqual(window.untilMs);
          expect([next.fromMs, next.line, next.periodStartMs]).not.toEqual([
            window.untilMs,
            window.line,
            window.periodStartMs,
          ]);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('reach from two hours before to twenty-six hours after', () => {
    const always = compiled(tariffOf({}, { bands: [{ id: 'b', windows: [{ from: '12:00' }] }] }));
    const banded = compiled(
      tariffOf(
        {
          rules: [
            { id: 'half', match: { band: 'b' }, rate: 'data' },
            { id: 'all', rate: 'data' },
          ],
        },
        { bands: [{ id: 'b', windows: [{ from: '12:00' }] }] },
      ),
    );
    fc.assert(
      fc.property(instant, fc.constantFrom(always, banded), (at, asked) => {
        const { windows } = lines(rate(asked, question({ at })));
        expect(windows[0]?.fromMs).toBeLessThanOrEqual(at - COVERED_BEFORE_MS);
        expect(windows.at(-1)?.untilMs).toBeGreaterThanOrEqual(at + COVERED_AFTER_MS);
      }),
    );
  });

  it('leave nothing to tell where no time plays a part', () => {
    const rated = lines(rate(compiled(tariffOf({})), question()));
    expect(rated.windows).toEqual([
      {
        fromMs: Date.parse('2020-01-01T00:00+01:00'),
        untilMs: FOREVER_MS,
        line: 0,
        periodStartMs: null,
      },
    ]);
  });

  it('come as the same object while nothing changes, and as another when it does', () => {
    const at = Date.parse('2026-03-04T12:00Z');
    const ask = (ms: number): RatedService =>
      rate(tariff, question({ context: { calledParty: '4930' }, at: ms }));
    expect(ask(at + 1)).toBe(ask(at));
    expect(ask(at + 24 * 3_600_000)).not.toBe(ask(at));
    expect(lines(ask(at + 24 * 3_600_000)).lines[0]).toBe(lines(ask(at)).lines[0]);
  });
});

describe('the open bands of a tariff', () => {
  it('are told whether a rule names them or not', () => {
    const bands = [{ id: 'noon', windows: [{ from: '12:00', until: '13:00' }] }];
    const [noon] = openBands(compiled(tariffOf({}, { bands })), AT);
    expect(noon?.band).toBe('noon');
    expect(noon?.open.map((span) => new Date(span.fromMs).toISOString())).toEqual([
      '2026-03-04T11:00:00.000Z',
      '2026-03-05T11:00:00.000Z',
    ]);
  });
});

describe('the unit of a service', () => {
  const tariff = compiled(
    tariffOf({
      rules: [
        { id: 'time', match: { serviceContexts: ['32251@3gpp.org'] }, rate: 'time' },
        { id: 'data', rate: 'data' },
      ],
    }),
  );

  it('is that of the most specific rule where the peer names none', () => {
    expect(lines(rate(tariff, question())).unit).toBe('seconds');
  });

  it('is one that the peer names where a rule prices it', () => {
    const rated = lines(rate(tariff, question({ requestedUnitKinds: ['octets'] })));
    expect([rated.unit, ruleAt(rated, AT)]).toEqual(['octets', 'data']);
  });

  it('is the more specific of several that the peer names', () => {
    const asked = question({ requestedUnitKinds: ['octets', 'seconds'] });
    expect(lines(rate(tariff, asked)).unit).toBe('seconds');
  });

  it('is what the tariff prices where the peer names only others', () => {
    expect(lines(rate(tariff, question({ requestedUnitKinds: ['events'] }))).unit).toBe('seconds');
  });
});

describe('a service without a price', () => {
  it('fails where no rule matches', () => {
    const tariff = compiled(
      tariffOf({ rules: [{ id: 'x', match: { ratingGroups: [1] }, rate: 'data' }] }),
    );
    expect(rate(tariff, question())).toEqual({
      result: 'rating-failed',
      reason: 'no-matching-rule',
    });
    const none = question({ ratingGroup: null });
    expect(rate(tariff, none)).toEqual({ result: 'rating-failed', reason: 'no-matching-rule' });
  });

  it('fails while no version is in force', () => {
    const tariff = compiled(tariffOf({ startsAt: '2030-01-01' }));
    expect(rate(tariff, question())).toEqual({
      result: 'rating-failed',
      reason: 'no-version-in-force',
    });
  });

  it('is not chargeable though another version will charge in some days', () => {
    const declared = tariffOf({ rules: [{ id: 'free', notChargeable: true }] });
    const [first] = declared.versions;
    if (first === undefined) throw new Error('no version');
    const second = {
      ...first,
      id: '2',
      startsAt: '2026-04-01',
      rules: [{ id: 'a', rate: 'data' }],
    };
    const tariff = compiled({ ...declared, versions: [first, second] });
    expect(rate(tariff, question()).result).toBe('not-chargeable');
    const eve = Date.parse('2026-03-31T12:00+02:00');
    const rated = lines(rate(tariff, question({ at: eve })));
    expect(rated.lines.map((line) => [line.chargeable, line.free, line.unit])).toEqual([
      [false, true, 'octets'],
      [true, false, 'octets'],
    ]);
  });
});

describe('the line of a rule', () => {
  it('is free where nothing it says can cost anything', () => {
    const price = { amount: '0' };
    const cases: readonly (readonly [object, boolean])[] = [
      [{ price }, true],
      [{ price: { amount: '1' }, cap: '0' }, true],
      [{ price, connectionFee: '1' }, false],
      [{ price, minimumCharge: '1' }, false],
      [
        {
          slots: [
            { from: 0, price },
            { from: 9, price: { amount: '1' } },
          ],
        },
        false,
      ],
    ];
    const found = cases.map(([more]) => {
      const rates = [{ id: 'data', unit: 'seconds', ...more } as Rate];
      return lines(rate(compiled(tariffOf({ rates })), question())).lines[0]?.free;
    });
    expect(found).toEqual(cases.map(([, free]) => free));
  });

  it('names its counter so that no other tariff’s is meant', () => {
    const rates: Rate[] = [
      { id: 'data', unit: 'octets', counter: 'c', tiers: [{ from: 0, price: { amount: '0' } }] },
    ];
    const counters = [{ id: 'c', unit: 'octets', period: 'day' }] as const;
    const rated = lines(rate(compiled(tariffOf({ rates }, { counters })), question()));
    expect(rated.lines[0]?.counter).toBe('test/c');
  });
});

describe('a switch of versions', () => {
  it('takes effect at its moment, with its quotas, in whatever order versions stand', () => {
    const [old] = tariffOf({}).versions;
    if (old === undefined) throw new Error('no version');
    const quotas = [{ validitySeconds: 77 }];
    const next = { ...old, id: '2', startsAt: '2026-03-04T12:00', quotas };
    const tariff = compiled({ ...tariffOf({}), versions: [next, old] });
    const noon = Date.parse('2026-03-04T12:00+01:00');
    const ask = (at: number): RatedLines => lines(rate(tariff, question({ at })));
    expect([noon - 1, noon].map((at) => ask(at).quota.validitySeconds)).toEqual([3_600, 77]);
    expect(ask(noon - 1).windows.map((window) => window.fromMs)).toContain(noon);
  });
});

describe('zones of an answer', () => {
  it('are all that the request lies in, whichever a rule names', () => {
    const zones = [
      { id: 'de', prefixes: ['49'], networks: ['262'] },
      { id: 'mobile', prefixes: ['4917'] },
    ];
    const tariff = compiled(tariffOf({}, { zones }));
    const context = { calledParty: '4917012', visitedNetwork: '26201' };
    expect(lines(rate(tariff, question({ context }))).zones).toEqual(['mobile', 'de', 'de']);
    expect(lines(rate(tariff, question())).zones).toEqual([]);
  });
});

describe('quota settings', () => {
  const tariff = compiled(
    tariffOf({
      quotas: [
        { validitySeconds: 600 },
        {
          serviceContexts: ['32251@3gpp.org'],
          thresholdPercent: 0,
          holdingSeconds: 30,
          consumptionSeconds: 15,
          pool: { id: 7, multiplier: '0.25' },
        },
        {
          ratingGroups: [10],
          finalUnit: { action: 'restrict', filterIds: ['f'], filterRules: [] },
        },
        { ratingGroups: [10], unit: 'octets', default: 1_000, maximum: 5_000, minimum: 10 },
      ],
      rules: [
        { id: 'all', rate: 'data' },
        { id: 'call', match: { serviceContexts: ['32260@3gpp.org'] }, rate: 'time' },
      ],
    }),
  );

  it('are those of the rating group and unit before those of the context, and then the general', () => {
    const find = (more: Partial<RatingQuestion>): RatedLines => lines(rate(tariff, question(more)));
    expect(find({}).quota).toEqual({
      ...QUOTA_DEFAULTS.octets,
      default: 1_000,
      maximum: 5_000,
      minimum: 10,
    });
    expect(find({ ratingGroup: 11 }).quota).toEqual({
      ...QUOTA_DEFAULTS.octets,
      thresholdPercent: 0,
      holdingSeconds: 30,
      consumptionSeconds: 15,
      pool: { id: 7, digits: 25, exponent: -2 },
    });
    expect(find({ serviceContext: 'radius', ratingGroup: null }).quota).toEqual({
      ...QUOTA_DEFAULTS.octets,
      validitySeconds: 600,
    });
    const call = find({ serviceContext: '32260@3gpp.org' });
    expect(call.quota).toEqual(QUOTA_DEFAULTS.seconds);
    expect(call.finalUnit).toEqual({ action: 'restrict', filterIds: ['f'], filterRules: [] });
    expect(find({}).finalUnit).toEqual({ action: 'terminate' });
  });
});

/** A small world in which every combination of criteria meets. */
const match = fc.record(
  {
    serviceContexts: fc.subarray(['x', 'y'], { minLength: 1 }),
    ratingGroups: fc.subarray([1, 2], { minLength: 1 }),
    serviceIdentifiers: fc.subarray([5, 6, 7], { minLength: 1 }),
    calledZone: fc.constantFrom('de', 'mobile'),
    visitedZone: fc.constantFrom('fr', 'partner'),
    apns: fc.subarray(['a', 'b'], { minLength: 1 }),
    ratTypes: fc.subarray(['4g', '5g'], { minLength: 1 }),
  },
  { requiredKeys: [] },
);

const asked = fc
  .record({
    serviceContext: fc.constantFrom('x', 'y', 'z'),
    ratingGroup: fc.constantFrom(1, 2, 3, null),
    serviceIdentifiers: fc.subarray([5, 6, 7, 8]),
    called: fc.constantFrom('49301', '491701', '331', undefined),
    visited: fc.constantFrom('20801', '20810', '26201', undefined),
    apn: fc.constantFrom('A', 'b', 'c', undefined),
    rat: fc.constantFrom('4G', '5g', '3g', undefined),
  })
  .map(({ called, visited, apn, rat, ...service }) =>
    question({
      ...service,
      context: {
        ...(called === undefined ? {} : { calledParty: called }),
        ...(visited === undefined ? {} : { visitedNetwork: visited }),
        ...(apn === undefined ? {} : { apn }),
        ...(rat === undefined ? {} : { ratType: rat }),
      },
    }),
  );

const CALLED: Readonly<Record<string, readonly string[]>> = {
  '49301': ['de'],
  '491701': ['mobile', 'de'],
};
const VISITED: Readonly<Record<string, readonly string[]>> = {
  '20801': ['partner', 'fr'],
  '20810': ['fr'],
};

/** Per criterion, in order of weight: 0 fits best; higher fits worse; null fits not at all. */
function fit(rule: RuleMatch, { context, ...service }: RatingQuestion): readonly (number | null)[] {
  const holds = (named: readonly unknown[] | undefined, values: readonly unknown[]) =>
    named === undefined ? 9 : values.some((value) => named.includes(value)) ? 0 : null;
  const zone = (named: string | undefined, zones: readonly string[]) =>
    named === undefined ? 9 : zones.includes(named) ? zones.indexOf(named) : null;
  return [
    holds(rule.serviceContexts, [service.serviceContext]),
    holds(rule.ratingGroups, [service.ratingGroup]),
    holds(rule.serviceIdentifiers, service.serviceIdentifiers),
    zone(rule.calledZone, CALLED[context.calledParty ?? ''] ?? []),
    zone(rule.visitedZone, VISITED[context.visitedNetwork ?? ''] ?? []),
    holds(rule.apns, [context.apn?.toLowerCase()]),
    holds(rule.ratTypes, [context.ratType?.toLowerCase()]),
  ];
}

/** The rule that fits best, by weighing all of them; the first declared of those that tie. */
function bestByDefinition(rules: readonly Rule[], about: RatingQuestion): string | null {
  let best: { id: string; fit: readonly number[] } | null = null;
  for (const rule of rules) {
    const fits = fit(rule.match ?? {}, about);
    if (fits.includes(null)) continue;
    const weights = fits.map(Number);
    const held = best?.fit ?? [];
    const differing = weights.findIndex((weight, index) => weight !== held[index]);
    if (best === null || (weights[differing] ?? 9) < (held[differing] ?? 0)) {
      best = { id: rule.id, fit: weights };
    }
  }
  return best?.id ?? null;
}

describe('the deciding rule', () => {
  it('is the most specific of those that match', () => {
    const zones = [
      { id: 'de', prefixes: ['49'] },
      { id: 'mobile', prefixes: ['4917'] },
      { id: 'fr', networks: ['208'] },
      { id: 'partner', networks: ['20801'] },
    ];
    const world = fc.array(match, { minLength: 1, maxLength: 30 });
    const questions = fc.array(asked, { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(world, questions, (matches, all) => {
        const drawn: Rule[] = matches.map((named, index) => ({
          id: `r${index}`,
          match: named,
          rate: 'data',
        }));
        const tried = compileTariff(tariffOf({ rules: drawn }, { zones }));
        const faults = tried.result === 'refused' ? tried.faults : [];
        const twins = new Set(faults.map(({ path }) => /rules\[(\d+)\]/.exec(path)?.[1]));
        const rules = drawn.filter((_, index) => !twins.has(String(index)));
        const tariff = compiled(tariffOf({ rules }, { zones }));
        for (const about of all) {
          const rated = rate(tariff, about);
          const found = rated.result === 'lines' ? ruleAt(rated, about.at) : null;
          expect(found).toBe(bestByDefinition(rules, about));
        }
      }),
      { numRuns: 300 },
    );
  });

  it('is told apart for lists of service identifiers that begin alike', () => {
    const rules: Rule[] = [
      { id: 'one', match: { serviceIdentifiers: [1] }, rate: 'data' },
      { id: 'two', match: { serviceIdentifiers: [2], ratingGroups: [10] }, rate: 'data' },
      { id: 'three', match: { serviceIdentifiers: [3] }, rate: 'data' },
    ];
    const tariff = compiled(tariffOf({ rules }));
    const found = [
      [1, 3],
      [1, 2],
      [3, 1],
      [2, 1],
    ].map((serviceIdentifiers) => ruleAt(rate(tariff, question({ serviceIdentifiers })), AT));
    expect(found).toEqual(['one', 'two', 'one', 'two']);
  });

  it('is found for more lists of service identifiers than are remembered', () => {
    const identifiers = Array.from({ length: 100 }, (_, index) => index);
    const rules = identifiers.map((id) => ({
      id: `s${id}`,
      match: { serviceIdentifiers: [id] },
      rate: 'data',
    }));
    const tariff = compiled(tariffOf({ rules }));
    for (const first of identifiers) {
      for (const second of identifiers) {
        const about = question({ serviceIdentifiers: [first, second] });
        expect(ruleAt(rate(tariff, about), AT)).toBe(`s${Math.min(first, second)}`);
      }
    }
  });
});
