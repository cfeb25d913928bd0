/** Octets that no script wrote, in the place of an account or a session: nobody else waits for them. */
import { beforeAll, describe, expect, test } from 'vitest';
import { charge } from '../../../src/charging/charge.js';
import { createFenceGate } from '../../../src/charging/fence-gate.js';
import { moveAccount } from '../../../src/charging/moving.js';
import { measureReservations } from '../../../src/charging/reservations.js';
import { readSession } from '../../../src/charging/session-snapshot.js';
import { findAccount } from '../../../src/charging/snapshot.js';
import { setAside } from '../../../src/charging/unreadable.js';
import { createSweeper } from '../../../src/credit-control/sweeper.js';
import { createMetrics } from '../../../src/observability/metrics.js';
import { readInstallation } from '../../../src/records/installation.js';
import { createFenceKeeper } from '../../../src/recovery/fence-keeper.js';
import type { Finding } from '../../../src/recovery/finding.js';
import { createRecoveryMetrics } from '../../../src/recovery/metrics.js';
import { reconcile } from '../../../src/recovery/reconcile.js';
import { verify } from '../../../src/recovery/verify.js';
import {
  chargeRequest,
  newBucket,
  stamp,
  START_MS,
  type RequestParts,
} from '../../support/charge-requests.js';
import { collectingLogger } from '../../support/collecting-logger.js';
import { fundAccount } from '../../support/funded-account.js';
import { keepFiles } from '../../support/kept-files.js';
import { recordedEngine, type RecordedEngine } from '../../support/recorded-engine.js';
import { startRedis } from '../../support/redis.js';
import type { OwnRedis } from '../../support/redis-instance.js';

const PARTITIONS = 2;
const DAMAGED = Buffer.from([0xc1, 0xff, 0x00, 0x41]);

async function fund(world: RecordedEngine, ...accountIds: readonly string[]): Promise<void> {
  for (const id of accountIds) {
    await fundAccount(world.engine, id, [newBucket(`of ${id}`, 'octets', 1_000)]);
  }
}

function ask(world: RecordedEngine, accountId: string, parts: RequestParts) {
  const request = { accountId, sessionId: `s ${accountId}`, now: START_MS, ...parts };
  return charge(world.engine, chargeRequest(request));
}

async function findingsOf(world: RecordedEngine): Promise<readonly Finding[]> {
  const { engine, streams, pool } = world;
  await world.recorded();
  return (await verify({ partitions: PARTITIONS }, { engine, streams, pool })).findings;
}

const named = (findings: readonly Finding[]): readonly string[] =>
  findings.map(({ kind, accountId, sessionId }) => `${kind} ${accountId ?? sessionId}`).toSorted();

describe('in a partition that Redis brought back behind the record', () => {
  let own: OwnRedis;
  beforeAll(async () => {
    own = await startRedis();
  });
  const gate = createFenceGate();
  const world = recordedEngine({
    ...{ partitions: PARTITIONS, redisUrl: () => own.url, commandTimeoutMs: 1_000, gate },
  });

  /** Puts Redis back to where it stood before the work was done. */
  async function undone(work: () => Promise<void>): Promise<void> {
    const undo = await keepFiles(own, world.engine);
    await work();
    await world.recorded();
    await undo();
  }

  test('it is set aside with an alarm, the record is taken, and the others open', async () => {
    const { engine, pool } = world;
    const { redis, keys } = engine;
    await fund(world, 'good', 'bad', 'odd', 'gone', 'list');
    for (const id of ['good', 'bad', 'odd', 'gone', 'list']) {
      await ask(world, id, { phase: 'initial', number: 0, want: 100 });
    }
    await undone(async () => {
      await ask(world, 'good', { phase: 'update', number: 1, used: 10 });
      await ask(world, 'bad', { phase: 'update', number: 1, used: 20 });
      await moveAccount(engine, { accountId: 'gone', from: 0, to: 1, stamp, now: START_MS });
    });
    // One that lacks events, one that does not, one that has moved; and another type.
    await redis.set(keys.account(0, 'bad'), DAMAGED);
    await redis.set(keys.account(0, 'gone'), DAMAGED);
    await redis.hset(keys.session(0, 's odd'), 'h', DAMAGED);
    await redis.del(keys.account(0, 'list'));
    await redis.rpush(keys.account(0, 'list'), 'strange');

    const { logger, lines } = collectingLogger();
    const metrics = createMetrics({ processMetrics: false });
    const keeper = createFenceKeeper(
      {
        ...{ partitions: PARTITIONS, intervalMs: 50, missedReportsMax: 4 },
        instance: (await readInstallation(pool))?.instanceId ?? '',
      },
      {
        ...{ engine, gate, pool, logger, clock: () => START_MS + 600_000 },
        metrics: createRecoveryMetrics(metrics),
      },
    );
    expect(await keeper.look(), 'partitions still closed').toBe(0);

    const alarms = lines.filter(({ level }) => level === 'error');
    expect(alarms.flatMap((line) => line.fields['accounts'] ?? []).toSorted()).toEqual([
      'bad',
      'gone',
      'list',
    ]);
    expect(await metrics.exposition()).toContain('tolld_recovery_set_aside_accounts_total 3');
    expect(await redis.getBuffer(keys.aside(0, 'bad', 1)), 'octet for octet').toEqual(DAMAGED);
    for (const [id, partition, remaining] of [
      ['good', 0, 990],
      ['bad', 0, 980],
      ['odd', 0, 1_000],
      ['gone', 1, 1_000],
      ['list', 0, 1_000],
    ] as const) {
      expect(await findAccount(engine, 0, id), id).toMatchObject({
        partition,
        buckets: [{ remaining }],
      });
      const event = { phase: 'event', number: 0, used: 5, sessionId: `e ${id}` } as const;
      const outcome = await ask(world, id, { ...event, partition });
      expect(outcome.kind, id).toBe('answered');
    }
    expect(named(await findingsOf(world))).toEqual([
      'account-set-aside bad',
      'account-set-aside gone',
      'account-set-aside list',
      // Nobody knows of whom it holds these.
      'reservation odd',
      'session-unreadable s odd',
    ]);
  });
});

