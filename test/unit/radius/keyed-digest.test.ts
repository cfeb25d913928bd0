import { createHmac, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { KeyedDigest } from '../../../src/radius/keyed-digest.js';

const hex = (text: string): Buffer => Buffer.from(text, 'hex');

describe('the test cases of RFC 2202 and RFC 4231', () => {
  it.each([
    ['md5', '0b'.repeat(16), '4869205468657265', '9294727a3638bb1c13f48ef8158bfc9d'],
    [
      'md5',
      'aa'.repeat(80),
      Buffer.from('Test Using Larger Than Block-Size Key - Hash Key First').toString('hex'),
      '6b1ab7fe4bd7bf8f0b62e6ce61b9d0cd',
    ],
    [
      'sha256',
      '4a656665',
      Buffer.from('what do ya want for nothing?').toString('hex'),
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    ],
  ] as const)('%s, key %s', (algorithm, key, octets, expected) => {
    expect(new KeyedDigest(algorithm, hex(key)).of(hex(octets)).toString('hex')).toBe(expected);
  });
});

it.each(['md5', 'sha256'] as const)(
  'agrees with node:crypto for keys and octets of any length: %s',
  (algorithm) => {
    for (const keyOctets of [1, 32, 63, 64, 65, 255]) {
      const key = randomBytes(keyOctets);
      const digest = new KeyedDigest(algorithm, key);
      for (const length of [0, 1, 55, 56, 64, 300, 4096]) {
        const octets = randomBytes(length);
        expect(digest.of(octets)).toEqual(createHmac(algorithm, key).update(octets).digest());
      }
    }
  },
);

it('gives each digest in octets of its own', () => {
  const digest = new KeyedDigest('md5', randomBytes(16));
  const first = digest.of(Buffer.from('one'));
  const kept = Buffer.from(first);
  digest.of(Buffer.from('other'));
  expect(first).toEqual(kept);
});

it('writes a digest into the octets that it is of, as far as they go', () => {
  const digest = new KeyedDigest('sha256', randomBytes(16));
  const octets = Buffer.concat([randomBytes(40), Buffer.alloc(12)]);
  const expected = digest.of(octets).subarray(0, 12);
  digest.writeOf(octets, octets, 40);
  expect(octets.subarray(40)).toEqual(expected);
});

it('signs no more than a packet', () => {
  expect(() => new KeyedDigest('md5', randomBytes(16)).of(Buffer.alloc(4097))).toThrow(RangeError);
});
