/** Random numbers that can be had again: the seed goes into the message of what fails. */
import { randomInt } from 'node:crypto';

export interface RandomSource {
  readonly seed: number;
  /** From 0 to below 1. */
  readonly random: () => number;
  /** From 0 to below `below`. */
  readonly integer: (below: number) => number;
}

/** mulberry32 from a seed of its own, or from the one that a failure printed. */
export function randomSource(seed: number = randomInt(0x100000000)): RandomSource {
  let state = seed;
  const random = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x100000000;
  };
  return { seed, random, integer: (below) => Math.floor(random() * below) };
}
