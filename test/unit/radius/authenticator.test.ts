import { describe, expect, it } from 'vitest';
import {
  encodeReply,
  encodeRequest,
  messageAuthenticatorField,
  verifyMessageAuthenticator,
  verifyRequestAuthenticator,
  verifyResponseAuthenticator,
} from '../../../src/radius/authenticator.js';
import { attributeValue } from '../../../src/radius/attribute.js';
import {
  MessageAuthenticator,
  ProxyState,
  ReplyMessage,
  UserName,
  UserPassword,
} from '../../../src/radius/generated/standard.js';
import {
  hideKey,
  hidePassword,
  randomSalt,
  revealKey,
  revealPassword,
} from '../../../src/radius/hidden-value.js';
import { PACKET_CODES } from '../../../src/radius/packet-code.js';
import { decodePacket, type RadiusPacket } from '../../../src/radius/packet.js';
import { SharedSecret } from '../../../src/radius/shared-secret.js';
import { lineOf, readWireVectors, type WireVector } from '../../support/radius-vectors.js';

const vectors = readWireVectors('packets.txt');
const withLine = (word: string): WireVector[] => vectors.filter(({ lines }) => lines.has(word));
const secret = new SharedSecret('testing123');
const authenticator = Buffer.from('0123456789abcdef');

function decoded(octets: Buffer): RadiusPacket {
  const result = decodePacket(octets);
  if (!result.ok) throw new Error(result.malformation);
  return result.packet;
}

function secretOf(vector: WireVector): SharedSecret {
  return new SharedSecret(lineOf(vector, 'secret'));
}

function flipped(octets: Buffer, at: number, bit: number): Buffer {
  const copy = Buffer.from(octets);
  copy[at] = (copy[at] ?? 0) ^ (1 << bit);
  return copy;
}

it.each(withLine('answers'))('accepts $name as the answer to its request', (vector) => {
  const request = vectors.find(({ name }) => name === lineOf(vector, 'answers'));
  if (request === undefined) throw new Error('no such request');
  const requestAuthenticator = decoded(request.octets).authenticator;
  const verify = (octets: Buffer): boolean =>
    verifyResponseAuthenticator(decoded(octets), requestAuthenticator, secretOf(vector));
  expect(verify(vector.octets)).toBe(true);
  expect(verify(flipped(vector.octets, 0, 1))).toBe(false);
});

it.each(withLine('request-authenticator'))('accepts the authenticator of $name', (vector) => {
  const packet = decoded(vector.octets);
  expect(verifyRequestAuthenticator(packet, secretOf(vector))).toBe(true);
  expect(verifyRequestAuthenticator(packet, new SharedSecret('testing124'))).toBe(false);
});

it.each(withLine('message-authenticator'))(
  'accepts the Message-Authenticator of $name',
  (vector) => {
    const packet = decoded(vector.octets);
    const field = messageAuthenticatorField(packet);
    expect(verifyMessageAuthenticator(packet, secretOf(vector), field)).toBe('valid');
    expect(verifyMessageAuthenticator(packet, new SharedSecret('other'), field)).toBe('invalid');
  },
);

it.each(withLine('password'))('reveals the password of $name', (vector) => {
  const packet = decoded(vector.octets);
  const hidden = packet.get(UserPassword) ?? Buffer.alloc(0);
  const password = revealPassword(hidden, secretOf(vector), packet.authenticator);
  expect(password?.toString()).toBe(lineOf(vector, 'password'));
});

it.each(withLine('password'))('hides the password of $name to the same octets', (vector) => {
  const packet = decoded(vector.octets);
  const password = Buffer.from(lineOf(vector, 'password'));
  const hidden = hidePassword(password, secretOf(vector), packet.authenticator);
  expect(hidden).toEqual(packet.get(UserPassword));
});

describe('a packet with any one bit changed', () => {
  const accounting = encodeRequest({
    code: PACKET_CODES['Accounting-Request'],
    identifier: 9,
    attributes: [attributeValue(UserName, 'alice')],
    secret,
    messageAuthenticator: false,
    randomAuthenticator: null,
  });
  const access = encodeRequest({
    code: PACKET_CODES['Access-Request'],
    identifier: 9,
    attributes: [attributeValue(UserName, 'alice')],
    secret,
    messageAuthenticator: true,
    randomAuthenticator: authenticator,
  });

  const everyBit = (octets: Buffer): Buffer[] =>
    Array.from({ length: octets.length * 8 }, (_, bit) => flipped(octets, bit >> 3, bit & 7));

  it('fails the Request Authenticator of accounting', () => {
    const accepted = everyBit(accounting).filter((octets) => {
      const result = decodePacket(octets);
      return result.ok && verifyRequestAuthenticator(result.packet, secret);
    });
    expect(accepted).toEqual([]);
  });

  it('fails the Message-Authenticator', () => {
    const accepted = everyBit(access).filter((octets) => {
      const result = decodePacket(octets);
      if (!result.ok) return false;
      const { packet } = result;
      return verifyMessageAuthenticator(packet, secret, packet.authenticator) === 'valid';
    });
    expect(accepted).toEqual([]);
  });
});

