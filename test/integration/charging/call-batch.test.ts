/** Calls that travel together are, each, what they would be alone. */
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { charge, settle } from '../../../src/charging/charge.js';
import type { ChargeOutcome } from '../../../src/charging/charge-outcome.js';
import { EngineOutOfMemoryError, type Engine } from '../../../src/charging/engine.js';
import { readAccount } from '../../../src/charging/snapshot.js';
import { chargeRequest, newBucket, type RequestParts } from '../../support/charge-requests.js';
import { openEngine } from '../../support/charging-engine.js';
import { fundAccount } from '../../support/funded-account.js';
import { startLoneCluster, startRedis } from '../../support/redis.js';
import { dumpOf } from '../../support/redis-dump.js';
import type { OwnRedis } from '../../support/redis-instance.js';
import { startSwallowingProxy } from '../../support/swallowing-proxy.js';

const FUNDS = 1_000;
const names = Array.from({ length: 8 }, (_, index) => `account-${index}`);

/** What others have it do would be among what is watched here. */
let own: OwnRedis;
let observer: Redis;
beforeAll(async () => {
  own = await startRedis();
  observer = new Redis(own.url);
});
afterAll(() => {
  observer.disconnect();
});

/** An engine of an empty key space with the accounts, each in the partition that is given. */
async function openAccounts(
  partitionOf: (index: number) => number = () => 0,
  options: Parameters<typeof openEngine>[0] = {},
): Promise<Engine> {
  const partitions = Math.max(...names.map((_, index) => partitionOf(index))) + 1;
  const engine = await openEngine({ url: own.url, connections: 1, partitions, ...options });
  const fund = (name: string, index: number): Promise<void> =>
    fundAccount(engine, name, [newBucket('free', 'octets', FUNDS)], partitionOf(index));
  await Promise.all(names.map(fund));
  return engine;
}

function begin(accountId: string, parts: Partial<RequestParts> = {}) {
  const sessionId = `of ${accountId}`;
  return chargeRequest({ phase: 'initial', number: 0, want: 10, accountId, sessionId, ...parts });
}

/** Commands of a name since the statistics were reset. */
async function callsOf(command: string): Promise<number> {
  const stats = await observer.info('commandstats');
  return Number(new RegExp(`^cmdstat_${command}:calls=(\\d+)`, 'm').exec(stats)?.[1] ?? 0);
}

const functionCalls = (): Promise<number> => callsOf('fcall');

const granted = { kind: 'answered', repeated: false, services: [{ result: 'granted' }] };

async function held(engine: Engine, partition = 0): Promise<readonly (number | undefined)[]> {
  const accounts = await Promise.all(names.map((name) => readAccount(engine, partition, name)));
  return accounts.map((account) => account?.buckets[0]?.reserved);
}

