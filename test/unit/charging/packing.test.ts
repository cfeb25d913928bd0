import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  pack,
  packEach,
  PackingError,
  unpack,
  unpackBytes,
  type Packable,
  type Unpacked,
} from '../../../src/charging/packing.js';

const MAX = Number.MAX_SAFE_INTEGER;

/** Numbers around every change of length in the format. */
const EDGES = [0, 31, 32, 127, 128, 255, 256, 65_535, 65_536, 2 ** 31, 2 ** 32 - 1, 2 ** 32]
  .flatMap((edge) => [edge - 1, edge, edge + 1])
  .flatMap((edge) => [edge, 0 - edge]);

const value: fc.Arbitrary<Packable> = fc.letrec<{ value: Packable }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    fc.constantFrom<Packable[]>(null, true, false),
    fc.maxSafeInteger(),
    fc.string({ unit: 'binary', maxLength: 300 }),
    fc.array(tie('value'), { maxLength: 20 }),
  ),
})).value;

describe('what is packed and unpacked again', () => {
  it.each([MAX, -MAX, MAX - 1, 2 ** 52, -(2 ** 52)])('keeps %d exact', (number) => {
    expect(unpack(pack(number))).toBe(number);
    expect(unpack(pack([[number]]))).toEqual([[number]]);
  });

  it('keeps every number around a change of length', () => {
    for (const number of EDGES) expect(unpack(pack(number))).toBe(number);
  });

  it('is the same, whatever it holds', () => {
    fc.assert(
      fc.property(value, (packed) => {
        expect(unpack(pack(packed))).toEqual(packed);
      }),
    );
  });

  it.each([0, 31, 32, 255, 256, 65_535, 65_536, 200_000])('keeps %d octets as they are', (size) => {
    const bytes = Buffer.alloc(size, 0xff);
    const unpacked = unpackBytes(pack(bytes));
    // Comparing large buffers by toEqual takes seconds.
    expect(Buffer.isBuffer(unpacked) && unpacked.equals(bytes)).toBe(true);
  });

  it.each([0, 15, 16, 65_535, 65_536])('keeps an array of %d', (length) => {
    const array = Array.from({ length }, (_, index) => index);
    expect(unpack(pack(array))).toEqual(array);
  });

  it('keeps text with characters of several octets', () => {
    const text = `é€😀${'ü'.repeat(40)}`;
    expect(unpack(pack(text))).toBe(text);
    expect(unpackBytes(pack(text))).toEqual(Buffer.from(text));
  });
});

describe('short text that was read before', () => {
  it('is never taken for another', () => {
    const texts = Array.from({ length: 5_000 }, (_, index) => `name-${(index * 7_919) % 5_000}`);
    expect([...texts, ...texts].filter((text) => unpack(pack(text)) !== text)).toEqual([]);
  });

  it('is not that of octets that are no characters', () => {
    for (const octets of [[0x41], [0xc3, 0xa9], [0xe9], [0xff], [0x41, 0xc3], [0xef, 0xbf, 0xbd]]) {
      const bytes = Buffer.from(octets);
      for (let time = 0; time < 2; time += 1) {
        expect(unpack(pack(bytes))).toBe(bytes.toString('utf8'));
      }
    }
  });
});

describe('text of any length is the octets that it would be alone', () => {
  it.each([
    ...[0, 31, 32, 5_000, 21_845, 21_846, 65_535, 65_536].map((length) => ['x', length] as const),
    ...[15, 31, 32, 5_000, 21_845, 21_846].map((length) => ['€', length] as const),
    ...[16, 32, 10_922, 10_923].map((length) => ['😀', length] as const),
  ])('%s, %d times', (character, times) => {
    const text = character.repeat(times);
    expect(pack([1, text, 2]).equals(pack([1, Buffer.from(text), 2]))).toBe(true);
    expect(unpack(pack(text))).toBe(text);
  });
});

describe('a number that is not exact is refused', () => {
  it.each([MAX + 1, -MAX - 1, 1.5, NaN, Infinity, -Infinity, 1e300])('%d', (number) => {
    expect(() => pack(number)).toThrow(PackingError);
    expect(() => pack(['before', [number]])).toThrow(PackingError);
  });

  it('and the next value is packed as if nothing had happened', () => {
    expect(() => pack([1, 2, 0.5])).toThrow(PackingError);
    expect(unpack(pack([1, 2, 3]))).toEqual([1, 2, 3]);
  });

  it.each([
    ['2^53 as an unsigned integer', 'cf0020000000000000'],
    ['-2^53 as a signed integer', 'd3ffe0000000000000'],
    ['the largest unsigned integer', 'cfffffffffffffffff'],
    ['a fraction as a double', 'cb3ff8000000000000'],
    ['a fraction as a float', 'ca3fc00000'],
    ['not a number', 'cb7ff8000000000000'],
  ])('when it is read: %s', (_name, hex) => {
    expect(() => unpack(Buffer.from(hex, 'hex'))).toThrow(PackingError);
  });
});

describe('what Redis writes in its own way is understood', () => {
  it.each<[string, string, Unpacked]>([
    ['an empty table, written as a map', '80', []],
    ['an unsigned octet', 'ccff', 255],
    ['a signed octet', 'd080', -128],
    ['16 bits, unsigned', 'cdffff', 65_535],
    ['16 bits, signed', 'd18000', -32_768],
    ['32 bits, signed', 'd280000000', -(2 ** 31)],
    ['2^53 - 1 as a double', 'cb433fffffffffffff', MAX],
    ['a whole float', 'ca4b800000', 2 ** 24],
    ['text with a length of 8 bits', 'd903616263', 'abc'],
  ])('%s', (_name, hex, expected) => {
    expect(unpack(Buffer.from(hex, 'hex'))).toEqual(expected);
  });
});

describe('what is not well-formed is refused', () => {
  it('wherever it breaks off', () => {
    const whole = pack([1, 'text', [MAX, null, true], Buffer.alloc(300)]);
    for (let length = 0; length < whole.length; length += 1) {
      expect(() => unpack(whole.subarray(0, length))).toThrow(PackingError);
      expect(() => unpackBytes(whole.subarray(0, length))).toThrow(PackingError);
    }
  });

  it('when an array says it is longer than all that follows', () => {
    expect(() => unpack(Buffer.from('ddffffffff01', 'hex'))).toThrow(PackingError);
  });

  it('when it is nested without end', () => {
    expect(() => unpack(Buffer.alloc(10_000, 0x91))).toThrow(PackingError);
  });

  it.each(['c1', '8101', 'c403616263', 'd40100'])('when it begins with 0x%s', (hex) => {
    expect(() => unpack(Buffer.from(hex, 'hex'))).toThrow(PackingError);
  });

  it('and any octets at all give a value or that error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          unpack(Buffer.from(bytes));
        } catch (error) {
          expect(error).toBeInstanceOf(PackingError);
        }
      }),
    );
  });
});

it('gives each result octets of its own, within a chunk and past its end', () => {
  const values = Array.from({ length: 40 }, (_, index) => String(index).repeat(700));
  const packed = values.map((each) => pack(each));
  expect(packed.map((each) => unpack(each))).toEqual(values);
});

it('goes on after a value that it refused in its midst', () => {
  expect(() => pack(['begun', 0.5])).toThrow(PackingError);
  expect(unpack(pack(['whole', 1]))).toEqual(['whole', 1]);
});

it('packs values one behind the other without an array around them', () => {
  const values = ['one', 2, null, [3]];
  expect(Buffer.concat([Buffer.from([0x94]), packEach(values)])).toEqual(pack(values));
});
