/** Amounts of units as people write them: "5 GB", "90 min", or the plain number. */
import { toAmount, type Amount } from '../../../domain/amounts.js';
import type { UnitKind } from '../../../domain/units.js';

/** A whole or decimal number, then a measure; which measures there are depends on the unit. */
export const QUANTITY_PATTERN = /^\d{1,16}(\.\d{1,9})?( ?[A-Za-z]{1,8})?$/;

/** By name, with the units that one stands for. */
type Measures = ReadonlyMap<string, number>;

const OCTETS: Measures = new Map([
  ['', 1],
  ['B', 1],
  ['kB', 1e3],
  ['MB', 1e6],
  ['GB', 1e9],
  ['TB', 1e12],
  ['KiB', 2 ** 10],
  ['MiB', 2 ** 20],
  ['GiB', 2 ** 30],
  ['TiB', 2 ** 40],
]);

const SECONDS: Measures = new Map([
  ['', 1],
  ['s', 1],
  ['second', 1],
  ['seconds', 1],
  ['min', 60],
  ['minute', 60],
  ['minutes', 60],
  ['h', 3_600],
  ['hour', 3_600],
  ['hours', 3_600],
  ['d', 86_400],
  ['day', 86_400],
  ['days', 86_400],
]);

const MEASURES: Readonly<Record<UnitKind, Measures>> = {
  octets: OCTETS,
  seconds: SECONDS,
  events: new Map([['', 1]]),
};

/** What a quantity of the unit may be, as the end of "write …". */
export const QUANTITY_EXPECTED: Readonly<Record<UnitKind, string>> = {
  octets: 'a whole number of octets, or one in kB, MB, GB, TB, KiB, MiB, GiB or TiB',
  seconds: 'a whole number of seconds, or one in s, min, h or d',
  events: 'a whole number',
};

/** The amount in the unit, or null where it is none, not whole, or beyond 2^53 - 1. */
export function parseQuantity(written: number | string, unit: UnitKind): Amount | null {
  const match = /^(\d+)(?:\.(\d+))?(?: ?([A-Za-z]+))?$/.exec(String(written));
  if (match === null) return null;
  const [, whole = '', fraction = '', measure = ''] = match;
  const factor = MEASURES[unit].get(measure);
  if (factor === undefined) return null;
  const scale = 10n ** BigInt(fraction.length);
  const scaled = BigInt(whole + fraction) * BigInt(factor);
  if (scaled % scale !== 0n) return null;
  const amount = Number(scaled / scale);
  return Number.isSafeInteger(amount) ? toAmount(amount) : null;
}
