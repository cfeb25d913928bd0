import { describe, expect, it } from 'vitest';
import {
  addressBytes,
  ipv6Text,
  msToTime,
  readAddress,
  readIntegerExact,
  timeToMs,
} from '../../../src/diameter/avp-values.js';

describe('values on the wire', () => {
  it.each([
    ['1970-01-01T00:00:00Z', 2_208_988_800],
    ['2026-09-28T12:00:00Z', 3_999_585_600],
    ['2036-02-07T06:28:15Z', 0xffffffff],
    ['2036-02-07T06:28:16Z', 0],
    ['2050-01-01T00:00:00Z', 0],
  ])('count the seconds of %s, over the end of 32 bits in 2036', (text, seconds) => {
    const ms = Date.parse(text);
    expect(timeToMs(msToTime(ms))).toBe(ms);
    if (ms < Date.parse('2037-01-01')) expect(msToTime(ms)).toBe(seconds);
  });

  it.each([
    ['0000000000000000', 0, 0],
    ['001fffffffffffff', 9007199254740991, 9007199254740991],
    ['0020000000000000', 2n ** 53n, 2n ** 53n],
    ['00000000b2d05e00', 3_000_000_000, 3_000_000_000],
    ['00000001a13b8600', 7_000_000_000, 7_000_000_000],
    ['ffffffffffffffff', 2n ** 64n - 1n, -1],
    ['8000000000000000', 2n ** 63n, -(2n ** 63n)],
    ['fffffffffffffb1e', 2n ** 64n - 1250n, -1250],
  ])('read %s exactly', (hex, unsigned, signed) => {
    const bytes = Buffer.from(hex, 'hex');
    expect(readIntegerExact(bytes, 0, false)).toBe(unsigned);
    expect(readIntegerExact(bytes, 0, true)).toBe(signed);
  });

  it.each([
    ['10.45.0.2', '00010a2d0002'],
    ['255.255.255.255', '0001ffffffff'],
    ['2001:db8::1', '000220010db8000000000000000000000001'],
    ['::', '000200000000000000000000000000000000'],
    ['::1', '000200000000000000000000000000000001'],
    ['fe80::', '0002fe800000000000000000000000000000'],
    ['1:0:0:2:0:0:0:3', '000200010000000000020000000000000003'],
    ['1:2:3:4:5:6:7:8', '000200010002000300040005000600070008'],
  ])('write the address %s and read it back', (text, hex) => {
    const bytes = Buffer.from(hex, 'hex');
    expect(addressBytes(text).toString('hex')).toBe(hex);
    const read = readAddress(bytes, 0, bytes.length) ?? '';
    expect(addressBytes(read).toString('hex')).toBe(hex);
  });

  it('shorten the longest run of zeroes, the first of equal ones, never a single one', () => {
    const text = (hex: string): string => ipv6Text(Buffer.from(hex, 'hex'), 0);
    expect(text('00010000000000020000000000000003')).toBe('1:0:0:2::3');
    expect(text('00010000000000020003000000000004')).toBe('1::2:3:0:0:4');
    expect(text('00010000000200030004000500060007')).toBe('1:0:2:3:4:5:6:7');
  });

  it('read an embedded IPv4 address', () => {
    expect(addressBytes('::ffff:192.0.2.1').toString('hex')).toBe(
      '000200000000000000000000ffffc0000201',
    );
  });

  it.each(['', 'x', '1.2.3', '1.2.3.256', '1:2', '1::2::3', '12345::', ':::', '1:2:3:4:5:6:7:8::'])(
    'refuse "%s" as an address',
    (text) => {
      expect(() => addressBytes(text)).toThrow(RangeError);
    },
  );

  it.each([
    ['another family', '000834393137'],
    ['IPv4 of three octets', '00010a0000'],
    ['IPv6 of four octets', '00020a000001'],
  ])('read no address of %s', (_, hex) => {
    const bytes = Buffer.from(hex, 'hex');
    expect(readAddress(bytes, 0, bytes.length)).toBeNull();
  });
});
