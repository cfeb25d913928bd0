/** Values in the text forms that Postgres reads: COPY's lines, array literals, times. */
import { characterCode } from '../domain/character-code.js';

export type CopyValue = string | number | bigint | null;

/** A value that no column can hold; the entry that carries it is quarantined like a refused one. */
export class UnstorableError extends Error {
  readonly code = 'TOLLD_UNSTORABLE';
}

const TAB = 0x09;
const LINE_FEED = 0x0a;
const SPACE = 0x20;
const MINUS = 0x2d;
const ZERO = 0x30;
const BACKSLASH = 0x5c;
const CAPITAL_N = 0x4e;
const TILDE = 0x7e;
const FIRST_BYTES = 64 * 1_024;
/** No character takes more in UTF-8 per UTF-16 unit. */
const UNIT_BYTES_MAX = 3;
const INTEGER_BYTES_MAX = 20;

const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '\t': '\\t',
  '\n': '\\n',
  '\r': '\\r',
};

/**
 * Rows in COPY's text format: a line each, tabs between, `\N` for null. Fields are written one by
 * one into one growing buffer, without strings or arrays in between, which is four times as fast as
 * putting lines together: this is the inner loop of the flusher.
 */
export class CopyLines {
  #buffer: Buffer;
  #at = 0;

  /** `bytes`: about how much will be written, where that is known; it grows beyond. */
  constructor({ bytes = FIRST_BYTES }: { readonly bytes?: number } = {}) {
    this.#buffer = Buffer.allocUnsafe(bytes);
  }

  get isEmpty(): boolean {
    return this.#at === 0;
  }

  /** The lines so far; valid until the next is begun. */
  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.#at);
  }

  text(text: string | null): this {
    if (text === null) return this.null();
    const { length } = text;
    this.#reserve(length * UNIT_BYTES_MAX + 1);
    const buffer = this.#buffer;
    let at = this.#at;
    for (let index = 0; index < length; index += 1) {
      const code = characterCode(text, index);
      if (code < SPACE || code > TILDE || code === BACKSLASH) return this.#escaped(text);
      buffer[at++] = code;
    }
    buffer[at++] = TAB;
    this.#at = at;
    return this;
  }

  /** A whole number of at most 2^53 - 1. */
  integer(value: number | null): this {
    if (value === null) return this.null();
    this.#reserve(INTEGER_BYTES_MAX);
    this.#at = writeInteger(this.#buffer, this.#at, value);
    this.#buffer[this.#at++] = TAB;
    return this;
  }

  null(): this {
    this.#reserve(3);
    const buffer = this.#buffer;
    buffer[this.#at++] = BACKSLASH;
    buffer[this.#at++] = CAPITAL_N;
    buffer[this.#at++] = TAB;
    return this;
  }

  nulls(count: number): this {
    for (let index = 0; index < count; index += 1) this.null();
    return this;
  }

  /** Ends the row after its last field. */
  end(): void {
    this.#buffer[this.#at - 1] = LINE_FEED;
  }

  /** What is not plain ASCII, from its beginning. */
  #escaped(text: string): this {
    const escaped = text.replace(/[\\\t\n\r]/g, (character) => ESCAPES[character] ?? character);
    this.#reserve(escaped.length * UNIT_BYTES_MAX + 1);
    this.#at += this.#buffer.write(escaped, this.#at, 'utf8');
    this.#buffer[this.#at++] = TAB;
    return this;
  }

  #reserve(octets: number): void {
    const needed = this.#at + octets;
    if (needed <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, needed));
    this.#buffer.copy(larger, 0, 0, this.#at);
    this.#buffer = larger;
  }
}

/** Writes the digits of a whole number. @returns the place behind them. */
function writeInteger(buffer: Buffer, start: number, value: number): number {
  let at = start;
  let rest = value;
  if (rest < 0) {
    buffer[at++] = MINUS;
    rest = -rest;
  }
  let digits = 1;
  for (let power = 10; power <= rest; power *= 10) digits += 1;
  const end = at + digits;
  at = end;
  do {
    const tens = Math.floor(rest / 10);
    buffer[--at] = ZERO + (rest - tens * 10);
    rest = tens;
  } while (rest > 0);
  return end;
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
  if (!isStorable(milliseconds)) {
    throw new UnstorableError(`${milliseconds} ms since 1970 is no moment that can be kept`);
  }
  const whole = Math.floor(milliseconds);
  const number = Math.floor(whole / 1_000);
  let second = seconds[number % SECONDS_KEPT];
  if (second?.number !== number) {
    second = { number, text: new Date(number * 1_000).toISOString().slice(0, 19) };
    seconds[number % SECONDS_KEPT] = second;
  }
  return `${second.text}.${String(whole - number * 1_000).padStart(3, '0')}Z`;
}

function isStorable(milliseconds: number): boolean {
  return milliseconds >= 0 && milliseconds <= INSTANT_MAX_MS;
}

/** The same, or null for what is absent. @throws UnstorableError as {@link instantText} does. */
export function instantTextOrNull(milliseconds: number | null): string | null {
  return milliseconds === null ? null : instantText(milliseconds);
}

/** For a time that only informs: null instead of a refusal where it can't be kept. */
export function informativeInstant(milliseconds: number | null): string | null {
  return milliseconds !== null && isStorable(milliseconds) ? instantText(milliseconds) : null;
}
