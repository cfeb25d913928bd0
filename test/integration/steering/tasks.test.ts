/** Tasks of steering as their scripts keep them: raised, claimed by one process, concluded. */
import { beforeEach, describe, expect, test } from 'vitest';
import { charge } from '../../../src/charging/charge.js';
import type { Engine } from '../../../src/charging/engine.js';
import { provisionAccount } from '../../../src/charging/provisioning.js';
import { readAccount } from '../../../src/charging/snapshot.js';
import {
  claimSteering,
  concludeSteering,
  raiseSteering,
  type ClaimedSteering,
  type SteeringSubject,
} from '../../../src/charging/steering.js';
import { dueTimers } from '../../../src/charging/sweeping.js';
import type { SteeringKind, SteeringReason } from '../../../src/domain/steering.js';
import { chargeRequest, newBucket, stamp, START_MS } from '../../support/charge-requests.js';
import { testEngines } from '../../support/charging-engine.js';
import { fundAccount } from '../../support/funded-account.js';

const engines = testEngines();
const ACCOUNT = { partition: 0, accountId: 'a' };
const SESSION = { ...ACCOUNT, sessionId: 's' };
const WHOLE = { ...ACCOUNT, sessionId: null };

let engine: Engine;
let now = START_MS;
beforeEach(async () => {
  engine = await engines.fresh();
  now = START_MS;
  await fundAccount(engine, 'a', [newBucket('free', 'octets', 100)]);
});

async function openSession(want = 10): Promise<void> {
  await charge(engine, chargeRequest({ phase: 'initial', number: 0, want, now }));
}

const raise = (subject: SteeringSubject, kind: SteeringKind, reason: SteeringReason) =>
  raiseSteering(engine, subject, { kind, reason, now });
const claim = (subject: SteeringSubject = SESSION) =>
  claimSteering(engine, subject, { leaseMs: 1_000, now });

async function claimed(subject: SteeringSubject = SESSION): Promise<ClaimedSteering> {
  const task = await claim(subject);
  if (task === null) throw new Error('nothing to claim');
  return task;
}

type Conclusion = Partial<Parameters<typeof concludeSteering>[2]>;
const conclude = (task: ClaimedSteering, more: Conclusion = {}) =>
  concludeSteering(engine, task, {
    ...{ outcome: 'accepted', detail: null, againMs: null, now },
    ...more,
  });

/** How many events the account has: a conclusion is one, where it counts. */
const events = async () => (await readAccount(engine, 0, 'a'))?.sequence;
const tasks = async () => (await engine.redis.hkeys(engine.keys.tasks(0))).filter((m) => m !== 'n');

