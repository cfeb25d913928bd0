/** Values in the text forms that Postgres reads: array literals, times. */
export type CopyValue = string | number | bigint | null;

/** A value that no column can hold; the entry that carries it is quarantined like a refused one. */
export class UnstorableError extends Error {
  readonly code = 'TOLLD_UNSTORABLE';
}

/**
 * An array as a parameter. The driver would test and quote each element by itself, numbers too,
 * which took a third of the time of a batch.
 */
export function arrayText(values: readonly CopyValue[]): string {
  let text = '{';
  let separator = '';
  for (const value of values) {
    text += separator + (typeof value === 'string' ? quoted(value) : String(value ?? 'NULL'));
    separator = ',';
  }
  return `${text}}`;
}

function quoted(text: string): string {
  return /["\\]/.test(text) ? `"${text.replaceAll(/["\\]/g, '\\$&')}"` : `"${text}"`;
}

/** The last moment that both JavaScript and four-digit years can say. */
const INSTANT_MAX_MS = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

/**
 * Seconds that were told lately, each in the place of its number: those of events and of what gateways
 * stamp go by turns, and both lie close together.
 */
const SECONDS_KEPT = 64;
const seconds = Array.from({ length: SECONDS_KEPT }, () => ({ number: -1, text: '' }));

/**
 * Milliseconds since 1970 as Postgres reads them.
 * @throws UnstorableError for a moment before 1970 or after the year 9999.
 */
export function instantText(milliseconds: number): string {
  const whole = Math.floor(storableInstant(milliseconds));
  const number = Math.floor(whole / 1_000);
  let second = seconds[number % SECONDS_KEPT];
  if (second?.number !== number) {
    second = { number, text: new Date(number * 1_000).toISOString().slice(0, 19) };
    seconds[number % SECONDS_KEPT] = second;
  }
  return `${second.text}.${String(whole - number * 1_000).padStart(3, '0')}Z`;
}

/**
 * The same moment, in milliseconds since 1970.
 * @throws UnstorableError for one before 1970 or after the year 9999.
 */
export function storableInstant(milliseconds: number): number {
  if (!isStorableInstant(milliseconds)) {
    throw new UnstorableError(`${milliseconds} ms since 1970 is no moment that can be kept`);
  }
  return milliseconds;
}

/** Whether a moment, in milliseconds since 1970, can be kept. */
export function isStorableInstant(milliseconds: number): boolean {
  return milliseconds >= 0 && milliseconds <= INSTANT_MAX_MS;
}

/** The same, or null for what is absent. @throws UnstorableError as {@link instantText} does. */
export function instantTextOrNull(milliseconds: number | null): string | null {
  return milliseconds === null ? null : instantText(milliseconds);
}

/** For a time that only informs: null instead of a refusal where it can't be kept. */
export function informativeInstant(milliseconds: number | null): string | null {
  return milliseconds !== null && isStorableInstant(milliseconds)
    ? instantText(milliseconds)
    : null;
}
