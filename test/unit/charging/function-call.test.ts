import fc from 'fast-check';
import { Command } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { callFunction } from '../../../src/charging/function-call.js';
import type { RedisClient } from '../../../src/charging/redis-client.js';

/** The command that a call sends. */
function sentBy(...call: readonly [name: string, keys: string[], args: (string | Buffer)[]]) {
  const sent: Command[] = [];
  const redis = {
    sendCommand: (command: Command) => {
      sent.push(command);
      return Promise.resolve();
    },
  } as unknown as RedisClient;
  void callFunction(redis, ...call);
  return sent[0]!;
}

/** The octets that the client would write by itself. */
function writtenByClient(name: string, keys: string[], args: (string | Buffer)[]): Buffer {
  const command = new Command('FCALL', [name, String(keys.length), ...keys, ...args]);
  return Buffer.from(command.toWritable({}));
}

const text = fc.oneof(
  fc.string({ maxLength: 100 }),
  fc.string({ unit: 'binary', maxLength: 100 }),
  // What is joined is kept in another way than what is read.
  fc.tuple(fc.string(), fc.string()).map(([left, right]) => `${left}:${right}`),
);
const octets = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));

describe('a call of a function', () => {
  it('is written as the client would write it, whatever it says', () => {
    const call = fc.tuple(text, fc.array(text), fc.array(fc.oneof(text, octets)));
    fc.assert(
      fc.property(call, ([name, keys, args]) => {
        const written = sentBy(name, keys, args).toWritable({}) as Buffer;
        expect(written.equals(writtenByClient(name, keys, args))).toBe(true);
      }),
    );
  });

  it.each([0, 9, 10, 63, 64, 65, 99, 100, 9_999, 10_000, 70_000])(
    'has room for %d octets, as text and as they are',
    (size) => {
      const texts = ['x'.repeat(size), 'é'.repeat(size), `${'x'.repeat(size)}€`];
      const args = [...texts, Buffer.alloc(size, 0xff)];
      const written = sentBy('f', texts, args).toWritable({}) as Buffer;
      expect(written.equals(writtenByClient('f', texts, args))).toBe(true);
    },
  );

  it('keeps its octets while others are written', () => {
    const first = sentBy('f', ['k'], ['one']);
    const before = Buffer.from(first.toWritable({}));
    sentBy('f', ['k'], ['two']);
    expect(first.toWritable({})).toEqual(before);
  });

  it('leads a cluster to its first key', () => {
    expect(sentBy('f', ['t:{p7}:a', 't:{p7}:b'], ['x']).getKeys()).toEqual(['t:{p7}:a']);
  });
});
