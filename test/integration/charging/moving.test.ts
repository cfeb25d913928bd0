/** An account moves between partitions with its sessions, and is charged in one place at a time. */
import { beforeAll, describe, expect, test } from 'vitest';
import type { ChargeOutcome } from '../../../src/charging/charge-outcome.js';
import type { ChargeRequest } from '../../../src/charging/charge-request.js';
import { charge } from '../../../src/charging/charge.js';
import type { Engine } from '../../../src/charging/engine.js';
import { decodeEntry } from '../../../src/charging/event-codec.js';
import {
  dropSessions,
  isSealed,
  liftSession,
  sealAccount,
} from '../../../src/charging/move-steps.js';
import { moveAccount, settleMove, type MoveStep } from '../../../src/charging/moving.js';
import { PartitionFencedError } from '../../../src/charging/fenced.js';
import { findRoute } from '../../../src/charging/routing.js';
import { readSession } from '../../../src/charging/session-snapshot.js';
import { findAccount, readAccountWithSessions } from '../../../src/charging/snapshot.js';
import { createOutboxStreams } from '../../../src/charging/stream.js';
import { claimSteering, dueSteering, raiseSteering } from '../../../src/charging/steering.js';
import { dueTimers, sweepTimer } from '../../../src/charging/sweeping.js';
import { openPartition } from '../../../src/charging/partition-fence.js';
import { toAmount } from '../../../src/domain/amounts.js';
import type { ChargingEvent } from '../../../src/domain/events.js';
import type { SharingMembership } from '../../../src/domain/profile.js';
import {
  chargeRequest,
  chargeService,
  newBucket,
  stamp,
  START_MS,
  type RequestParts,
} from '../../support/charge-requests.js';
import { openEngine, testEngines } from '../../support/charging-engine.js';
import { fundAccount } from '../../support/funded-account.js';
import { randomSource } from '../../support/random-source.js';

const engines = testEngines();
const PARTITIONS = [0, 1, 2];
let other: Engine;

beforeAll(async () => {
  other = await openEngine();
});

/** A key space of three partitions, and the same seen by another process. */
async function space(): Promise<{ readonly engine: Engine; readonly second: Engine }> {
  const engine = await engines.fresh();
  for (const partition of PARTITIONS) {
    await openPartition(engine, partition, 1);
  }
  return { engine, second: { ...other, keys: engine.keys } };
}

async function open(engine: Engine, accountId: string, octets: number): Promise<void> {
  await fundAccount(engine, accountId, [
    newBucket(`${accountId}.o`, 'octets', octets),
    newBucket(`${accountId}.m`, 'EUR', 0, { endsAt: START_MS + 9e8 }),
  ]);
}

/** Units without a price: each charge takes as many octets as were used. */
function ask(
  parts: RequestParts & { readonly used?: number; readonly want?: number },
): ChargeRequest {
  const { used = 0, want = null, ...rest } = parts;
  const service = chargeService({
    used: toAmount(used),
    want: want === null ? null : toAmount(want),
    windows: [],
  });
  return chargeRequest({ ...rest, now: parts.now ?? START_MS, services: [service] });
}

const grantedOf = (outcome: ChargeOutcome): number | string =>
  outcome.kind === 'answered' ? (outcome.services[0]?.granted ?? 0) : JSON.stringify(outcome);

async function eventsOf(engine: Engine, accountId: string) {
  const streams = createOutboxStreams(engine);
  const found: { partition: number; sequence: number; event: ChargingEvent }[] = [];
  for (const partition of PARTITIONS) {
    const entries = await streams.read(partition, { epoch: 1, n: -1 }, 10_000);
    for (const { id, packed } of entries) {
      for (const account of decodeEntry(partition, id, packed).accounts) {
        if (account.accountId !== accountId) continue;
        account.events.forEach((event, index) => {
          found.push({ partition, sequence: account.firstSequence + index, event });
        });
      }
    }
  }
  return found.sort((a, b) => a.sequence - b.sequence);
}

