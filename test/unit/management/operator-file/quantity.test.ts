import { describe, expect, test } from 'vitest';
import { parseQuantity } from '../../../../src/management/operator-file/format/quantity.js';

describe('a quantity', () => {
  test.each([
    [5, 'octets', 5],
    ['0', 'octets', 0],
    ['1 B', 'octets', 1],
    ['1 kB', 'octets', 1_000],
    ['1kB', 'octets', 1_000],
    ['1.5 GB', 'octets', 1_500_000_000],
    ['1 GiB', 'octets', 2 ** 30],
    ['0.5 KiB', 'octets', 512],
    ['9 TB', 'octets', 9e12],
    [9_007_199_254_740_991, 'octets', 2 ** 53 - 1],
    ['8191.999999999 TiB', 'octets', null],
    ['9007199254740992', 'octets', null],
    ['8192 TiB', 'octets', null],
    ['0.0000000001 GB', 'octets', null],
    ['1.5 B', 'octets', null],
    ['1 Gb', 'octets', null],
    ['1 min', 'octets', null],
    ['90 min', 'seconds', 5_400],
    ['1.5 h', 'seconds', 5_400],
    ['1 day', 'seconds', 86_400],
    ['30 days', 'seconds', 2_592_000],
    ['1 GB', 'seconds', null],
    ['3', 'events', 3],
    ['3 s', 'events', null],
    ['1 toString', 'octets', null],
    ['-1', 'octets', null],
    ['1e3', 'octets', null],
    ['', 'octets', null],
    [1.5, 'octets', null],
    [1e21, 'octets', null],
  ] as const)('%s of %s is %s', (written, unit, amount) => {
    expect(parseQuantity(written, unit)).toBe(amount);
  });
});
