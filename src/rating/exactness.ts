/**
 * Which prices can be charged exactly. The charge script computes in doubles, exact for whole
 * numbers below 2^53: a price whose products could pass that is refused when the tariff is saved.
 */
import { AMOUNT_MAX, toAmount, type Amount } from '../domain/amounts.js';
import type { UnitKind } from '../domain/units.js';
import type { FaultList } from './fault-list.js';
import type { Pulse, RateTier } from './rate-line.js';
import { TARIFF_LIMITS, type Decimal, type Price } from './tariff.js';

/**
 * A session must be able to reach this total within the exact range; a price under which it could
 * not is refused. Octets: 4 TiB, a gigabit line filled for ten hours. Seconds: a leap year. Events:
 * a million.
 */
export const SESSION_UNITS_MIN: Readonly<Record<UnitKind, number>> = {
  octets: 2 ** 42,
  seconds: 366 * 86_400,
  events: 1_000_000,
};

const EXACT_BELOW = 2n ** 53n;

export interface Fraction {
  readonly num: number;
  readonly den: number;
}

/** A decimal that is not negative, as digits and a power of ten; null where it is no such text. */
function parseDigits(text: Decimal): { digits: bigint; decimals: number } | null {
  const match = /^(\d{1,30})(?:\.(\d+))?$/.exec(text);
  const fraction = match?.[2] ?? '';
  if (match === null || fraction.length > TARIFF_LIMITS.priceDecimalsMax) return null;
  return { digits: BigInt(`${match[1] ?? ''}${fraction}`), decimals: fraction.length };
}

/**
 * The price as `num / den` smallest units of money per resource unit, reduced by its gcd; null,
 * with a fault, where it can't be exact.
 */
export function exactPrice(
  price: Price,
  scale: number,
  { path, faults }: { path: string; faults: FaultList },
): Fraction | null {
  const parsed = parseDigits(price.amount);
  if (parsed === null) {
    const decimals = TARIFF_LIMITS.priceDecimalsMax;
    faults.add(
      `${path}.amount`,
      `"${price.amount}" is not an amount`,
      `write a decimal number such as "0.20", not negative, with at most ${decimals} decimals`,
    );
  }
  const per = price.per ?? 1;
  if (!faults.checkWhole(`${path}.per`, per, 1) || parsed === null) return null;
  const money = parsed.digits * 10n ** BigInt(scale);
  const units = BigInt(per) * 10n ** BigInt(parsed.decimals);
  const divisor = gcd(money, units);
  const [num, den] = [money / divisor, units / divisor];
  if (num * den >= EXACT_BELOW) {
    faults.add(
      path,
      `${price.amount} per ${per} is ${num}/${den} in smallest units of money, and ` +
        `${num} * ${den} is not below 2^53: it could not be charged exactly`,
      'price a rounder number of units, or drop digits of the amount',
    );
    return null;
  }
  return { num: Number(num), den: Number(den) };
}

/** An amount of money in its smallest unit; null, with a fault, where it has a finer part. */
export function exactMoney(
  text: Decimal,
  scale: number,
  { path, faults }: { path: string; faults: FaultList },
): Amount | null {
  const parsed = parseDigits(text);
  const surplus = 10n ** BigInt(Math.max(0, (parsed?.decimals ?? 0) - scale));
  if (parsed === null || parsed.digits % surplus !== 0n) {
    faults.add(
      path,
      `"${text}" is not an amount of at most ${scale} decimals`,
      'write a decimal number such as "0.20", not negative',
    );
    return null;
  }
  const amount = (parsed.digits * 10n ** BigInt(Math.max(0, scale - parsed.decimals))) / surplus;
  if (amount >= EXACT_BELOW) {
    faults.add(path, `${text} passes 2^53 - 1 smallest units`, 'use a smaller amount');
    return null;
  }
  return toAmount(amount);
}

/**
 * The largest total of units that can be charged below 2^53, however a counter places them; the
 * dearest tier decides.
 */
export function largestTotal(
  tiers: readonly RateTier[],
  pulses: readonly Pulse[],
  connectionFee: number,
): Amount {
  const money = BigInt(AMOUNT_MAX) - BigInt(connectionFee) - BigInt(tiers.length);
  let units = BigInt(AMOUNT_MAX);
  for (const { num, den } of tiers) {
    if (num === 0) continue;
    const bought = (money * BigInt(den)) / BigInt(num);
    if (bought < units) units = bought;
  }
  // Billed units may pass the used ones by less than a step.
  const overhang = BigInt(Math.max(...pulses.map((pulse) => pulse.step)) - 1);
  return toAmount(units > overhang ? units - overhang : 0n);
}

function gcd(a: bigint, b: bigint): bigint {
  return b === 0n ? a : gcd(b, a % b);
}