function accountChanges(events: Awaited<ReturnType<typeof eventsOf>>) {
  return events.flatMap(({ partition, event }) =>
    event.type === 'account' ? [[event.change, partition]] : [],
  );
}

describe('an account that has moved', () => {
  test('goes on with its sessions, their reservations and answers, in its new place only', async () => {
    const { engine } = await space();
    await open(engine, 'a', 1_000);
    await charge(engine, ask({ phase: 'initial', number: 0, want: 100 }));
    const route = { partition: 0, accountId: 'a' };
    await engine.redis.set(engine.keys.route('s'), JSON.stringify(route));
    await moveAccount(engine, { accountId: 'a', from: 0, to: 1, stamp, now: START_MS });

    expect(await charge(engine, ask({ phase: 'update', number: 1, used: 60, want: 50 }))).toEqual({
      kind: 'refused',
      refusal: 'moved',
    });
    const there = { partition: 1 };
    const again = await charge(engine, ask({ phase: 'initial', number: 0, want: 100, ...there }));
    expect(again).toMatchObject({ kind: 'answered', repeated: true });
    await charge(engine, ask({ phase: 'update', number: 1, used: 60, want: 50, ...there }));
    const account = await findAccount(engine, 0, 'a');
    expect(account).toMatchObject({ partition: 1, lastIntent: 1 });
    expect(account?.buckets[0]).toMatchObject({ remaining: 940, reserved: 50 });
    expect(await findRoute(engine, 's')).toMatchObject({ partition: 1 });
    expect(await readSession(engine, 0, 's')).toBeNull();
    expect(await engine.redis.zrange(engine.keys.timers(0), '0', '-1')).toEqual([]);
    expect((await engine.redis.zrange(engine.keys.timers(1), '0', '-1')).toSorted()).toEqual([
      'a:a',
      's:s',
    ]);
    const events = await eventsOf(engine, 'a');
    expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, index) => index + 1));
    expect(accountChanges(events)).toEqual([
      ['created', 0],
      ['moved-out', 0],
      ['moved-in', 1],
    ]);
  });

  test('is swept where it is, and nothing of it where it was', async () => {
    const { engine } = await space();
    await open(engine, 'a', 1_000);
    await charge(engine, ask({ phase: 'initial', number: 0, want: 100 }));
    await moveAccount(engine, { accountId: 'a', from: 0, to: 1, stamp, now: START_MS });
    const later = START_MS + 10_000_000;
    expect(await dueTimers(engine, 0, later, 10)).toEqual([]);
    const due = await dueTimers(engine, 1, later, 10);
    expect(due).toEqual([{ partition: 1, member: 's:s' }]);
    for (const timer of due) await sweepTimer(engine, timer, later);
    expect((await findAccount(engine, 1, 'a'))?.buckets[0]).toMatchObject({ reserved: 0 });
  });

  test('may come back, and is told from what it left', async () => {
    const { engine } = await space();
    await open(engine, 'a', 1_000);
    await charge(engine, ask({ phase: 'initial', number: 0, want: 100 }));
    await moveAccount(engine, { accountId: 'a', from: 0, to: 1, stamp });
    await moveAccount(engine, { accountId: 'a', from: 1, to: 0, stamp });
    expect(await moveAccount(engine, { accountId: 'a', from: 1, to: 0, stamp })).toBeUndefined();
    const now = Date.now();
    const outcome = await charge(
      engine,
      ask({ phase: 'update', number: 1, used: 100, want: 7, now }),
    );
    expect(grantedOf(outcome)).toBe(7);
    expect(await findAccount(engine, 1, 'a')).toMatchObject({ partition: 0 });
  });

  test("gives its sharing owner's units back, and draws on its own", async () => {
    const { engine } = await space();
    await open(engine, 'owner', 500);
    await open(engine, 'a', 300);
    const sharing: SharingMembership = {
      ownerAccountId: 'owner',
      order: 'shared-first',
      scope: null,
      resources: null,
    };
    await charge(engine, ask({ phase: 'initial', number: 0, want: 600, sharing }));
    await moveAccount(engine, { accountId: 'a', from: 0, to: 2, stamp, now: START_MS });
    expect((await findAccount(engine, 0, 'owner'))?.buckets[0]).toMatchObject({
      remaining: 500,
      reserved: 0,
    });
    const moved = await readAccountWithSessions(engine, {
      partition: 2,
      accountId: 'a',
      sessionIds: ['s'],
    });
    expect(moved?.account.buckets[0]).toMatchObject({ remaining: 300, reserved: 100 });
    expect(moved?.sessions).toMatchObject([
      {
        ownerAccountId: null,
        services: [{ granted: 100, legs: [{ bucketId: 'a.o', reserved: 100 }] }],
      },
    ]);
    await charge(engine, ask({ phase: 'terminate', number: 1, used: 250, partition: 2 }));
    expect((await findAccount(engine, 2, 'a'))?.buckets[0]).toMatchObject({
      remaining: 50,
      reserved: 0,
    });
  });

  test('lets the sessions ask again that wait for units of the owner', async () => {
    const { engine } = await space();
    await open(engine, 'owner', 500);
    await open(engine, 'a', 300);
    await open(engine, 'b', 0);
    const sharing: SharingMembership = {
      ...{ ownerAccountId: 'owner', order: 'shared-first', scope: null, resources: null },
    };
    await charge(engine, ask({ phase: 'initial', number: 0, want: 300, sharing }));
    const other = { accountId: 'b', sessionId: 't', sharing };
    await charge(engine, ask({ phase: 'initial', number: 0, want: 900, ...other }));
    expect(await findAccount(engine, 0, 'owner')).toMatchObject({ starvedSessions: ['t'] });
    await moveAccount(engine, { accountId: 'a', from: 0, to: 2, stamp, now: START_MS });
    expect(await findAccount(engine, 0, 'owner')).toMatchObject({ starvedSessions: [] });
    expect(await engine.redis.hkeys(engine.keys.tasks(0))).toEqual(['n', 's:t']);
  });

  test('has its gateways asked from its new place what was to be asked', async () => {
    const { engine } = await space();
    await open(engine, 'a', 300);
    await charge(engine, ask({ phase: 'initial', number: 0, want: 100 }));
    const here = { partition: 0, accountId: 'a' };
    const abort = { kind: 'abort', reason: 'demand' } as const;
    await raiseSteering(engine, { ...here, sessionId: 's' }, { ...abort, now: START_MS });
    await raiseSteering(engine, { ...here, sessionId: null }, { ...abort, now: START_MS });
    const now = START_MS + 1;
    await moveAccount(
      engine,
      { accountId: 'a', from: 0, to: 1, stamp },
      {
        onStep: async (step) => {
          // Whoever looks meanwhile leaves it to the move.
          if (step !== 'sealed') return;
          const lease = { leaseMs: 1_000, now };
          expect(await claimSteering(engine, { ...here, sessionId: 's' }, lease)).toBeNull();
        },
      },
    );
    expect(await dueSteering(engine, 0, { now: Date.now(), offset: 0, countMax: 9 })).toEqual([]);
    for (const sessionId of ['s', null]) {
      const subject = { partition: 1, accountId: 'a', sessionId };
      expect(await claimSteering(engine, subject, { leaseMs: 1_000 })).toMatchObject(abort);
    }
  });

  test('refuses what is unknown elsewhere only', async () => {
    const { engine } = await space();
    await open(engine, 'a', 300);
    await charge(engine, ask({ phase: 'initial', number: 0, want: 100 }));
    await moveAccount(engine, { accountId: 'a', from: 0, to: 1, stamp });
    const policy = { ...chargeRequest({ phase: 'update', number: 1 }).policy };
    const strict = { policy: { ...policy, unknownSession: 'reject' as const } };
    expect(await charge(engine, ask({ phase: 'update', number: 1, used: 1, ...strict }))).toEqual({
      kind: 'refused',
      refusal: 'moved',
    });
  });
});

