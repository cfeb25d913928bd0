/**
 * Amounts are whole numbers of a resource's smallest unit: octets, seconds, events, or money in a
 * currency's scale (micro-units by default). They are plain `number`s that have passed
 * {@link toAmount}: the Lua scripts compute in doubles, so nothing above 2^53 - 1 may enter.
 */
declare const amountBrand: unique symbol;

/** A whole number from -(2^53 - 1) to 2^53 - 1 in a resource's smallest unit. */
export type Amount = number & { readonly [amountBrand]: true };

export const ZERO = 0 as Amount;

/** The largest amount that enters the engine: 2^53 - 1. */
export const AMOUNT_MAX = Number.MAX_SAFE_INTEGER as Amount;

/** An amount that cannot be represented exactly; refused at the edge before anything changes. */
export class AmountRangeError extends RangeError {
  readonly code = 'TOLLD_AMOUNT_OUT_OF_RANGE';

  constructor(value: number | bigint | string) {
    super(
      `amount ${String(value)} is not a whole number between -(2^53 - 1) and 2^53 - 1; ` +
        'use a coarser unit or split the request',
    );
    this.name = 'AmountRangeError';
  }
}

/**
 * Checks and brands an amount.
 * @throws AmountRangeError when `value` is fractional or beyond 2^53 - 1.
 */
export function toAmount(value: number | bigint): Amount {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw new AmountRangeError(value);
  return number as Amount;
}

/** Adds amounts. @throws AmountRangeError when the sum leaves the exact range. */
export function addAmounts(...amounts: readonly Amount[]): Amount {
  let sum = 0;
  for (const amount of amounts) sum += amount;
  return toAmount(sum);
}

/**
 * Reads a decimal string ("12.5") as an amount of `scale` decimals (6: 12500000).
 * @throws AmountRangeError for anything but a decimal number of at most `scale` decimals.
 */
export function parseDecimal(text: string, scale: number): Amount {
  const match = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text.trim());
  if (match === null || (match[3] ?? '').length > scale) throw new AmountRangeError(text);
  const digits = `${match[2] ?? ''}${(match[3] ?? '').padEnd(scale, '0')}`;
  const magnitude = BigInt(digits);
  return toAmount(match[1] === '-' ? -magnitude : magnitude);
}

/** Prints an amount of `scale` decimals without losing a digit ("12.500000" as "12.5"). */
export function formatDecimal(amount: Amount, scale: number): string {
  const negative = amount < 0;
  const digits = String(Math.abs(amount)).padStart(scale + 1, '0');
  const whole = digits.slice(0, digits.length - scale);
  const fraction = digits.slice(digits.length - scale).replace(/0+$/, '');
  return `${negative ? '-' : ''}${whole}${fraction === '' ? '' : `.${fraction}`}`;
}
