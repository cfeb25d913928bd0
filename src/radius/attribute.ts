/**
 * Attributes as values: what an attribute is called, where it sits in the number space, and how
 * its value reads and writes. The dictionary (`dictionary/*.txt`) is turned into constants of these
 * shapes in `generated/`; everything else names attributes by those constants.
 */
import { isUtf8 } from 'node:buffer';
import { formatIpv6, parseIpv4, parseIpv6 } from './ip-address.js';

/**
 * One number per attribute, over the three spaces a packet can name:
 * - standard attributes: their type, 1 to 255;
 * - extended attributes [RFC 6929 2]: type * 256 + extended type, type 241 to 246;
 * - vendor attributes: vendor * 65536 + vendor type; inside an extended attribute (EVS), plus
 *   type * 256.
 */
export type AttributeKey = number;

export const VENDOR_SPECIFIC_TYPE = 26;
export const EXTENDED_TYPE_FIRST = 241;
/** 245 and 246 carry the More flag: values longer than one attribute [RFC 6929 2.2]. */
export const LONG_EXTENDED_TYPE_FIRST = 245;
export const EXTENDED_TYPE_LAST = 246;
export const EXTENDED_VENDOR_SPECIFIC_TYPE = 26;

export function vendorKey(vendor: number, type: number): AttributeKey {
  return vendor * 65_536 + type;
}

export function extendedKey(type: number, extendedType: number): AttributeKey {
  return type * 256 + extendedType;
}

/** The vendor of a key; 0 for attributes of the standards. */
export function vendorOf(key: AttributeKey): number {
  return Math.floor(key / 65_536);
}

/** An attribute with its octets as they go on the wire, header not included. */
export interface RawAttribute {
  readonly key: AttributeKey;
  readonly value: Buffer;
}

/** What names an attribute, whatever its value. */
export interface KeyedAttribute {
  readonly key: AttributeKey;
  readonly name: string;
}

/** A named attribute whose value reads as `T`. */
export interface Attribute<T> extends KeyedAttribute {
  /**
   * Reads `bytes[start, end)`; undefined for an invalid attribute, which is then as good as
   * absent [RFC 6929 2.8].
   */
  readonly read: (bytes: Buffer, start: number, end: number) => T | undefined;
  /** @throws RangeError for a value that the data type cannot hold. */
  readonly write: (value: T) => Buffer;
}

/** An attribute of numbers with names; numbers without a name are values like any other. */
export interface EnumeratedAttribute<Names extends Readonly<Record<string, number>>>
  extends Attribute<number>, ValueNames {
  readonly values: Names;
}

/** A value with the tag that groups the attributes of one tunnel [RFC 2868 3]; 0 for none. */
export interface Tagged<T> {
  readonly tag: number;
  readonly value: T;
}

/** An IP prefix as text of its address, and its length in bits. */
export interface IpPrefix {
  readonly address: string;
  readonly length: number;
}

/** Binds a value to its attribute, ready to be encoded. */
export function attributeValue<T>(attribute: Attribute<T>, value: T): RawAttribute {
  return { key: attribute.key, value: attribute.write(value) };
}

/** Name of a number of an enumerated attribute ("Start"), or the number as text. */
export function valueName(attribute: ValueNames, value: number): string {
  return attribute.names.get(value) ?? String(value);
}

/** The names of an attribute's numbers. */
export interface ValueNames {
  readonly names: ReadonlyMap<number, string>;
}

function namesOf(values: Readonly<Record<string, number>>): ReadonlyMap<number, string> {
  return new Map(Object.entries(values).map(([name, number]) => [number, name]));
}

function checkUnsigned(name: string, value: number, max: number): void {
  if (!Number.isInteger(value) || value < 0 || value > max) {
    throw new RangeError(`${name}: ${value} is not a whole number from 0 to ${max}`);
  }
}

const UINT32_MAX = 0xffff_ffff;

function readUnsigned(bytes: Buffer, start: number, end: number): number | undefined {
  return end - start === 4 ? bytes.readUInt32BE(start) : undefined;
}

function writeUnsigned(name: string, value: number): Buffer {
  checkUnsigned(name, value, UINT32_MAX);
  const octets = Buffer.allocUnsafe(4);
  octets.writeUInt32BE(value, 0);
  return octets;
}

