/** Challenge Handshake Authentication Protocol, in RADIUS and in EAP. */
import { hash, timingSafeEqual } from 'node:crypto';
import type { ProofCheck } from './proof.js';

const DIGEST_OCTETS = 16;

/** MD5 of identifier, password and challenge [RFC 1994 4.1]. */
export function chapDigest(identifier: number, password: string, challenge: Buffer): Buffer {
  const parts = [Buffer.from([identifier]), Buffer.from(password, 'utf8'), challenge];
  return hash('md5', Buffer.concat(parts), 'buffer');
}

/**
 * @param response CHAP-Password: the identifier and the digest [RFC 2865 5.3]; undefined where its
 *   length is not 17.
 */
export function chapCheck(response: Buffer, challenge: Buffer): ProofCheck | undefined {
  if (response.length !== DIGEST_OCTETS + 1) return undefined;
  const digest = response.subarray(1);
  return {
    method: 'chap',
    withPassword: (password) =>
      timingSafeEqual(chapDigest(response[0] ?? 0, password, challenge), digest),
  };
}

/** An EAP-MD5 response: the same digest over EAP's identifier [RFC 3748 5.4]. */
export function eapMd5Check(
  identifier: number,
  digest: Buffer,
  challenge: Buffer,
): ProofCheck | undefined {
  if (digest.length !== DIGEST_OCTETS) return undefined;
  return {
    method: 'eap-md5',
    withPassword: (password) =>
      timingSafeEqual(chapDigest(identifier, password, challenge), digest),
  };
}
