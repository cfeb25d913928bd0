/**
 * A received packet: the octets as they came, and an index of the attributes found in them.
 * Nothing is copied or interpreted until it is asked for by name, so that what charging does not
 * read costs a few comparisons.
 */
import {
  EXTENDED_TYPE_FIRST,
  EXTENDED_TYPE_LAST,
  EXTENDED_VENDOR_SPECIFIC_TYPE,
  LONG_EXTENDED_TYPE_FIRST,
  VENDOR_SPECIFIC_TYPE,
  extendedKey,
  vendorKey,
  type Attribute,
  type AttributeKey,
  type KeyedAttribute,
  type RawAttribute,
} from './attribute.js';
import { RADIUS_LIMITS } from './limits.js';

/** Why octets are no packet. Each makes the packet as good as not sent [RFC 2865 3, 5]. */
export const MALFORMATIONS = [
  /** Fewer octets than a header. */
  'short-packet',
  /** A Length below 20 or above 4096. */
  'length-out-of-range',
  /** A Length greater than the octets received. */
  'truncated',
  /** An attribute whose length is below 2. */
  'attribute-too-short',
  /** An attribute that runs past the end of the packet. */
  'attribute-overrun',
  'too-many-attributes',
] as const;
export type Malformation = (typeof MALFORMATIONS)[number];

export type DecodeResult =
  | { readonly ok: true; readonly packet: RadiusPacket }
  | { readonly ok: false; readonly malformation: Malformation };

/** The attributes of a packet in wire order, each with its key and its span at one place. */
interface Index {
  readonly keys: readonly AttributeKey[];
  /**
   * Where values lie: in the packet, start and end in one number, or (negative) which of the joined
   * copies it is.
   */
  readonly spans: readonly number[];
}

/** An end of at most 4,096 fits. */
const END_BITS = 13;
const END_MASK = (1 << END_BITS) - 1;

function spanOf(start: number, end: number): number {
  return (start << END_BITS) | end;
}

function startOf(span: number): number {
  return span >> END_BITS;
}

function endOf(span: number): number {
  return span & END_MASK;
}

export class RadiusPacket {
  /** The packet without padding that followed it. */
  readonly bytes: Buffer;
  readonly authenticator: Buffer;
  readonly #index: Index;
  readonly #joined: readonly Buffer[];

  constructor(bytes: Buffer, index: Index, joined: readonly Buffer[]) {
    this.bytes = bytes;
    this.authenticator = bytes.subarray(4, 20);
    this.#index = index;
    this.#joined = joined;
  }

  get code(): number {
    return this.bytes[0] ?? 0;
  }

  get identifier(): number {
    return this.bytes[1] ?? 0;
  }

  /** The first value of an attribute that is valid for its data type. */
  get<T>(attribute: Attribute<T>): T | undefined {
    const { keys } = this.#index;
    const { key } = attribute;
    for (let at = 0; at < keys.length; at += 1) {
      if (keys[at] !== key) continue;
      const value = this.#readAt(attribute, at);
      if (value !== undefined) return value;
    }
    return undefined;
  }

  /** All valid values of an attribute, in their order. */
  all<T>(attribute: Attribute<T>): T[] {
    const { keys } = this.#index;
    const { key } = attribute;
    let values: T[] | null = null;
    for (let at = 0; at < keys.length; at += 1) {
      if (keys[at] !== key) continue;
      const value = this.#readAt(attribute, at);
      if (value === undefined) continue;
      // Nearly always there is one: what is made with it has room for no more.
      if (values === null) values = [value];
      else values.push(value);
    }
    return values ?? [];
  }

  /** True when the attribute is present, valid or not. */
  has(attribute: KeyedAttribute): boolean {
    return this.#index.keys.includes(attribute.key);
  }

  /** The octets of all attributes of a type put together, as EAP-Message asks [RFC 3579 3.1]. */
  joined(attribute: Attribute<Buffer>): Buffer | undefined {
    const parts = this.all(attribute);
    return parts.length > 1 ? Buffer.concat(parts) : parts[0];
  }

