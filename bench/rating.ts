/**
 * How many services a core rates: a tariff of a large operator (30,000 prefixes, 400 rules, bands,
 * tiers of a period), questions as a network asks them. The reference is the least that any memory
 * of decisions would cost: one lookup by the question's text.
 */
import { compileTariff } from '../src/rating/compile.js';
import type { CompiledTariff } from '../src/rating/compiled-tariff.js';
import type { RatingQuestion } from '../src/rating/rate-line.js';
import { openBands, rate } from '../src/rating/rate.js';
import type { Rule, Tariff, Zone } from '../src/rating/tariff.js';
import { readNumbers } from './flags.js';
import { median } from './median.js';

const COUNTRIES = 200;
const PREFIXES_PER_COUNTRY = 150;
const QUESTIONS = 8_192;
const BEGIN = Date.parse('2026-03-28T12:00:00Z');

/** Numbers that look random and are the same in each run. */
function createDraw(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function countryCode(country: number): string {
  return String(200 + country);
}

function buildTariff(): Tariff {
  const zones: Zone[] = [];
  const rules: Rule[] = [
    { id: 'data', match: { ratingGroups: [10, 20] }, rate: 'data' },
    { id: 'tiers', match: { ratingGroups: [30] }, rate: 'tiers' },
    { id: 'zero', match: { ratingGroups: [40] }, notChargeable: true },
    { id: 'chat', match: { ratingGroups: [10], serviceIdentifiers: [7] }, rate: 'zero' },
    { id: 'night', match: { ratingGroups: [20], band: 'night' }, rate: 'night' },
    { id: 'ims', match: { ratingGroups: [10], apns: ['ims'], ratTypes: ['6'] }, rate: 'zero' },
  ];
  for (let country = 0; country < COUNTRIES; country += 1) {
    const code = countryCode(country);
    const prefixes = Array.from({ length: PREFIXES_PER_COUNTRY }, (_, index) => `${code}${index}`);
    zones.push({ id: `c${code}`, prefixes: [code, ...prefixes], networks: [code] });
    const match = { calledZone: `c${code}` };
    rules.push({ id: `day-${code}`, match: { ...match, band: 'daytime' }, rate: 'voice' });
    rules.push({ id: `call-${code}`, match, rate: 'evening' });
  }
  return {
    code: 'large',
    timezone: 'Europe/Berlin',
    currency: { code: 'EUR', scale: 6 },
    zones,
    bands: [
      {
        id: 'daytime',
        windows: [{ days: ['mon', 'tue', 'wed', 'thu', 'fri'], from: '08:00', until: '18:00' }],
      },
      { id: 'night', windows: [{ from: '22:00', until: '06:00' }] },
    ],
    counters: [{ id: 'monthly', unit: 'octets', period: 'month' }],
    versions: [
      {
        id: '2026',
        startsAt: '2026-01-01',
        rates: [
          { id: 'data', unit: 'octets', price: { amount: '2', per: 1_000_000_000 } },
          { id: 'night', unit: 'octets', price: { amount: '1', per: 1_000_000_000 } },
          { id: 'zero', unit: 'octets', price: { amount: '0' } },
          {
            id: 'tiers',
            unit: 'octets',
            counter: 'monthly',
            tiers: [
              { from: 0, price: { amount: '3', per: 1_000_000_000 } },
              { from: 10_000_000_000, price: { amount: '1', per: 1_000_000_000 } },
            ],
          },
          {
            id: 'voice',
            unit: 'seconds',
            price: { amount: '0.12', per: 60 },
            firstStep: 60,
            step: 30,
          },
          { id: 'evening', unit: 'seconds', price: { amount: '0.06', per: 60 }, step: 60 },
        ],
        rules,
        quotas: [{ ratingGroups: [10], unit: 'octets', default: 50_000_000 }],
      },
    ],
  };
}

function buildQuestions(): readonly RatingQuestion[] {
  const draw = createDraw(20_260_328);
  return Array.from({ length: QUESTIONS }, (_, index): RatingQuestion => {
    const country = countryCode(draw(COUNTRIES));
    const at = BEGIN + index * 1_000;
    if (draw(4) === 0) {
      const calledParty = `${country}${draw(1_000)}${100_000 + draw(900_000)}`;
      return {
        serviceContext: '32260@3gpp.org',
        ratingGroup: null,
        serviceIdentifiers: [],
        requestedUnitKinds: ['seconds'],
        context: { calledParty },
        at,
      };
    }
    return {
      serviceContext: '32251@3gpp.org',
      ratingGroup: [10, 20, 30, 40][draw(4)] ?? 10,
      serviceIdentifiers: draw(2) === 0 ? [] : [draw(10)],
      requestedUnitKinds: ['octets'],
      context: { visitedNetwork: `${country}01`, apn: 'internet.mnc001.mcc262.gprs', ratType: '6' },
      at,
    };
  });
}

/** Runs per second of one core: CPU time, so that a busy machine doesn't count against it. */
function perSecond(runs: number, run: (index: number) => unknown): number {
  let answered = 0;
  const before = process.cpuUsage();
  for (let index = 0; index < runs; index += 1) {
    if (run(index) !== undefined) answered += 1;
  }
  const { user, system } = process.cpuUsage(before);
  if (answered !== runs) throw new Error(`${runs - answered} runs had no answer`);
  return runs / ((user + system) / 1e6);
}

function compiled(tariff: Tariff): CompiledTariff {
  const result = compileTariff(tariff);
  if (result.result === 'refused') throw new Error(JSON.stringify(result.faults[0]));
  return result.tariff;
}

function textOf({
  serviceContext,
  ratingGroup,
  serviceIdentifiers,
  context,
}: RatingQuestion): string {
  const { calledParty = '', visitedNetwork = '', apn = '', ratType = '' } = context;
  const service = `${serviceContext}|${ratingGroup ?? ''}|${serviceIdentifiers.join('+')}`;
  return `${service}|${calledParty}|${visitedNetwork}|${apn}|${ratType}`;
}

/** Times of single decisions over fourteen hours of the clock, in microseconds. */
function percentiles(tariff: CompiledTariff, questions: readonly RatingQuestion[]): number[] {
  const times = new Float64Array(200_000);
  for (let index = 0; index < times.length; index += 1) {
    const question = questions[index % QUESTIONS];
    if (question === undefined) throw new Error('no question');
    const asked = { ...question, at: BEGIN + index * 250 };
    const before = performance.now();
    rate(tariff, asked);
    times[index] = (performance.now() - before) * 1_000;
  }
  times.sort();
  return [0.5, 0.95, 0.99].map((share) => times[Math.ceil(share * times.length) - 1] ?? 0);
}

/** What the first decision of each of a week's stretches of open bands waits, in microseconds. */
function newStretchUs(tariff: CompiledTariff): number {
  const times = Array.from({ length: 28 }, (_, index) => {
    const before = performance.now();
    openBands(tariff, BEGIN + (30 * 24 + index * 6) * 3_600_000);
    return (performance.now() - before) * 1_000;
  });
  return median(times);
}

function rounded(value: number): number {
  return Number(value.toPrecision(4));
}

/** `npm run bench -- rating [--rounds N] [--decisions N]` */
export async function run(args: readonly string[]): Promise<void> {
  const { rounds, decisions } = readNumbers(args, { rounds: 7, decisions: 1_000_000 });
  const declared = buildTariff();
  const begin = performance.now();
  const tariff = compiled(declared);
  const compileMs = performance.now() - begin;
  const questions = buildQuestions();
  const decide = (index: number): unknown => {
    const question = questions[index % QUESTIONS];
    return question === undefined ? undefined : rate(tariff, question);
  };
  const coldMs = performance.now();
  for (let index = 0; index < QUESTIONS; index += 1) decide(index);
  const firstUs = ((performance.now() - coldMs) * 1_000) / QUESTIONS;

  const memory = new Map(questions.map((question) => [textOf(question), question]));
  const recall = (index: number): unknown => {
    const question = questions[index % QUESTIONS];
    return question === undefined ? undefined : memory.get(textOf(question));
  };
  const rates: number[] = [];
  const references: number[] = [];
  for (let round = -2; round < rounds; round += 1) {
    const [decided, recalled] = [perSecond(decisions, decide), perSecond(decisions, recall)];
    if (round < 0) continue;
    rates.push(decided);
    references.push(recalled);
  }
  const [value, reference] = [median(rates), median(references)];
  const [p50Us = 0, p95Us = 0, p99Us = 0] = percentiles(tariff, questions);
  console.log(
    JSON.stringify({
      bench: 'rating',
      value: Math.round(value),
      unit: 'decisions/s',
      reference: Math.round(reference),
      ratio: rounded(value / reference),
      p50Ms: rounded(p50Us / 1_000),
      p95Ms: rounded(p95Us / 1_000),
      p99Ms: rounded(p99Us / 1_000),
      errors: 0,
      balanced: true,
      cpuUs: { node: rounded(1e6 / value) },
      newStretchUs: rounded(newStretchUs(tariff)),
      firstUs: rounded(firstUs),
      compileMs: rounded(compileMs),
    }),
  );
}
