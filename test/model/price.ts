/**
 * Prices by their definition, in whole numbers of any size: a line's total is rounded up to its
 * steps, each tier's part of it is priced by its exact fraction and rounded up once; fee, minimum
 * and cap stand around the sum. What a report costs is the difference it makes.
 */
import type { PackableRateLine } from '../../src/charging/charge-request.js';

/** The totals of one service, seen from one of its lines. */
export interface Meter {
  readonly units: bigint;
  readonly billed: readonly bigint[];
  readonly counter: bigint;
  readonly gross: bigint;
  readonly cost: bigint;
  readonly opened: boolean;
}

const max = (...values: readonly bigint[]): bigint => values.reduce((a, b) => (a > b ? a : b));
const min = (a: bigint, b: bigint): bigint => (a < b ? a : b);
const ceilDiv = (a: bigint, b: bigint): bigint => (a + b - 1n) / b;

/** `units` rounded up to the step that they end in. */
export function roundedUp(line: PackableRateLine, units: bigint): bigint {
  let billed = 0n;
  for (const [index, { from, step }] of line.pulses.entries()) {
    if (units <= BigInt(from)) break;
    const next = line.pulses[index + 1];
    const end = next === undefined ? units : min(units, BigInt(next.from));
    billed = BigInt(from) + ceilDiv(end - BigInt(from), BigInt(step)) * BigInt(step);
  }
  return billed;
}

/** The meter after `units` more that money pays for. */
export function pay(line: PackableRateLine, meter: Meter, units: bigint): Meter {
  const before = roundedUp(line, meter.units);
  const growth = roundedUp(line, meter.units + units) - before;
  const start = line.counter === null ? before : meter.counter;
  let gross = meter.gross + (meter.opened ? 0n : BigInt(line.connectionFee));
  const billed = line.tiers.map(({ from, num, den }, index) => {
    const next = line.tiers[index + 1];
    const low = max(start, BigInt(from));
    const high = next === undefined ? start + growth : min(start + growth, BigInt(next.from));
    const had = meter.billed[index] ?? 0n;
    const has = had + max(0n, high - low);
    const price = (total: bigint): bigint => ceilDiv(total * BigInt(num), BigInt(den));
    gross += price(has) - price(had);
    return has;
  });
  // What a cap lets go is free for good.
  if (line.cap !== null) gross = min(gross, max(BigInt(line.cap), meter.gross));
  return {
    units: meter.units + units,
    billed,
    counter: meter.counter + growth,
    gross,
    cost: max(gross, BigInt(line.minimumCharge), meter.cost),
    opened: true,
  };
}

/** The most of `units` that `money` pays for. */
export function payable(
  line: PackableRateLine,
  meter: Meter,
  units: bigint,
  money: bigint,
): bigint {
  const affordable = (count: bigint): boolean =>
    count === 0n ||
    (meter.units + count <= BigInt(line.unitsMax) &&
      pay(line, meter, count).cost - meter.cost <= money);
  if (affordable(units)) return units;
  let [yes, no] = [0n, units];
  while (no - yes > 1n) {
    const middle = (yes + no) / 2n;
    if (affordable(middle)) yes = middle;
    else no = middle;
  }
  return yes;
}
