/** An engine with several connections keeps the order of what concerns one account. */
import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { charge } from '../../../src/charging/charge.js';
import {
  createEngineConnection,
  type EngineConnection,
} from '../../../src/charging/engine-connection.js';
import { connectionOf, type Engine } from '../../../src/charging/engine.js';
import { openKeySpace } from '../../../src/charging/partitions.js';
import { chargeRouted, findRoute } from '../../../src/charging/routing.js';
import { readAccount } from '../../../src/charging/snapshot.js';
import { chargeRequest, newBucket, START_MS } from '../../support/charge-requests.js';
import { silentLogger } from '../../support/charging-engine.js';
import { fundAccount } from '../../support/funded-account.js';
import { startRedisInstance, type OwnRedis } from '../../support/redis-instance.js';

const CONNECTIONS = 3;
const PARTITIONS = 6;
const REQUESTS = 40;
const name = `connections-${randomBytes(4).toString('hex')}`;
const accountIn = (partition: number): string => `account-${partition}`;
const partitions = Array.from({ length: PARTITIONS }, (_, partition) => partition);

/** What others have it do would be among what is watched here. */
let own: OwnRedis;
let connection: EngineConnection;
let engine: Engine;
let observer: Redis;

beforeAll(async () => {
  own = await startRedisInstance({ appendFsync: 'off' });
  observer = new Redis(own.url);
  connection = createEngineConnection(
    {
      ...{ url: own.url, keyPrefix: name, name, connections: CONNECTIONS },
      commandTimeoutMs: 1_000,
      requestTimeoutMs: 20_000,
    },
    { logger: silentLogger },
  );
  await connection.open();
  engine = connection.engine;
  await openKeySpace(engine, PARTITIONS, null);
  for (const partition of partitions) {
    const bucket = newBucket(`bucket-${partition}`, 'octets', 1_000_000);
    await fundAccount(engine, accountIn(partition), [bucket], partition);
  }
});
afterAll(async () => {
  await connection.close();
  observer.disconnect();
  await own.remove();
});

/** What Redis says of each connection of ours, by its name. */
async function clients(): Promise<ReadonlyMap<string, ReadonlyMap<string, string>>> {
  const list = String(await observer.client('LIST'));
  return new Map(
    list.split('\n').flatMap((line) => {
      const fields = new Map(line.split(' ').map((field) => field.split('=') as [string, string]));
      const ours = fields.get('name') ?? '';
      return ours.startsWith(name) ? [[ours, fields]] : [];
    }),
  );
}

function requestIn(partition: number, number: number, sessionId = `session-${partition}`) {
  return chargeRequest({
    ...{ partition, sessionId, number, accountId: accountIn(partition), now: START_MS },
    phase: number === 0 ? 'initial' : 'update',
    used: number === 0 ? 0 : 1,
    want: 1,
  });
}

test('requests of an account run in the order in which they were sent, without waiting', async () => {
  // One that is overtaken by a later number of its session is late, and granted nothing.
  const sent = partitions.flatMap((partition) =>
    Array.from({ length: REQUESTS }, (_, number) => requestIn(partition, number)),
  );
  const outcomes = await Promise.all(sent.map((request) => charge(engine, request)));
  for (const outcome of outcomes) {
    expect(outcome).toMatchObject({ kind: 'answered', repeated: false });
    expect(outcome).toHaveProperty('services.0.result', 'granted');
  }
  for (const partition of partitions) {
    const account = await readAccount(engine, partition, accountIn(partition));
    expect(account?.buckets[0]?.remaining).toBe(1_000_000 - (REQUESTS - 1));
  }
});

test('requests of different partitions go by different connections', async () => {
  const before = await clients();
  expect([...before.keys()].sort()).toEqual([name, `${name}-2`, `${name}-3`]);
  for (const partition of partitions) {
    const redis = connectionOf(engine, partition);
    expect(redis).toBe(connectionOf(engine, partition + CONNECTIONS));
    expect(redis).not.toBe(connectionOf(engine, partition + 1));
  }
  await Promise.all(partitions.map((partition) => charge(engine, requestIn(partition, REQUESTS))));
  for (const fields of (await clients()).values()) expect(fields.get('cmd')).toBe('fcall');
});

test('the route of a session is set before its first charge runs', async () => {
  const watching = new Redis(own.url);
  const monitor = await watching.monitor();
  const seen: (readonly [source: string, command: string])[] = [];
  const done = new Promise<void>((resolve) => {
    monitor.on('monitor', (_time: string, args: string[], source: string) => {
      const [command = '', first = ''] = args;
      if (first === name && command === 'echo') resolve();
      const isOurs = args.some((arg) => arg.startsWith(`${name}:`));
      if (isOurs && source !== 'lua') seen.push([source, command.toLowerCase()]);
    });
  });
  const partition = PARTITIONS - 1;
  const route = { partition, accountId: accountIn(partition) } as Parameters<
    typeof chargeRouted
  >[1]['route'];
  await chargeRouted(engine, { sessionId: 'routed', route, reports: false }, () =>
    charge(engine, requestIn(partition, 0, 'routed')),
  );
  await observer.echo(name);
  await done;
  monitor.disconnect();
  watching.disconnect();
  expect(seen.map(([, command]) => command)).toEqual(['set', 'fcall']);
  expect(new Set(seen.map(([source]) => source)).size).toBe(1);
  expect(await findRoute(engine, 'routed')).toEqual(route);
});

test('a connection that is cut is made anew, and its requests are made again', async () => {
  const id = (await clients()).get(`${name}-2`)?.get('id');
  await observer.client('KILL', 'ID', Number(id));
  const outcomes = await Promise.all(
    partitions.map((partition) => charge(engine, requestIn(partition, 0, `cut-${partition}`))),
  );
  for (const outcome of outcomes) expect(outcome.kind).toBe('answered');
  await expect.poll(async () => (await clients()).has(`${name}-2`)).toBe(true);
});

test('Redis counts as reached when it answers on every connection', async () => {
  await connection.ping();
  const [, second] = engine.connections ?? [];
  await connection.ping();
  second?.disconnect();
  await expect(connection.ping()).rejects.toThrow();
});
