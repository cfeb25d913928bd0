import type { ConsumptionOrder } from '../../../src/domain/consumption-order.js';
import { describe, expect, test } from 'vitest';
import type { DecodedBucket } from '../../../src/charging/event-codec.js';
import { explainBuckets, type SharedBuckets } from '../../../src/cli/bucket-order.js';
import { toAmount, ZERO } from '../../../src/domain/amounts.js';

const NOW = Date.parse('2026-06-01T00:00:00Z');
const HOUR_MS = 3_600_000;

function bucket(bucketId: string, more: Partial<DecodedBucket> = {}): DecodedBucket {
  return {
    bucketId,
    resource: 'octets',
    kind: 'units',
    priority: 100,
    state: 'active',
    startsAt: NOW,
    endsAt: null,
    createdAt: NOW,
    floor: ZERO,
    granted: toAmount(100),
    remaining: toAmount(100),
    reserved: ZERO,
    step: 1,
    blocker: false,
    bundleId: null,
    durationMs: null,
    after: null,
    detail: {},
    ...more,
  };
}

function explained(
  buckets: readonly DecodedBucket[],
  orders: Readonly<Record<string, ConsumptionOrder>> = {},
  shared?: SharedBuckets,
): string[] {
  return explainBuckets(buckets, {
    orders: new Map(Object.entries(orders)),
    now: NOW,
    show: (amount, resource) => `${amount} ${resource}`,
    ...(shared !== undefined && { shared }),
  }).map(({ bucket: { bucketId }, ofOwner, place, why }) => {
    return `${place ?? '-'} ${ofOwner ? 'shared ' : ''}${bucketId}: ${why.join('; ')}`;
  });
}

describe('the order of buckets', () => {
  test('is told by what decided it', () => {
    expect(
      explained([
        bucket('money', { resource: 'EUR', kind: 'money' }),
        bucket('b'),
        bucket('a'),
        bucket('older', { createdAt: NOW - 1 }),
        bucket('ending', { endsAt: NOW + HOUR_MS }),
        bucket('last', { priority: 200 }),
      ]),
    ).toEqual([
      '1 ending: first',
      '2 older: after ending: ends later',
      '3 a: after older: granted later',
      '4 b: after a: by their ids',
      '5 money: after b: units go before money',
      '6 last: after money: priority 200',
    ]);
  });

  test.each([
    ['earliest-started', 'older', 'started later'],
    ['latest-started', 'newer', 'started earlier, and the latest goes first'],
    ['smallest', 'older', 'more is left in it, and the smallest goes first'],
    ['largest', 'newer', 'less is left in it, and the largest goes first'],
  ] as const)('follows the order of the resource: %s', (order, first, why) => {
    const buckets = [
      bucket('older', { startsAt: NOW - HOUR_MS, reserved: toAmount(10) }),
      bucket('newer'),
    ];
    const second = first === 'older' ? 'newer' : 'older';
    expect(explained(buckets, { octets: order })).toEqual([
      `1 ${first}: first`,
      `2 ${second}: after ${first}: ${why}`,
    ]);
  });

  test('leaves out what may not be used now, and says why', () => {
    expect(
      explained([
        bucket('ended', { state: 'inactive' }),
        bucket('ending now', { endsAt: NOW }),
        bucket('next', { state: 'pending', startsAt: NOW + HOUR_MS }),
        bucket('queued', { state: 'pending', startsAt: null, after: 'first pack' }),
      ]),
    ).toEqual([
      '- ended: not used: it has ended',
      '- ending now: not used: it has ended',
      '- next: not used: it begins 2026-06-01T01:00:00.000Z',
      '- queued: not used: it waits for first pack to end',
    ]);
  });

  test("puts the owner's buckets where a member draws on them", () => {
    const own = [bucket('a'), bucket('m', { resource: 'EUR', kind: 'money' })];
    const shared: SharedBuckets = {
      buckets: [
        bucket('first', { priority: 1 }),
        bucket('o'),
        bucket('held back', { resource: 'seconds' }),
      ],
      order: 'own-first',
      resources: ['octets', 'EUR'],
      scope: { contexts: null, ratingGroups: [7], zones: null, bands: null },
    };
    const group = 'only rating groups 7, by the group';
    expect(explained(own, {}, shared)).toEqual([
      `1 shared first: first; ${group}`,
      '2 a: after first: priority 100',
      '3 m: after a: units go before money',
      `4 shared o: after m: own goes before the owner's; ${group}`,
      `- shared held back: not used: the group does not share seconds; ${group}`,
    ]);
    expect(explained(own, {}, { ...shared, order: 'shared-first' }).slice(0, 3)).toEqual([
      `1 shared first: first; ${group}`,
      `2 shared o: after first: priority 100; ${group}`,
      "3 a: after o: the owner's goes before own",
    ]);
  });

  test('names what else limits a bucket', () => {
    expect(
      explained([
        bucket('a', { state: 'armed', startsAt: null, durationMs: 24 * HOUR_MS, bundleId: 'pack' }),
        bucket('b', {
          step: 60,
          blocker: true,
          detail: { scope: { contexts: ['voice'], ratingGroups: null, zones: ['home', 'eu'] } },
        }),
        bucket('c', { remaining: ZERO }),
        bucket('d', { resource: 'EUR', kind: 'money', floor: toAmount(-50) }),
        bucket('e', { resource: 'EUR', kind: 'money', floor: null }),
      ]),
    ).toEqual([
      '1 a: first; begins with its first use and lasts 1 day; bundle pack',
      '2 b: after a: by their ids; in steps of 60 octets; what it cannot pay, none behind it ' +
        'pays; only service contexts voice; only zones home, eu',
      '3 c: after b: by their ids; nothing is left to grant',
      '4 d: after c: units go before money; down to -50 EUR',
      '5 e: after d: by their ids; no floor',
    ]);
  });
});