describe('set aside again before a person has looked', () => {
  const world = recordedEngine({ partitions: PARTITIONS });

  test('it stands beside what was set aside before, and is named once', async () => {
    const { engine } = world;
    const { redis, keys } = engine;
    const place = { partition: 0, accountId: '2:bad' };
    for (const octets of ['before', 'since']) {
      await redis.set(keys.account(0, '2:bad'), octets);
      await setAside(engine, place);
    }
    expect(await redis.get(keys.aside(0, '2:bad', 1))).toBe('before');
    expect(await redis.get(keys.aside(0, '2:bad', 2))).toBe('since');
    expect(await redis.exists(keys.account(0, '2:bad'))).toBe(0);
    expect(named(await findingsOf(world))).toEqual(['account-set-aside 2:bad']);
  });
});

describe('beside traffic', () => {
  const world = recordedEngine({ partitions: PARTITIONS });

  test('it is named by the proof, and swept, measured and moved around', async () => {
    const { engine, streams, pool } = world;
    const { redis, keys } = engine;
    await fund(world, 'good', 'bad', 'odd', 'torn');
    for (const id of ['good', 'bad', 'odd', 'torn']) {
      await ask(world, id, { phase: 'initial', number: 0, want: 100 });
    }
    await world.recorded();
    await redis.set(keys.account(0, 'bad'), DAMAGED);
    await redis.hset(keys.session(0, 's odd'), 'h', DAMAGED);
    const [service = ''] = (await redis.hkeys(keys.session(0, 's torn'))).filter((field) =>
      field.startsWith('s:'),
    );
    await redis.hset(keys.session(0, 's torn'), service, DAMAGED);

    const expected = [
      'account-unreadable bad',
      'reservation odd',
      'reservation torn',
      'session-unreadable s odd',
      'session-unreadable torn',
    ];
    expect(named(await findingsOf(world))).toEqual(expected);
    const { differences } = await reconcile({ partitions: PARTITIONS }, { engine, streams, pool });
    expect(differences).toMatchObject([
      { accountId: 'bad', obstacle: expect.stringContaining("can't be read") as string },
    ]);

    await moveAccount(engine, { accountId: 'good', from: 0, to: 1, stamp, now: START_MS });
    const pace = { accountsAtOnce: 10, pause: async () => undefined };
    const { reserved } = await measureReservations(engine, 1, pace);
    expect(reserved.get('octets')).toBe(100n);
    expect((await measureReservations(engine, 0, pace)).openSessions).toBe(2);

    const metrics = createMetrics({ processMetrics: false });
    const { logger, lines } = collectingLogger();
    const sweeper = createSweeper(
      { partitions: PARTITIONS, intervalMs: 1_000, batchMax: 100 },
      { engine, logger, metrics, clock: () => Date.now() + 10 * 86_400_000 },
    );
    await sweeper.runOnce();
    await sweeper.runOnce();
    const told = lines
      .filter(({ level }) => level === 'error')
      .map(({ fields }) => fields['timer']);
    expect(told, 'each once').toEqual(
      ['s:s bad', 's:s odd', 's:s torn'].map((member) => ({ partition: 0, member })),
    );
    expect(await readSession(engine, 1, 's good'), 'in the partition behind').toMatchObject({
      state: 'expired',
    });
  });

  test('many of them leave the timers behind them their turn', async () => {
    const { engine } = world;
    await fund(world, 'zeal');
    await ask(world, 'zeal', { phase: 'initial', number: 0, want: 100 });
    const metrics = createMetrics({ processMetrics: false });
    const { logger, lines } = collectingLogger();
    const sweeper = createSweeper(
      { partitions: PARTITIONS, intervalMs: 1_000, batchMax: 2 },
      { engine, logger, metrics, clock: () => Date.now() + 10 * 86_400_000 },
    );
    // Three come before it, by their names.
    await sweeper.runOnce();
    await sweeper.runOnce();
    expect(lines.filter(({ level }) => level === 'error')).toHaveLength(3);
    expect(await readSession(engine, 0, 's zeal')).toMatchObject({ state: 'expired' });
  });
});
