/** What scripts make of state that a race, a crash or another version left behind. */
import { beforeEach, describe, expect, test } from 'vitest';
import { admit } from '../../../src/charging/admission.js';
import { charge, enquire } from '../../../src/charging/charge.js';
import type { Engine } from '../../../src/charging/engine.js';
import * as layout from '../../../src/charging/generated/layout.js';
import { moveAccount } from '../../../src/charging/moving.js';
import { liftSession, sealAccount } from '../../../src/charging/move-steps.js';
import { pack, unpackBytes, type Packable } from '../../../src/charging/packing.js';
import {
  holdPartition,
  openInReign,
  openPartition,
  readFence,
} from '../../../src/charging/partition-fence.js';
import {
  creditAccount,
  type CreditOperation,
  type CreditRequest,
} from '../../../src/charging/provisioning.js';
import { noteDeparture, restoreAccount } from '../../../src/charging/restoring.js';
import { measureSession } from '../../../src/charging/session-measure.js';
import { noteSteered, takeReport } from '../../../src/charging/session-report.js';
import { readAccount } from '../../../src/charging/snapshot.js';
import { sweepTimer } from '../../../src/charging/sweeping.js';
import { toAmount } from '../../../src/domain/amounts.js';
import type { SharingMembership } from '../../../src/domain/profile.js';
import { admissionRequest, networkReport } from '../../support/access-requests.js';
import {
  chargeRequest,
  newBucket,
  stamp,
  START_MS,
  type RequestParts,
} from '../../support/charge-requests.js';
import { testEngines } from '../../support/charging-engine.js';
import { fundAccount } from '../../support/funded-account.js';
import { dumpOf } from '../../support/redis-dump.js';

const engines = testEngines();
const LATER = START_MS + 86_400_000;
const sharing: SharingMembership = {
  ...{ ownerAccountId: 'owner', order: 'own-first', scope: null, resources: null },
};

let engine: Engine;
beforeEach(async () => {
  engine = await engines.fresh();
  await openPartition(engine, 1, 1);
  await fundAccount(engine, 'owner', [newBucket('pool', 'octets', 1_000)]);
  await fundAccount(engine, 'a', [newBucket('own', 'octets', 100)]);
});

const ask = (parts: RequestParts) => chargeRequest({ now: START_MS, sharing, ...parts });
const asMember = <T extends { readonly charge: object }>(request: T): T => ({
  ...request,
  charge: { ...request.charge, sharing },
});

/** Writes an account as a later version would. */
async function makeNewer(accountId: string): Promise<void> {
  const key = engine.keys.account(0, accountId);
  const fields = unpackBytes((await engine.redis.getBuffer(key)) ?? Buffer.alloc(0)) as Packable[];
  await engine.redis.set(key, pack(fields.with(layout.ACCOUNT_VERSION - 1, 99)));
}

const measured = (sessionId = 's1') => {
  const request = networkReport({ sessionId }).charge;
  return { charge: { ...request, sharing }, gauges: ['total' as const] };
};
const noBounds = { expiresAt: null, sessionsMax: null, caps: [] };

/** Where the owner is: nowhere, somewhere else, or written by a later version. */
const ABSENCES: readonly (readonly [string, () => Promise<unknown>])[] = [
  ['is not there', () => engine.redis.del(engine.keys.account(0, 'owner'))],
  ['has moved', () => moveAccount(engine, { accountId: 'owner', from: 0, to: 1, stamp })],
  ['is of a later version', () => makeNewer('owner')],
];

/** Its value, or what it fails with; the state of a later version is an error. */
const outcomeOf = (work: Promise<unknown>) => work.catch((error: Error) => error.message);

describe.each(ABSENCES)("a member whose group's owner %s", (how, remove) => {
  const isNewer = how === 'is of a later version';

  test('is charged and asked about not at all', async () => {
    await remove();
    const before = await readAccount(engine, 0, 'a');
    const initial = ask({ phase: 'initial', number: 0, want: 50 });
    const answers = await Promise.all([
      charge(engine, initial),
      enquire(engine, ask({ phase: 'event', number: 0, used: 5 })),
    ]);
    const refusal = isNewer ? 'newer-state' : 'unknown-account';
    for (const answer of answers) expect(answer).toEqual({ kind: 'refused', refusal });
    expect(await readAccount(engine, 0, 'a')).toEqual(before);
  });

  test('that holds units of his is not swept, lifted, let in or measured', async () => {
    await charge(engine, ask({ phase: 'initial', number: 0, want: 500 }));
    await admit(engine, asMember(admissionRequest()));
    await remove();
    expect(await sweepTimer(engine, { partition: 0, member: 's:s' }, LATER)).toEqual({
      kind: 'not-due',
    });
    const login = asMember(admissionRequest({ sessionId: 's2' }));
    await outcomeOf(admit(engine, login));
    await outcomeOf(measureSession(engine, { ...measured(), ...noBounds }));
    await outcomeOf(takeReport(engine, asMember(networkReport({ now: START_MS + 60_000 }))));
    const move = { accountId: 'a', from: 0, to: 1, stamp, now: START_MS };
    const sealed = await sealAccount(engine, move);
    const lifted = liftSession(engine, move, { sessionId: 's', sequence: sealed?.sequence ?? 0 });
    await expect(lifted).rejects.toThrow();
  });
});

