import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeBucket,
  decodeEntry,
  encodeBucket,
  encodeEntry,
  parseEntryId,
  type NewBucket,
} from '../../../src/charging/event-codec.js';
import { SCHEMA_VERSION } from '../../../src/charging/generated/layout.js';
import { pack, PackingError, unpack } from '../../../src/charging/packing.js';
import type { Amount } from '../../../src/domain/amounts.js';
import type { ChargingEvent, Impact, OutboxEntry } from '../../../src/domain/events.js';
import {
  STEERING_KINDS,
  STEERING_OUTCOMES,
  STEERING_REASONS,
} from '../../../src/domain/steering.js';
import { UNIT_KINDS } from '../../../src/domain/units.js';
import { stamp } from '../../support/charge-requests.js';

const name = fc.string({ minLength: 1, maxLength: 20 });
const nameOrNull = fc.option(name, { nil: null });
const amount = fc.maxSafeInteger().map((value) => value as Amount);
const count = fc.maxSafeNat().map((value) => value as Amount);
const time = fc.integer({ min: 1, max: 4_000_000_000_000 });
const timeOrNull = fc.option(time, { nil: null });
const number = fc.nat(2 ** 32 - 1);
const state = fc.constantFrom('pending', 'armed', 'active', 'inactive');
const set = fc.option(fc.array(name, { maxLength: 3 }), { nil: null });

const impact: fc.Arbitrary<Impact> = fc.record({
  bucketId: name,
  resource: name,
  delta: amount,
  after: amount,
  units: count,
});
const impacts = fc.array(impact, { maxLength: 4 });

const bucket: fc.Arbitrary<NewBucket> = fc.record({
  bucketId: name,
  resource: name,
  kind: fc.constantFrom('units', 'money'),
  priority: fc.integer({ min: -1000, max: 1000 }),
  state,
  startsAt: timeOrNull,
  endsAt: timeOrNull,
  createdAt: time,
  floor: fc.option(amount, { nil: null }),
  granted: count,
  step: fc.integer({ min: 1, max: 100_000 }),
  blocker: fc.boolean(),
  bundleId: nameOrNull,
  detail: fc.oneof(
    fc.constant({}),
    fc.record({
      scope: fc.record({
        contexts: set,
        ratingGroups: fc.option(fc.array(fc.nat(100_000), { maxLength: 3 }), { nil: null }),
        zones: set,
        bands: set,
      }),
    }),
  ),
  durationMs: timeOrNull,
  after: nameOrNull,
});

