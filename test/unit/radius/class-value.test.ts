import { describe, expect, it } from 'vitest';
import type { SessionHandle } from '../../../src/domain/access.js';
import { decodeClass, encodeClass } from '../../../src/radius/class-value.js';
import { createSealingKeys } from '../../../src/radius/sealing-keys.js';

const keys = createSealingKeys(['0123456789abcdef']);
const handle: SessionHandle = {
  partition: 1023,
  accountId: 'acc-é-17',
  nonce: '00112233445566778899aabb',
};

it('brings a handle back, as printable text', () => {
  const value = encodeClass(handle, keys);
  expect(value.toString('latin1')).toMatch(/^T1\.[\w-]+$/);
  expect(decodeClass(value, keys)).toEqual(handle);
});

it('opens with an older key after the keys were changed, and not after it is gone', () => {
  const value = encodeClass(handle, keys);
  expect(decodeClass(value, createSealingKeys(['fedcba9876543210', '0123456789abcdef']))).toEqual(
    handle,
  );
  expect(decodeClass(value, createSealingKeys(['fedcba9876543210']))).toBeNull();
});

it('is nothing to us when any bit was changed', () => {
  const value = encodeClass(handle, keys);
  for (let bit = 0; bit < value.length * 8; bit += 1) {
    const changed = Buffer.from(value);
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    const decoded = decodeClass(changed, keys);
    // Text that spells the same octets another way is no change of the handle.
    if (decoded !== null) expect(decoded).toEqual(handle);
  }
});

it.each(['', 'T1.', 'T1.AAAA', 'T1.!!!', 'X1.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA', 'x'.repeat(253)])(
  'takes %j as a Class of somebody else',
  (text) => {
    expect(decodeClass(Buffer.from(text), keys)).toBeNull();
  },
);

describe('a handle that cannot be sealed is refused', () => {
  it.each<[string, SessionHandle]>([
    ['partition above 16 bits', { ...handle, partition: 65_536 }],
    ['short nonce', { ...handle, nonce: '0011' }],
    ['nonce that is no hex', { ...handle, nonce: 'zz'.repeat(8) }],
    ['long account id', { ...handle, accountId: 'x'.repeat(200) }],
  ])('%s', (_name, wrong) => {
    expect(() => encodeClass(wrong, keys)).toThrow(RangeError);
  });

  it('secrets that are too short or absent', () => {
    expect(() => createSealingKeys([])).toThrow(RangeError);
    expect(() => createSealingKeys(['short'])).toThrow(RangeError);
  });
});