describe('a move', () => {
  test('takes nothing from an owner of whom its session holds nothing', async () => {
    await fundAccount(engine, 'ending', [
      newBucket('soon', 'octets', 70, { endsAt: START_MS + 1_000 }),
      newBucket('long', 'octets', 30),
    ]);
    const group = { ...sharing, ownerAccountId: 'ending', order: 'shared-first' } as const;
    const two = chargeRequest({ phase: 'initial', number: 0, want: 40 }).services;
    const [first] = two;
    if (first === undefined) throw new Error('a request without services');
    const services = [first, { ...first, key: '2', want: toAmount(120) }, { ...first, key: '3' }];
    await charge(engine, ask({ phase: 'initial', number: 0, services, sharing: group }));
    const held = await readAccount(engine, 0, 'ending');
    expect(held?.buckets.map(({ reserved }) => reserved)).toEqual([70, 30]);
    // One bucket of his ends meanwhile; the third service holds nothing.
    const move = { accountId: 'a', from: 0, to: 1, stamp, now: START_MS + 5_000 };
    await moveAccount(engine, move);
    const after = await readAccount(engine, 0, 'ending');
    expect(after?.buckets).toMatchObject([
      { bucketId: 'soon', reserved: 0, remaining: 0, state: 'inactive' },
      { bucketId: 'long', reserved: 0, remaining: 30, state: 'active' },
    ]);
  });

  test('to one partition is not turned to another', async () => {
    const move = { accountId: 'a', from: 0, to: 1, stamp, now: START_MS };
    expect(await sealAccount(engine, move)).not.toBeNull();
    expect(await sealAccount(engine, { ...move, to: 2 })).toBeNull();
  });

  test('leaves timers that its partition forgets', async () => {
    await moveAccount(engine, { accountId: 'a', from: 0, to: 1, stamp });
    await engine.redis.zadd(engine.keys.timers(0), START_MS, 'a:a');
    expect(await sweepTimer(engine, { partition: 0, member: 'a:a' }, LATER)).toEqual({
      kind: 'forgotten',
    });
    expect(await engine.redis.zcard(engine.keys.timers(0))).toBe(0);
  });
});

describe('a credit', () => {
  let number = 1;
  beforeEach(() => {
    number = 1;
  });
  function credit(
    operations: readonly CreditOperation[],
    kind: CreditRequest['kind'] = 'grant',
  ): ReturnType<typeof creditAccount> {
    number += 1;
    return creditAccount(engine, {
      ...{ partition: 0, accountId: 'a', intentNumber: number, intentId: `i${number}` },
      ...{ kind, reason: null, operations, stamp, now: START_MS },
    });
  }

  test('of a bucket of which more could be taken than can be counted is refused', async () => {
    const bucket = newBucket('most', 'EUR', Number.MAX_SAFE_INTEGER, { floor: toAmount(-1) });
    expect(await credit([{ operation: 'grant', bucket }])).toEqual({
      kind: 'refused',
      reason: 'amount-out-of-range',
    });
  });

  test('of a threshold that watches something else now fires it anew', async () => {
    const watch = (resource: string, bundleId: string | null): CreditOperation => ({
      operation: 'set-thresholds',
      thresholds: [{ id: 'low', resource, bundleId, level: { amount: toAmount(500) } }],
    });
    const bucket = newBucket('money', 'EUR', 600, { bundleId: 'gold' });
    await credit([{ operation: 'grant', bucket }, watch('octets', null)]);
    const armed = async () => (await readAccount(engine, 0, 'a'))?.thresholds[0]?.armed;
    expect(await armed()).toBe(false);
    await credit([watch('EUR', null)]);
    expect(await armed()).toBe(true);
    await credit([watch('EUR', 'blue')]);
    expect(await armed()).toBe(false);
  });

  test('that corrects the record of a bucket that is gone leaves nothing behind', async () => {
    const gone = { operation: 'correct', bucketId: 'gone', resource: 'octets' } as const;
    expect(await credit([{ ...gone, amount: toAmount(-5) }], 'correction')).toMatchObject({
      kind: 'applied',
    });
    expect((await readAccount(engine, 0, 'a'))?.buckets).toHaveLength(1);
  });
});

