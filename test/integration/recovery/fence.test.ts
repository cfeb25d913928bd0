/** A Redis that restarts or takes over is closed until it has been compared with the record. */
import { cp, rm } from 'node:fs/promises';
import path from 'node:path';
import { Redis } from 'ioredis';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ChargeOutcome } from '../../../src/charging/charge-outcome.js';
import { charge } from '../../../src/charging/charge.js';
import type { Engine } from '../../../src/charging/engine.js';
import { decodeEntry, parseEntryId } from '../../../src/charging/event-codec.js';
import { createFenceGate } from '../../../src/charging/fence-gate.js';
import { readFence } from '../../../src/charging/partition-fence.js';
import { readAccount } from '../../../src/charging/snapshot.js';
import { toAmount } from '../../../src/domain/amounts.js';
import { createMetrics } from '../../../src/observability/metrics.js';
import { createFlushSink } from '../../../src/records/flush-sink.js';
import { readInstallation } from '../../../src/records/installation.js';
import { createFenceKeeper } from '../../../src/recovery/fence-keeper.js';
import { createRecoveryMetrics } from '../../../src/recovery/metrics.js';
import { verify } from '../../../src/recovery/verify.js';
import {
  chargeRequest,
  chargeService,
  chargeWindow,
  newBucket,
  rateLine,
  START_MS,
  type RequestParts,
} from '../../support/charge-requests.js';
import { openEngine } from '../../support/charging-engine.js';
import { fundAccount } from '../../support/funded-account.js';
import { collectingLogger } from '../../support/collecting-logger.js';
import { recordedEngine, type RecordedEngine } from '../../support/recorded-engine.js';
import { startRedis } from '../../support/redis.js';
import type { OwnRedis } from '../../support/redis-instance.js';

type PricedLine = ReturnType<typeof rateLine>;

let own: OwnRedis;
beforeAll(async () => {
  own = await startRedis();
});

const gate = createFenceGate();
const world = recordedEngine({ redisUrl: () => own.url, commandTimeoutMs: 1_000, gate });
const { logger, lines } = collectingLogger();

async function keeperOf(engine: Engine, { pool, partitions }: RecordedEngine) {
  const instance = (await readInstallation(pool))?.instanceId ?? '';
  const metrics = createRecoveryMetrics(createMetrics({ processMetrics: false }));
  return createFenceKeeper(
    { partitions, instance, intervalMs: 50, missedReportsMax: 4 },
    { engine, gate, pool, logger, metrics, clock: () => START_MS + 600_000 },
  );
}

const reports = (id: string, parts: RequestParts) =>
  chargeRequest({ accountId: id, sessionId: `of ${id}`, now: START_MS, ...parts });

/** A session with one report of 40 and the next grant of 100. */
async function openSession(engine: Engine, id: string): Promise<void> {
  await fundAccount(engine, id, [newBucket('free', 'octets', 1_000)]);
  await charge(engine, reports(id, { phase: 'initial', number: 0, want: 100 }));
  await charge(engine, reports(id, { phase: 'update', number: 1, used: 40, want: 100 }));
}

async function holding(engine: Engine, id: string): Promise<unknown> {
  const account = await readAccount(engine, 0, id);
  return account?.buckets.map(({ remaining, reserved }) => ({ remaining, reserved }));
}

async function expectBalanced(engine: Engine, { streams, pool, partitions }: RecordedEngine) {
  const { findings } = await verify({ partitions }, { engine, streams, pool });
  expect(findings).toEqual([]);
}

async function lastRecovery({ pool }: RecordedEngine): Promise<Record<string, unknown>> {
  const { rows } = await pool.query(
    `SELECT verdict, epoch::int, accounts_restored AS restored, entries_lost::int AS lost,
       opened_at IS NOT NULL AS opened FROM tolld.recoveries ORDER BY epoch DESC LIMIT 1`,
  );
  return rows[0] as Record<string, unknown>;
}

