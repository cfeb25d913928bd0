import { Cluster } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { BATCH_CALLS_MAX, BATCH_OCTETS_MAX, batchCalls } from '../../../src/charging/call-batch.js';
import type { RedisClient } from '../../../src/charging/redis-client.js';

const CHARGE = 1;
const ADMIT = 2;
const REPORT = 3;
const CODES = new Map([
  ['charge', CHARGE],
  ['admit', ADMIT],
  ['report', REPORT],
]);

type Reply = readonly string[];
type Sent = readonly [script: string, keys: readonly string[], args: readonly unknown[]];

/** Calls whose replies repeat their last argument; of a batch, those that `fails` names fail. */
function recordedCalls({
  refusal = null,
  fails = () => false,
}: { readonly refusal?: Error | null; readonly fails?: (argument: string) => boolean } = {}) {
  const sent: Sent[] = [];
  const call = batchCalls(CODES, {
    alone: async (_redis, script, keys, args) => {
      sent.push([script, keys, args]);
      if (refusal !== null) throw refusal;
      return [String(args.at(-1))];
    },
    together: async (_redis, keys, args) => {
      sent.push(['batch', keys, args]);
      if (refusal !== null) throw refusal;
      const [head, ...rest] = args as readonly [Buffer, ...string[]];
      const replies: (Reply | Error)[] = [];
      for (let at = 0; at < head.length; at += 3) {
        const last = rest.splice(0, head[at + 2]).at(-1) ?? '';
        replies.push(fails(last) ? new Error(last) : [last]);
      }
      return replies;
    },
  });
  return { call, sent };
}

const redis = {} as RedisClient;
const head = (...octets: readonly number[]): Buffer => Buffer.from(octets);

describe('calls of one turn of the event loop', () => {
  it('travel as one, in their order, each with its own keys, arguments and reply', async () => {
    const { call, sent } = recordedCalls();
    const replies = await Promise.all([
      call(redis, 'report', ['k1', 'k2'], ['a']),
      call(redis, 'charge', ['k3'], ['b', 'c']),
      call(redis, 'admit', [], ['d']),
    ]);
    expect(replies).toEqual([['a'], ['c'], ['d']]);
    const what = head(REPORT, 2, 1, CHARGE, 1, 2, ADMIT, 0, 1);
    expect(sent).toEqual([['batch', ['k1', 'k2', 'k3'], [what, 'a', 'b', 'c', 'd']]]);
  });

  it('are called as they are where there is only one', async () => {
    const { call, sent } = recordedCalls();
    expect(await call(redis, 'charge', ['k'], ['a'])).toEqual(['a']);
    expect(await call(redis, 'charge', ['k'], ['b'])).toEqual(['b']);
    expect(sent).toEqual([
      ['charge', ['k'], ['a']],
      ['charge', ['k'], ['b']],
    ]);
  });

  it('are no more in one batch than Redis may be held up by', async () => {
    const { call, sent } = recordedCalls();
    const calls = Array.from({ length: 2 * BATCH_CALLS_MAX + 1 }, (_, index) =>
      call(redis, 'charge', [`k${index}`], [`a${index}`]),
    );
    const replies = await Promise.all(calls);
    expect((replies as Reply[]).flat()).toEqual(calls.map((_, index) => `a${index}`));
    expect(sent.map(([script, keys]) => [script, keys.length])).toEqual([
      ['batch', BATCH_CALLS_MAX],
      ['batch', BATCH_CALLS_MAX],
      ['charge', 1],
    ]);
  });

  it('are fewer in a batch the larger they are', async () => {
    const { call, sent } = recordedCalls();
    const [half, more] = ['x'.repeat(BATCH_OCTETS_MAX / 2), Buffer.alloc(BATCH_OCTETS_MAX)];
    const calls = [['1', more], ['2', half], [half], ['3'], ['4'], ['5', more]];
    await Promise.all(calls.map((args) => call(redis, 'charge', ['k'], args)));
    expect(sent.map(([, keys]) => keys.length)).toEqual([1, 1, 3, 1]);
  });

  it('fail each for itself', async () => {
    const { call } = recordedCalls({ fails: (argument) => argument === 'b' });
    const calls = ['a', 'b', 'c'].map((argument) => call(redis, 'charge', [], [argument]));
    expect(await Promise.allSettled(calls)).toEqual([
      { status: 'fulfilled', value: ['a'] },
      { status: 'rejected', reason: new Error('b') },
      { status: 'fulfilled', value: ['c'] },
    ]);
  });

  it.each([1, 2])('all hear of it when they are refused as a whole: %d', async (count) => {
    const refusal = new Error('Connection is closed.');
    const { call } = recordedCalls({ refusal });
    const calls = Array.from({ length: count }, () => call(redis, 'charge', [], []));
    for (const outcome of await Promise.allSettled(calls)) {
      expect(outcome).toEqual({ status: 'rejected', reason: refusal });
    }
  });

  it('go before a call that travels alone, and those behind it follow', async () => {
    const { call, sent } = recordedCalls();
    await Promise.all([
      call(redis, 'charge', [], ['a']),
      call(redis, 'charge', [], ['b']),
      call(redis, 'settle', [], ['c']),
      call(redis, 'charge', [], ['d']),
    ]);
    expect(sent.map(([script, , args]) => [script, args.at(-1)])).toEqual([
      ['batch', 'b'],
      ['settle', 'c'],
      ['charge', 'd'],
    ]);
  });

  it('travel alone with more keys or arguments than an octet counts', async () => {
    const { call, sent } = recordedCalls();
    const many = Array.from({ length: 256 }, (_, index) => `${index}`);
    await Promise.all([
      call(redis, 'charge', many, ['a']),
      call(redis, 'charge', [], many),
      call(redis, 'charge', many.slice(1), many.slice(1)),
      call(redis, 'charge', [], ['a']),
    ]);
    expect(sent.map(([script, keys]) => [script, keys.length])).toEqual([
      ['charge', 256],
      ['charge', 0],
      ['batch', 255],
    ]);
  });

  it('of different connections are apart', async () => {
    const { call, sent } = recordedCalls();
    const other = {} as RedisClient;
    await Promise.all([redis, other].map((each) => call(each, 'charge', ['k'], ['a'])));
    expect(sent.map(([script]) => script)).toEqual(['charge', 'charge']);
  });

  it('of a cluster travel with those of their partition, whose keys lie in one slot', async () => {
    const { call, sent } = recordedCalls();
    const cluster = new Cluster([{ host: '127.0.0.1', port: 1 }], { lazyConnect: true });
    const keys = ['t:{p1}:a', 't:{p2}:a', 't:{p1}:b', 't:{p2}:b', 't:{p3}:a'];
    await Promise.all(keys.map((key) => call(cluster, 'charge', [key], ['a'])));
    expect(sent.map(([script, of]) => [script, of])).toEqual([
      ['batch', ['t:{p1}:a', 't:{p1}:b']],
      ['batch', ['t:{p2}:a', 't:{p2}:b']],
      ['charge', ['t:{p3}:a']],
    ]);
  });
});