describe('a task', () => {
  test('is raised for a session that is open, and for an account that is there', async () => {
    expect(await raise(SESSION, 're-authorise', 'tariff')).toBe(false);
    await openSession();
    expect(await raise(SESSION, 're-authorise', 'tariff')).toBe(true);
    expect(await raise(WHOLE, 're-authorise', 'tariff')).toBe(true);
    expect(await raise({ ...WHOLE, accountId: 'none' }, 'abort', 'demand')).toBe(false);
    await charge(engine, chargeRequest({ phase: 'terminate', number: 1, used: 1, now }));
    expect(await raise(SESSION, 're-authorise', 'tariff')).toBe(false);
  });

  test('that nobody raised is nothing to claim, nor one that has gone', async () => {
    await openSession();
    expect(await claim()).toBeNull();
    await engine.redis.zadd(engine.keys.steer(0), now, 's:s');
    expect(await claim()).toBeNull();
    expect(await engine.redis.zcard(engine.keys.steer(0))).toBe(0);
  });

  test('in the hands of one process is left to it until its lease is over', async () => {
    await openSession();
    await raise(SESSION, 're-authorise', 'tariff');
    const first = await claimed();
    expect(await claim()).toBeNull();
    now += 1_000;
    const second = await claimed();
    expect(second).toEqual({ ...first, attempt: 2 });
    // The first comes back too late to say anything.
    const before = await events();
    await conclude(first);
    expect(await events()).toBe(before);
    await conclude({ ...second, taskId: second.taskId + 1 });
    expect(await events()).toBe(before);
    await conclude(second);
    expect(await events()).toBe((before ?? 0) + 1);
    await conclude(second);
    expect(await events()).toBe((before ?? 0) + 1);
    expect(await tasks()).toEqual([]);
  });

  test('is followed by what was raised meanwhile, though its process died with it', async () => {
    await openSession();
    await raise(SESSION, 're-authorise', 'tariff');
    const first = await claimed();
    await raise(SESSION, 'abort', 'demand');
    now += 1_000;
    expect(await claimed()).toMatchObject({ kind: 'abort', reason: 'demand', attempt: 1 });
    await conclude(first, { againMs: 5 });
    expect(await tasks()).toEqual(['s:s']);
  });

  test('that is set for later is concluded once, and gives way to what was raised meanwhile', async () => {
    await openSession();
    await raise(SESSION, 're-authorise', 'tariff');
    const first = await claimed();
    const before = await events();
    await conclude(first, { outcome: 'unanswered', againMs: 5 });
    await conclude(first, { outcome: 'unanswered', againMs: 5 });
    expect(await events()).toBe((before ?? 0) + 1);
    now += 5;
    const second = await claimed();
    await raise(SESSION, 'abort', 'demand');
    await conclude(second, { outcome: 'unanswered', againMs: 60_000 });
    expect(await claimed()).toMatchObject({ kind: 'abort', reason: 'demand' });
  });

  test('to end a session stays one, whatever else is raised', async () => {
    await openSession();
    await raise(SESSION, 'abort', 'demand');
    await raise(SESSION, 're-authorise', 'tariff');
    const task = await claimed();
    expect(task).toMatchObject({ kind: 'abort' });
    // Nor is it followed by itself, or by less.
    await raise(SESSION, 'abort', 'demand');
    await raise(SESSION, 're-authorise', 'credit');
    await conclude(task);
    expect(await tasks()).toEqual([]);
    await raise(SESSION, 're-authorise', 'tariff');
    const other = await claimed();
    await raise(SESSION, 'abort', 'demand');
    await raise(SESSION, 're-authorise', 'credit');
    await conclude(other);
    expect(await claimed()).toMatchObject({ kind: 'abort', reason: 'demand' });
  });

  test('whose session has gone is dropped without an event', async () => {
    await openSession();
    await raise(SESSION, 're-authorise', 'tariff');
    await engine.redis.del(engine.keys.session(0, 's'));
    const before = await events();
    expect(await claim()).toBeNull();
    expect(await tasks()).toEqual([]);
    expect(await events()).toBe(before);
  });

  test('whose session went while it was sent is concluded, and closes nothing', async () => {
    for (const isGone of [true, false]) {
      await openSession();
      await raise(SESSION, 're-authorise', 'tariff');
      const task = await claimed();
      if (isGone) await engine.redis.del(engine.keys.session(0, 's'));
      else {
        await charge(engine, chargeRequest({ phase: 'terminate', number: 1, used: 1, now }));
      }
      const before = await dueTimers(engine, 0, now, 9);
      await conclude(task, { outcome: 'unknown-session' });
      expect(await dueTimers(engine, 0, now, 9)).toEqual(before);
      expect(await tasks()).toEqual([]);
    }
  });

  test('for standing is withdrawn where the account stands as before', async () => {
    await raise(WHOLE, 'abort', 'standing');
    expect(await claim(WHOLE)).toBeNull();
    const suspended = { ...ACCOUNT, standing: 'suspended', profileVersion: 2, stamp } as const;
    await provisionAccount(engine, { ...suspended, now });
    expect(await claimed(WHOLE)).toMatchObject({ kind: 'abort', reason: 'standing' });
  });

  test('to come back is needed until every service that waits has asked again', async () => {
    await openSession(1_000);
    await raise(SESSION, 're-authorise', 'credit');
    await conclude(await claimed(), { outcome: 'unanswered', againMs: 5 });
    now += 5;
    // It has not: it waits still.
    await conclude(await claimed(), { outcome: 'unanswered', againMs: 5 });
    await charge(engine, chargeRequest({ phase: 'update', number: 1, used: 20, want: 500, now }));
    now += 5;
    expect(await claim()).toBeNull();
    expect(await tasks()).toEqual([]);
  });
});
