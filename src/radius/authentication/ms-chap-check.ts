/** MS-CHAP and MS-CHAP-V2 as RADIUS carries them [RFC 2548 2.1, 2.3]. */
import { timingSafeEqual } from 'node:crypto';
import type { RejectReason } from '../../domain/access.js';
import { attributeValue, type RawAttribute } from '../attribute.js';
import { MsChap2Success, MsChapError } from '../generated/microsoft.js';
import {
  authenticatorResponse,
  challengeResponse,
  hashedNames,
  ntPasswordHash,
  ntResponse,
  type MsChap2Exchange,
} from './ms-chap.js';
import {
  chapMppeKeysAttribute,
  encryptionPolicyAttributes,
  mppeKeyAttributes,
  serverKeys,
  type MppeKeys,
} from './mppe.js';
import type { AcceptContext, ProofCheck } from './proof.js';

const RESPONSE_OCTETS = 50;
const NT_RESPONSE_AT = 26;
const FLAG_NT_RESPONSE = 0x01;

/** Error codes of RFC 2759 6 by our reasons; 691, authentication failure, for all others. */
const ERROR_CODES: Partial<Readonly<Record<RejectReason, number>>> = {
  suspended: 647,
  closed: 647,
  expired: 647,
  'no-credit': 649,
  'too-many-sessions': 649,
  'wrong-connection': 649,
  'wrong-nas': 649,
};

/** MS-CHAP-Error: no retry, and no other challenge [RFC 2548 2.1.5]. */
function errorAttribute(identifier: number, version: number, reason: RejectReason): RawAttribute {
  const code = ERROR_CODES[reason] ?? 691;
  const text = Buffer.from(`E=${code} R=0 V=${version}`, 'latin1');
  return attributeValue(MsChapError, Buffer.concat([Buffer.from([identifier]), text]));
}

/**
 * MS-CHAP version 1 with the NT response; the LAN Manager one is not accepted.
 * Undefined for lengths that can't be right, or a response without the NT part.
 */
export function msChapCheck(response: Buffer, challenge: Buffer): ProofCheck | undefined {
  const usesNtResponse = ((response[1] ?? 0) & FLAG_NT_RESPONSE) !== 0;
  if (response.length !== RESPONSE_OCTETS || challenge.length !== 8 || !usesNtResponse) {
    return undefined;
  }
  const received = response.subarray(NT_RESPONSE_AT);
  let provenHash: Buffer | undefined;
  const withNtHash = (hash: Buffer): boolean => {
    const holds = timingSafeEqual(challengeResponse(challenge, hash), received);
    if (holds) provenHash = hash;
    return holds;
  };
  return {
    method: 'ms-chap',
    withNtHash,
    withPassword: (password) => withNtHash(ntPasswordHash(password)),
    acceptAttributes: (context) =>
      provenHash === undefined || context.encryption === 'none'
        ? []
        : [
            chapMppeKeysAttribute(provenHash, context),
            ...encryptionPolicyAttributes(context.encryption),
          ],
    rejectAttributes: (reason) => [errorAttribute(response[0] ?? 0, 2, reason)],
  };
}

/** What a held MS-CHAP-V2 proof gives the server to answer with. */
export interface HeldMsChap2 {
  /** "S=" and forty hex digits: the server knows the password too. */
  readonly authenticatorResponse: string;
  readonly keys: MppeKeys;
}

/** Compares the NT response for each name the peer may have hashed. */
export function verifyMsChap2(
  exchange: MsChap2Exchange,
  received: Buffer,
  ntHash: Buffer,
): HeldMsChap2 | undefined {
  let success: HeldMsChap2 | undefined;
  for (const userName of hashedNames(exchange.userName)) {
    const tried = { ...exchange, userName };
    if (!timingSafeEqual(ntResponse(tried, ntHash), received)) continue;
    success = {
      authenticatorResponse: authenticatorResponse(tried, ntHash, received),
      keys: serverKeys(ntHash, received),
    };
  }
  return success;
}

/** MPPE keys and policy, unless the link is not to be encrypted. */
export function encryptionAttributes(keys: MppeKeys, context: AcceptContext): RawAttribute[] {
  if (context.encryption === 'none') return [];
  return [...mppeKeyAttributes(keys, context), ...encryptionPolicyAttributes(context.encryption)];
}

/** MS-CHAP-V2 in MS-CHAP2-Response. Undefined for lengths that can't be right. */
export function msChap2Check(
  response: Buffer,
  challenge: Buffer,
  userName: string,
): ProofCheck | undefined {
  if (response.length !== RESPONSE_OCTETS || challenge.length !== 16) return undefined;
  const identifier = response[0] ?? 0;
  const exchange = {
    authenticatorChallenge: challenge,
    peerChallenge: response.subarray(2, 18),
    userName,
  };
  let success: HeldMsChap2 | undefined;
  const withNtHash = (hash: Buffer): boolean => {
    const held = verifyMsChap2(exchange, response.subarray(NT_RESPONSE_AT), hash);
    success = held ?? success;
    return held !== undefined;
  };
  return {
    method: 'ms-chap2',
    withNtHash,
    withPassword: (password) => withNtHash(ntPasswordHash(password)),
    acceptAttributes: (context) =>
      success === undefined
        ? []
        : [
            successAttribute(identifier, success.authenticatorResponse),
            ...encryptionAttributes(success.keys, context),
          ],
    rejectAttributes: (reason) => [errorAttribute(identifier, 3, reason)],
  };
}

/** MS-CHAP2-Success: the response's identifier and the authenticator response [RFC 2548 2.3.3]. */
function successAttribute(identifier: number, text: string): RawAttribute {
  return attributeValue(
    MsChap2Success,
    Buffer.concat([Buffer.from([identifier]), Buffer.from(text, 'latin1')]),
  );
}
