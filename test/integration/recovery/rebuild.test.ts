/**
 * Redis is emptied in the middle of a random workload and rebuilt from Postgres. The model, which
 * knows of no rebuild, says what must be answered and held afterwards.
 */
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import type { ChargeRequest } from '../../../src/charging/charge-request.js';
import { charge } from '../../../src/charging/charge.js';
import { readSession } from '../../../src/charging/session-snapshot.js';
import { readAccount } from '../../../src/charging/snapshot.js';
import { toAmount } from '../../../src/domain/amounts.js';
import { main } from '../../../src/main.js';
import { rebuild } from '../../../src/recovery/rebuild.js';
import { verify } from '../../../src/recovery/verify.js';
import { canonical } from '../../model/comparison.js';
import { askModel, Driver, type Call } from '../../model/driver.js';
import { command, worldPlan } from '../../model/workload.js';
import {
  chargeRequest,
  chargeService,
  chargeWindow,
  newBucket,
  policy,
  rateLine,
  stamp,
  START_MS,
} from '../../support/charge-requests.js';
import { fundAccount } from '../../support/funded-account.js';
import { createEngineSubject } from '../../support/engine-subject.js';
import { recordedEngine, type RecordedEngine } from '../../support/recorded-engine.js';
import { insertAccounts, isUsual, performCall, restorable } from './workload-calls.js';

/** The same workloads in every run; another number makes others. */
const SEED = 1121;
const RUNS = 8;
const commands = fc.array(command.filter(isUsual), { minLength: 60, maxLength: 90, size: 'max' });
const workloads = fc.sample(fc.tuple(worldPlan, commands, commands), { seed: SEED, numRuns: RUNS });
const worlds = workloads.map(() => recordedEngine());

async function rebuildFromRecord(world: RecordedEngine) {
  await world.recorded();
  await world.pauseFlusher();
  const { engine, pool, partitions } = world;
  const { instance: instanceId } = (await engine.redis.hgetall(engine.keys.meta)) as {
    instance: string;
  };
  await world.empty();
  const report = await rebuild(
    { installation: { instanceId, partitions }, missedReportsMax: 4 },
    { engine, pool, publish: async () => undefined, clock: () => START_MS },
  );
  world.resumeFlusher();
  return report;
}

async function expectBalanced({ engine, streams, pool, partitions }: RecordedEngine) {
  const { findings } = await verify({ partitions }, { engine, streams, pool });
  expect(findings).toEqual([]);
}

describe(`a random workload (seed ${SEED})`, () => {
  test.each(workloads.map((workload, index) => [index, workload] as const))(
    'number %i goes on after a rebuild as if nothing had been',
    async (index, [plan, first, second]) => {
      const world = worlds[index] as RecordedEngine;
      const subject = createEngineSubject(world.engine);
      const driver = new Driver(plan);
      await insertAccounts(world, driver.accounts);

      /** Of sessions other than those of RADIUS nothing is known after a rebuild, nor their answers. */
      let forgotten: ReadonlySet<string> = new Set();
      const isKnown = (call: Call): boolean =>
        !(
          'request' in call &&
          'sessionId' in call.request &&
          forgotten.has(call.request.sessionId)
        );

      async function perform(calls: readonly Call[]): Promise<void> {
        for (const call of calls.filter((each) => isUsual(each) && isKnown(each))) {
          const expected = askModel(driver.model, call);
          if (
            call.kind === 'credit' &&
            ['applied', 'refused'].includes((expected as { kind: string }).kind)
          ) {
            await insertIntent(world, call.request);
          }
          const answer = await performCall(subject, call);
          if (call.kind !== 'sweep') expect(canonical(answer)).toBe(canonical(expected));
        }
        for (const id of driver.accounts) {
          const live = await readAccount(world.engine, 0, id);
          expect(restorable(live)).toEqual(restorable(driver.model.account(id)));
        }
      }

      await perform(driver.begin());
      for (const each of first) await perform(driver.calls(each));
      for (const calls of driver.end()) await perform([calls].flat());
      forgotten = new Set(driver.model.world.sessions.keys());
      await rebuildFromRecord(world);
      await perform([]);
      for (const each of second) await perform(driver.calls(each));
      await world.recorded();
      await expectBalanced(world);
    },
    60_000,
  );
});

/** Where management keeps what it asks for: thresholds are rebuilt from there. */
async function insertIntent(
  { pool }: RecordedEngine,
  request: Extract<Call, { kind: 'credit' }>['request'],
): Promise<void> {
  const { accountId, intentNumber, intentId, kind, operations } = request;
  await pool.query(
    `INSERT INTO tolld.intents (id, tenant, account_id, number, idempotency_key, kind, body)
     VALUES ($1, 'test', $2, $3, $1, $4, $5)`,
    [intentId, accountId, intentNumber, kind, JSON.stringify({ operations, reason: null })],
  );
  await pool.query('UPDATE tolld.accounts SET last_intent = $2 WHERE id = $1', [
    accountId,
    intentNumber,
  ]);
}