const granted = (outcome: ChargeOutcome): unknown =>
  outcome.kind === 'answered' ? outcome.services[0]?.granted : outcome;

/** Back with its files, changed by `between`, and connected to. */
async function restart(between = async (): Promise<void> => undefined): Promise<void> {
  const { redis } = world.engine;
  const closed = new Promise((resolve) => redis.once('close', resolve));
  await own.kill();
  await closed;
  await between();
  const ready = new Promise((resolve) => redis.once('ready', resolve));
  await own.start();
  await ready;
}

/** Redis as it stands now; what is done is undone by putting it back. */
async function keepFiles(): Promise<() => Promise<void>> {
  const files = path.join(own.directory, 'appendonlydir');
  const kept = path.join(own.directory, 'kept');
  await rm(kept, { recursive: true, force: true });
  await cp(files, kept, { recursive: true });
  return () =>
    restart(async () => {
      await rm(files, { recursive: true });
      await cp(kept, files, { recursive: true });
    });
}

describe('a partition of a Redis that has restarted', () => {
  beforeEach(() => {
    lines.length = 0;
  });
  afterEach(async () => {
    await (await keeperOf(world.engine, world)).look();
  });

  test('is closed to every call until it was compared, and then goes on in another epoch', async () => {
    const { engine } = world;
    await openSession(engine, 'equal');
    await world.recorded();
    const { epoch } = await readFence(engine, 0);
    await restart();
    const impatient = { ...engine, limits: { requestTimeoutMs: 100 } };
    const update = reports('equal', { phase: 'update', number: 2, used: 30, want: 50 });
    expect(await charge(impatient, update)).toEqual({ kind: 'refused', refusal: 'fenced' });
    expect(await readFence(engine, 0)).toMatchObject({ state: 'closed', epoch });

    const waiting = charge(engine, update);
    const keeper = await keeperOf(engine, world);
    await keeper.start();
    expect(granted(await waiting)).toBe(50);
    await keeper.stop();
    expect(await readFence(engine, 0)).toMatchObject({ state: 'open', epoch: epoch + 1 });
    expect(await lastRecovery(world)).toMatchObject({ verdict: 'equal', restored: 0, lost: 0 });
    expect(await holding(engine, 'equal')).toEqual([{ remaining: 930, reserved: 50 }]);
    await world.recorded();
    await expectBalanced(engine, world);
  });

  test('goes on with what the record does not have yet', async () => {
    const { engine } = world;
    await world.recorded();
    await world.pauseFlusher();
    await openSession(engine, 'ahead');
    await restart();
    expect(await (await keeperOf(engine, world)).look()).toBe(0);
    expect(await lastRecovery(world)).toMatchObject({ verdict: 'ahead', opened: true });
    expect(await holding(engine, 'ahead')).toEqual([{ remaining: 960, reserved: 100 }]);
    await charge(engine, reports('ahead', { phase: 'update', number: 2, used: 60, want: 10 }));
    world.resumeFlusher();
    await world.recorded();
    await expectBalanced(engine, world);
  });

  test('is brought to where the record is, and charges nothing twice', async () => {
    const { engine } = world;
    await openSession(engine, 'behind');
    await openSession(engine, 'untouched');
    const undo = await keepFiles();
    const lost = reports('behind', { phase: 'update', number: 2, used: 70, want: 100 });
    await charge(engine, lost);
    const event = chargeRequest({
      ...{ phase: 'event', number: 0, accountId: 'behind', sessionId: 'at once', now: START_MS },
      ...{ used: 5 },
    });
    await charge(engine, event);
    await openSession(engine, 'new');
    await world.recorded();
    const { last: recorded } = await readFence(engine, 0);
    await undo();

    expect(await (await keeperOf(engine, world)).look()).toBe(0);
    // Another restart before anything is written finds it where the record is.
    expect(await readFence(engine, 0)).toMatchObject({ state: 'open', last: recorded });
    expect(await lastRecovery(world)).toMatchObject({ verdict: 'behind', restored: 2 });
    expect(lines.map(({ level, message }) => `${level} ${message}`)).toContain(
      'error redis lacked events; replayed from the record',
    );
    expect(await holding(engine, 'behind')).toEqual([{ remaining: 885, reserved: 0 }]);
    expect(await holding(engine, 'new')).toEqual([{ remaining: 960, reserved: 0 }]);
    expect(await holding(engine, 'untouched')).toEqual([{ remaining: 960, reserved: 100 }]);

    for (const again of [lost, event, { ...lost, fingerprint: 'otherwise' }]) {
      expect(await charge(engine, again)).toMatchObject({ kind: 'answered', repeated: true });
    }
    expect(await holding(engine, 'behind')).toEqual([{ remaining: 885, reserved: 0 }]);
    const next = reports('behind', { phase: 'update', number: 3, used: 85, want: 100 });
    expect(granted(await charge(engine, next))).toBe(100);
    const ends = reports('new', { phase: 'terminate', number: 2, used: 60 });
    expect(await charge(engine, ends)).toMatchObject({ kind: 'answered', repeated: false });
    expect(await holding(engine, 'behind')).toEqual([{ remaining: 800, reserved: 100 }]);
    await world.recorded();
    await expectBalanced(engine, world);
  });

  test('says what is lost for ever, and lets nobody record it afterwards', async () => {
    const { engine, pool } = world;
    await openSession(engine, 'loser');
    await world.recorded();
    const undo = await keepFiles();
    await world.pauseFlusher();
    const keeper = await keeperOf(engine, world);
    await keeper.look();
    const { epoch, last } = await readFence(engine, 0);
    const previous = last ?? { epoch, n: -1 };
    await charge(engine, reports('loser', { phase: 'update', number: 2, used: 70, want: 100 }));
    const read = await world.streams.read(0, previous, 10);
    await keeper.look();
    await undo();
    expect(await keeper.look()).toBe(0);

    expect(await lastRecovery(world)).toMatchObject({ verdict: 'equal', lost: 1 });
    expect(lines.some(({ message }) => message.startsWith('entries are lost'))).toBe(true);
    // What had been read before it was lost comes too late.
    const write = await createFlushSink({ pool }).prepare([
      {
        ...{ partition: 0, fence: 1_000_000, previous },
        entries: read.map(({ id, packed }) => {
          return { id: parseEntryId(id), packed, read: () => decodeEntry(0, id, packed) };
        }),
      },
    ]);
    expect(await write()).toMatchObject({
      kind: 'superseded',
      lost: [{ entry: parseEntryId(read[0]?.id ?? ''), impacts: [['loser', 'free', -70]] }],
    });
    const { rows } = await pool.query('SELECT accounts, impacts FROM tolld.lost_events');
    expect(rows).toEqual([{ accounts: [['loser', 5, 1]], impacts: [['loser', 'free', -70]] }]);
    expect(await write()).toMatchObject({ kind: 'superseded', lost: [] });

    const other = reports('loser', { phase: 'update', number: 2, used: 10, want: 100 });
    expect(granted(await charge(engine, other))).toBe(100);
    world.resumeFlusher();
    await world.recorded();
    expect(await holding(engine, 'loser')).toEqual([{ remaining: 950, reserved: 100 }]);
    await expectBalanced(engine, world);
  });

  test('stays closed while Redis is empty, or is that of somebody else', async () => {
    const { engine } = world;
    const control = engine.keys.control(0);
    const keeper = await keeperOf(engine, world);
    const before = (await engine.redis.get(control)) ?? '';
    await engine.redis.del(control);
    expect(await keeper.look()).toBe(1);
    expect(lines.at(-1)?.message).toContain('run `tolld rebuild`');
    await engine.redis.set(control, before);
    await restart();
    await engine.redis.hset(engine.keys.meta, 'instance', 'another');
    await expect(keeper.look()).rejects.toMatchObject({ code: 'TOLLD_KEY_SPACE' });
    const instance = (await readInstallation(world.pool))?.instanceId ?? '';
    await engine.redis.hset(engine.keys.meta, 'instance', instance);
    expect(await keeper.look()).toBe(0);
  });
});

