/**
 * MessagePack as Redis' `cmsgpack` reads and writes it: nil, booleans, integers, strings, arrays.
 * Its own code because that dialect has no `bin` type: a packed value inside another travels as a
 * string of bytes, which a general decoder would take for UTF-8 and destroy, and because integers
 * must never become floats on the way.
 */
import { characterCode } from '../domain/character-code.js';

export type Packable = null | boolean | number | string | Buffer | readonly Packable[];

/** What {@link unpack} gives back; {@link unpackBytes} gives Buffers where this has strings. */
export type Unpacked = null | boolean | number | string | Buffer | Unpacked[];

const UINT32 = 0x1_0000_0000;
/** Of one UTF-16 unit. */
const UTF8_OCTETS_MAX = 3;
/** Texts that are written in place: their length surely fits 16 bits. */
const TEXT_WRITTEN_MAX = 0xffff / UTF8_OCTETS_MAX;

/** A packed value that breaks off, is nested too deep, or is none of ours. */
export class PackingError extends Error {
  readonly code = 'TOLLD_PACKING';
}

/** Taken from the system at a time: a request's values have a few hundred. */
const CHUNK_OCTETS = 16_384;

/**
 * Writes packed values one behind the other into chunks. Each result is a part of one that is written
 * once: nothing is copied, as long as the chunk has room.
 */
class Writer {
  #chunk = Buffer.allocUnsafeSlow(CHUNK_OCTETS);
  /** Where the value that is being written begins. */
  #start = 0;
  #at = 0;

  write(value: Packable): Buffer {
    this.#start = this.#at;
    this.#value(value);
    return this.#written();
  }

  writeEach(values: readonly Packable[]): Buffer {
    this.#start = this.#at;
    this.#values(values);
    return this.#written();
  }