describe('calls of one turn of the event loop', () => {
  it('are one call of Redis, each with its own answer, at one time', async () => {
    const engine = await openAccounts();
    await observer.config('RESETSTAT');
    const outcomes = await Promise.all(
      names.map((name, index) => charge(engine, begin(name, { want: index + 1 }))),
    );
    expect(await functionCalls()).toBe(1);
    expect(await callsOf('time'), 'readings of the clock').toBe(1);
    for (const [index, outcome] of outcomes.entries()) {
      expect(outcome).toMatchObject({ ...granted, services: [{ granted: index + 1 }] });
      expect(outcome).toHaveProperty('at', (outcomes[0] as { readonly at: number }).at);
    }
    expect(await held(engine)).toEqual(names.map((_, index) => index + 1));
  });

  it('leave the clock to those behind them', async () => {
    const engine = await openAccounts();
    const [first] = await Promise.all(names.map((name) => charge(engine, begin(name))));
    const { at } = first as { readonly at: number };
    const now = async (): Promise<number> => {
      const [seconds, microseconds] = await observer.time();
      return Number(seconds) * 1_000 + Math.floor(Number(microseconds) / 1_000);
    };
    await expect.poll(now).toBeGreaterThan(at);
    const alone = await charge(engine, begin('account-0', { sessionId: 'later' }));
    expect((alone as { readonly at: number }).at).toBeGreaterThan(at);
  });

  it('fail each for itself, with the error that it would have alone', async () => {
    const engine = await openAccounts();
    const [wrongType = '', wrongBytes = ''] = names
      .slice(1)
      .map((name) => engine.keys.account(0, name));
    await observer.del(wrongType);
    await observer.rpush(wrongType, 'x');
    await observer.set(wrongBytes, Buffer.of(0xc1, 0xc1));
    const reasonOf = (result: PromiseSettledResult<ChargeOutcome>): Error | null =>
      result.status === 'rejected' ? (result.reason as Error) : null;
    const alone: PromiseSettledResult<ChargeOutcome>[] = [];
    for (const name of names.slice(1, 3)) {
      alone.push(...(await Promise.allSettled([charge(engine, begin(name))])));
    }
    const results = await Promise.allSettled(names.map((name) => charge(engine, begin(name))));
    const [first, second, third, ...rest] = results;
    expect(first).toMatchObject({ status: 'fulfilled', value: granted });
    for (const [index, result] of [second, third].entries()) {
      const error = reasonOf(result as PromiseSettledResult<ChargeOutcome>);
      const [message] = /^.* script: /.exec(reasonOf(alone[index]!)?.message ?? '') ?? [];
      expect(error?.name).toBe('ReplyError');
      expect(error?.message).toBe(`${message}charge`);
    }
    expect(rest).toHaveLength(names.length - 3);
    for (const result of rest) expect(result).toMatchObject({ value: granted });
    await observer.del(wrongType, wrongBytes);
    expect(await held(engine)).toEqual([10, undefined, undefined, 10, 10, 10, 10, 10]);
  });

  it('are refused each for itself where a partition is closed', async () => {
    const engine = await openAccounts((index) => index % 2);
    await observer.set(engine.keys.control(1), 'fenced:2');
    await observer.config('RESETSTAT');
    const outcomes = await Promise.all(
      names.map((name, index) => charge(engine, begin(name, { partition: index % 2 }))),
    );
    expect(await functionCalls()).toBe(1);
    for (const [index, outcome] of outcomes.entries()) {
      if (index % 2 === 0) expect(outcome).toMatchObject(granted);
      else expect(outcome).toEqual({ kind: 'refused', refusal: 'fenced' });
    }
    expect((await held(engine)).filter((amount) => amount === 10)).toHaveLength(4);
  });

  it('are each confirmed as an answer of the server that gave it', async () => {
    const engine = await openAccounts();
    const confirmed: (readonly [key: string, lineage: string])[] = [];
    const told: Engine = {
      ...engine,
      replication: {
        confirm: async (key, lineage) => void confirmed.push([key, lineage]),
        read: () => Promise.reject(new Error('nothing is read here')),
      },
    };
    await charge(told, begin('account-0', { sessionId: 'before' }));
    const [[, lineage] = ['', '']] = confirmed.splice(0);
    expect(lineage).toMatch(/^[0-9a-f]{16}$/);
    await observer.config('RESETSTAT');
    const outcomes = await Promise.all(names.map((name) => charge(told, begin(name))));
    expect(await functionCalls()).toBe(1);
    for (const outcome of outcomes) expect(outcome).toMatchObject(granted);
    expect(confirmed).toEqual(names.map((name) => [engine.keys.account(0, name), lineage]));
  });

  it('run in the order in which they were made, also those that travel alone', async () => {
    const engine = await openAccounts();
    const say = (number: number) =>
      begin('account-0', {
        ...{ phase: number === 0 ? 'initial' : 'update', number, used: number === 0 ? 0 : 1 },
      });
    // A number that is overtaken is late, and granted nothing.
    const outcomes = await Promise.all([
      charge(engine, say(0)),
      charge(engine, say(1)),
      settle(engine, say(2)),
      charge(engine, say(3)),
      charge(engine, say(4)),
    ]);
    const results = outcomes.map((outcome) =>
      outcome.kind === 'answered' ? outcome.services[0]?.result : outcome.kind,
    );
    expect(results).toEqual(['granted', 'granted', 'service-denied', 'granted', 'granted']);
    const account = await readAccount(engine, 0, 'account-0');
    expect(account?.buckets[0]).toMatchObject({ remaining: FUNDS - 4, reserved: 10 });
  });

  it.each(['cut', 'hang'] as const)(
    'are made again when their reply is lost, and charge nothing twice: the connection is %s',
    async (loss) => {
      const proxy = await startSwallowingProxy(own.url);
      const engine = await openAccounts(undefined, {
        url: proxy.url,
        commandTimeoutMs: 300,
        requestTimeoutMs: 10_000,
      });
      await Promise.all(names.map((name) => charge(engine, begin(name))));
      proxy.loseReplyTo('of account-7', loss);
      const outcomes = await Promise.all(
        names.map((name) => charge(engine, begin(name, { phase: 'update', number: 1, used: 4 }))),
      );
      expect(proxy.lost).toBe(1);
      for (const outcome of outcomes) expect(outcome).toMatchObject({ repeated: true });
      for (const name of names) {
        const account = await readAccount(engine, 0, name);
        expect(account?.buckets[0]).toMatchObject({ remaining: FUNDS - 4, reserved: 10 });
      }
      await proxy.close();
    },
  );

  it('are written in the turn in which they were made, one or many', async () => {
    const engine = await openAccounts();
    const { stream } = engine.redis as Redis;
    for (const count of [1, names.length]) {
      const before = stream.bytesWritten;
      const calls = names
        .slice(0, count)
        .map((name) => charge(engine, begin(name, { sessionId: `${count} ${name}` })));
      const written = await new Promise<number>((resolve) => {
        setImmediate(() => resolve(stream.bytesWritten - before));
      });
      expect(written).toBeGreaterThan(100 * count);
      await Promise.all(calls);
    }
  });
});