class Killed extends Error {}

/** Runs a move that ends after so many steps. Returns the step, or null where it came to its end. */
async function killedAfter(engine: Engine, steps: number, move: Parameters<typeof moveAccount>[1]) {
  let left = steps;
  let last: MoveStep | null = null;
  try {
    await moveAccount(engine, move, {
      onStep: (step) => {
        last = step;
        left -= 1;
        if (left === 0) throw new Killed();
      },
    });
    return null;
  } catch (error) {
    if (!(error instanceof Killed)) throw error;
    return last as MoveStep | null;
  }
}

describe('a move that is cut off', () => {
  test('after any step leaves one place at most that charges, and another process finishes it', async () => {
    const steps: (MoveStep | null)[] = [];
    for (let count = 1; steps.at(-1) !== null || count === 1; count += 1) {
      const { engine, second } = await space();
      await open(engine, 'a', 1_000);
      await charge(engine, ask({ phase: 'initial', number: 0, want: 100 }));
      await charge(engine, ask({ phase: 'initial', number: 0, want: 100, sessionId: 't' }));
      const move = { accountId: 'a', from: 0, to: 1, stamp, now: START_MS };
      steps.push(await killedAfter(engine, count, move));

      const report = (partition: number) =>
        charge(second, ask({ phase: 'update', number: 1, used: 40, want: 30, partition }));
      expect(await report(0)).toEqual({ kind: 'refused', refusal: 'moved' });
      expect(await settleMove(second, { accountId: 'a', from: 0, stamp })).toBe(1);
      const first = await report(1);
      expect(grantedOf(first)).toBe(30);
      // Whoever was cut off comes back, and does it all again.
      await moveAccount(engine, move);
      expect(await report(1)).toMatchObject({ kind: 'answered', repeated: true });
      const now = await readAccountWithSessions(engine, {
        partition: 1,
        accountId: 'a',
        sessionIds: ['s', 't'],
      });
      expect(now?.account.buckets[0]).toMatchObject({ remaining: 960, reserved: 130 });
      expect(now?.sessions).toHaveLength(2);
      expect(await readSession(engine, 0, 's')).toBeNull();
      const events = await eventsOf(engine, 'a');
      expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, index) => index + 1));
      expect(accountChanges(events)).toEqual([
        ['created', 0],
        ['moved-out', 0],
        ['moved-in', 1],
      ]);
    }
    expect(steps).toEqual([
      'sealed',
      'session lifted',
      'session laid',
      'session lifted',
      'session laid',
      'arrived',
      'routed',
      'session dropped',
      'session dropped',
      'dropped',
      null,
    ]);
  });

  test('before it had cleared up, is cleared up before the account comes back', async () => {
    for (const count of [4, 5, 6]) {
      const { engine, second } = await space();
      await open(engine, 'a', 1_000);
      await charge(engine, ask({ phase: 'initial', number: 0, want: 100 }));
      const move = { accountId: 'a', from: 0, to: 1, stamp, now: START_MS };
      expect(await killedAfter(engine, count, move)).not.toBeNull();
      await moveAccount(second, { ...move, from: 1, to: 0 });
      await charge(second, ask({ phase: 'terminate', number: 1, used: 30 }));
      const { account, sessions } =
        (await readAccountWithSessions(second, {
          partition: 0,
          accountId: 'a',
          sessionIds: ['s'],
        })) ?? {};
      expect(account?.buckets[0]).toMatchObject({ remaining: 970, reserved: 0 });
      expect(sessions).toMatchObject([{ state: 'closed' }]);
    }
  });

  test('by a restart of Redis, goes no step further until somebody looks at it anew', async () => {
    for (const [step, partition] of [
      ['session laid', 1],
      ['arrived', 0],
      ['arrived', 1],
    ] as const) {
      const { engine, second } = await space();
      await open(engine, 'a', 1_000);
      await charge(engine, ask({ phase: 'initial', number: 0, want: 100 }));
      const move = { accountId: 'a', from: 0, to: 1, stamp, now: START_MS };
      const cutOff = moveAccount(engine, move, {
        onStep: async (done) => {
          // Recovery opens it in another epoch.
          if (done === step) await openPartition(engine, partition, 2);
        },
      });
      await expect(cutOff).rejects.toBeInstanceOf(PartitionFencedError);
      // It has not arrived where the seal may be lost by then.
      const hasArrived = (await engine.redis.exists(engine.keys.account(1, 'a'))) === 1;
      expect(hasArrived).toBe(step === 'arrived');
      expect(await settleMove(second, { accountId: 'a', from: 0, stamp })).toBe(1);
      expect(await readSession(second, 0, 's')).toBeNull();
      expect(await readSession(second, 1, 's')).not.toBeNull();
    }
  });

  test('is not taken for another of the same account', async () => {
    const { engine } = await space();
    await open(engine, 'a', 1_000);
    await charge(engine, ask({ phase: 'initial', number: 0, want: 100 }));
    const move = { accountId: 'a', from: 0, to: 1, stamp, now: START_MS };
    const sealed = await sealAccount(engine, move);
    const sequence = sealed?.sequence ?? 0;
    const control = (await engine.redis.get(engine.keys.control(0))) ?? '';
    for (const another of [sequence - 1, sequence + 1]) {
      const step = { sessionId: 's', sequence: another };
      expect(await liftSession(engine, move, step)).toBeNull();
      await dropSessions(engine, move, { sessionIds: ['s'], sequence: another, control });
      await dropSessions(engine, move, { sessionIds: [], sequence: another, control });
      expect(await readSession(engine, 0, 's')).not.toBeNull();
      expect(await isSealed(engine, move, sequence)).toBe(true);
    }
    expect(await liftSession(engine, move, { sessionId: 's', sequence })).not.toBeNull();
  });

  test('of which Redis has lost the seal, is given up', async () => {
    const { engine } = await space();
    await open(engine, 'a', 1_000);
    const before = await engine.redis.dumpBuffer(engine.keys.account(0, 'a'));
    const move = { accountId: 'a', from: 0, to: 1, stamp, now: START_MS };
    let isLost = false;
    await moveAccount(engine, move, {
      onStep: async (step) => {
        if (step !== 'sealed' || isLost) return;
        isLost = true;
        await engine.redis.restore(engine.keys.account(0, 'a'), 0, before, 'REPLACE');
        await charge(engine, ask({ phase: 'event', number: 0, used: 7 }));
      },
    });
    // It begins anew, with what was charged meanwhile.
    expect(await findAccount(engine, 1, 'a')).toMatchObject({ buckets: [{ remaining: 993 }, {}] });
  });

  test('waits, where servers sync by themselves, until what went before is on disk', async () => {
    const { engine } = await space();
    await open(engine, 'a', 1_000);
    const times = new Map<MoveStep, number>();
    const slow = { ...engine, syncMs: 40 };
    await moveAccount(
      slow,
      { accountId: 'a', from: 0, to: 1, stamp },
      {
        onStep: (step) => {
          times.set(step, performance.now());
        },
      },
    );
    const between = (a: MoveStep, b: MoveStep) => (times.get(b) ?? 0) - (times.get(a) ?? 0);
    expect(between('sealed', 'arrived')).toBeGreaterThan(35);
    expect(between('arrived', 'dropped')).toBeGreaterThan(35);
  });

  test('and wakes up when the account has long been elsewhere, changes nothing', async () => {
    for (const pause of [
      'sealed',
      'session lifted',
      'session laid',
      'arrived',
      'routed',
    ] as const) {
      const { engine, second } = await space();
      await open(engine, 'a', 1_000);
      await charge(engine, ask({ phase: 'initial', number: 0, want: 100 }));
      const move = { accountId: 'a', from: 0, to: 1, stamp, now: START_MS };
      let before: unknown = null;
      await moveAccount(engine, move, {
        onStep: async (step) => {
          if (step !== pause || before !== null) return;
          await settleMove(second, { accountId: 'a', from: 0, stamp, now: START_MS });
          await charge(
            second,
            ask({ phase: 'update', number: 1, used: 70, want: 20, partition: 1 }),
          );
          await moveAccount(second, { ...move, from: 1, to: 0 });
          await charge(second, ask({ phase: 'update', number: 2, used: 20, want: 10 }));
          await moveAccount(second, { ...move, from: 0, to: 2 });
          before = await findAccount(second, 2, 'a');
        },
      });
      // It was asked to bring the account to 1, and did in the end, from where it was by then.
      const after = await findAccount(engine, 1, 'a');
      expect(before).toMatchObject({
        partition: 2,
        buckets: [{ remaining: 910, reserved: 10 }, {}],
      });
      expect(after?.buckets).toEqual((before as typeof after)?.buckets);
      const place = after?.partition ?? 0;
      const last = ask({ phase: 'terminate', number: 3, used: 10, partition: place });
      expect(await charge(engine, last)).toMatchObject({ kind: 'answered', repeated: false });
      expect((await findAccount(engine, 0, 'a'))?.buckets[0]).toMatchObject({
        remaining: 900,
        reserved: 0,
      });
      const events = await eventsOf(engine, 'a');
      expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, index) => index + 1));
    }
  });
});

