/** IP addresses as octets and text, and prefixes of them. */
import { isIPv4, isIPv6 } from 'node:net';

/** The four octets of a dotted address; undefined when it is none. */
export function parseIpv4(text: string): Buffer | undefined {
  return isIPv4(text) ? Buffer.from(text.split('.').map(Number)) : undefined;
}

const DOT = 46;
const ZERO = 48;

/** A dotted address as one number, without making anything on the way; undefined when it is none. */
export function ipv4Number(text: string): number | undefined {
  let address = 0;
  let octet = -1;
  let dots = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === DOT) {
      if (octet < 0) return undefined;
      address = address * 256 + octet;
      octet = -1;
      dots += 1;
      continue;
    }
    const digit = code - ZERO;
    // As Node: no sign, no leading zero, no octet above 255.
    if (digit < 0 || digit > 9 || octet === 0) return undefined;
    octet = octet < 0 ? digit : octet * 10 + digit;
    if (octet > 255) return undefined;
  }
  return dots === 3 && octet >= 0 ? address * 256 + octet : undefined;
}

/** The sixteen octets of an IPv6 address (zone left out); undefined when it is none. */
export function parseIpv6(text: string): Buffer | undefined {
  if (!isIPv6(text)) return undefined;
  let plain = text.split('%', 1)[0] ?? '';
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(plain);
  if (dotted !== null) {
    const tail = parseIpv4(dotted[2] ?? '');
    if (tail === undefined) return undefined;
    plain = `${dotted[1] ?? ''}${tail.toString('hex', 0, 2)}:${tail.toString('hex', 2, 4)}`;
  }
  const [head = '', tail] = plain.split('::', 2);
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const address = Buffer.alloc(16);
  left.forEach((group, index) => address.writeUInt16BE(parseInt(group, 16), index * 2));
  right.forEach((group, index) =>
    address.writeUInt16BE(parseInt(group, 16), 16 - (right.length - index) * 2),
  );
  return address;
}

/** Canonical text of sixteen octets: lower case, the longest run of zero groups shortened. */
export function formatIpv6(octets: Buffer): string {
  const groups: number[] = [];
  for (let at = 0; at < 16; at += 2) groups.push(octets.readUInt16BE(at));
  let best = { start: -1, length: 1 };
  for (let start = 0; start < 8; start += 1) {
    let length = 0;
    while (start + length < 8 && groups[start + length] === 0) length += 1;
    if (length > best.length) best = { start, length };
  }
  const hex = (part: readonly number[]): string => part.map((n) => n.toString(16)).join(':');
  if (best.start < 0) return hex(groups);
  return `${hex(groups.slice(0, best.start))}::${hex(groups.slice(best.start + best.length))}`;
}

/** An IPv4 source seen through an IPv6 socket ("::ffff:192.0.2.1") as plain IPv4; no zone. */
export function plainAddress(address: string): string {
  if (address.startsWith('::ffff:') && address.includes('.')) return address.slice(7);
  const zone = address.indexOf('%');
  return zone < 0 ? address : address.slice(0, zone);
}

/** A prefix of IPv4 or IPv6 addresses; `octets` are those of its first address. */
export interface AddressPrefix {
  readonly family: 4 | 6;
  readonly octets: Buffer;
  readonly bits: number;
}

/** Reads "192.0.2.0/24", "2001:db8::/32" or a single address; undefined when it is neither. */
export function parsePrefix(text: string): AddressPrefix | undefined {
  const slash = text.indexOf('/');
  const address = slash < 0 ? text : text.slice(0, slash);
  const v4 = parseIpv4(address);
  const octets = v4 ?? parseIpv6(address);
  if (octets === undefined) return undefined;
  const width = octets.length * 8;
  const suffix = slash < 0 ? String(width) : text.slice(slash + 1);
  if (!/^\d{1,3}$/.test(suffix) || Number(suffix) > width) return undefined;
  const bits = Number(suffix);
  return { family: v4 === undefined ? 6 : 4, octets: maskOctets(octets, bits), bits };
}

/** The octets with everything behind the first `bits` bits cleared. */
export function maskOctets(octets: Buffer, bits: number): Buffer {
  const masked = Buffer.from(octets);
  for (let index = 0; index < masked.length; index += 1) {
    const kept = Math.min(8, Math.max(0, bits - index * 8));
    masked[index] = (masked[index] ?? 0) & ((0xff << (8 - kept)) & 0xff);
  }
  return masked;
}