describe('a library that is loaded anew', () => {
  test('into the process that was compared finds its partitions open', async () => {
    const { engine } = world;
    await engine.redis.function('FLUSH');
    await engine.scripts.load(engine.redis);
    expect(await readFence(engine, 0)).toMatchObject({ state: 'open' });
  });

  test('prices what a session holds as it was reserved, whatever has been agreed since', async () => {
    const { engine } = world;
    await fundAccount(engine, 'priced', [newBucket('money', 'EUR', 10_000)]);
    const [day, night, since] = [1, 2, 50].map((num) =>
      rateLine({ id: `at ${num}`, tiers: [{ from: 0, num, den: 1 }] }),
    ) as [PricedLine, PricedLine, PricedLine];
    const changesAt = START_MS + 30_000;
    const windows = [
      chargeWindow(day, { untilMs: changesAt }),
      chargeWindow(night, { fromMs: changesAt }),
    ];
    const first = chargeService({ want: toAmount(100), windows });
    const ask = (parts: RequestParts) => charge(engine, reports('priced', parts));
    await ask({ phase: 'initial', number: 0, services: [first] });
    await engine.redis.function('FLUSH');
    await engine.scripts.load(engine.redis);
    const then = chargeService({
      ...{ used: toAmount(40), usedAfter: toAmount(10), windows: [chargeWindow(since)] },
    });
    const update = { phase: 'update', number: 1, services: [then], now: changesAt + 1 } as const;
    expect(await ask(update)).toMatchObject({ kind: 'answered' });
    expect(await holding(engine, 'priced')).toEqual([{ remaining: 9_940, reserved: 0 }]);
  });
});

