import { describe, expect, it } from 'vitest';
import { compileTariff } from '../../../src/rating/compile.js';
import type {
  QuotaRule,
  Rate,
  Rule,
  RuleMatch,
  Tariff,
  TariffFault,
  TariffVersion,
  Zone,
} from '../../../src/rating/tariff.js';

const SOUND: Tariff = {
  code: 'test',
  timezone: 'Europe/Berlin',
  currency: { code: 'EUR', scale: 6 },
  zones: [
    { id: 'de', prefixes: ['49'] },
    { id: 'fr', networks: ['208'] },
  ],
  bands: [{ id: 'night', windows: [{ from: '22:00', until: '06:00' }] }],
  counters: [{ id: 'month', unit: 'octets', period: 'month' }],
  versions: [
    {
      id: '1',
      startsAt: '2026-01-01',
      rates: [{ id: 'data', unit: 'octets', price: { amount: '1', per: 1_000_000 } }],
      rules: [{ id: 'all', rate: 'data' }],
    },
  ],
};

function faultsOf(tariff: Tariff): readonly TariffFault[] {
  const result = compileTariff(tariff);
  return result.result === 'refused' ? result.faults : [];
}

function withVersion(more: Partial<TariffVersion>): Tariff {
  return { ...SOUND, versions: SOUND.versions.map((version) => ({ ...version, ...more })) };
}

function withRate(rate: object): Tariff {
  return withVersion({ rates: [{ id: 'data', unit: 'octets', ...rate } as Rate] });
}

function withRules(...matches: RuleMatch[]): Tariff {
  const rules = matches.map((match, index): Rule => ({ id: `r${index}`, match, rate: 'data' }));
  return withVersion({ rules });
}

function withZones(...zones: Partial<Zone>[]): Tariff {
  return { ...SOUND, zones: zones.map((zone, index) => ({ id: `z${index}`, ...zone })) };
}

function withWindow(window: object): Tariff {
  return { ...SOUND, bands: [{ id: 'night', windows: [window] }] };
}

function withQuotas(...quotas: QuotaRule[]): Tariff {
  return withVersion({ quotas });
}

const V = 'versions[0]';
const RATE = `${V}.rates[0]`;
const flat = (amount: string, per?: number): object => ({
  price: { amount, ...(per !== undefined && { per }) },
});

