import { describe, expect, it } from 'vitest';
import { formatDecimal, parseDecimal, toAmount } from '../../../src/domain/amounts.js';
import {
  charge,
  chargeFor,
  enterLine,
  NOTHING_CHARGED,
  unitsFor,
  type ChargeState,
} from '../../../src/rating/charge.js';
import { compileTariff } from '../../../src/rating/compile.js';
import type { CompiledTariff } from '../../../src/rating/compiled-tariff.js';
import { windowAt, type RatedLines } from '../../../src/rating/rate-line.js';
import { rate } from '../../../src/rating/rate.js';
import type { Tariff } from '../../../src/rating/tariff.js';
import { readScenario, type RatingCase } from './rating-scenario.js';

const FILES = ['rating-cases.txt', 'rating-time-and-place.txt'];

function compiled(tariff: Tariff): CompiledTariff {
  const result = compileTariff(tariff);
  if (result.result === 'refused') throw new Error(JSON.stringify(result.faults, null, 2));
  return result.tariff;
}

interface Course {
  readonly rules: readonly string[];
  readonly cost: string;
}

/** Runs a session as charging does: rated once, each report priced by the window of its time. */
function courseOf(tariff: CompiledTariff, { question, use, counter }: RatingCase): Course {
  const rated = rate(tariff, question);
  if (rated.result === 'rating-failed') return { rules: [], cost: 'rating failed' };
  if (rated.result === 'not-chargeable') return { rules: [], cost: 'not chargeable' };
  if (rated.result === 'barred') return { rules: [], cost: 'barred' };
  const states = new Map<string, ChargeState>();
  let state: ChargeState = NOTHING_CHARGED;
  let held = { amount: counter, since: windowAt(rated, question.at)?.periodStartMs ?? null };
  const rules: string[] = [];
  for (const { units, at } of use) {
    const window = windowAt(rated, at);
    const line = window === null ? undefined : rated.lines[window.line];
    if (window === null || line === undefined) {
      return { rules, cost: rated.barredOutside ? 'barred' : 'rating failed' };
    }
    if (units === 0) continue;
    if (window.periodStartMs !== held.since) held = { amount: 0, since: window.periodStartMs };
    const own = states.get(line.id) ?? enterLine(state);
    const { gross, cost, opened } = state;
    state = { ...own, gross, cost, opened, counter: toAmount(held.amount) };
    state = charge(line, state, toAmount(units));
    held = { ...held, amount: state.counter };
    states.set(line.id, state);
    rules.push(line.id);
  }
  return { rules, cost: money(rated, state.cost) };
}

function money({ currency }: RatedLines, amount: ChargeState['cost']): string {
  return formatDecimal(amount, currency.scale);
}

function normal(decimal: string): string {
  return /^[\d.]+$/.test(decimal) ? formatDecimal(parseDecimal(decimal, 6), 6) : decimal;
}

describe.each(FILES)('%s', (file) => {
  const { tariff: declared, cases, purchases } = readScenario(file);
  const tariff = compiled(declared);

  it.each(cases)('$name', (row) => {
    const { rules, cost } = courseOf(tariff, row);
    expect(cost).toBe(normal(row.cost));
    if ((cost === 'rating failed' || cost === 'barred') && row.rules.length === 0) return;
    const known = rules.map((id, index) => {
      const rule = id.split(':')[0] ?? '';
      return rule.split(row.rules[index]?.includes('#') === true ? '@' : '#')[1];
    });
    expect(known).toEqual(row.rules);
  });

  it.each(purchases)('$name', ({ question, counter, money: purse, units, cost }) => {
    const rated = rate(tariff, question);
    if (rated.result !== 'lines') throw new Error(rated.result);
    const line = rated.lines[windowAt(rated, question.at)?.line ?? -1];
    if (line === undefined) throw new Error('no window is open');
    const bought = unitsFor(line, parseDecimal(purse, 6), toAmount(counter));
    expect(bought).toBe(units === 'max' ? line.unitsMax : Number(units));
    expect(money(rated, chargeFor(line, bought, toAmount(counter)))).toBe(normal(cost));
  });
});