function readText(bytes: Buffer, start: number, end: number): string | undefined {
  // Nearly all of it is ASCII, which needs neither a part of the packet nor a look at its form.
  if (isAscii(bytes, start, end)) return bytes.toString('latin1', start, end);
  const octets = bytes.subarray(start, end);
  return isUtf8(octets) ? octets.toString('utf8') : undefined;
}

function isAscii(bytes: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at += 1) if ((bytes[at] ?? 0) >= 0x80) return false;
  return true;
}

/** 32-bit unsigned number [RFC 8044 3.1]. */
export function integer(key: AttributeKey, name: string): Attribute<number> {
  return { key, name, read: readUnsigned, write: (value) => writeUnsigned(name, value) };
}

/** 32-bit number with names [RFC 8044 3.2]. */
export function enumerated<const Names extends Readonly<Record<string, number>>>(
  key: AttributeKey,
  name: string,
  values: Names,
): EnumeratedAttribute<Names> {
  return { ...integer(key, name), values, names: namesOf(values) };
}

/** Seconds since 1970, 32 bits [RFC 8044 3.3]. */
export function time(key: AttributeKey, name: string): Attribute<number> {
  return integer(key, name);
}

/** UTF-8 text; octets that are no UTF-8 make the attribute invalid [RFC 8044 3.4]. */
export function text(key: AttributeKey, name: string): Attribute<string> {
  return { key, name, read: readText, write: (value) => Buffer.from(value, 'utf8') };
}

/** Octets without further meaning [RFC 8044 3.5]. */
export function string(key: AttributeKey, name: string): Attribute<Buffer> {
  return {
    key,
    name,
    read: (bytes, start, end) => bytes.subarray(start, end),
    write: (value) => value,
  };
}

/** Octets that go on over several attributes of the same type [RFC 8044 3.6]. */
export function concat(key: AttributeKey, name: string): Attribute<Buffer> {
  return string(key, name);
}

/** Interface identifier, 8 octets [RFC 8044 3.7], as 16 hex digits. */
export function ifid(key: AttributeKey, name: string): Attribute<string> {
  return {
    key,
    name,
    read: (bytes, start, end) =>
      end - start === 8 ? bytes.toString('hex', start, end) : undefined,
    write: (value) => {
      if (!/^[0-9a-f]{16}$/i.test(value)) throw new RangeError(`${name}: ${value} is no ifid`);
      return Buffer.from(value, 'hex');
    },
  };
}

/** IPv4 address in dotted form [RFC 8044 3.8]. */
export function ipv4addr(key: AttributeKey, name: string): Attribute<string> {
  return {
    key,
    name,
    read: (bytes, start, end) =>
      end - start === 4
        ? `${bytes[start]}.${bytes[start + 1]}.${bytes[start + 2]}.${bytes[start + 3]}`
        : undefined,
    write: (value) => {
      const address = parseIpv4(value);
      if (address === undefined) throw new RangeError(`${name}: ${value} is no IPv4 address`);
      return address;
    },
  };
}

/** IPv6 address in its canonical text [RFC 8044 3.9]. */
export function ipv6addr(key: AttributeKey, name: string): Attribute<string> {
  return {
    key,
    name,
    read: (bytes, start, end) =>
      end - start === 16 ? formatIpv6(bytes.subarray(start, end)) : undefined,
    write: (value) => {
      const address = parseIpv6(value);
      if (address === undefined) throw new RangeError(`${name}: ${value} is no IPv6 address`);
      return address;
    },
  };
}

/** A reserved octet, the length of the prefix, and as many octets as it needs [RFC 8044 3.10]. */
export function ipv6prefix(key: AttributeKey, name: string): Attribute<IpPrefix> {
  return {
    key,
    name,
    read: (bytes, start, end) => {
      const length = bytes[start + 1];
      const octets = end - start - 2;
      if (octets < 0 || octets > 16 || length === undefined || length > 128) return undefined;
      if (Math.ceil(length / 8) > octets) return undefined;
      const address = Buffer.alloc(16);
      bytes.copy(address, 0, start + 2, end);
      return { address: formatIpv6(address), length };
    },
    write: ({ address, length }) => {
      checkUnsigned(name, length, 128);
      const octets = parseIpv6(address);
      if (octets === undefined) throw new RangeError(`${name}: ${address} is no IPv6 address`);
      const kept = Math.ceil(length / 8);
      const prefix = Buffer.concat([Buffer.from([0, length]), octets.subarray(0, kept)]);
      // Bits beyond the prefix are zero [RFC 8044 3.10].
      if (length % 8 !== 0) {
        prefix[kept + 1] = (prefix[kept + 1] ?? 0) & (0xff << (8 - (length % 8)));
      }
      return prefix;
    },
  };
}

