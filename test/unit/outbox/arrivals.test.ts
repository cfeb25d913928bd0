import { describe, expect, test } from 'vitest';
import { Arrivals } from '../../../src/outbox/arrivals.js';

const ends = (...last: readonly (readonly [epoch: number, n: number] | null)[]) =>
  last.map((end, partition) => ({
    partition,
    lastAdded: end === null ? null : { epoch: end[0], n: end[1] },
  }));

describe('arrivals', () => {
  test('are not known at the first look', () => {
    expect(new Arrivals().perSecond(ends([1, 5]), 0)).toBeNull();
  });

  test.each([
    ['grow', ends([1, 95], [1, 19]), 50],
    ['stand', ends([1, 5], [1, 9]), 0],
    ['begin', ends([1, 5], [1, 9], [1, 99]), 50],
    ['begin a new epoch', ends([2, 99], [1, 9]), 50],
    ['are of an epoch before', ends([0, 99], [1, 9]), 0],
    ['are gone', ends(null, [1, 9]), 0],
  ])('of streams that %s', (_, then, perSecond) => {
    const arrivals = new Arrivals();
    arrivals.perSecond(ends([1, 5], [1, 9]), 1_000);
    expect(arrivals.perSecond(then, 3_000)).toBe(perSecond);
  });
});