/** What is declared, where the fault is, and what it says. */
const REFUSED: readonly (readonly [string, Tariff, string, RegExp])[] = [
  ['an unknown time zone', { ...SOUND, timezone: 'Mars' }, 'timezone', /no known time zone/],
  ['an odd code', { ...SOUND, code: 'a b' }, 'code', /not an identifier/],
  ['a long code', { ...SOUND, code: 'x'.repeat(65) }, 'code', /not an identifier/],
  [
    'a currency of ten decimals',
    { ...SOUND, currency: { code: 'EUR', scale: 10 } },
    'currency.scale',
    /from 0 to 9/,
  ],
  ['no version', { ...SOUND, versions: [] }, 'versions', /no version/],
  ['an odd start', withVersion({ startsAt: 'soon' }), `${V}.startsAt`, /no time after 1970/],
  ['an early start', withVersion({ startsAt: '1969-01-01' }), `${V}.startsAt`, /after 1970/],
  [
    'two versions of one name',
    { ...SOUND, versions: [...SOUND.versions, { ...SOUND.versions[0]!, startsAt: '2027-01-01' }] },
    'versions[1].id',
    /also versions\[0\]/,
  ],
  [
    'two versions of one start',
    { ...SOUND, versions: [...SOUND.versions, { ...SOUND.versions[0]!, id: '2' }] },
    'versions[1].startsAt',
    /starts when "1" does/,
  ],

  // Zones.
  ['an empty zone', withZones({}), 'zones[0]', /empty/],
  ['a prefix with a plus', withZones({ prefixes: ['+49'] }), 'zones[0].prefixes[0]', /E\.164/],
  [
    'a prefix too long',
    withZones({ prefixes: ['1'.repeat(16)] }),
    'zones[0].prefixes[0]',
    /E\.164/,
  ],
  ['an empty prefix', withZones({ prefixes: [''] }), 'zones[0].prefixes[0]', /E\.164/],
  [
    'a prefix in two zones',
    withZones({ prefixes: ['49'] }, { prefixes: ['1', '49'] }),
    'zones[1].prefixes[1]',
    /also in zone "z0"/,
  ],
  ['half a network', withZones({ networks: ['2621'] }), 'zones[0].networks[0]', /no network/],
  [
    'a network in two zones, written in two ways',
    withZones({ networks: ['262-01'] }, { networks: ['26201'] }),
    'zones[1].networks[0]',
    /also in zone "z0"/,
  ],

  // Bands.
  [
    'a band never open',
    { ...SOUND, bands: [{ id: 'b', windows: [] }] },
    'bands[0].windows',
    /never/,
  ],
  ['no such day', withWindow({ days: ['monday'] }), 'bands[0].windows[0].days[0]', /no day/],
  ['an empty list of days', withWindow({ days: [] }), 'bands[0].windows[0]', /never met/],
  [
    'no such date',
    withWindow({ dates: ['2026-02-30'] }),
    'bands[0].windows[0].dates[0]',
    /no date/,
  ],
  ['no such time', withWindow({ from: '24:00' }), 'bands[0].windows[0].from', /no time of day/],
  ['a time without minutes', withWindow({ until: '7' }), 'bands[0].windows[0].until', /no time/],

  // Prices.
  ['an amount that is no number', withRate(flat('1e3')), `${RATE}.price.amount`, /not an amount/],
  ['a negative amount', withRate(flat('-1')), `${RATE}.price.amount`, /not an amount/],
  ['sixteen decimals', withRate(flat(`0.${'1'.repeat(16)}`)), `${RATE}.price.amount`, /not an/],
  ['a price per nothing', withRate(flat('1', 0)), `${RATE}.price.per`, /whole number/],
  ['a price per half', withRate(flat('1', 1.5)), `${RATE}.price.per`, /whole number/],
  [
    'a fraction that is not exact',
    withRate(flat('1.000000000001', 1_000_003)),
    `${RATE}.price`,
    /1000000000001\/1000003000000.*is not below 2\^53/,
  ],
  ['a price too high', withRate(flat('5000')), RATE, /only 1801439 octets could be charged/],
  ['a step too long', withRate({ ...flat('0.001'), step: 2 ** 53 - 1 }), RATE, /only 0 octets/],
  ['a step of nothing', withRate({ ...flat('1', 1e6), step: 0 }), `${RATE}.step`, /whole number/],
  [
    'a first step of half',
    withRate({ ...flat('0'), firstStep: 0.5 }),
    `${RATE}.firstStep`,
    /whole/,
  ],
  [
    'a fee finer than the currency',
    withRate({ ...flat('0'), connectionFee: '0.0000001' }),
    `${RATE}.connectionFee`,
    /at most 6 decimals/,
  ],
  [
    'a fee beyond 2^53',
    withRate({ ...flat('0'), connectionFee: '9007199254.740992' }),
    `${RATE}.connectionFee`,
    /passes 2\^53 - 1/,
  ],
  [
    'a cap below the fee',
    withRate({ ...flat('0'), connectionFee: '2', cap: '1' }),
    `${RATE}.cap`,
    /below the connection fee/,
  ],
  [
    'a cap below the minimum',
    withRate({ ...flat('0'), minimumCharge: '2', cap: '1' }),
    `${RATE}.cap`,
    /or the minimum charge/,
  ],
  ['no slots', withRate({ slots: [] }), `${RATE}.slots`, /no price/],
  [
    'slots that begin late',
    withRate({ slots: [{ from: 1, price: { amount: '0' } }] }),
    `${RATE}.slots[0].from`,
    /does not follow the beginning/,
  ],
  [
    'slots out of order',
    withRate({
      slots: [
        { from: 0, price: { amount: '0' } },
        { from: 0, price: { amount: '0' } },
      ],
    }),
    `${RATE}.slots[1].from`,
    /does not follow 0/,
  ],
  [
    'a slot that ends inside a step',
    withRate({
      slots: [
        { from: 0, price: { amount: '0' }, step: 60 },
        { from: 90, price: { amount: '0' } },
      ],
    }),
    `${RATE}.slots[0].step`,
    /90 units of the slot/,
  ],
  [
    'thirty-three slots',
    withRate({
      slots: Array.from({ length: 33 }, (_, from) => ({ from, price: { amount: '0' } })),
    }),
    `${RATE}.slots`,
    /more than 32/,
  ],
  [
    'an unknown counter',
    withRate({ counter: 'week', tiers: [{ from: 0, price: { amount: '0' } }] }),
    `${RATE}.counter`,
    /no counter "week"/,
  ],
  [
    'a counter of another unit',
    withRate({ unit: 'seconds', counter: 'month', tiers: [{ from: 0, price: { amount: '0' } }] }),
    `${RATE}.counter`,
    /counts octets, the rate prices seconds/,
  ],

  // Rules.
  [
    'an unknown rate',
    withVersion({ rules: [{ id: 'a', rate: 'x' }] }),
    `${V}.rules[0].rate`,
    /no rate/,
  ],
  [
    'a rate and no charge',
    withVersion({ rules: [{ id: 'a', rate: 'data', notChargeable: true }] }),
    `${V}.rules[0]`,
    /has rate and notChargeable/,
  ],
  ['an unknown zone', withRules({ calledZone: 'x' }), `${V}.rules[0].match.calledZone`, /no zone/],
  [
    'a called zone of networks',
    withRules({ calledZone: 'fr' }),
    `${V}.rules[0].match.calledZone`,
    /with prefixes/,
  ],
  [
    'a visited zone of numbers',
    withRules({ visitedZone: 'de' }),
    `${V}.rules[0].match.visitedZone`,
    /with networks/,
  ],
  ['an unknown band', withRules({ band: 'x' }), `${V}.rules[0].match.band`, /no band "x"/],
  ['an empty list', withRules({ apns: [] }), `${V}.rules[0].match.apns`, /never met/],
  [
    'a rating group beyond 32 bits',
    withRules({ ratingGroups: [2 ** 32] }),
    `${V}.rules[0].match.ratingGroups[0]`,
    /whole number/,
  ],
  ['two rules for all', withRules({}, {}), `${V}.rules[1].match`, /what versions\[0\]\.rules\[0\]/],
  [
    'two rules that share a combination',
    withRules(
      { ratingGroups: [1, 2], apns: ['a', 'B'] },
      { ratingGroups: [3], apns: ['b'] },
      { ratingGroups: [2, 3], apns: ['b', 'c'] },
    ),
    `${V}.rules[2].match`,
    /no less specifically/,
  ],
  [
    'a rule of too many combinations',
    withRules({
      ratingGroups: Array.from({ length: 101 }, (_, group) => group),
      serviceIdentifiers: Array.from({ length: 100 }, (_, id) => id),
    }),
    `${V}.rules[0].match`,
    /10100 combinations/,
  ],

  // Quotas.
  ['amounts without a unit', withQuotas({ default: 1 }), `${V}.quotas[0]`, /without their unit/],
  [
    'a default above the maximum',
    withQuotas({ unit: 'seconds', default: 7_200 }),
    `${V}.quotas[0]`,
    /minimum 10, default 7200 and maximum 3600 do not rise/,
  ],
  [
    'a share of nothing',
    withQuotas({ sharePercent: 0 }),
    `${V}.quotas[0].sharePercent`,
    /1 to 100/,
  ],
  [
    'a validity beyond the windows',
    withQuotas({ validitySeconds: 86_401 }),
    `${V}.quotas[0].validitySeconds`,
    /1 to 86400/,
  ],
  [
    'a threshold of everything',
    withQuotas({ thresholdPercent: 100 }),
    `${V}.quotas[0].thresholdPercent`,
    /0 to 99/,
  ],
  [
    'a pool whose number the wire cannot hold',
    withQuotas({ pool: { id: 2 ** 32 } }),
    `${V}.quotas[0].pool.id`,
    /0 to 4294967295/,
  ],
  ...['0', '0.000', '-1', '1.1234567', 'two'].map(
    (multiplier) =>
      [
        `a pool in which a unit counts as ${multiplier}`,
        withQuotas({ pool: { id: 1, multiplier } }),
        `${V}.quotas[0].pool.multiplier`,
        /no decimal above 0/,
      ] as const,
  ),
  [
    'two quotas for the same services',
    withQuotas({ ratingGroups: [1, 2] }, { ratingGroups: [2] }),
    `${V}.quotas[1]`,
    /same services/,
  ],
];