/** A replica asks once a second whether it may connect. */
const LINK = { timeout: 20_000 };

describe('a replica that takes over', () => {
  test('is closed, lacking a tail or not, and so is a master that was one in between', async () => {
    const { engine } = world;
    await openSession(engine, 'failover');
    const replica = await startRedis();
    const there = new Redis(replica.url);
    await there.replicaof('127.0.0.1', own.port);
    await expect.poll(() => there.info('replication'), LINK).toContain('master_link_status:up');
    await expect.poll(() => there.exists(engine.keys.account(0, 'failover')), LINK).toBe(1);
    // From here on it lacks what is answered.
    await there.replicaof('127.0.0.1', 1);
    await charge(engine, reports('failover', { phase: 'update', number: 2, used: 70, want: 9 }));
    await world.recorded();
    await world.pauseFlusher();
    await there.call('REPLICAOF', 'NO', 'ONE');

    const promoted = await openEngine({ url: replica.url, keyPrefix: world.prefix });
    const impatient = { ...promoted, limits: { requestTimeoutMs: 100 } };
    const next = reports('failover', { phase: 'update', number: 3, used: 9, want: 10 });
    expect(await charge(impatient, next)).toEqual({ kind: 'refused', refusal: 'fenced' });
    expect(await (await keeperOf(promoted, world)).look()).toBe(0);
    expect(await lastRecovery(world)).toMatchObject({ verdict: 'behind', restored: 1 });
    expect(await holding(promoted, 'failover')).toEqual([{ remaining: 890, reserved: 0 }]);
    expect(granted(await charge(promoted, next))).toBe(10);

    // The former master follows the new one, and is called back.
    await engine.redis.replicaof('127.0.0.1', replica.port);
    await expect
      .poll(() => engine.redis.info('replication'), LINK)
      .toContain('master_link_status:up');
    await engine.redis.call('REPLICAOF', 'NO', 'ONE');
    expect(await readFence(engine, 0)).toMatchObject({ state: 'closed' });
    expect(await (await keeperOf(engine, world)).look()).toBe(0);
    world.resumeFlusher();
    await world.recorded();
    await expectBalanced(engine, world);
    there.disconnect();
  }, 60_000);
});