  /** Number of attributes of a type, valid or not. */
  count(attribute: KeyedAttribute): number {
    let count = 0;
    for (const key of this.#index.keys) if (key === attribute.key) count += 1;
    return count;
  }

  /** Offset of the first value of an attribute within {@link bytes}; undefined when absent. */
  offsetOf(attribute: KeyedAttribute): number | undefined {
    const at = this.#index.keys.indexOf(attribute.key);
    return at < 0 ? undefined : startOf(this.#index.spans[at] ?? 0);
  }

  /** Every attribute in wire order, long ones joined. */
  attributes(): RawAttribute[] {
    return this.#index.keys.map((key, at) => ({ key, value: this.#octetsAt(at) }));
  }

  #readAt<T>(attribute: Attribute<T>, at: number): T | undefined {
    const span = this.#index.spans[at] ?? 0;
    if (span >= 0) return attribute.read(this.bytes, startOf(span), endOf(span));
    const joined = this.#octetsAt(at);
    return attribute.read(joined, 0, joined.length);
  }

  #octetsAt(at: number): Buffer {
    const span = this.#index.spans[at] ?? 0;
    if (span >= 0) return this.bytes.subarray(startOf(span), endOf(span));
    return this.#joined[-span - 1] ?? Buffer.alloc(0);
  }
}

/**
 * Decodes one packet. Octets behind the packet's Length are padding and left out [RFC 2865 3].
 * Never throws: what is no packet comes back as its malformation.
 */
export function decodePacket(datagram: Buffer): DecodeResult {
  if (datagram.length < RADIUS_LIMITS.packetOctetsMin) return malformed('short-packet');
  const length = datagram.readUInt16BE(2);
  if (length < RADIUS_LIMITS.packetOctetsMin || length > RADIUS_LIMITS.packetOctetsMax) {
    return malformed('length-out-of-range');
  }
  if (length > datagram.length) return malformed('truncated');
  const bytes = length === datagram.length ? datagram : datagram.subarray(0, length);
  return new AttributeScan(bytes).run();
}

function malformed(malformation: Malformation): DecodeResult {
  return { ok: false, malformation };
}

/** A long extended value of which some fragments have been seen. */
interface OpenFragments {
  readonly key: AttributeKey;
  readonly parts: Buffer[];
}

/**
 * The index of the packet that is being read, which never waits: it is copied out when it is complete,
 * as arrays that grow cost three times their octets.
 */
const scratch: { readonly [Part in keyof Index]: number[] } = { keys: [], spans: [] };

const NONE_JOINED: readonly Buffer[] = [];