describe('Message-Authenticator', () => {
  const request = decoded(
    encodeRequest({
      code: PACKET_CODES['Access-Request'],
      identifier: 9,
      attributes: [],
      secret,
      messageAuthenticator: true,
      randomAuthenticator: authenticator,
    }),
  );

  it('is the first attribute of a reply and covers it', () => {
    const reply = decoded(
      encodeReply({
        code: PACKET_CODES['Access-Accept'],
        request,
        attributes: [
          attributeValue(ReplyMessage, 'hello'),
          attributeValue(ProxyState, authenticator),
        ],
        secret,
        messageAuthenticator: true,
      }),
    );
    expect(reply.attributes()[0]?.key).toBe(MessageAuthenticator.key);
    expect(verifyMessageAuthenticator(reply, secret, request.authenticator)).toBe('valid');
    expect(verifyMessageAuthenticator(reply, secret, Buffer.alloc(16, 1))).toBe('invalid');
    expect(verifyResponseAuthenticator(reply, request.authenticator, secret)).toBe(true);
    expect(reply.identifier).toBe(9);
  });

  it('is invalid twice, or with another length, and absent when absent', () => {
    const value = request.get(MessageAuthenticator) ?? Buffer.alloc(0);
    const encode = (values: readonly Buffer[]): RadiusPacket =>
      decoded(
        encodeRequest({
          code: PACKET_CODES['Access-Request'],
          identifier: 9,
          attributes: values.map((one) => ({ key: MessageAuthenticator.key, value: one })),
          secret,
          messageAuthenticator: false,
          randomAuthenticator: authenticator,
        }),
      );
    const verdict = (packet: RadiusPacket): string =>
      verifyMessageAuthenticator(packet, secret, packet.authenticator);
    expect(verdict(encode([value, value]))).toBe('invalid');
    expect(verdict(encode([value.subarray(1)]))).toBe('invalid');
    expect(verdict(encode([]))).toBe('absent');
  });
});

describe('hidden values', () => {
  it.each([0, 1, 15, 16, 17, 127, 128])('bring back a password of %i octets', (octets) => {
    const password = Buffer.alloc(octets, 'x');
    const hidden = hidePassword(password, secret, authenticator);
    expect(hidden.length % 16).toBe(0);
    expect(revealPassword(hidden, secret, authenticator)).toEqual(password);
  });

  it('refuse a password of 129 octets', () => {
    expect(() => hidePassword(Buffer.alloc(129), secret, authenticator)).toThrow(RangeError);
  });

  it.each([0, 15, 17, 144])('are no password when %i octets long', (octets) => {
    expect(revealPassword(Buffer.alloc(octets), secret, authenticator)).toBeUndefined();
  });

  it.each([0, 8, 15, 16, 32, 255])('bring back a key of %i octets behind its salt', (octets) => {
    const key = Buffer.alloc(octets, 'k');
    const context = { secret, requestAuthenticator: authenticator };
    const value = hideKey(key, context, randomSalt());
    expect((value[0] ?? 0) & 0x80).toBe(0x80);
    expect(revealKey(value, context)).toEqual(key);
  });

  it('are no key when cut or revealed with a length beyond their octets', () => {
    const context = { secret, requestAuthenticator: authenticator };
    expect(revealKey(Buffer.alloc(2), context)).toBeUndefined();
    expect(revealKey(Buffer.alloc(17), context)).toBeUndefined();
    const other = { secret: new SharedSecret('other'), requestAuthenticator: authenticator };
    const salt = Buffer.from([0x80, 3]);
    const revealed = revealKey(hideKey(Buffer.alloc(16, 'k'), context, salt), other);
    expect(revealed).not.toEqual(Buffer.alloc(16, 'k'));
  });
});

describe('a shared secret', () => {
  it('has 1 to 255 octets', () => {
    expect(() => new SharedSecret('')).toThrow(RangeError);
    expect(() => new SharedSecret('x'.repeat(256))).toThrow(RangeError);
    expect(new SharedSecret('x'.repeat(255)).length).toBe(255);
  });

  it('does not show in JSON', () => {
    expect(JSON.stringify({ it: new SharedSecret('testing123') })).toBe('{"it":"[secret]"}');
  });
});
