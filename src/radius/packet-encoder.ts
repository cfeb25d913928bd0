/** Puts packets together: header, attributes in the order given, and the forms each space needs. */
import {
  EXTENDED_TYPE_FIRST,
  EXTENDED_VENDOR_SPECIFIC_TYPE,
  LONG_EXTENDED_TYPE_FIRST,
  VENDOR_SPECIFIC_TYPE,
  vendorOf,
  type RawAttribute,
} from './attribute.js';
import { EapMessage, NasFilterRule } from './generated/standard.js';
import { RADIUS_LIMITS } from './limits.js';

/** A packet that the protocol cannot carry: a fault of the caller's data, never of a peer. */
export class PacketTooLongError extends RangeError {
  readonly code = 'TOLLD_RADIUS_PACKET_TOO_LONG';

  constructor(what: string) {
    super(`${what} does not fit into a RADIUS packet`);
    this.name = 'PacketTooLongError';
  }
}

const CONCATENATED_KEYS: ReadonlySet<number> = new Set([EapMessage.key, NasFilterRule.key]);
const HEADER_OCTETS = RADIUS_LIMITS.packetOctetsMin;
const FRAGMENT_OCTETS = 251;

/**
 * One packet being built at a time: encoding never waits, so the octets can be shared. The packet
 * is copied out when it is complete.
 */
const scratch = Buffer.allocUnsafe(RADIUS_LIMITS.packetOctetsMax);

export interface PacketHeader {
  readonly code: number;
  readonly identifier: number;
  /** What the authenticator field holds for now: sixteen octets, or null for zeros. */
  readonly authenticator: Buffer | null;
}

/**
 * Encodes a packet. Values longer than an attribute are cut where the attribute allows it
 * (EAP-Message, long extended attributes).
 * @throws PacketTooLongError for a value or a packet beyond what the protocol can carry.
 */
export function encodePacket(header: PacketHeader, attributes: readonly RawAttribute[]): Buffer {
  let end: number = HEADER_OCTETS;
  for (const attribute of attributes) end = writeAttribute(attribute, end);
  scratch[0] = header.code;
  scratch[1] = header.identifier;
  scratch.writeUInt16BE(end, 2);
  if (header.authenticator === null) scratch.fill(0, 4, HEADER_OCTETS);
  else header.authenticator.copy(scratch, 4, 0, 16);
  const packet = Buffer.allocUnsafe(end);
  scratch.copy(packet, 0, 0, end);
  return packet;
}

function writeAttribute(attribute: RawAttribute, at: number): number {
  const { key, value } = attribute;
  const vendor = vendorOf(key);
  const type = key % 65_536;
  if (type >= LONG_EXTENDED_TYPE_FIRST * 256) return writeLongExtended(vendor, type, value, at);
  if (type >= EXTENDED_TYPE_FIRST * 256) return writeExtended(vendor, type, value, at);
  if (vendor !== 0) return writeVendor(vendor, type, value, at);
  if (value.length <= RADIUS_LIMITS.valueOctetsMax) return writeOne(type, value, at);
  if (!CONCATENATED_KEYS.has(key)) throw new PacketTooLongError(`attribute ${type}`);
  let next = at;
  for (let from = 0; from < value.length; from += RADIUS_LIMITS.valueOctetsMax) {
    next = writeOne(type, value.subarray(from, from + RADIUS_LIMITS.valueOctetsMax), next);
  }
  return next;
}

function reserve(at: number, octets: number): number {
  const end = at + octets;
  if (end > RADIUS_LIMITS.packetOctetsMax) throw new PacketTooLongError('the packet');
  return end;
}

function writeOne(type: number, value: Buffer, at: number): number {
  const end = reserve(at, value.length + 2);
  scratch[at] = type;
  scratch[at + 1] = value.length + 2;
  value.copy(scratch, at + 2);
  return end;
}

/** One vendor attribute in a Vendor-Specific of its own [RFC 2865 5.26]. */
function writeVendor(vendor: number, type: number, value: Buffer, at: number): number {
  if (value.length > RADIUS_LIMITS.vendorValueOctetsMax) {
    throw new PacketTooLongError(`attribute ${type} of vendor ${vendor}`);
  }
  const end = reserve(at, value.length + 8);
  scratch[at] = VENDOR_SPECIFIC_TYPE;
  scratch[at + 1] = value.length + 8;
  scratch.writeUInt32BE(vendor, at + 2);
  scratch[at + 6] = type;
  scratch[at + 7] = value.length + 2;
  value.copy(scratch, at + 8);
  return end;
}

/** The octets behind the extended type: the value, or vendor, vendor type and value. */
function extendedBody(vendor: number, type: number, value: Buffer): Buffer {
  if (vendor === 0) return value;
  const head = Buffer.allocUnsafe(5);
  head.writeUInt32BE(vendor, 0);
  head[4] = type % 256;
  return Buffer.concat([head, value]);
}

function extendedTypeOf(vendor: number, type: number): number {
  return vendor === 0 ? type % 256 : EXTENDED_VENDOR_SPECIFIC_TYPE;
}

/** [RFC 6929 2.1] */
function writeExtended(vendor: number, type: number, value: Buffer, at: number): number {
  const body = extendedBody(vendor, type, value);
  if (body.length > 252) throw new PacketTooLongError(`attribute ${type}`);
  const end = reserve(at, body.length + 3);
  scratch[at] = Math.floor(type / 256);
  scratch[at + 1] = body.length + 3;
  scratch[at + 2] = extendedTypeOf(vendor, type);
  body.copy(scratch, at + 3);
  return end;
}

/** Fragments side by side, the More flag on all but the last [RFC 6929 2.2]. */
function writeLongExtended(vendor: number, type: number, value: Buffer, at: number): number {
  const body = extendedBody(vendor, type, value);
  let next = at;
  let from = 0;
  do {
    const fragment = body.subarray(from, from + FRAGMENT_OCTETS);
    from += FRAGMENT_OCTETS;
    const end = reserve(next, fragment.length + 4);
    scratch[next] = Math.floor(type / 256);
    scratch[next + 1] = fragment.length + 4;
    scratch[next + 2] = extendedTypeOf(vendor, type);
    scratch[next + 3] = from < body.length ? 0x80 : 0;
    fragment.copy(scratch, next + 4);
    next = end;
  } while (from < body.length);
  return next;
}
