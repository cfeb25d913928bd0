/** Money on the wire: digits times ten to the exponent, and ISO 4217 numbers [RFC 8506 8.8, 8.22]. */
import { ZERO, type Amount } from '../domain/amounts.js';
import type { Money } from '../domain/credit-control.js';
import { currencyCode, currencyNumber } from './currencies.js';
import { Avp } from './generated/avps.js';
import { ResultCode } from './generated/enumerations.js';
import { CcMoney, UnitValue } from './generated/grammars.js';
import { NONE, type Entry, type MessageReader } from './message-reader.js';
import type { MessageWriter } from './message-writer.js';

/** Money enters in micro-units: six decimals, the default scale of a currency. */
const MONEY_SCALE = 6;
/** Beyond it no amount below 2^53 is left: a shift would only cost time. */
const SHIFT_MAX = 40;

/**
 * CC-Money as micro-units of its currency.
 * A fault (5004) when the value has more decimals than that or passes 2^53 - 1.
 */
export function readMoney(
  reader: MessageReader,
  group: Entry,
): { readonly currency: string | null; readonly amount: Amount } {
  const number = reader.unsigned32(group, CcMoney.currencyCode);
  const currency = number === undefined ? null : currencyCode(number);
  const value = reader.first(group, CcMoney.unitValue);
  if (value === NONE) return { currency, amount: ZERO };
  const digits = reader.integer64(value, UnitValue.valueDigits) ?? 0;
  const exponent = reader.integer32(value, UnitValue.exponent) ?? 0;
  const amount = shiftDecimal(digits, exponent + MONEY_SCALE);
  if (amount !== null) return { currency, amount };
  reader.reject(value, ResultCode.DIAMETER_INVALID_AVP_VALUE, 'not a whole number of micro-units');
  return { currency, amount: ZERO };
}

/** digits x 10^shift as an amount, or null when that isn't a whole number below 2^53. */
function shiftDecimal(digits: number | bigint, shift: number): Amount | null {
  if (digits === 0) return ZERO;
  if (Math.abs(shift) > SHIFT_MAX) return null;
  const power = 10n ** BigInt(Math.abs(shift));
  const value = BigInt(digits);
  if (shift < 0 && value % power !== 0n) return null;
  const amount = Number(shift < 0 ? value / power : value * power);
  return Number.isSafeInteger(amount) ? (amount as Amount) : null;
}

/** Unit-Value of an amount in its own scale: digits and a negative exponent. */
function writeUnitValue(writer: MessageWriter, money: Money): void {
  const mark = writer.open(Avp.UnitValue);
  writer.integer64(Avp.ValueDigits, money.amount);
  if (money.scale !== 0) writer.integer32(Avp.Exponent, -money.scale);
  writer.close(mark);
}

/** Cost-Information; left out for money that has no ISO 4217 number, since the wire can't name it. */
export function writeCost(writer: MessageWriter, money: Money): void {
  const currency = currencyNumber(money.resource);
  if (currency === undefined) return;
  const mark = writer.open(Avp.CostInformation);
  writeUnitValue(writer, money);
  writer.unsigned32(Avp.CurrencyCode, currency);
  writer.close(mark);
}
