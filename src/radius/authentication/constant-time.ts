/** Comparison that takes the same time whatever differs, lengths included. */
import { timingSafeEqual } from 'node:crypto';

/** Longer than any password that a request can carry. */
const OCTETS_MAX = 256;

/** Room for one comparison: it never waits, so it can be shared. It holds zeros between two. */
const left = Buffer.alloc(OCTETS_MAX);
const right = Buffer.alloc(OCTETS_MAX);

function widen(octets: Uint8Array, wide: Buffer): void {
  wide.set(octets.length > OCTETS_MAX ? octets.subarray(0, OCTETS_MAX) : octets);
}

/** True when both hold the same octets, 256 at most. */
export function equalOctets(one: Uint8Array, other: Uint8Array): boolean {
  widen(one, left);
  widen(other, right);
  const same = timingSafeEqual(left, right);
  left.fill(0);
  right.fill(0);
  return same && one.length === other.length && one.length <= OCTETS_MAX;
}
