/** The computations of MS-CHAP [RFC 2433] and MS-CHAP-V2 [RFC 2759], on octets alone. */
import { hash } from 'node:crypto';
import { desEncrypt } from './des.js';
import { md4 } from './md4.js';

/** NtPasswordHash: MD4 of the password in UTF-16, little endian [RFC 2433 A.2, RFC 2759 8.3]. */
export function ntPasswordHash(password: string): Buffer {
  return md4(Buffer.from(password, 'utf16le'));
}

/** ChallengeResponse: three DES encryptions of the challenge [RFC 2433 A.5, RFC 2759 8.5]. */
export function challengeResponse(challenge: Buffer, ntHash: Buffer): Buffer {
  const key = Buffer.concat([ntHash, Buffer.alloc(21 - ntHash.length)]);
  return Buffer.concat(
    [0, 7, 14].map((at) => desEncrypt(key.subarray(at, at + 7), challenge.subarray(0, 8))),
  );
}

/** What both ends of MS-CHAP-V2 have seen of an exchange. */
export interface MsChap2Exchange {
  readonly authenticatorChallenge: Buffer;
  readonly peerChallenge: Buffer;
  /** The name as the peer hashed it: without a domain in front. */
  readonly userName: string;
}

/** ChallengeHash [RFC 2759 8.2]. */
export function challengeHash(exchange: MsChap2Exchange): Buffer {
  const { peerChallenge, authenticatorChallenge, userName } = exchange;
  const parts = [peerChallenge, authenticatorChallenge, Buffer.from(userName, 'utf8')];
  return hash('sha1', Buffer.concat(parts), 'buffer').subarray(0, 8);
}

/** GenerateNTResponse [RFC 2759 8.1]. */
export function ntResponse(exchange: MsChap2Exchange, ntHash: Buffer): Buffer {
  return challengeResponse(challengeHash(exchange), ntHash);
}

const SERVER_TO_CLIENT_SIGNING = Buffer.from('Magic server to client signing constant');
const ITERATION_PAD = Buffer.from('Pad to make it do more than one iteration');

/** GenerateAuthenticatorResponse, "S=" and forty hex digits [RFC 2759 8.7]. */
export function authenticatorResponse(
  exchange: MsChap2Exchange,
  ntHash: Buffer,
  response: Buffer,
): string {
  const digest = hash(
    'sha1',
    Buffer.concat([md4(ntHash), response, SERVER_TO_CLIENT_SIGNING]),
    'buffer',
  );
  const parts = [digest, challengeHash(exchange), ITERATION_PAD];
  return `S=${hash('sha1', Buffer.concat(parts), 'hex').toUpperCase()}`;
}

/**
 * The names that a peer may have hashed for a User-Name: as it is, and without the domain in front
 * ("NET\alice"), which a NAS may add [RFC 2759 8.2].
 */
export function hashedNames(userName: string): string[] {
  const slash = userName.lastIndexOf('\\');
  return slash < 0 ? [userName] : [userName.slice(slash + 1), userName];
}