class AttributeScan {
  readonly #bytes: Buffer;
  #count = 0;
  /** Made when the first is joined, which few packets have. */
  #joined: Buffer[] | null = null;
  #open: OpenFragments | undefined;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  run(): DecodeResult {
    const bytes = this.#bytes;
    const total = bytes.length;
    let at: number = RADIUS_LIMITS.packetOctetsMin;
    while (at < total) {
      const type = bytes[at] ?? 0;
      const length = bytes[at + 1];
      if (length === undefined) return malformed('attribute-overrun');
      if (length < 2) return malformed('attribute-too-short');
      const end = at + length;
      if (end > total) return malformed('attribute-overrun');
      if (this.#count >= RADIUS_LIMITS.attributesMax) return malformed('too-many-attributes');
      this.#take(type, at, end);
      at = end;
    }
    const index = {
      keys: scratch.keys.slice(0, this.#count),
      spans: scratch.spans.slice(0, this.#count),
    };
    return { ok: true, packet: new RadiusPacket(bytes, index, this.#joined ?? NONE_JOINED) };
  }

  #take(type: number, at: number, end: number): void {
    if (type >= LONG_EXTENDED_TYPE_FIRST && type <= EXTENDED_TYPE_LAST && end - at >= 4) {
      this.#takeLongExtended(type, at, end);
      return;
    }
    // Fragments stand side by side; a value cut off by another attribute is invalid and as good
    // as absent [RFC 6929 2.2].
    this.#open = undefined;
    if (type === VENDOR_SPECIFIC_TYPE) this.#takeVendor(at + 2, end);
    else if (type >= EXTENDED_TYPE_FIRST && type < LONG_EXTENDED_TYPE_FIRST && end - at >= 3) {
      this.#takeExtended(type, at, end);
    } else this.#add(type, spanOf(at + 2, end));
  }

  #add(key: AttributeKey, span: number): void {
    scratch.keys[this.#count] = key;
    scratch.spans[this.#count] = span;
    this.#count += 1;
  }

  /**
   * Vendor-Specific in the recommended form: vendor, then type, length and value, once or more
   * often [RFC 2865 5.26]. Contents of any other form are kept whole, for nobody to read, and so
   * are those of vendor 0, which is nobody: they must not pass for standard attributes.
   */
  #takeVendor(start: number, end: number): void {
    const bytes = this.#bytes;
    const wellFormed = this.#vendorParts(start, end);
    const vendor = wellFormed === 0 ? 0 : bytes.readUInt32BE(start);
    if (vendor === 0) {
      this.#add(VENDOR_SPECIFIC_TYPE, spanOf(start, end));
      return;
    }
    for (let at = start + 4; at < end; at += bytes[at + 1] ?? 0) {
      const span = spanOf(at + 2, at + (bytes[at + 1] ?? 0));
      this.#add(vendorKey(vendor, bytes[at] ?? 0), span);
    }
  }

  /** Number of attributes inside a Vendor-Specific; 0 when it is not of the recommended form. */
  #vendorParts(start: number, end: number): number {
    if (end - start < 6) return 0;
    let count = 0;
    let at = start + 4;
    while (at < end) {
      const length = this.#bytes[at + 1] ?? 0;
      if (length < 2 || at + length > end) return 0;
      at += length;
      count += 1;
    }
    return count + this.#count > RADIUS_LIMITS.attributesMax ? 0 : count;
  }

  /** Type, length, extended type, value [RFC 6929 2.1]. */
  #takeExtended(type: number, at: number, end: number): void {
    const extended = this.#bytes[at + 2] ?? 0;
    // Vendor, vendor type, value [RFC 6929 2.4].
    const named = extended === EXTENDED_VENDOR_SPECIFIC_TYPE && end - at >= 8;
    const vendor = named ? this.#bytes.readUInt32BE(at + 3) : 0;
    if (vendor !== 0) {
      const key = extendedKey(type, this.#bytes[at + 7] ?? 0);
      this.#add(vendorKey(vendor, key), spanOf(at + 8, end));
    } else this.#add(extendedKey(type, extended), spanOf(at + 3, end));
  }

  /** Type, length, extended type, More flag and reserved bits, a fragment [RFC 6929 2.2]. */
  #takeLongExtended(type: number, at: number, end: number): void {
    const key = extendedKey(type, this.#bytes[at + 2] ?? 0);
    const more = ((this.#bytes[at + 3] ?? 0) & 0x80) !== 0;
    const open: OpenFragments = this.#open?.key === key ? this.#open : { key, parts: [] };
    open.parts.push(this.#bytes.subarray(at + 4, end));
    this.#open = more ? open : undefined;
    if (!more) this.#addJoined(type, key, Buffer.concat(open.parts));
  }

  #addJoined(type: number, key: AttributeKey, value: Buffer): void {
    const isNamed = key === extendedKey(type, EXTENDED_VENDOR_SPECIFIC_TYPE) && value.length >= 5;
    const vendor = isNamed ? value.readUInt32BE(0) : 0;
    this.#joined ??= [];
    this.#joined.push(vendor === 0 ? value : value.subarray(5));
    const named = vendor === 0 ? key : vendorKey(vendor, extendedKey(type, value[4] ?? 0));
    this.#add(named, -this.#joined.length);
  }
}
