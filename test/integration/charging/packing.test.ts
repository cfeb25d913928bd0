/** Numbers and bytes through the `cmsgpack` of a real Redis, and through every script. */
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { charge, enquire } from '../../../src/charging/charge.js';
import type { Engine } from '../../../src/charging/engine.js';
import { pack, unpack, unpackBytes, type Packable } from '../../../src/charging/packing.js';
import { creditAccount } from '../../../src/charging/provisioning.js';
import { readAccount } from '../../../src/charging/snapshot.js';
import { AMOUNT_MAX, toAmount } from '../../../src/domain/amounts.js';
import {
  chargeRequest,
  chargeService,
  chargeWindow,
  newBucket,
  rateLine,
  START_MS,
  stamp,
} from '../../support/charge-requests.js';
import { openEngine } from '../../support/charging-engine.js';
import { fundAccount } from '../../support/funded-account.js';
import { createEngineSubject } from '../../support/engine-subject.js';

const MAX = Number.MAX_SAFE_INTEGER;
let engine: Engine;
beforeAll(async () => {
  engine = await openEngine();
});

/** What Redis makes of a packed value when it unpacks and packs it again. */
async function throughRedis(packed: Buffer): Promise<Buffer> {
  const redis = engine.redis as unknown as {
    evalBuffer(script: string, keys: number, argument: Buffer): Promise<Buffer>;
  };
  return redis.evalBuffer('return cmsgpack.pack(cmsgpack.unpack(ARGV[1]))', 0, packed);
}

describe('what goes through cmsgpack and back', () => {
  it.each([MAX, -MAX, 2 ** 52, 2 ** 32, 2 ** 31, 0, -1, -129, 4_294_967_295])(
    'keeps %d exact',
    async (number) => {
      expect(unpack(await throughRedis(pack([number])))).toEqual([number]);
    },
  );

  it('keeps numbers, text, octets and arrays whatever they are', { timeout: 60_000 }, async () => {
    const value = fc.letrec<{ value: Packable }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.boolean(),
        fc.maxSafeInteger(),
        fc.string({ unit: 'binary' }),
        fc.array(tie('value'), { maxLength: 20 }),
      ),
    })).value;
    await fc.assert(
      fc.asyncProperty(fc.array(value, { minLength: 1 }), async (values) => {
        expect(unpack(await throughRedis(pack(values)))).toEqual(values);
      }),
      { numRuns: 300 },
    );
  });

  it('keeps octets that are no text', async () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, index) => index));
    expect(unpackBytes(await throughRedis(pack([bytes])))).toEqual([bytes]);
  });
});

describe('the largest exact number goes through every script', () => {
  it('as a bucket, a grant, a report, a price, a refund, a credit and a balance', async () => {
    await fundAccount(engine, 'big', [
      newBucket('units', 'octets', MAX),
      newBucket('money', 'EUR', MAX),
    ]);
    const request = (parts: Parameters<typeof chargeRequest>[0]) =>
      chargeRequest({ accountId: 'big', sessionId: 'big', now: START_MS, ...parts });
    const subject = createEngineSubject(engine);
    await subject.newEntries(0);
    const asked = await enquire(engine, request({ phase: 'event', number: 0, used: MAX }));
    expect(asked).toEqual({ kind: 'enquired', covered: [MAX] });
    const granted = await charge(engine, request({ phase: 'initial', number: 0, want: MAX }));
    expect(granted).toMatchObject({ services: [{ granted: MAX }] });
    const used = await charge(engine, request({ phase: 'terminate', number: 1, used: MAX }));
    expect(used).toMatchObject({ services: [{ result: 'settled' }] });
    const [, report] = await subject.newEntries(0);
    expect(report?.accounts[0]?.events[0]).toMatchObject({
      type: 'usage',
      used: MAX,
      impacts: [{ bucketId: 'units', delta: -MAX, after: 0, units: MAX }],
      serviceAfter: { used: MAX },
    });
    const credited = await creditAccount(engine, {
      partition: 0,
      accountId: 'big',
      intentNumber: 2,
      intentId: 'x',
      kind: 'adjustment',
      reason: null,
      operations: [
        { operation: 'add', bucketId: 'money', amount: toAmount(-MAX) },
        { operation: 'set-floor', bucketId: 'money', floor: toAmount(-MAX) },
      ],
      stamp,
      now: START_MS,
    });
    expect(credited.kind).toBe('applied');
    const account = await readAccount(engine, 0, 'big');
    expect(
      account?.buckets.map(({ remaining, granted, floor }) => [remaining, granted, floor]),
    ).toEqual([
      [0, MAX, 0],
      [0, MAX, -MAX],
    ]);
  });

  it('as money: a price just below it is charged exactly', async () => {
    await fundAccount(engine, 'dear', [newBucket('dear-money', 'EUR', MAX)]);
    const num = 94_906_265;
    const units = Math.floor(MAX / 2 / num) * 3;
    const line = rateLine({ tiers: [{ from: 0, num, den: 3 }], unitsMax: AMOUNT_MAX });
    const outcome = await charge(
      engine,
      chargeRequest({
        phase: 'event',
        number: 0,
        accountId: 'dear',
        sessionId: 'dear',
        now: START_MS,
        services: [chargeService({ used: toAmount(units), windows: [chargeWindow(line)] })],
      }),
    );
    const cost = (BigInt(units) * BigInt(num)) / 3n;
    expect(outcome).toMatchObject({ services: [{ result: 'settled', cost: Number(cost) }] });
    const account = await readAccount(engine, 0, 'dear');
    expect(account?.buckets[0]?.remaining).toBe(Number(BigInt(MAX) - cost));
  });
});

describe('a report that would carry a total past the largest exact number', () => {
  it('is refused before anything changes', async () => {
    await fundAccount(engine, 'past', [newBucket('past-free', 'octets', 10)]);
    const subject = createEngineSubject(engine);
    const request = (parts: Parameters<typeof chargeRequest>[0]) =>
      chargeRequest({ accountId: 'past', sessionId: 'past', now: START_MS, ...parts });
    await charge(engine, request({ phase: 'update', number: 0, used: MAX }));
    const before = await readAccount(engine, 0, 'past');
    await subject.newEntries(0);
    expect(await charge(engine, request({ phase: 'update', number: 1, used: 1 }))).toEqual({
      kind: 'refused',
      refusal: 'amount-out-of-range',
    });
    expect(await subject.newEntries(0)).toEqual([]);
    expect(await readAccount(engine, 0, 'past')).toEqual(before);
    const ended = await charge(engine, request({ phase: 'terminate', number: 1 }));
    expect(ended.kind).toBe('answered');
  });
});