describe('sessions over a rebuild', () => {
  const world = recordedEngine();
  const line = rateLine({
    counter: 'T/month',
    tiers: [
      { from: 0, num: 3, den: 2 },
      { from: 1_000, num: 1, den: 1 },
    ],
    connectionFee: toAmount(7),
  });
  const windows = [chargeWindow(line, { periodStartMs: 1 })];

  function accounting(number: number, used: number, more: Partial<ChargeRequest> = {}) {
    return chargeRequest({
      phase: number === 0 ? 'initial' : 'update',
      number,
      accountId: 'nas',
      sessionId: 'radius-1',
      stamp: { ...stamp, protocol: 'radius', network: { nas: 'ap-1' } },
      now: START_MS + number * 60_000,
      services: [chargeService({ used: toAmount(used), windows })],
      ...more,
    });
  }

  const gy = (number: number, more: Partial<ChargeRequest> = {}) =>
    chargeRequest({
      phase: number === 0 ? 'initial' : 'update',
      number,
      accountId: 'pgw',
      sessionId: 'gy-1',
      used: number * 10,
      want: 100,
      now: START_MS + number * 60_000,
      ...more,
    });

  beforeAll(async () => {
    await fundAccount(world.engine, 'nas', [newBucket('money', 'EUR', 100_000)]);
    await fundAccount(world.engine, 'pgw', [newBucket('money', 'EUR', 100_000)]);
    // What one session costs in one run, never rebuilt.
    await fundAccount(world.engine, 'twin', [newBucket('money', 'EUR', 100_000)]);
  });

  test('RADIUS goes on by its totals and carries, Gy by the unknown-session policy', async () => {
    const { engine } = world;
    const twin = { accountId: 'twin', sessionId: 'radius-twin' };
    const ended = { sessionId: 'radius-0' };
    await charge(engine, accounting(0, 3, ended));
    await charge(engine, accounting(1, 0, { ...ended, phase: 'terminate' }));
    await charge(engine, accounting(0, 3, { ...twin, sessionId: 'radius-twin-0' }));
    for (const number of [0, 1, 2]) {
      await charge(engine, accounting(number, number * 333));
      await charge(engine, accounting(number, number * 333, twin));
    }
    await charge(engine, gy(0));
    await charge(engine, gy(1));
    const before = await readAccount(engine, 0, 'nas');

    const report = await rebuildFromRecord(world);
    expect(report).toMatchObject({ accounts: 3, sessions: 4, sessionsForgotten: 1, epoch: 2 });
    await world.recorded();
    await expectBalanced(world);
    const after = await readAccount(engine, 0, 'nas');
    expect(after).toEqual(before);
    expect(await readSession(engine, 0, 'radius-1')).toMatchObject({
      state: 'open',
      lastRequestNumber: 2,
      openedAt: START_MS + 60_000,
      services: [{ key: '1', used: 999, legs: [] }],
    });
    expect(await readSession(engine, 0, 'radius-0')).toMatchObject({ state: 'closed' });

    for (const number of [3, 4]) {
      const own = await charge(engine, accounting(number, 77));
      const other = await charge(engine, accounting(number, 77, twin));
      expect(own).toEqual(other);
    }
    const money = async (id: string) =>
      (await readAccount(engine, 0, id))?.buckets.map(({ remaining }) => remaining);
    expect(await money('nas')).toEqual(await money('twin'));

    expect(await readSession(engine, 0, 'gy-1')).toBeNull();
    const reject = { policy: { ...policy, unknownSession: 'reject' } } as const;
    expect(await charge(engine, gy(2, reject))).toEqual({
      kind: 'refused',
      refusal: 'unknown-session',
    });
    expect(await charge(engine, gy(2))).toMatchObject({ services: [{ granted: 100, cost: 20 }] });
    await world.recorded();
    await expectBalanced(world);
  });

  test('the command refuses over a Redis that is in use, and fills an empty one', async () => {
    const lines: string[] = [];
    const terminal = {
      out: (line: string) => void lines.push(line),
      note: (line: string) => void lines.push(line),
    };
    const environment = {
      REDIS_URL: world.redisUrl(),
      DATABASE_URL: world.databaseUrl,
      TOLLD_REDIS_KEY_PREFIX: world.prefix,
    };
    expect(await main(['rebuild'], { terminal, environment })).toBe(1);
    expect(lines.join('\n')).toContain('Redis is in use');
    await world.pauseFlusher();
    await world.empty();
    expect(await main(['rebuild'], { terminal, environment })).toBe(0);
    expect(lines.join('\n')).toContain('Rebuilt 3 accounts with 3 buckets and 4 RADIUS sessions');
    expect(await main(['verify'], { terminal, environment })).toBe(0);
  });
});
