/** Identifiers of our own requests [RFC 6733 3]. */
import { randomInt } from 'node:crypto';

/** Hop-by-hop identifiers of one connection: from a random start, round at 2^32. */
export function createHopByHop(): () => number {
  let next = randomInt(0x100000000);
  return () => {
    const identifier = next;
    next = (next + 1) % 0x100000000;
    return identifier;
  };
}

/**
 * End-to-end identifiers of this process: the low 12 bits of the time it started, and 20 bits that
 * begin at random; unique for at least 4 minutes even over a restart.
 */
export function createEndToEnd(nowMs: number): () => number {
  const high = (Math.floor(nowMs / 1000) & 0xfff) * 0x100000;
  let low = randomInt(0x100000);
  return () => {
    low = (low + 1) % 0x100000;
    return high + low;
  };
}
