import { describe, expect, it } from 'vitest';
import { describeAttribute } from '../../../src/radius/description.js';
import { AcctInputOctets, EapMessage, UserName } from '../../../src/radius/generated/standard.js';
import { PACKET_CODES, packetCodeName } from '../../../src/radius/packet-code.js';
import { PacketTooLongError, encodePacket } from '../../../src/radius/packet-encoder.js';
import { decodePacket, type RadiusPacket } from '../../../src/radius/packet.js';
import { lineOf, readWireVectors } from '../../support/radius-vectors.js';

function decoded(octets: Buffer): RadiusPacket {
  const result = decodePacket(octets);
  if (!result.ok) throw new Error(result.malformation);
  return result.packet;
}

function described(packet: RadiusPacket): string[] {
  return packet.attributes().map((attribute) => {
    const { name, value } = describeAttribute(attribute);
    return `${name} ${value}`;
  });
}

describe.each(['packets.txt', 'lenient.txt'])('packets of %s', (file) => {
  it.each(readWireVectors(file))('reads $name as what it means', (vector) => {
    const packet = decoded(vector.octets);
    expect(packetCodeName(packet.code)).toBe(lineOf(vector, 'code'));
    expect(described(packet)).toEqual(vector.lines.get('attribute') ?? []);
  });
});

it.each(readWireVectors('packets.txt'))('writes $name octet for octet', (vector) => {
  const { code, identifier, authenticator, ...packet } = viewOf(decoded(vector.octets));
  const again = encodePacket({ code, identifier, authenticator }, packet.attributes);
  expect(again.toString('hex')).toBe(vector.octets.toString('hex'));
});

function viewOf(packet: RadiusPacket) {
  const { code, identifier, authenticator } = packet;
  return { code, identifier, authenticator, attributes: packet.attributes() };
}

it.each(readWireVectors('malformed.txt'))('refuses $name', (vector) => {
  expect(decodePacket(vector.octets)).toEqual({ ok: false, malformation: lineOf(vector, 'fails') });
});

it('refuses more attributes than the limit', () => {
  const packet = Buffer.alloc(20 + 2 * 256);
  packet[0] = 1;
  packet.writeUInt16BE(packet.length, 2);
  for (let at = 20; at < packet.length; at += 2) packet.set([200, 2], at);
  expect(decodePacket(packet)).toEqual({ ok: false, malformation: 'too-many-attributes' });
});

it('keeps a Vendor-Specific whole that would pass the limit of attributes', () => {
  const packet = Buffer.alloc(20 + 2 * 240 + 6 + 2 * 30);
  packet[0] = 1;
  packet.writeUInt16BE(packet.length, 2);
  for (let at = 20; at < 500; at += 2) packet.set([200, 2], at);
  packet.set([26, 66, 0, 0, 0x3a, 0x8c], 500);
  for (let at = 506; at < packet.length; at += 2) packet.set([99, 2], at);
  expect(decoded(packet).attributes()).toHaveLength(241);
});

it.each([
  ['Vendor-Specific', [26, 11, 0, 0, 0, 0, 1, 5, 0x61, 0x62, 0x63]],
  ['an extended Vendor-Specific', [241, 11, 26, 0, 0, 0, 0, 1, 0x61, 0x62, 0x63]],
  ['a long extended Vendor-Specific', [245, 12, 26, 0, 0, 0, 0, 0, 1, 0x61, 0x62, 0x63]],
])('takes nothing for a standard attribute that vendor 0 sends in %s', (_form, attribute) => {
  const packet = Buffer.concat([Buffer.alloc(20), Buffer.from(attribute)]);
  packet[0] = 1;
  packet.writeUInt16BE(packet.length, 2);
  const whole = decoded(packet);
  expect(whole.get(UserName)).toBeUndefined();
  expect(whole.attributes()).toHaveLength(1);
  const header = { code: 1, identifier: 0, authenticator: null };
  expect(encodePacket(header, whole.attributes()).toString('hex')).toBe(packet.toString('hex'));
});

it('takes an invalid value as absent and finds the valid one behind it', () => {
  const attributes = [
    { key: AcctInputOctets.key, value: Buffer.from([1, 2, 3]) },
    { key: AcctInputOctets.key, value: Buffer.from([0, 0, 0, 9]) },
  ];
  const packet = decoded(encodePacket({ code: 4, identifier: 1, authenticator: null }, attributes));
  expect(packet.get(AcctInputOctets)).toBe(9);
  expect(packet.all(AcctInputOctets)).toEqual([9]);
  expect(packet.has(AcctInputOctets)).toBe(true);
  expect(packet.count(AcctInputOctets)).toBe(2);
  expect(packet.get(UserName)).toBeUndefined();
});

describe('values longer than one attribute', () => {
  const header = { code: PACKET_CODES['Access-Request'], identifier: 1, authenticator: null };
  const long = Buffer.from(Array.from({ length: 1000 }, (_, index) => index % 251));

  it('cuts and joins EAP-Message over several attributes', () => {
    const packet = decoded(encodePacket(header, [{ key: EapMessage.key, value: long }]));
    expect(packet.count(EapMessage)).toBe(4);
    expect(packet.joined(EapMessage)).toEqual(long);
  });

  it.each([
    ['a long extended attribute', 245 * 256 + 7],
    ['a long extended attribute of a vendor', 14_988 * 65_536 + 246 * 256 + 7],
  ])('cuts and joins %s', (_name, key) => {
    const packet = decoded(encodePacket(header, [{ key, value: long }]));
    expect(packet.attributes()).toEqual([{ key, value: long }]);
    expect(packet.bytes.length).toBeGreaterThan(20 + 1000 + 4 * 3);
  });

  it.each([
    ['a standard attribute of 254 octets', UserName.key, 254],
    ['a vendor attribute of 248 octets', 14_988 * 65_536 + 8, 248],
    ['an extended attribute of 253 octets', 241 * 256 + 3, 253],
    ['a packet above 4,096 octets', EapMessage.key, 4_100],
    ['a packet of long extended fragments above 4,096 octets', 245 * 256 + 3, 4_070],
  ])('refuses to write %s', (_name, key, octets) => {
    const value = Buffer.alloc(octets);
    expect(() => encodePacket(header, [{ key, value }])).toThrow(PacketTooLongError);
  });

  it('writes an empty EAP-Message, which starts EAP', () => {
    const packet = decoded(encodePacket(header, [{ key: EapMessage.key, value: Buffer.alloc(0) }]));
    expect(packet.joined(EapMessage)).toEqual(Buffer.alloc(0));
  });
});

it('names codes, and numbers without a name as numbers', () => {
  expect(packetCodeName(4)).toBe('Accounting-Request');
  expect(packetCodeName(77)).toBe('77');
});