describe('a tariff', () => {
  it('is taken where nothing is wrong with it', () => {
    expect(faultsOf(SOUND)).toEqual([]);
  });

  it.each(REFUSED)('is refused with %s', (_, tariff, path, message) => {
    const faults = faultsOf(tariff);
    expect(faults.map((fault) => fault.path)).toContain(path);
    const fault = faults.find((candidate) => candidate.path === path);
    expect(fault?.message).toMatch(message);
    expect(fault?.remedy).not.toBe('');
  });

  it('is refused with all its faults at once', () => {
    const tariff = { ...withRate({ ...flat('x'), step: 0, cap: '-' }), code: 'test' };
    expect(faultsOf(tariff).map((fault) => fault.path)).toEqual([
      `${RATE}.step`,
      `${RATE}.price.amount`,
      `${RATE}.cap`,
    ]);
  });

  it('may name a value twice in one rule', () => {
    expect(faultsOf(withRules({ ratingGroups: [1, 1] }))).toEqual([]);
  });

  it('may name one prefix twice in one zone', () => {
    const zones = [{ id: 'de', prefixes: ['49', '49'] }];
    expect(faultsOf({ ...SOUND, zones })).toEqual([]);
  });

  it('may price up to the last unit that stays exact', () => {
    // 2^53 - 1 smallest units of money over 2^42 octets, in steps of one.
    expect(faultsOf(withRate(flat('0.002047')))).toEqual([]);
    expect(faultsOf(withRate(flat('0.002048'))).map((fault) => fault.path)).toEqual([RATE]);
  });

  it('may have a price whose fraction stays just below 2^53', () => {
    expect(faultsOf(withRate({ unit: 'events', ...flat('94.906265', 94_906_264) }))).toEqual([]);
    const above = withRate({ unit: 'events', ...flat('94.906267', 94_906_266) });
    expect(faultsOf(above).map((fault) => fault.path)).toEqual([`${RATE}.price`]);
  });

  it('may keep rules apart by nothing but their bands', () => {
    const bands = [
      { id: 'night', windows: [{ from: '22:00', until: '06:00' }] },
      { id: 'late', windows: [{ from: '23:00', until: '06:00' }] },
    ];
    const tariff = { ...withRules({ band: 'night' }, { band: 'late' }, {}), bands };
    expect(faultsOf(tariff)).toEqual([]);
  });
});