/** A reserved octet, the length in its lower six bits, and four octets [RFC 8044 3.11]. */
export function ipv4prefix(key: AttributeKey, name: string): Attribute<IpPrefix> {
  const inner = ipv4addr(key, name);
  return {
    key,
    name,
    read: (bytes, start, end) => {
      const length = (bytes[start + 1] ?? 0xff) & 0x3f;
      if (end - start !== 6 || length > 32) return undefined;
      const address = inner.read(bytes, start + 2, end);
      return address === undefined ? undefined : { address, length };
    },
    write: ({ address, length }) => {
      checkUnsigned(name, length, 32);
      const octets = inner.write(address);
      const mask = length === 0 ? 0 : (0xffff_ffff << (32 - length)) >>> 0;
      octets.writeUInt32BE((octets.readUInt32BE(0) & mask) >>> 0, 0);
      return Buffer.concat([Buffer.from([0, length]), octets]);
    },
  };
}

/** 64-bit unsigned number [RFC 8044 3.12]. */
export function integer64(key: AttributeKey, name: string): Attribute<bigint> {
  return {
    key,
    name,
    read: (bytes, start, end) => (end - start === 8 ? bytes.readBigUInt64BE(start) : undefined),
    write: (value) => {
      const octets = Buffer.allocUnsafe(8);
      octets.writeBigUInt64BE(value, 0);
      return octets;
    },
  };
}

/** Vendor-Specific contents that are not of the recommended form, kept whole [RFC 2865 5.26]. */
export function vsa(key: AttributeKey, name: string): Attribute<Buffer> {
  return string(key, name);
}

/** A number whose first octet is the tag [RFC 2868 3.1]: 24 bits are left for the value. */
export function taggedInteger(key: AttributeKey, name: string): Attribute<Tagged<number>> {
  return {
    key,
    name,
    read: (bytes, start, end) =>
      end - start === 4
        ? { tag: bytes[start] ?? 0, value: bytes.readUIntBE(start + 1, 3) }
        : undefined,
    write: ({ tag, value }) => {
      checkUnsigned(name, tag, 0x1f);
      checkUnsigned(name, value, 0xff_ffff);
      const octets = Buffer.allocUnsafe(4);
      octets[0] = tag;
      octets.writeUIntBE(value, 1, 3);
      return octets;
    },
  };
}

/** A tagged number with names. */
export function taggedEnumerated<const Names extends Readonly<Record<string, number>>>(
  key: AttributeKey,
  name: string,
  values: Names,
): Attribute<Tagged<number>> & ValueNames & { readonly values: Names } {
  return { ...taggedInteger(key, name), values, names: namesOf(values) };
}

/** Text behind a tag of 0x01 to 0x1f; a first octet above that belongs to the text [RFC 2868 3.3]. */
export function taggedText(key: AttributeKey, name: string): Attribute<Tagged<string>> {
  return {
    key,
    name,
    read: (bytes, start, end) => {
      const first = end > start ? (bytes[start] ?? 0) : 0xff;
      const tagged = first <= 0x1f;
      const value = readText(bytes, tagged ? start + 1 : start, end);
      return value === undefined ? undefined : { tag: tagged ? first : 0, value };
    },
    write: ({ tag, value }) => {
      checkUnsigned(name, tag, 0x1f);
      const octets = Buffer.from(value, 'utf8');
      return tag === 0 ? octets : Buffer.concat([Buffer.from([tag]), octets]);
    },
  };
}

/** Octets behind a tag, always present (Tunnel-Password [RFC 2868 3.5]). */
export function taggedString(key: AttributeKey, name: string): Attribute<Tagged<Buffer>> {
  return {
    key,
    name,
    read: (bytes, start, end) =>
      end > start ? { tag: bytes[start] ?? 0, value: bytes.subarray(start + 1, end) } : undefined,
    write: ({ tag, value }) => {
      checkUnsigned(name, tag, 0x1f);
      return Buffer.concat([Buffer.from([tag]), value]);
    },
  };
}
