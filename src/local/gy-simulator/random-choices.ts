/** Random choices that follow from a seed: a run can be had again. */
import type { Range } from './traffic.js';

export interface RandomChoices {
  /** From 0 to below 1. */
  next(): number;
  within(range: Range): number;
  /** One of the elements, by weight. @throws RangeError when there is none. */
  weighted<T extends { readonly weight: number }>(elements: readonly T[]): T;
  /** Choices of its own for one session, whatever the others do meanwhile. */
  fork(index: number): RandomChoices;
}

/** mulberry32: 32 bits of state are plenty for traffic. */
export function createRandomChoices(seed: number): RandomChoices {
  let state = seed | 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x100000000;
  };
  return {
    next,
    within: ({ min, max }) => min + Math.floor(next() * (max - min + 1)),
    weighted(elements) {
      const total = elements.reduce((sum, { weight }) => sum + weight, 0);
      let point = next() * total;
      for (const element of elements) {
        point -= element.weight;
        if (point < 0) return element;
      }
      const last = elements.at(-1);
      if (last === undefined) throw new RangeError('nothing to choose from');
      return last;
    },
    fork: (index) =>
      createRandomChoices(Math.imul(seed + 1, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b)),
  };
}