  #written(): Buffer {
    return this.#chunk.subarray(this.#start, this.#at);
  }

  #reserve(octets: number): void {
    if (this.#at + octets <= this.#chunk.length) return;
    const written = this.#at - this.#start;
    const chunk = Buffer.allocUnsafeSlow(Math.max(CHUNK_OCTETS, 2 * (written + octets)));
    this.#chunk.copy(chunk, 0, this.#start, this.#at);
    this.#chunk = chunk;
    this.#start = 0;
    this.#at = written;
  }

  #value(value: Packable): void {
    this.#reserve(9);
    if (typeof value === 'number') this.#integer(value);
    else if (typeof value === 'string') this.#string(value);
    else if (value === null) this.#chunk[this.#at++] = 0xc0;
    else if (typeof value === 'boolean') this.#chunk[this.#at++] = value ? 0xc3 : 0xc2;
    else if (Buffer.isBuffer(value)) this.#bytes(value);
    else this.#array(value);
  }

  #array(values: readonly Packable[]): void {
    this.#head(values.length, 0x90, 16, 0xdc);
    this.#values(values);
  }

  #values(values: readonly Packable[]): void {
    const { length } = values;
    // By index: an iterator makes an object for each value, most of the garbage of a charge.
    for (let index = 0; index < length; index += 1) this.#value(values[index] as Packable);
  }

  #integer(value: number): void {
    if (!Number.isSafeInteger(value)) throw new PackingError(`${value} is not an exact integer`);
    const chunk = this.#chunk;
    if (value >= 0 && value < 0x80) {
      chunk[this.#at++] = value;
    } else if (value < 0 && value >= -32) {
      chunk[this.#at++] = value + 0x100;
    } else if (value >= 0 && value < UINT32) {
      chunk[this.#at] = 0xce;
      chunk.writeUInt32BE(value, this.#at + 1);
      this.#at += 5;
    } else {
      chunk[this.#at] = value < 0 ? 0xd3 : 0xcf;
      chunk.writeInt32BE(Math.floor(value / UINT32), this.#at + 1);
      chunk.writeUInt32BE(value - Math.floor(value / UINT32) * UINT32, this.#at + 5);
      this.#at += 9;
    }
  }

  #string(value: string): void {
    const length = value.length;
    // Most strings are short and ASCII: written octet by octet, without a second pass.
    if (length < 32) {
      this.#reserve(1 + length);
      let at = this.#at + 1;
      let index = 0;
      for (; index < length; index += 1) {
        const code = characterCode(value, index);
        if (code >= 0x80) break;
        this.#chunk[at++] = code;
      }
      if (index === length) {
        this.#chunk[this.#at] = 0xa0 | length;
        this.#at = at;
        return;
      }
    } else if (length <= TEXT_WRITTEN_MAX) {
      this.#reserve(3 + UTF8_OCTETS_MAX * length);
      const octets = this.#chunk.write(value, this.#at + 3, 'utf8');
      this.#chunk[this.#at] = 0xda;
      this.#chunk.writeUInt16BE(octets, this.#at + 1);
      this.#at += 3 + octets;
      return;
    }
    this.#bytes(Buffer.from(value, 'utf8'));
  }

  #bytes(bytes: Buffer): void {
    this.#head(bytes.length, 0xa0, 32, 0xda);
    this.#reserve(bytes.length);
    bytes.copy(this.#chunk, this.#at);
    this.#at += bytes.length;
  }

  /** A length: in the type octet below `short`, else in 16 or 32 bits behind it. */
  #head(length: number, type: number, short: number, wide: number): void {
    this.#reserve(5);
    if (length < short) {
      this.#chunk[this.#at++] = type | length;
    } else if (length < 0x10000) {
      this.#chunk[this.#at] = wide;
      this.#chunk.writeUInt16BE(length, this.#at + 1);
      this.#at += 3;
    } else {
      this.#chunk[this.#at] = wide + 1;
      this.#chunk.writeUInt32BE(length, this.#at + 1);
      this.#at += 5;
    }
  }
}

const NESTING_MAX = 16;

/** Longer texts are ids of sessions and the like, which hardly come again. */
const KNOWN_TEXT_MAX = 24;
const KNOWN_TEXTS = 1_024;
const knownTexts: string[] = new Array<string>(KNOWN_TEXTS).fill('');

/**
 * The text of a few octets. Most are names that come again and again (tenants, units, buckets, what a NAS
 * says of itself): one that was read lately is told by its octets, which costs a third of making it anew.
 */
function knownText(bytes: Buffer, start: number, end: number): string {
  const length = end - start;
  let hash = length;
  for (let at = start; at < end; at += 1) hash = (hash * 31 + (bytes[at] as number)) | 0;
  const place = (hash ^ (hash >>> 15)) & (KNOWN_TEXTS - 1);
  const known = knownTexts[place] as string;
  if (known.length === length && isTextOf(known, bytes, start)) return known;
  const text = bytes.toString('utf8', start, end);
  knownTexts[place] = text;
  return text;
}

/** Never of one with other characters than those of ASCII: their octets have no character's code. */
function isTextOf(text: string, bytes: Buffer, start: number): boolean {
  for (let index = 0; index < text.length; index += 1) {
    const octet = bytes[start + index] as number;
    if (octet >= 0x80 || characterCode(text, index) !== octet) return false;
  }
  return true;
}

class Reader {
  readonly #buffer: Buffer;
  readonly #raw: boolean;
  #at = 0;

  constructor(buffer: Buffer, raw: boolean) {
    this.#buffer = buffer;
    this.#raw = raw;
  }

  /** Where the next value begins. */
  get at(): number {
    return this.#at;
  }

  read(): Unpacked {
    try {
      return this.#value(0);
    } catch (error) {
      if (error instanceof RangeError) throw new PackingError('packed value breaks off');
      throw error;
    }
  }

  #value(depth: number): Unpacked {
    const buffer = this.#buffer;
    const type = buffer[this.#at++];
    if (type === undefined) throw new PackingError('packed value breaks off');
    if (type < 0x80) return type;
    if (type >= 0xe0) return type - 0x100;
    if (type >= 0xa0 && type < 0xc0) return this.#string(type & 0x1f);
    if (type >= 0x90 && type < 0xa0) return this.#array(type & 0x0f, depth);
    // cmsgpack writes an empty table as an empty array or map: both are an empty array here.
    if (type === 0x80) return [];
    const at = this.#at;
    switch (type) {
      case 0xc0:
        return null;
      case 0xc2:
        return false;
      case 0xc3:
        return true;
      case 0xca:
        this.#at += 4;
        return this.#whole(buffer.readFloatBE(at));
      case 0xcb:
        this.#at += 8;
        return this.#whole(buffer.readDoubleBE(at));
      case 0xcc:
        this.#at += 1;
        return buffer.readUInt8(at);
      case 0xcd:
        this.#at += 2;
        return buffer.readUInt16BE(at);
      case 0xce:
        this.#at += 4;
        return buffer.readUInt32BE(at);
      case 0xcf:
        this.#at += 8;
        return this.#whole(buffer.readUInt32BE(at) * UINT32 + buffer.readUInt32BE(at + 4));
      case 0xd0:
        this.#at += 1;
        return buffer.readInt8(at);
      case 0xd1:
        this.#at += 2;
        return buffer.readInt16BE(at);
      case 0xd2:
        this.#at += 4;
        return buffer.readInt32BE(at);
      case 0xd3:
        this.#at += 8;
        return this.#whole(buffer.readInt32BE(at) * UINT32 + buffer.readUInt32BE(at + 4));
      case 0xd9:
        this.#at += 1;
        return this.#string(buffer.readUInt8(at));
      case 0xda:
        this.#at += 2;
        return this.#string(buffer.readUInt16BE(at));
      case 0xdb:
        this.#at += 4;
        return this.#string(buffer.readUInt32BE(at));
      case 0xdc:
        this.#at += 2;
        return this.#array(buffer.readUInt16BE(at), depth);
      case 0xdd:
        this.#at += 4;
        return this.#array(buffer.readUInt32BE(at), depth);
      default:
        throw new PackingError(`type 0x${type.toString(16)} is none that scripts write`);
    }
  }

  #whole(value: number): number {
    if (!Number.isSafeInteger(value)) throw new PackingError(`${value} is not an exact integer`);
    return value;
  }

  #string(length: number): string | Buffer {
    const end = this.#at + length;
    if (end > this.#buffer.length) throw new PackingError('packed value breaks off');
    const start = this.#at;
    this.#at = end;
    if (this.#raw) return this.#buffer.subarray(start, end);
    return length <= KNOWN_TEXT_MAX
      ? knownText(this.#buffer, start, end)
      : this.#buffer.toString('utf8', start, end);
  }

  #array(length: number, depth: number): Unpacked[] {
    if (depth >= NESTING_MAX) throw new PackingError('packed value is nested too deep');
    if (length > this.#buffer.length) throw new PackingError('packed value breaks off');
    const values: Unpacked[] = [];
    for (let index = 0; index < length; index += 1) values.push(this.#value(depth + 1));
    return values;
  }
}

const writer = new Writer();

/** Packs a value. @throws PackingError for a number that is no exact integer. */
export function pack(value: Packable): Buffer {
  return writer.write(value);
}

/** Packs values one behind the other, without an array around them. @throws as {@link pack}. */
export function packEach(values: readonly Packable[]): Buffer {
  return writer.writeEach(values);
}

/** Unpacks a value, strings as text. @throws PackingError when it is not well-formed. */
export function unpack(buffer: Buffer): Unpacked {
  return new Reader(buffer, false).read();
}

/** Unpacks the value that a buffer begins with, strings as text, and gives what stands behind it. */
export function unpackFirst(buffer: Buffer): { readonly value: Unpacked; readonly rest: Buffer } {
  const reader = new Reader(buffer, false);
  const value = reader.read();
  return { value, rest: buffer.subarray(reader.at) };
}

/** Unpacks a value, strings as bytes. @throws PackingError when it is not well-formed. */
export function unpackBytes(buffer: Buffer): Unpacked {
  return new Reader(buffer, true).read();
}