describe('the level of a session', () => {
  test('of which nobody knows, or that has ended, is noted where it can be', async () => {
    const place = { partition: 0, sessionId: 's1' };
    const at = { kind: 'full' } as const;
    const level = { at, taken: true };
    await noteSteered(engine, place, { level });
    expect(await engine.redis.exists(engine.keys.session(0, 's1'))).toBe(0);
    await admit(engine, admissionRequest());
    await noteSteered(engine, place, { level: { at, taken: false } });
    await takeReport(engine, networkReport({ status: 'stop', now: START_MS + 60_000 }));
    const timers = await engine.redis.zrange(engine.keys.timers(0), '0', '-1', 'WITHSCORES');
    await noteSteered(engine, place, { level, endsAt: START_MS + 61_000 });
    expect(await engine.redis.zrange(engine.keys.timers(0), '0', '-1', 'WITHSCORES')).toEqual(
      timers,
    );
  });
});

describe('a partition that recovery holds', () => {
  beforeEach(async () => {
    await charge(engine, chargeRequest({ phase: 'initial', number: 0, want: 50, now: START_MS }));
    await holdPartition(engine, 0, 1);
  });

  test('loses the sessions of an account that are over', async () => {
    await restoreAccount(engine, {
      ...{ partition: 0, accountId: 'a', sequence: 9, lastSeen: START_MS, standing: 'active' },
      ...{ profileVersion: 1, lastIntent: 1, buckets: [], counters: [], thresholds: [] },
      ...{ sessions: [], live: [], caps: [], forgottenSessionIds: ['s'] },
    });
    expect(await engine.redis.exists(engine.keys.session(0, 's'))).toBe(0);
    expect(await engine.redis.zrange(engine.keys.timers(0), '0', '-1')).toEqual([]);
  });

  test('keeps an account that came back after the move that is noted', async () => {
    const before = await dumpOf(engine);
    const departed = { partition: 0, accountId: 'a', sequence: 1, to: 1, sessionIds: ['s'] };
    await noteDeparture(engine, departed);
    expect(await dumpOf(engine)).toEqual(before);
  });
});

test('a partition without an outbox is opened where the record stands', async () => {
  const { reign } = await readFence(engine, 2);
  const opening = { partition: 2, epoch: 4, reign, standsAt: { epoch: 3, n: 7 } };
  expect(await openInReign(engine, opening)).toBe(true);
  expect(await readFence(engine, 2)).toMatchObject({ state: 'open', last: { epoch: 3, n: 7 } });
});

test('a timer that came too early comes again when what a session may use ends', async () => {
  const endsAt = START_MS + 30_000;
  await admit(engine, admissionRequest({ expiresAt: endsAt }));
  const timer = { partition: 0, member: 's:s1' };
  await engine.redis.zadd(engine.keys.timers(0), START_MS, timer.member);
  expect(await sweepTimer(engine, timer, START_MS + 1)).toEqual({ kind: 'not-due' });
  const score = await engine.redis.zscore(engine.keys.timers(0), timer.member);
  expect(Number(score)).toBe(endsAt);
});

test('a bucket of more octets than a short text has is charged as any other', async () => {
  const bucketId = 'long '.repeat(40);
  await fundAccount(engine, 'long', [newBucket(bucketId, 'octets', 10_000)]);
  const parts = { accountId: 'long', now: START_MS } as const;
  await charge(engine, chargeRequest({ ...parts, phase: 'initial', number: 0, want: 50 }));
  for (const number of [1, 2]) {
    await charge(engine, chargeRequest({ ...parts, phase: 'update', number, used: 40, want: 50 }));
  }
  expect((await readAccount(engine, 0, 'long'))?.buckets).toMatchObject([
    { bucketId, remaining: 9_920, reserved: 50 },
  ]);
});

test('a partition that was compared in another reign is not opened', async () => {
  const before = await readFence(engine, 1);
  expect(await openInReign(engine, { partition: 1, epoch: 9, reign: 'ab' })).toBe(false);
  expect(await readFence(engine, 1)).toEqual(before);
});

test('partitions are known to be open, however many there are', async () => {
  const { reign } = await readFence(engine, 1);
  // More than the scripts keep in mind.
  const epochs = Array.from({ length: 1_040 }, (_, index) => index + 2);
  const states = await Promise.all(
    epochs.map(async (epoch) => {
      // On one connection calls keep their order.
      const opened = openInReign(engine, { partition: 1, epoch, reign });
      const fence = readFence(engine, 1);
      return [await opened, (await fence).epoch];
    }),
  );
  expect(states).toEqual(epochs.map((epoch) => [true, epoch]));
});
