/** Keys for MPPE from an MS-CHAP exchange [RFC 3079], and the attributes they travel in. */
import { hash } from 'node:crypto';
import { attributeValue, type RawAttribute } from '../attribute.js';
import {
  MsChapMppeKeys,
  MsMppeEncryptionPolicy,
  MsMppeEncryptionTypes,
  MsMppeRecvKey,
  MsMppeSendKey,
} from '../generated/microsoft.js';
import { hideKey, hidePassword, randomSalt, type HidingContext } from '../hidden-value.js';
import { md4 } from './md4.js';

const MASTER_KEY = Buffer.from('This is the MPPE Master Key');
const CLIENT_SENDS = Buffer.from(
  'On the client side, this is the send key; on the server side, it is the receive key.',
);
const CLIENT_RECEIVES = Buffer.from(
  'On the client side, this is the receive key; on the server side, it is the send key.',
);
const PAD_1 = Buffer.alloc(40, 0x00);
const PAD_2 = Buffer.alloc(40, 0xf2);
const SESSION_KEY_OCTETS = 16;

/** The server's keys of a session: what it sends with, and what it receives with. */
export interface MppeKeys {
  readonly send: Buffer;
  readonly receive: Buffer;
}

/** GetMasterKey [RFC 3079 3.4]. */
export function masterKey(ntHash: Buffer, ntResponse: Buffer): Buffer {
  const parts = [md4(ntHash), ntResponse, MASTER_KEY];
  return hash('sha1', Buffer.concat(parts), 'buffer').subarray(0, SESSION_KEY_OCTETS);
}

function startKey(master: Buffer, direction: Buffer): Buffer {
  const parts = [master, PAD_1, direction, PAD_2];
  return hash('sha1', Buffer.concat(parts), 'buffer').subarray(0, SESSION_KEY_OCTETS);
}

/** GetAsymmetricStartKey on the server's side, 128 bits [RFC 3079 3.4]. */
export function serverKeys(ntHash: Buffer, ntResponse: Buffer): MppeKeys {
  const master = masterKey(ntHash, ntResponse);
  return { send: startKey(master, CLIENT_RECEIVES), receive: startKey(master, CLIENT_SENDS) };
}

/** MS-MPPE-Send-Key and MS-MPPE-Recv-Key, each behind its own salt [RFC 2548 2.4.2, 2.4.3]. */
export function mppeKeyAttributes(keys: MppeKeys, context: HidingContext): RawAttribute[] {
  const sendSalt = randomSalt();
  const receiveSalt = Buffer.from(sendSalt);
  receiveSalt[1] = (receiveSalt[1] ?? 0) ^ 1;
  return [
    attributeValue(MsMppeSendKey, hideKey(keys.send, context, sendSalt)),
    attributeValue(MsMppeRecvKey, hideKey(keys.receive, context, receiveSalt)),
  ];
}

/**
 * MS-CHAP-MPPE-Keys for MS-CHAP version 1 [RFC 2548 2.4.1]: eight octets for the LAN Manager key,
 * which is not offered, and sixteen for the other one. Peers derive that one from the hash of the
 * password's hash, whatever the RFC's text says of the hash itself.
 */
export function chapMppeKeysAttribute(ntHash: Buffer, context: HidingContext): RawAttribute {
  const { secret, requestAuthenticator } = context;
  const keys = Buffer.concat([Buffer.alloc(8), md4(ntHash)]);
  return attributeValue(
    MsChapMppeKeys,
    secret === null ? keys : hidePassword(keys, secret, requestAuthenticator),
  );
}

/** Whether the link must be encrypted, and that 40 and 128 bits will do [RFC 2548 2.4.4, 2.4.5]. */
export function encryptionPolicyAttributes(policy: 'allowed' | 'required'): RawAttribute[] {
  const { values } = MsMppeEncryptionPolicy;
  const value =
    policy === 'required' ? values['Encryption-Required'] : values['Encryption-Allowed'];
  const types = MsMppeEncryptionTypes.values['RC4-40or128-bit-Allowed'];
  return [
    attributeValue(MsMppeEncryptionPolicy, value),
    attributeValue(MsMppeEncryptionTypes, types),
  ];
}