describe('calls that travel together to a Redis', () => {
  it('whose memory is out are each told so, and change nothing', async () => {
    const full = await startRedis();
    const engine = await openAccounts(undefined, { url: full.url });
    await engine.redis.config('SET', 'maxmemory', '100kb');
    const before = await dumpOf(engine);
    const results = await Promise.allSettled(names.map((name) => charge(engine, begin(name))));
    for (const result of results) {
      const reason: unknown = result.status === 'rejected' ? result.reason : null;
      expect(reason).toBeInstanceOf(EngineOutOfMemoryError);
    }
    expect(await dumpOf(engine)).toEqual(before);
  });

  it('that dies and comes back are all answered, each charged once', async () => {
    const mortal = await startRedis();
    const engine = await openAccounts(undefined, {
      ...{ url: mortal.url, commandTimeoutMs: 1_000, reopens: true },
    });
    await Promise.all(names.map((name) => charge(engine, begin(name))));
    const calls = names.map((name) =>
      charge(engine, begin(name, { phase: 'update', number: 1, used: 4 })),
    );
    await mortal.kill();
    await mortal.start();
    for (const outcome of await Promise.all(calls)) {
      expect(outcome).toMatchObject({ kind: 'answered', services: [{ result: 'granted' }] });
    }
    for (const name of names) {
      const account = await readAccount(engine, 0, name);
      expect(account?.buckets[0]).toMatchObject({ remaining: FUNDS - 4, reserved: 10 });
    }
  }, 60_000);

  it('that is a cluster keep to one slot each, and are all answered', async () => {
    const url = await startLoneCluster();
    const partitionOf = (index: number): number => index % 3;
    const engine = await openAccounts(partitionOf, { url, topology: 'cluster' });
    const outcomes = await Promise.all(
      names.map((name, index) => charge(engine, begin(name, { partition: partitionOf(index) }))),
    );
    for (const outcome of outcomes) expect(outcome).toMatchObject(granted);
    for (const [index, name] of names.entries()) {
      const account = await readAccount(engine, partitionOf(index), name);
      expect(account?.buckets[0]).toMatchObject({ remaining: FUNDS, reserved: 10 });
    }
  }, 60_000);
});
