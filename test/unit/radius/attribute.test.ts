import { describe, expect, it } from 'vitest';
import {
  attributeValue,
  integer64,
  valueName,
  vendorOf,
  type Attribute,
} from '../../../src/radius/attribute.js';
import { describeAttribute } from '../../../src/radius/description.js';
import { VENDORS } from '../../../src/radius/generated/register.js';
import {
  AcctSessionTime,
  AcctStatusType,
  FramedIPv6Address,
  FramedIPv6Prefix,
  FramedInterfaceId,
  FramedIpAddress,
  Pmip6HomeIPv4HoA,
  State,
  TunnelMediumType,
  TunnelPassword,
  TunnelPreference,
  TunnelPrivateGroupId,
  UserName,
} from '../../../src/radius/generated/standard.js';

function roundTrip<T>(attribute: Attribute<T>, value: T): T | undefined {
  const octets = attribute.write(value);
  return attribute.read(octets, 0, octets.length);
}

function readHex<T>(attribute: Attribute<T>, hex: string): T | undefined {
  const octets = Buffer.from(hex, 'hex');
  return attribute.read(octets, 0, octets.length);
}

describe('values come back as they were written', () => {
  it.each([
    ['integer', AcctSessionTime, 0xffff_ffff],
    ['text', UserName, 'Zoë@example.net'],
    ['empty text', UserName, ''],
    ['IPv4 address', FramedIpAddress, '255.0.10.254'],
    ['IPv6 address', FramedIPv6Address, '2001:db8::a:0:0:1'],
    ['IPv6 loopback', FramedIPv6Address, '::1'],
    ['IPv6 unspecified', FramedIPv6Address, '::'],
    ['IPv6 without zeros', FramedIPv6Address, '1:2:3:4:5:6:7:8'],
    ['IPv6 with one zero group', FramedIPv6Address, '1:0:3:4:5:6:7:8'],
    ['IPv6 that ends in zeros', FramedIPv6Address, '1:2::'],
    ['IPv6 prefix', FramedIPv6Prefix, { address: '2001:db8:1::', length: 56 }],
    ['default IPv6 prefix', FramedIPv6Prefix, { address: '::', length: 0 }],
    ['IPv4 prefix', Pmip6HomeIPv4HoA, { address: '192.0.2.128', length: 25 }],
    ['interface identifier', FramedInterfaceId, '0011223344556677'],
    ['octets', State, Buffer.from([0, 255])],
    ['64-bit number', integer64(1, 'x'), 2n ** 64n - 1n],
    ['tagged number', TunnelMediumType, { tag: 31, value: 6 }],
    ['tagged text', TunnelPrivateGroupId, { tag: 1, value: '120' }],
    ['untagged text', TunnelPrivateGroupId, { tag: 0, value: '120' }],
    ['tagged octets', TunnelPassword, { tag: 2, value: Buffer.from('k') }],
  ] as const)('%s', (_name, attribute, value) => {
    expect(roundTrip(attribute as Attribute<unknown>, value)).toEqual(value);
  });
});

it('clears the bits behind a prefix', () => {
  const written = FramedIPv6Prefix.write({ address: '2001:db8:ffff:ffff::', length: 36 });
  expect(written.toString('hex')).toBe('002420010db8f0');
  expect(roundTrip(Pmip6HomeIPv4HoA, { address: '10.1.2.3', length: 8 })).toEqual({
    address: '10.0.0.0',
    length: 8,
  });
  expect(roundTrip(Pmip6HomeIPv4HoA, { address: '10.1.2.3', length: 0 })?.address).toBe('0.0.0.0');
});

it('reads an IPv6 address that ends in dotted form', () => {
  expect(roundTrip(FramedIPv6Address, '64:ff9b::192.0.2.33')).toBe('64:ff9b::c000:221');
});

describe('a value of a wrong form is no value', () => {
  it.each([
    ['integer of 3 octets', AcctSessionTime, '000001'],
    ['text with broken UTF-8', UserName, 'c328'],
    ['IPv4 address of 5 octets', FramedIpAddress, '0a00000001'],
    ['IPv6 address of 15 octets', FramedIPv6Address, '00'.repeat(15)],
    ['IPv6 prefix of 1 octet', FramedIPv6Prefix, '00'],
    ['IPv6 prefix of 129 bits', FramedIPv6Prefix, `0081${'00'.repeat(16)}`],
    ['IPv6 prefix with too few octets', FramedIPv6Prefix, '004020010db8'],
    ['IPv6 prefix with too many octets', FramedIPv6Prefix, `0040${'00'.repeat(17)}`],
    ['IPv4 prefix of 33 bits', Pmip6HomeIPv4HoA, '00210a000000'],
    ['IPv4 prefix of 5 octets', Pmip6HomeIPv4HoA, '00180a0000'],
    ['interface identifier of 7 octets', FramedInterfaceId, '00'.repeat(7)],
    ['64-bit number of 4 octets', integer64(1, 'x'), '00000000'],
    ['tagged number of 3 octets', TunnelPreference, '010203'],
    ['tagged octets without a tag', TunnelPassword, ''],
  ] as const)('%s', (_name, attribute, hex) => {
    expect(readHex(attribute as Attribute<unknown>, hex)).toBeUndefined();
  });
});

describe('a value that its data type cannot hold is refused', () => {
  it.each([
    ['negative number', AcctSessionTime, -1],
    ['number above 32 bits', AcctSessionTime, 2 ** 32],
    ['fraction', AcctSessionTime, 1.5],
    ['bad IPv4 address', FramedIpAddress, '10.0.0.256'],
    ['bad IPv6 address', FramedIPv6Address, 'fe80:::1'],
    ['bad prefix length', FramedIPv6Prefix, { address: '::', length: 129 }],
    ['bad prefix address', FramedIPv6Prefix, { address: '10.0.0.0', length: 8 }],
    ['bad interface identifier', FramedInterfaceId, '0:1:2:3'],
    ['tag above 31', TunnelPreference, { tag: 32, value: 1 }],
    ['tagged number above 24 bits', TunnelPreference, { tag: 1, value: 2 ** 24 }],
  ] as const)('%s', (_name, attribute, value) => {
    expect(() => (attribute as Attribute<unknown>).write(value)).toThrow(RangeError);
  });
});

it('takes a first octet above 31 as part of a tagged text', () => {
  expect(readHex(TunnelPrivateGroupId, '313230')).toEqual({ tag: 0, value: '120' });
  expect(readHex(TunnelPrivateGroupId, '')).toEqual({ tag: 0, value: '' });
});

it('names the numbers of an enumerated attribute', () => {
  expect(AcctStatusType.values['Interim-Update']).toBe(3);
  expect(valueName(AcctStatusType, 3)).toBe('Interim-Update');
  expect(valueName(AcctStatusType, 99)).toBe('99');
});

it('keeps the vendor in the key', () => {
  expect(vendorOf(attributeValue(UserName, 'x').key)).toBe(0);
  expect(vendorOf(14_988 * 65_536 + 8)).toBe(14_988);
  expect(VENDORS.get(14_988)).toBe('Mikrotik');
});

it('describes attributes of vendors it does not know by their numbers', () => {
  const value = Buffer.from([1]);
  expect(describeAttribute({ key: 99_999 * 65_536 + 7, value }).name).toBe('26.99999.7');
  expect(describeAttribute({ key: 241 * 256 + 9, value }).name).toBe('241.9');
});