const events: Readonly<Record<ChargingEvent['type'], fc.Arbitrary<ChargingEvent>>> = {
  usage: fc.record({
    type: fc.constant('usage' as const),
    sessionId: name,
    requestNumber: number,
    service: name,
    ratingGroup: fc.option(number, { nil: null }),
    unit: fc.constantFrom(...UNIT_KINDS),
    used: count,
    uncollected: count,
    cost: count,
    currency: nameOrNull,
    tariffVersion: fc.option(fc.stringMatching(/^[a-z]+@[0-9]#[a-z:]+$/), { nil: null }),
    zone: fc.constant(null),
    reason: fc.constantFrom('validity-time', 'event', 'late', null),
    impacts,
    serviceAfter: fc.record({ used: count, cost: count, carry: fc.constant([0, false, [], []]) }),
  }),
  'shared-usage': fc.record({
    type: fc.constant('shared-usage' as const),
    memberAccountId: name,
    sessionId: name,
    requestNumber: number,
    service: name,
    impacts,
  }),
  ledger: fc.record({
    type: fc.constant('ledger' as const),
    kind: fc.constantFrom(
      ...(['grant', 'top-up', 'adjustment', 'reversal', 'transfer', 'expiry', 'refund'] as const),
      'refused' as const,
    ),
    intentNumber: fc.option(fc.integer({ min: 1, max: 2 ** 40 }), { nil: null }),
    intentId: nameOrNull,
    reason: nameOrNull,
    impacts,
    grant: fc.constant(null),
  }),
  session: fc.record({
    type: fc.constant('session' as const),
    sessionId: name,
    change: fc.constantFrom('opened', 'closed', 'expired'),
    requestNumber: number,
    cause: nameOrNull,
    openedAt: time,
  }),
  'bucket-state': fc.record({
    type: fc.constant('bucket-state' as const),
    bucketId: name,
    bundleId: nameOrNull,
    from: state,
    to: state,
    cause: fc.constantFrom(
      ...(['first-use', 'expired', 'exhausted', 'suspended', 'succeeded', 'resumed'] as const),
    ),
    startsAt: timeOrNull,
    endsAt: timeOrNull,
  }),
  threshold: fc.record({
    type: fc.constant('threshold' as const),
    thresholdId: name,
    resource: name,
    direction: fc.constantFrom('crossed', 're-armed'),
    level: amount,
    value: amount,
  }),
  steering: fc.record({
    type: fc.constant('steering' as const),
    sessionId: name,
    kind: fc.constantFrom(...STEERING_KINDS),
    reason: fc.constantFrom(...STEERING_REASONS),
    outcome: fc.constantFrom(...STEERING_OUTCOMES),
    detail: nameOrNull,
    attempt: number,
    raisedAt: time,
    final: fc.boolean(),
  }),
  account: fc.record({
    type: fc.constant('account' as const),
    change: fc.constantFrom('created', 'changed', 'moved-out', 'moved-in'),
    standing: fc.constantFrom('active', 'suspended', 'closed'),
    profileVersion: number,
  }),
};

function entryWith(list: readonly ChargingEvent[]): OutboxEntry {
  return {
    partition: 3,
    id: { epoch: 2, n: 17 },
    at: 1_700_000_000_000,
    stamp,
    accounts: [{ accountId: 'a', firstSequence: 5, events: list }],
  };
}

describe('an outbox entry is decoded as it was encoded', () => {
  it.each(Object.entries(events))('with events of type %s', (_type, event) => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 5 }), (list) => {
        const entry = entryWith(list);
        expect(decodeEntry(3, '2-17', encodeEntry(entry))).toEqual(entry);
      }),
    );
  });

  it('with sections of several accounts, and without a stamp', () => {
    const entry: OutboxEntry = {
      ...entryWith([]),
      stamp: null,
      accounts: [
        { accountId: 'member', firstSequence: 1, events: [] },
        { accountId: 'owner', firstSequence: 2 ** 40, events: [] },
      ],
    };
    expect(decodeEntry(3, '2-17', encodeEntry(entry))).toEqual(entry);
  });
});

describe('a bucket', () => {
  it('is decoded as it was granted: all of it remains and nothing is reserved', () => {
    fc.assert(
      fc.property(bucket, (granted) => {
        expect(decodeBucket(unpack(pack(encodeBucket(granted))))).toEqual({
          ...granted,
          remaining: granted.granted,
          reserved: 0,
        });
      }),
    );
  });

  it('without a duration, a predecessor or a scope has none', () => {
    const { durationMs: _, after: __, ...bare } = fc.sample(bucket, { seed: 1, numRuns: 1 })[0]!;
    const decoded = decodeBucket(unpack(pack(encodeBucket({ ...bare, detail: {} }))));
    expect(decoded).toMatchObject({ durationMs: null, after: null, detail: {} });
  });
});

describe('what this version cannot have written is refused', () => {
  it('an entry of a newer schema, by its number', () => {
    const newer = pack([SCHEMA_VERSION + 1, 1, false, []]);
    expect(() => decodeEntry(0, '1-1', newer)).toThrow(`schema ${SCHEMA_VERSION + 1}`);
  });

  it.each([
    ['an event of an unknown type', [[99]]],
    ['a state that stands for nothing', [[4, 'b', false, 9, 1, 1, 0, 0]]],
    ['an amount that is text', [[5, 't', 'octets', 1, 'x', 1]]],
    ['an event without its type', [[]]],
    [
      'a unit that is no text',
      [[1, 's', 0, '1', 1, 7, 1, 0, 0, false, false, false, [], 1, 0, []]],
    ],
  ])('%s', (_what, list) => {
    const packed = pack([SCHEMA_VERSION, 1, false, [['a', 1, list]]]);
    expect(() => decodeEntry(0, '1-1', packed)).toThrow(PackingError);
  });

  it.each(['', '1', '1-', 'x-1', '1-1-1', '-1-1'])('the entry id "%s"', (id) => {
    expect(() => parseEntryId(id)).toThrow(PackingError);
  });
});
