/**
 * One-time events that name an amount of money and no units: the amount is the price, and money
 * alone pays it [RFC 8506 6.3, 6.4].
 */
import { toAmount, type Amount } from '../domain/amounts.js';
import type { UnitAmounts } from '../domain/units.js';
import type { CompiledTariff } from '../rating/compiled-tariff.js';

/** Money on the wire is in micro-units of its currency. */
const WIRE_SCALE = 6;

/**
 * The amount in the smallest unit of the tariff's currency; null for another currency, or for a part
 * of that unit.
 * @throws AmountRangeError above 2^53 - 1 of it.
 */
export function amountInCurrency(
  { currency, amount }: NonNullable<UnitAmounts['money']>,
  { code, scale }: CompiledTariff['currency'],
): Amount | null {
  if (currency !== null && currency !== code) return null;
  const micros = BigInt(amount);
  const factor = 10n ** BigInt(Math.abs(scale - WIRE_SCALE));
  if (scale >= WIRE_SCALE) return toAmount(micros * factor);
  return micros % factor === 0n ? toAmount(micros / factor) : null;
}
