/**
 * Durability `replicated` where a failover comes between an answer and its confirmation: the one is of
 * a master that nobody follows any more, the other of the one that took its place.
 */
import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EngineUnavailableError, type Engine } from '../../../src/charging/engine.js';
import { readFence } from '../../../src/charging/partition-fence.js';
import { openKeySpace } from '../../../src/charging/partitions.js';
import { provisionAccount } from '../../../src/charging/provisioning.js';
import { createEngineConnection } from '../../../src/charging/engine-connection.js';
import { NotReplicatedError } from '../../../src/charging/replication.js';
import { createOutboxStreams } from '../../../src/charging/stream.js';
import { silentLogger } from '../../support/charging-engine.js';
import { stamp } from '../../support/charge-requests.js';
import { startRedis } from '../../support/redis.js';
import type { OwnRedis } from '../../support/redis-instance.js';

const cleanUp: (() => Promise<unknown>)[] = [];
afterAll(async () => {
  for (const clean of cleanUp.splice(0).reverse()) await clean();
});

const keyPrefix = `r${randomBytes(4).toString('hex')}`;

async function replicatedEngine({ url }: OwnRedis, requestTimeoutMs: number): Promise<Engine> {
  const connection = createEngineConnection(
    {
      ...{ url, keyPrefix, name: 'test', durability: 'replicated' },
      ...{ commandTimeoutMs: 20_000, requestTimeoutMs },
    },
    { logger: silentLogger },
  );
  await connection.open();
  cleanUp.push(() => connection.close());
  return connection.engine;
}

function clientOf({ url }: OwnRedis): Redis {
  const client = new Redis(url);
  cleanUp.push(async () => client.disconnect());
  return client;
}

function startReplicaOf({ port }: OwnRedis): Promise<OwnRedis> {
  const moreSettings = [`replicaof 127.0.0.1 ${port}`, 'repl-diskless-sync-delay 0'];
  return startRedis({ moreSettings });
}

async function untilFollowing(replica: Redis): Promise<void> {
  while (!(await replica.info('replication')).includes('master_link_status:up')) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** A call that adds one event, and changes nothing when repeated. */
function provision(engine: Engine, accountId: string): Promise<unknown> {
  const account = { partition: 0, accountId, stamp };
  return provisionAccount(engine, { ...account, standing: 'active', profileVersion: 1 });
}

async function lineageOf(engine: Engine): Promise<string> {
  const keys = [engine.keys.control(0), engine.keys.outbox(0)];
  return (await engine.scripts.runTold(engine.redis, 'fence', keys, [])).lineage;
}

const PATIENT_MS = 60_000;
const SHORT_MS = 400;

describe('with durability replicated', { timeout: 120_000 }, () => {
  let first: OwnRedis;
  let second: OwnRedis;
  let replica: Redis;
  let engine: Engine;

  /** An engine whose answers come from the first server, and their confirmations from the second. */
  async function torn(): Promise<Engine> {
    const [before, after] = await Promise.all([
      replicatedEngine(first, SHORT_MS),
      replicatedEngine(second, SHORT_MS),
    ]);
    if (after.replication === undefined) throw new Error('nothing is confirmed');
    return { ...before, replication: after.replication };
  }

  beforeAll(async () => {
    first = await startRedis();
    second = await startReplicaOf(first);
    replica = clientOf(second);
    await untilFollowing(replica);
    engine = await replicatedEngine(first, PATIENT_MS);
    await openKeySpace(engine, 1, null);
  });

  it('a replica has no lineage, and no reign to open a partition in', async () => {
    const following = { ...engine, redis: replica };
    expect(await lineageOf(following)).toBe('');
    expect(await readFence(following, 0)).toMatchObject({ state: 'closed', reign: '' });
  });

  it('what is answered is on the replica', async () => {
    await provision(engine, 'a');
    expect(await replica.exists(engine.keys.account(0, 'a'))).toBe(1);
    const read = await createOutboxStreams(engine).read(0, { epoch: 0, n: 0 }, 10);
    expect(read).toHaveLength(1);
  });

  it('what may run without memory is confirmed without memory', async () => {
    await engine.redis.config('SET', 'maxmemory', '100kb');
    try {
      const confirmed = engine.replication?.confirm(
        engine.keys.control(0),
        await lineageOf(engine),
      );
      await expect(confirmed).resolves.toBeUndefined();
    } finally {
      await engine.redis.config('SET', 'maxmemory', '0');
    }
  });

  it('a server that has lost nothing keeps its lineage, though it was a replica meanwhile', async () => {
    const before = await lineageOf(engine);
    await replica.replicaof('NO', 'ONE');
    await engine.redis.config('SET', 'repl-diskless-sync-delay', '0');
    await (engine.redis as Redis).replicaof('127.0.0.1', second.port);
    await untilFollowing(engine.redis as Redis);
    expect(await engine.redis.info('stats')).toContain('sync_full:1');
    await (engine.redis as Redis).replicaof('NO', 'ONE');
    expect(await lineageOf(engine)).toBe(before);
    await replica.replicaof('127.0.0.1', first.port);
    await untilFollowing(replica);
  });

  it('an answer of the old master is not confirmed by the new one, which has no replica', async () => {
    await replica.replicaof('NO', 'ONE');
    const between = await torn();
    await expect(provision(between, 'b')).rejects.toThrow(EngineUnavailableError);
    expect(await replica.exists(engine.keys.account(0, 'b')), 'it would be lost').toBe(0);
    await expect(
      createOutboxStreams(between).read(0, { epoch: 0, n: 0 }, 10),
      'nor goes what only the old one has to the record',
    ).rejects.toThrow(NotReplicatedError);
    await expect(
      createOutboxStreams(between).readAll([{ partition: 0, after: { epoch: 0, n: 0 } }], 10),
    ).rejects.toThrow(NotReplicatedError);
  });

  it('nor by one that has a replica of its own', async () => {
    const third = await startReplicaOf(second);
    await untilFollowing(clientOf(third));
    await expect(provision(await torn(), 'c')).rejects.toThrow(EngineUnavailableError);
  });

  it('a replica that is still being filled holds up nobody, and is waited for once it follows', async () => {
    const lone = await startRedis({ moreSettings: ['repl-diskless-sync-delay 3600'] });
    const between = await replicatedEngine(lone, SHORT_MS);
    const master = between.redis as Redis;
    const follower = await startReplicaOf(lone);
    await expect.poll(() => master.info('replication')).toContain('state=wait_bgsave');
    await openKeySpace(between, 1, null);
    await provision(between, 'd');
    await master.config('SET', 'repl-diskless-sync-delay', '0');
    await expect
      .poll(() => master.info('replication'), { timeout: 20_000 })
      .toMatch(/state=online,offset=[1-9]/);
    process.kill(follower.pid(), 'SIGSTOP');
    try {
      await expect(provision(between, 'e')).rejects.toThrow(EngineUnavailableError);
    } finally {
      process.kill(follower.pid(), 'SIGCONT');
    }
  });

  it('a server that took over the data of another has a new lineage', async () => {
    const old = engine.redis as Redis;
    const before = await lineageOf(engine);
    await old.replicaof('127.0.0.1', second.port);
    await untilFollowing(old);
    expect(await old.exists(engine.keys.account(0, 'b')), 'what it had answered is lost').toBe(0);
    await old.replicaof('NO', 'ONE');
    expect(await lineageOf(engine)).not.toBe(before);
  });
});