/** Movers that never rest lead those who follow about; or the account has never been there. */
function nowhere(error: unknown): null {
  if (!/moved about|is not in partition/.test(String(error))) throw error;
  return null;
}

test('charging and moving at once, with moves that are cut off, loses and doubles nothing', async () => {
  const source = randomSource();
  const { engine, second } = await space();
  await open(engine, 'a', 100_000);
  let used = 0;
  let done = false;

  async function chargeSomewhere(process: Engine, request: ChargeRequest): Promise<ChargeOutcome> {
    let partition = source.integer(PARTITIONS.length);
    for (;;) {
      const outcome = await charge(process, { ...request, partition });
      if (outcome.kind !== 'refused' || !['moved', 'unknown-account'].includes(outcome.refusal)) {
        return outcome;
      }
      const place = await settleMove(process, { accountId: 'a', from: 0, stamp }).catch(nowhere);
      partition = place ?? partition;
    }
  }

  async function session(id: string, process: Engine): Promise<void> {
    let held = 0;
    for (let number = 0; number < 15; number += 1) {
      const report = source.integer(held + 1);
      const want = number === 14 ? undefined : 1 + source.integer(40);
      const phase = number === 0 ? 'initial' : number === 14 ? 'terminate' : 'update';
      const parts = { sessionId: id, phase, number, used: report, now: 0 } as const;
      const request = ask(want === undefined ? parts : { ...parts, want });
      const outcome = await chargeSomewhere(process, request);
      used += report;
      held = Number(grantedOf(outcome));
      // A gateway that heard nothing asks again, elsewhere.
      if (source.integer(4) === 0) {
        expect(await chargeSomewhere(process, request)).toMatchObject({ repeated: true });
      }
    }
  }

  async function mover(process: Engine): Promise<void> {
    while (!done) {
      const to = source.integer(PARTITIONS.length);
      const move = { accountId: 'a', from: source.integer(PARTITIONS.length), to, stamp };
      await killedAfter(process, 1 + source.integer(14), move).catch(nowhere);
    }
  }

  const movers = [mover(engine), mover(second)];
  await Promise.all(
    ['s', 't', 'u', 'v'].map((id, index) => session(id, index % 2 === 0 ? engine : second)),
  ).finally(() => {
    done = true;
  });
  await Promise.all(movers);
  const place = await settleMove(engine, { accountId: 'a', from: 0, stamp });
  const account = await findAccount(engine, place ?? 0, 'a');
  const message = `seed ${source.seed}`;
  expect(account?.buckets[0], message).toMatchObject({ remaining: 100_000 - used, reserved: 0 });
  const events = await eventsOf(engine, 'a');
  expect(
    events.map(({ sequence }) => sequence),
    message,
  ).toEqual(events.map((_, index) => index + 1));
  const charged = events.flatMap(({ event }) => (event.type === 'usage' ? [event.used] : []));
  expect(
    charged.reduce((sum, units) => sum + units, 0),
    message,
  ).toBe(used);
});
