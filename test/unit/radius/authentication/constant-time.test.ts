import { expect, it } from 'vitest';
import { equalOctets } from '../../../../src/radius/authentication/constant-time.js';

const filled = (length: number): Buffer => Buffer.alloc(length, 7);

it.each([
  ['the same octets', filled(16), filled(16), true],
  ['no octets', filled(0), filled(0), true],
  ['as many as are compared', filled(256), filled(256), true],
  ['more than are compared', filled(257), filled(257), false],
  ['others', filled(16), Buffer.alloc(16, 8), false],
  ['a beginning', filled(16), filled(15), false],
  [
    'what differs by zeros at the end',
    filled(16),
    Buffer.concat([filled(16), Buffer.alloc(1)]),
    false,
  ],
])('compares %s', (_name, one, other, same) => {
  expect(equalOctets(one, other)).toBe(same);
});

it('is not led by what was compared before', () => {
  equalOctets(filled(200), filled(100));
  expect(equalOctets(filled(3), filled(3))).toBe(true);
  expect(equalOctets(filled(3), filled(100))).toBe(false);
});
