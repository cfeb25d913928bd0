import { describe, expect, it } from 'vitest';
import { desEncrypt } from '../../../../src/radius/authentication/des.js';
import { md4 } from '../../../../src/radius/authentication/md4.js';
import {
  chapMppeKeysAttribute,
  encryptionPolicyAttributes,
  masterKey,
  mppeKeyAttributes,
  serverKeys,
} from '../../../../src/radius/authentication/mppe.js';
import {
  authenticatorResponse,
  challengeHash,
  challengeResponse,
  hashedNames,
  ntPasswordHash,
  ntResponse,
} from '../../../../src/radius/authentication/ms-chap.js';
import { describeAttribute } from '../../../../src/radius/description.js';
import { revealKey, revealPassword } from '../../../../src/radius/hidden-value.js';
import { SharedSecret } from '../../../../src/radius/shared-secret.js';
import { lineOf, readWireVectors } from '../../../support/radius-vectors.js';

it.each(readWireVectors('md4.txt'))('MD4 of $name is that of the RFC', (vector) => {
  expect(md4(Buffer.from(lineOf(vector, 'text'))).toString('hex')).toBe(lineOf(vector, 'digest'));
});

it.each([55, 56, 63, 64, 65, 119, 120])(
  'MD4 pads a message of %i octets into whole blocks',
  (octets) => {
    const one = md4(Buffer.alloc(octets, 'x'));
    expect(one).toHaveLength(16);
    expect(one).not.toEqual(md4(Buffer.alloc(octets + 1, 'x')));
  },
);

it('DES encrypts the classic zero block under a key of seven octets', () => {
  // A key of zeros encrypts zeros to 8ca64de9c1b123a7.
  expect(desEncrypt(Buffer.alloc(7), Buffer.alloc(8)).toString('hex')).toBe('8ca64de9c1b123a7');
});

const vectors = new Map(readWireVectors('ms-chap.txt').map((vector) => [vector.name, vector]));

function hexOf(name: string, word: string): Buffer {
  const vector = vectors.get(name);
  if (vector === undefined) throw new Error(name);
  return Buffer.from(lineOf(vector, word).replaceAll(' ', ''), 'hex');
}

function textOf(name: string, word: string): string {
  const vector = vectors.get(name);
  if (vector === undefined) throw new Error(name);
  return lineOf(vector, word);
}

describe('MS-CHAP as RFC 2433 computes it', () => {
  it('hashes the password', () => {
    expect(ntPasswordHash(textOf('ms-chap', 'password'))).toEqual(hexOf('ms-chap', 'nt-hash'));
  });

  it('answers the challenge', () => {
    const response = challengeResponse(hexOf('ms-chap', 'challenge'), hexOf('ms-chap', 'nt-hash'));
    expect(response).toEqual(hexOf('ms-chap', 'response'));
  });
});

describe('MS-CHAP-V2 as RFC 2759 and RFC 3079 compute it', () => {
  const exchange = {
    authenticatorChallenge: hexOf('ms-chap2', 'authenticator-challenge'),
    peerChallenge: hexOf('ms-chap2', 'peer-challenge'),
    userName: textOf('ms-chap2', 'user-name'),
  };
  const ntHash = hexOf('ms-chap2', 'nt-hash');
  const response = hexOf('ms-chap2', 'response');

  it('hashes the password and the challenges', () => {
    expect(ntPasswordHash(textOf('ms-chap2', 'password'))).toEqual(ntHash);
    expect(challengeHash(exchange)).toEqual(hexOf('ms-chap2', 'challenge'));
  });

  it('answers the challenge and proves the server', () => {
    expect(ntResponse(exchange, ntHash)).toEqual(response);
    expect(authenticatorResponse(exchange, ntHash, response)).toBe(
      textOf('ms-chap2', 'authenticator-response'),
    );
  });

  it('derives the keys of both directions', () => {
    expect(masterKey(ntHash, response)).toEqual(hexOf('ms-chap2', 'master-key'));
    const keys = serverKeys(ntHash, response);
    expect(keys.send).toEqual(hexOf('ms-chap2', 'server-send-key'));
    expect(keys.receive).not.toEqual(keys.send);
  });

  it('sends the keys hidden, each behind a salt of its own', () => {
    const context = {
      secret: new SharedSecret('testing123'),
      requestAuthenticator: Buffer.alloc(16, 7),
    };
    const keys = serverKeys(ntHash, response);
    const [send, receive] = mppeKeyAttributes(keys, context).map(({ value }) => value);
    expect(revealKey(send ?? Buffer.alloc(0), context)).toEqual(keys.send);
    expect(revealKey(receive ?? Buffer.alloc(0), context)).toEqual(keys.receive);
    expect(send?.subarray(0, 2)).not.toEqual(receive?.subarray(0, 2));
  });

  it('sends the keys of version 1 as the hash of the hash', () => {
    const secret = new SharedSecret('testing123');
    const requestAuthenticator = Buffer.alloc(16, 7);
    const { value } = chapMppeKeysAttribute(ntHash, { secret, requestAuthenticator });
    expect(value).toHaveLength(32);
    const plain = revealPassword(value, secret, requestAuthenticator);
    expect(plain).toEqual(Buffer.concat([Buffer.alloc(8), md4(ntHash)]));
  });
});

it('hashes the name without the domain first, then as it is', () => {
  expect(hashedNames('NET\\alice')).toEqual(['alice', 'NET\\alice']);
  expect(hashedNames('alice@net')).toEqual(['alice@net']);
});

it('says whether a link must be encrypted', () => {
  const words = (policy: 'allowed' | 'required') =>
    encryptionPolicyAttributes(policy).map((attribute) => describeAttribute(attribute).value);
  expect(words('allowed')).toEqual(['Encryption-Allowed', 'RC4-40or128-bit-Allowed']);
  expect(words('required')).toEqual(['Encryption-Required', 'RC4-40or128-bit-Allowed']);
});
