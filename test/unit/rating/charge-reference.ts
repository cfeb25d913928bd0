/**
 * Charging by its definition, in rationals of bigint and one unit at a time where that is plainer:
 * what `src/rating/charge.ts` is judged against. Slow on purpose.
 */
import type { PricedLine } from '../../../src/rating/charge.js';

export function ceilDiv(a: bigint, b: bigint): bigint {
  return a === 0n ? 0n : (a - 1n) / b + 1n;
}

/** `units` rounded up, pulse after pulse. */
export function billedByDefinition(line: Pick<PricedLine, 'pulses'>, units: bigint): bigint {
  let billed = 0n;
  for (const [index, pulse] of line.pulses.entries()) {
    const from = BigInt(pulse.from);
    if (units <= from) break;
    const next = line.pulses[index + 1];
    const end = next === undefined ? units : min(units, BigInt(next.from));
    const step = BigInt(pulse.step);
    billed = from + ceilDiv(end - from, step) * step;
  }
  return billed;
}

/** Price of the billed units [from, until) of the tiers' axis, each tier rounded up on its own. */
function priceByDefinition(line: PricedLine, from: bigint, until: bigint): bigint {
  let price = 0n;
  for (const [index, tier] of line.tiers.entries()) {
    const end = line.tiers[index + 1]?.from;
    const low = max(from, BigInt(tier.from));
    const high = end === undefined ? until : min(until, BigInt(end));
    if (high > low) price += ceilDiv((high - low) * BigInt(tier.num), BigInt(tier.den));
  }
  return price;
}

/** Cost of `units` of a service that only this line prices. */
export function costByDefinition(line: PricedLine, units: bigint, counter = 0n): bigint {
  if (units === 0n) return 0n;
  const start = line.counter === null ? 0n : counter;
  const gross =
    BigInt(line.connectionFee) +
    priceByDefinition(line, start, start + billedByDefinition(line, units));
  const cost = max(gross, BigInt(line.minimumCharge));
  return line.cap === null ? cost : min(cost, BigInt(line.cap));
}

function min(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
