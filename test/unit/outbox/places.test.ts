import { describe, expect, test } from 'vitest';
import type { PartitionFault } from '../../../src/outbox/fault.js';
import { Places } from '../../../src/outbox/places.js';

const OFFSET = { epoch: 1, n: 4 };
const missing = (partition: number, found = '1-9'): PartitionFault => ({
  kind: 'entries-missing',
  partition,
  after: '1-4',
  found,
});

function heldPlaces(): Places {
  const places = new Places({ faultRetryMs: 100, movingRetryMs: 10 });
  places.hold(
    new Map([
      [0, 1],
      [1, 1],
    ]),
  );
  return places;
}

describe('places', () => {
  test('are read from only where the record has said how far it is', () => {
    const places = heldPlaces();
    expect(places.unplaced(0)).toEqual([0, 1]);
    places.place(1, OFFSET);
    expect(places.unplaced(0)).toEqual([0]);
    expect(places.cursors(0)).toEqual([{ partition: 1, fence: 1, offset: OFFSET }]);
  });

  test('go with their lease, and are asked for again under a newer one', () => {
    const places = heldPlaces();
    places.place(0, OFFSET);
    places.place(1, OFFSET);
    places.hold(
      new Map([
        [1, 2],
        [2, 1],
      ]),
    );
    expect(places.cursors(0)).toEqual([]);
    expect(places.unplaced(0)).toEqual([1, 2]);
  });

  test('that stand still rest, and are told of once', () => {
    const places = heldPlaces();
    places.place(0, OFFSET);
    expect(places.stop(missing(0), 0)).toBe(true);
    expect(places.stop(missing(0), 100)).toBe(false);
    expect(places.stop(missing(0, '1-11'), 200)).toBe(true);
    expect(places.unplaced(299)).toEqual([1]);
    expect(places.unplaced(300)).toEqual([0, 1]);
    expect(places.faults).toEqual([missing(0, '1-11')]);
    expect(places.resume(0)).toEqual(missing(0, '1-11'));
    expect(places.faults).toEqual([]);
  });
});
