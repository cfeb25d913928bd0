/** Comparison that takes the same time whatever differs, lengths included. */
import { timingSafeEqual } from 'node:crypto';

/** Longer than any password that a request can carry. */
const OCTETS_MAX = 256;

function widened(octets: Uint8Array): Buffer {
  const wide = Buffer.alloc(OCTETS_MAX);
  wide.set(octets.subarray(0, OCTETS_MAX));
  return wide;
}

/** True when both hold the same octets, 256 at most. */
export function equalOctets(one: Uint8Array, other: Uint8Array): boolean {
  const same = timingSafeEqual(widened(one), widened(other));
  return same && one.length === other.length && one.length <= OCTETS_MAX;
}
