/** Rows as COPY reads them in its binary format: https://www.postgresql.org/docs/current/sql-copy.html */
import { characterCode } from '../domain/character-code.js';
import { isStorableInstant, storableInstant, UnstorableError } from './copy-text.js';

const SIGNATURE = Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1');
/** The signature, no flags, no extension. */
const HEAD_BYTES = SIGNATURE.length + 8;
const TAIL_BYTES = 2;
const LENGTH_BYTES = 4;
const NUMBER_BYTES = 8;
const FIRST_BYTES = 64 * 1_024;
/** No character takes more in UTF-8 per UTF-16 unit. */
const UNIT_BYTES_MAX = 3;
/** From so many characters on, the call into the engine's own writer is worth it. */
const LONG_TEXT = 48;
const ASCII_MAX = 0x7f;
const SMALL_MAX = 0x7fff;
const JSONB_VERSION = 1;
const WORD = 2 ** 32;
/** Postgres counts its times from 2000. */
const ITS_FIRST_MS = Date.UTC(2000, 0, 1);
const MICROSECONDS = 1_000;

/**
 * Fields are written one by one into one growing buffer, without strings or arrays in between: this is
 * the inner loop of the flusher. Binary, because Postgres then reads no numbers and no times.
 */
export class CopyRows {
  readonly #columns: number;
  #buffer: Buffer;
  #at = HEAD_BYTES;

  /**
   * @param options.columns how many fields each row has.
   * @param options.bytes about how much will be written, where that is known; it grows beyond.
   */
  constructor({
    columns,
    bytes = FIRST_BYTES,
  }: {
    readonly columns: number;
    readonly bytes?: number;
  }) {
    this.#columns = columns;
    this.#buffer = Buffer.allocUnsafe(Math.max(bytes, HEAD_BYTES + TAIL_BYTES));
    SIGNATURE.copy(this.#buffer);
    this.#buffer.fill(0, SIGNATURE.length, HEAD_BYTES);
  }

  get isEmpty(): boolean {
    return this.#at === HEAD_BYTES;
  }

  /** All of it, from head to tail; valid until the next row is begun. */
  get bytes(): Buffer {
    this.#reserve(TAIL_BYTES);
    this.#buffer.writeInt16BE(-1, this.#at);
    return this.#buffer.subarray(0, this.#at + TAIL_BYTES);
  }

  /** Begins a row; its fields follow in the order of the columns. */
  row(): this {
    this.#reserve(2);
    this.#at = this.#buffer.writeInt16BE(this.#columns, this.#at);
    return this;
  }

  text(text: string | null): this {
    if (text === null) return this.null();
    const { length } = text;
    this.#reserve(LENGTH_BYTES + length * UNIT_BYTES_MAX);
    const start = this.#at + LENGTH_BYTES;
    this.#end(start, this.#writeText(text, start));
    return this;
  }

  /** JSON text for a column of jsonb. */
  json(text: string | null): this {
    if (text === null) return this.null();
    this.#reserve(LENGTH_BYTES + 1 + text.length * UNIT_BYTES_MAX);
    const start = this.#at + LENGTH_BYTES;
    this.#buffer[start] = JSONB_VERSION;
    this.#end(start, this.#writeText(text, start + 1));
    return this;
  }

  /** A bigint of Postgres. @throws UnstorableError for what is no whole number up to 2^53 - 1. */
  integer(value: number | null): this {
    if (value === null) return this.null();
    if (!Number.isSafeInteger(value)) throw new UnstorableError(`${value} is no whole number`);
    const low = value >>> 0;
    this.#number((value - low) / WORD, low);
    return this;
  }

  /** A smallint of Postgres. @throws UnstorableError for what doesn't fit. */
  small(value: number): this {
    if (!Number.isInteger(value) || Math.abs(value) > SMALL_MAX) {
      throw new UnstorableError(`${value} is no small number`);
    }
    this.#reserve(LENGTH_BYTES + 2);
    writeWord(this.#buffer, 2, this.#at);
    this.#at = this.#buffer.writeInt16BE(value, this.#at + LENGTH_BYTES);
    return this;
  }

  boolean(value: boolean): this {
    this.#reserve(LENGTH_BYTES + 1);
    writeWord(this.#buffer, 1, this.#at);
    this.#buffer[this.#at + LENGTH_BYTES] = value ? 1 : 0;
    this.#at += LENGTH_BYTES + 1;
    return this;
  }

  /** Milliseconds since 1970. @throws UnstorableError for a moment that can't be kept. */
  instant(milliseconds: number | null): this {
    if (milliseconds === null) return this.null();
    // Microseconds pass 2^53: in two words, the lower one first.
    const sinceIts = Math.floor(storableInstant(milliseconds)) - ITS_FIRST_MS;
    const low = sinceIts >>> 0;
    const lowMicroseconds = low * MICROSECONDS;
    const carried = Math.floor(lowMicroseconds / WORD);
    const high = ((sinceIts - low) / WORD) * MICROSECONDS + carried;
    this.#number(high, lowMicroseconds - carried * WORD);
    return this;
  }

  /** For a time that only informs: null where it can't be kept. */
  informativeInstant(milliseconds: number | null): this {
    const isKept = milliseconds !== null && isStorableInstant(milliseconds);
    return isKept ? this.instant(milliseconds) : this.null();
  }

  null(): this {
    this.#reserve(LENGTH_BYTES);
    writeWord(this.#buffer, -1, this.#at);
    this.#at += LENGTH_BYTES;
    return this;
  }

  nulls(count: number): this {
    for (let index = 0; index < count; index += 1) this.null();
    return this;
  }

  /** Writes a length of eight and the two halves of a number, `high` with its sign. */
  #number(high: number, low: number): void {
    this.#reserve(LENGTH_BYTES + NUMBER_BYTES);
    writeWord(this.#buffer, NUMBER_BYTES, this.#at);
    writeWord(this.#buffer, high, this.#at + 4);
    writeWord(this.#buffer, low, this.#at + 8);
    this.#at += LENGTH_BYTES + NUMBER_BYTES;
  }

  /** @returns the place behind it. */
  #writeText(text: string, start: number): number {
    const { length } = text;
    const buffer = this.#buffer;
    if (length >= LONG_TEXT) return start + buffer.write(text, start, 'utf8');
    let at = start;
    for (let index = 0; index < length; index += 1) {
      const code = characterCode(text, index);
      if (code > ASCII_MAX) return start + buffer.write(text, start, 'utf8');
      buffer[at++] = code;
    }
    return at;
  }

  /** Ends a field that lies from `start` to `end` by writing its length in front of it. */
  #end(start: number, end: number): void {
    writeWord(this.#buffer, end - start, start - LENGTH_BYTES);
    this.#at = end;
  }

  #reserve(octets: number): void {
    const needed = this.#at + octets;
    if (needed <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, needed));
    this.#buffer.copy(larger, 0, 0, this.#at);
    this.#buffer = larger;
  }
}

/** The lowest 32 bits of a number, with or without a sign; without the checks of Buffer's own writers. */
function writeWord(buffer: Buffer, value: number, at: number): void {
  buffer[at] = value >>> 24;
  buffer[at + 1] = value >>> 16;
  buffer[at + 2] = value >>> 8;
  buffer[at + 3] = value;
}
