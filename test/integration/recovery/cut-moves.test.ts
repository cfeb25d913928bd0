/** An account that moved, and a Redis that comes back without the end of its files. */
import { beforeAll, describe, expect, test } from 'vitest';
import type { ChargeOutcome } from '../../../src/charging/charge-outcome.js';
import { charge } from '../../../src/charging/charge.js';
import { createFenceGate } from '../../../src/charging/fence-gate.js';
import { moveAccount, settleMove, type MoveStep } from '../../../src/charging/moving.js';
import { findAccount } from '../../../src/charging/snapshot.js';
import type { SharingMembership } from '../../../src/domain/profile.js';
import { createMetrics } from '../../../src/observability/metrics.js';
import { readInstallation } from '../../../src/records/installation.js';
import { createFenceKeeper } from '../../../src/recovery/fence-keeper.js';
import { createRecoveryMetrics } from '../../../src/recovery/metrics.js';
import { verify } from '../../../src/recovery/verify.js';
import {
  chargeRequest,
  newBucket,
  stamp,
  START_MS,
  type RequestParts,
} from '../../support/charge-requests.js';
import { silentLogger } from '../../support/charging-engine.js';
import { fundAccount } from '../../support/funded-account.js';
import { keepFiles } from '../../support/kept-files.js';
import { recordedEngine } from '../../support/recorded-engine.js';
import { startRedis } from '../../support/redis.js';
import type { OwnRedis } from '../../support/redis-instance.js';

let own: OwnRedis;
beforeAll(async () => {
  own = await startRedis();
});

const PARTITIONS = 2;
const gate = createFenceGate();
const world = recordedEngine({
  partitions: PARTITIONS,
  redisUrl: () => own.url,
  commandTimeoutMs: 1_000,
  gate,
});
const SHARING: SharingMembership = {
  ...{ ownerAccountId: 'owner', order: 'own-first', scope: null, resources: null },
};

async function recover(): Promise<void> {
  const { engine, pool } = world;
  const instance = (await readInstallation(pool))?.instanceId ?? '';
  const metrics = createRecoveryMetrics(createMetrics({ processMetrics: false }));
  const keeper = createFenceKeeper(
    { partitions: PARTITIONS, instance, intervalMs: 50, missedReportsMax: 4 },
    { engine, gate, pool, logger: silentLogger, metrics, clock: () => START_MS + 600_000 },
  );
  expect(await keeper.look()).toBe(0);
}

const ask = (accountId: string, parts: RequestParts) =>
  charge(
    world.engine,
    chargeRequest({ accountId, sessionId: `of ${accountId}`, now: START_MS, ...parts }),
  );

class Killed extends Error {}

/** Begins to move an account from 0 to 1, and breaks off. */
async function moveUpTo(accountId: string, last: MoveStep): Promise<void> {
  const move = { accountId, from: 0, to: 1, stamp, now: START_MS };
  const onStep = (step: MoveStep): void => {
    if (step === last) throw new Killed();
  };
  await expect(moveAccount(world.engine, move, { onStep })).rejects.toBeInstanceOf(Killed);
}

/** What the account holds, where it is charged. */
async function holding(accountId: string, partition: number): Promise<unknown> {
  const account = await findAccount(world.engine, partition, accountId);
  return account?.buckets.map(({ remaining, reserved }) => ({ remaining, reserved }));
}

async function expectBalanced(): Promise<void> {
  const { engine, streams, pool } = world;
  await world.recorded();
  const { findings } = await verify({ partitions: PARTITIONS }, { engine, streams, pool });
  expect(findings).toEqual([]);
}

const refusal = (outcome: ChargeOutcome): unknown =>
  outcome.kind === 'refused' ? outcome.refusal : outcome.kind;

describe('a move whose end Redis has lost', () => {
  test.each(['sealed', 'session laid', 'arrived', 'session dropped', 'dropped'] as const)(
    'after it was %s, and the record has it, leaves one place that charges',
    async (step) => {
      const id = `m ${step}`;
      await fundAccount(world.engine, id, [newBucket('free', 'octets', 1_000)]);
      await ask(id, { phase: 'initial', number: 0, want: 100 });
      const undo = await keepFiles(own, world.engine);
      await moveUpTo(id, step);
      const hasArrived = step !== 'sealed' && step !== 'session laid';
      if (hasArrived) await ask(id, { phase: 'update', number: 1, used: 40, partition: 1 });
      await world.recorded();
      await undo();
      await recover();

      const place = await settleMove(world.engine, { accountId: id, from: 0, stamp });
      expect(place).toBe(hasArrived ? 1 : 0);
      const other = await ask(id, {
        phase: 'event',
        number: 0,
        used: 1,
        partition: 1 - (place ?? 0),
      });
      expect(refusal(other)).toBe(hasArrived ? 'moved' : 'unknown-account');
      await moveAccount(world.engine, { accountId: id, from: 0, to: 1, stamp });
      const report = { phase: 'update', number: 2, used: 60, partition: 1 } as const;
      expect(await ask(id, report)).toMatchObject({ kind: 'answered', repeated: false });
      const left = hasArrived ? 900 : 940;
      expect(await holding(id, 1)).toEqual([{ remaining: left, reserved: 0 }]);
      await expectBalanced();
    },
  );

  test('that the record has not either, begins anew', async () => {
    await fundAccount(world.engine, 'unseen', [newBucket('free', 'octets', 1_000)]);
    await world.recorded();
    const undo = await keepFiles(own, world.engine);
    await world.pauseFlusher();
    await moveUpTo('unseen', 'arrived');
    await undo();
    await recover();
    world.resumeFlusher();
    expect(await ask('unseen', { phase: 'event', number: 0, used: 5 })).toMatchObject({
      kind: 'answered',
    });
    await moveAccount(world.engine, { accountId: 'unseen', from: 0, to: 1, stamp });
    expect(await holding('unseen', 0)).toEqual([{ remaining: 995, reserved: 0 }]);
    await expectBalanced();
  });

  test("leaves nothing reserved of its sharing group's owner", async () => {
    await fundAccount(world.engine, 'owner', [newBucket('shared', 'octets', 1_000)]);
    await fundAccount(world.engine, 'member', []);
    const sharing = SHARING;
    await ask('member', { phase: 'initial', number: 0, want: 100, sharing });
    expect(await holding('owner', 0)).toEqual([{ remaining: 1_000, reserved: 100 }]);
    const undo = await keepFiles(own, world.engine);
    await moveUpTo('member', 'dropped');
    await world.recorded();
    await undo();
    await recover();
    expect(await holding('owner', 0)).toEqual([{ remaining: 1_000, reserved: 0 }]);
    expect(await findAccount(world.engine, 0, 'member')).toMatchObject({ partition: 1 });
    await expectBalanced();
  });
});
