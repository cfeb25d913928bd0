/**
 * What units cost under a rate line, and what money buys: the reference of the arithmetic that the
 * charge script repeats in doubles. Every product stays below 2^53 (`exactness.ts` refuses a price
 * that could pass it), and below 2^53 a floored or ceiled quotient of two doubles is exact.
 */
import { AMOUNT_MAX, AmountRangeError, toAmount, ZERO, type Amount } from '../domain/amounts.js';
import type { RateLine, RateTier } from './rate-line.js';

/** The part of a line that sets its price; enough to compute with. */
export type PricedLine = Pick<
  RateLine,
  'pulses' | 'tiers' | 'counter' | 'connectionFee' | 'minimumCharge' | 'cap' | 'unitsMax'
>;

/** Totals of one service in one session, seen from one of its lines. */
export interface ChargeState {
  /** Units that money paid for under this line. */
  readonly units: Amount;
  /** Billed units under this line by tier; a tier not reached may be missing. */
  readonly billed: readonly number[];
  /** What the account's counter holds; any number where the line has none. */
  readonly counter: Amount;
  /** Fee and charges of all lines of the service, each held to its cap, before the minimum. */
  readonly gross: Amount;
  /** What the service has cost so far. */
  readonly cost: Amount;
  /** Whether money has paid for a unit of the service, under any line. */
  readonly opened: boolean;
}

export const NOTHING_CHARGED: ChargeState = {
  units: ZERO,
  billed: [],
  counter: ZERO,
  gross: ZERO,
  cost: ZERO,
  opened: false,
};

/** The state of a service that goes on under a line it has not used yet. */
export function enterLine(state: ChargeState, counter: Amount = ZERO): ChargeState {
  return { ...state, units: ZERO, billed: [], counter };
}

/** Price of `total` billed units: the total is split so that no product passes num * den. */
export function priceOf(tier: Pick<RateTier, 'num' | 'den'>, total: number): number {
  const whole = Math.floor(total / tier.den);
  return whole * tier.num + Math.ceil(((total % tier.den) * tier.num) / tier.den);
}

/** The most units whose price is at most `money`: the inverse of {@link priceOf}. */
function unitsOf(tier: Pick<RateTier, 'num' | 'den'>, money: number): number {
  if (tier.num === 0) return AMOUNT_MAX;
  const whole = Math.floor(money / tier.num);
  const rest = Math.floor(((money % tier.num) * tier.den) / tier.num);
  if (whole > Math.floor((AMOUNT_MAX - rest) / tier.den)) return AMOUNT_MAX;
  return whole * tier.den + rest;
}

/** `units` rounded up to the line's steps. */
export function billedUnits(line: Pick<RateLine, 'pulses'>, units: number): number {
  const pulse = line.pulses.findLast((candidate) => candidate.from < units);
  if (pulse === undefined) return 0;
  return pulse.from + Math.ceil((units - pulse.from) / pulse.step) * pulse.step;
}

/** The most units that round up to no more than `billed`. */
function wholeSteps(line: Pick<RateLine, 'pulses'>, billed: number): number {
  const pulse = line.pulses.findLast((candidate) => candidate.from <= billed);
  if (pulse === undefined) return 0;
  return billed - ((billed - pulse.from) % pulse.step);
}

/**
 * Adds `units` that money pays for. The difference of `cost` is the charge.
 * @throws AmountRangeError when the line's total passes `unitsMax` or a sum leaves the exact range.
 */
export function charge(line: PricedLine, state: ChargeState, units: Amount): ChargeState {
  if (units === 0) return state;
  const total = toAmount(state.units + units);
  if (total > line.unitsMax) throw new AmountRangeError(total);
  let growth = billedUnits(line, total) - billedUnits(line, state.units);
  let position = positionOf(line, state);
  const counter = counterAfter(line, state, growth);
  let due = state.opened ? 0 : line.connectionFee;
  const billed = line.tiers.map((_, index) => state.billed[index] ?? 0);
  for (const [index, tier] of line.tiers.entries()) {
    const part = Math.min(growth, Math.max(0, tierEnd(line, index) - position));
    const before = billed[index] ?? 0;
    due += priceOf(tier, before + part) - priceOf(tier, before);
    billed[index] = before + part;
    growth -= part;
    position += part;
  }
  // What a cap let go stays free when a later line has a higher cap or none.
  const gross = toAmount(Math.min(state.gross + due, Math.max(line.cap ?? Infinity, state.gross)));
  const cost = toAmount(Math.max(gross, line.minimumCharge, state.cost));
  return { units: total, billed, counter, gross, cost, opened: true };
}

/** The most further units that `money` more pays for, at most `unitsMax` in all. */
export function affordable(line: PricedLine, state: ChargeState, money: Amount): Amount {
  const unitsLeft = Math.max(0, line.unitsMax - state.units);
  const limit = Math.min(state.cost + Math.max(0, money), AMOUNT_MAX);
  if (line.cap !== null && line.cap <= limit) return toAmount(unitsLeft);
  if (limit < line.minimumCharge) return ZERO;
  let budget = limit - state.gross - (state.opened ? 0 : line.connectionFee);
  if (budget < 0) return ZERO;
  let billed = billedUnits(line, state.units);
  let position = positionOf(line, state);
  for (const [index, tier] of line.tiers.entries()) {
    const room = tierEnd(line, index) - position;
    if (room <= 0) continue;
    const before = state.billed[index] ?? 0;
    const spent = priceOf(tier, before);
    const bought = unitsOf(tier, Math.min(spent + budget, AMOUNT_MAX)) - before;
    const part = Math.min(bought, room);
    billed += part;
    position += part;
    budget -= priceOf(tier, before + part) - spent;
    if (part < room) break;
  }
  return toAmount(Math.min(unitsLeft, Math.max(0, wholeSteps(line, billed) - state.units)));
}

/** Price of `totalUnits` of a service that only ever saw this line. */
export function chargeFor(line: PricedLine, totalUnits: Amount, counter: Amount = ZERO): Amount {
  return charge(line, { ...NOTHING_CHARGED, counter }, totalUnits).cost;
}

/** The most units of a fresh service that `money` pays for: the inverse of {@link chargeFor}. */
export function unitsFor(line: PricedLine, money: Amount, counter: Amount = ZERO): Amount {
  return affordable(line, { ...NOTHING_CHARGED, counter }, money);
}

/** Where the next billed unit falls among the tiers. */
function positionOf(line: PricedLine, state: ChargeState): number {
  return line.counter === null ? billedUnits(line, state.units) : state.counter;
}

/** A counter stops at 2^53 - 1: it is in its last tier by then. */
function counterAfter(line: PricedLine, state: ChargeState, growth: number): Amount {
  if (line.counter === null) return state.counter;
  return toAmount(Math.min(state.counter + growth, AMOUNT_MAX));
}

function tierEnd(line: PricedLine, index: number): number {
  return line.tiers[index + 1]?.from ?? Infinity;
}
