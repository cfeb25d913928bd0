/** Typed reading of unpacked values. What does not fit was not written by this version. */
import { toAmount, type Amount } from '../domain/amounts.js';
import { PackingError, type Unpacked } from './packing.js';

export function asArray(value: Unpacked | undefined): readonly Unpacked[] {
  if (!Array.isArray(value)) throw new PackingError('an array was expected');
  return value;
}

export function asNumber(value: Unpacked | undefined): number {
  if (typeof value !== 'number') throw new PackingError('a number was expected');
  return value;
}

export function asAmount(value: Unpacked | undefined): Amount {
  return toAmount(asNumber(value));
}

export function asText(value: Unpacked | undefined): string {
  if (typeof value !== 'string') throw new PackingError('text was expected');
  return value;
}

/** A value packed inside another, from one that was unpacked into bytes. */
export function asBytes(value: Unpacked | undefined): Buffer {
  if (!Buffer.isBuffer(value)) throw new PackingError('bytes were expected');
  return value;
}

/** Text, or null where a script wrote `false` for "none". */
export function asTextOrNull(value: Unpacked | undefined): string | null {
  return value === false || value === null ? null : asText(value);
}

/** A number, or null where a script wrote `false` for "none". */
export function asNumberOrNull(value: Unpacked | undefined): number | null {
  return value === false || value === null ? null : asNumber(value);
}

/** An amount, or null where a script wrote `false` for "no limit". */
export function asLimit(value: Unpacked | undefined): Amount | null {
  return value === false ? null : asAmount(value);
}

/** A time, or null where a script wrote 0 for "open-ended". */
export function asTimeOrNull(value: Unpacked | undefined): number | null {
  const time = asNumber(value);
  return time === 0 ? null : time;
}
