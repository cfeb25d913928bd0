/** Addresses, networks and spans as a file writes them, compared as numbers. */
import { isIP } from 'node:net';

/** Both ends included. IPv4 and IPv6 never meet. */
export interface AddressSpan {
  readonly family: 4 | 6;
  readonly first: bigint;
  readonly last: bigint;
}

const BITS = { 4: 32, 6: 128 } as const;

/** "192.0.2.1" or "10.0.0.0/8" or "2001:db8::/48"; null where it is none. */
export function parseNetwork(text: string): AddressSpan | null {
  const [address = '', prefix, ...rest] = text.split('/');
  const family = isIP(address);
  if (rest.length > 0 || (family !== 4 && family !== 6)) return null;
  const bits = BITS[family];
  const length = prefix === undefined ? bits : /^\d{1,3}$/.test(prefix) ? Number(prefix) : -1;
  if (length < 0 || length > bits) return null;
  const host = (1n << BigInt(bits - length)) - 1n;
  const first = numberOf(address, family) & ~host;
  return { family, first, last: first | host };
}

/**
 * IPv4 addresses that may be given away: a network without its first and last address, where it has
 * more than two, or a span "10.0.0.10-10.0.0.99".
 */
export function parsePoolRange(text: string): AddressSpan | null {
  const [from = '', to, ...rest] = text.split('-');
  if (to === undefined) {
    const network = parseNetwork(from);
    if (network?.family !== 4) return null;
    const { first, last } = network;
    return last - first < 2n ? network : { family: 4, first: first + 1n, last: last - 1n };
  }
  if (rest.length > 0 || isIP(from) !== 4 || isIP(to) !== 4) return null;
  const span = { family: 4, first: numberOf(from, 4), last: numberOf(to, 4) } as const;
  return span.first <= span.last ? span : null;
}

export function overlaps(one: AddressSpan, other: AddressSpan): boolean {
  return one.family === other.family && one.first <= other.last && other.first <= one.last;
}

export function formatIpv4(address: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => String((address >> shift) & 0xffn)).join('.');
}

function numberOf(address: string, family: 4 | 6): bigint {
  if (family === 4) {
    return address.split('.').reduce((sum, part) => (sum << 8n) | BigInt(part), 0n);
  }
  // The system's own writing: no zone, no embedded IPv4, one gap at most.
  const host = new URL(`http://[${address.replace(/%.*$/, '')}]`).hostname.slice(1, -1);
  const [head = '', tail] = host.split('::');
  const groupsOf = (part: string): string[] => (part === '' ? [] : part.split(':'));
  const [before, after] = [groupsOf(head), groupsOf(tail ?? '')];
  const gap = tail === undefined ? 0 : 8 - before.length - after.length;
  return [...before, ...Array.from({ length: gap }, () => '0'), ...after].reduce(
    (sum, group) => (sum << 16n) | BigInt(`0x${group}`),
    0n,
  );
}
