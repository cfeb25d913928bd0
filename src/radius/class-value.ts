/**
 * The Class attribute of our Access-Accepts: which admission a session goes back to. A NAS returns
 * it unchanged in every accounting request [RFC 2865 5.25]; the MAC tells ours from all others.
 *
 * Layout: version (1), partition (2), octets of the nonce (1), nonce, account id, MAC (12), written
 * as base64url text behind "T1.", since some equipment cuts Class at a zero octet.
 */
import { timingSafeEqual } from 'node:crypto';
import type { SessionHandle } from '../domain/access.js';
import type { KeyedDigest } from './keyed-digest.js';
import type { SealingKeys } from './sealing-keys.js';

const PREFIX = 'T1.';
const LAYOUT_VERSION = 1;
const NONCE_AT = 4;
const MAC_OCTETS = 12;
const VALUE_OCTETS_MAX = 253;
const NONCE_PATTERN = /^(?:[0-9a-f]{2}){8,32}$/i;

function mac(body: Buffer, key: KeyedDigest): Buffer {
  return key.of(body).subarray(0, MAC_OCTETS);
}

/**
 * Seals a handle.
 * @throws RangeError for a partition above 65,535, a nonce of another form, or an account id that
 *   leaves no room for the rest (about 125 octets).
 */
export function encodeClass(handle: SessionHandle, keys: SealingKeys): Buffer {
  const { partition, nonce, accountId } = handle;
  const [key] = keys.classKeys;
  if (key === undefined) throw new RangeError('no sealing key');
  if (!NONCE_PATTERN.test(nonce)) throw new RangeError('a nonce is 8 to 32 octets in hex digits');
  const nonceOctets = nonce.length / 2;
  const bodyOctets = NONCE_AT + nonceOctets + Buffer.byteLength(accountId);
  const sealed = Buffer.allocUnsafe(bodyOctets + MAC_OCTETS);
  sealed[0] = LAYOUT_VERSION;
  sealed.writeUInt16BE(partition, 1);
  sealed[3] = nonceOctets;
  sealed.write(nonce, NONCE_AT, 'hex');
  sealed.write(accountId, NONCE_AT + nonceOctets, 'utf8');
  key.writeOf(sealed.subarray(0, bodyOctets), sealed, bodyOctets);
  const value = Buffer.from(`${PREFIX}${sealed.toString('base64url')}`, 'latin1');
  if (value.length > VALUE_OCTETS_MAX) throw new RangeError('the account id is too long for Class');
  return value;
}

/** Values that were opened, by their text: each report of a session brings the same one. */
const OPENED = new WeakMap<SealingKeys, Map<string, SessionHandle>>();
const OPENED_MAX = 65_536;

/** Opens a Class value; null when it is none of ours, or somebody has changed it. */
export function decodeClass(value: Buffer, keys: SealingKeys): SessionHandle | null {
  if (value.length > VALUE_OCTETS_MAX) return null;
  const text = value.toString('latin1');
  if (!text.startsWith(PREFIX)) return null;
  let opened = OPENED.get(keys);
  if (opened === undefined) {
    opened = new Map();
    OPENED.set(keys, opened);
  }
  const known = opened.get(text);
  if (known !== undefined) return known;
  const handle = openClass(text.slice(PREFIX.length), keys);
  if (handle === null) return null;
  if (opened.size >= OPENED_MAX) opened.clear();
  opened.set(text, handle);
  return handle;
}

function openClass(text: string, keys: SealingKeys): SessionHandle | null {
  const sealed = Buffer.from(text, 'base64url');
  const body = sealed.subarray(0, Math.max(0, sealed.length - MAC_OCTETS));
  const received = sealed.subarray(body.length);
  if (body.length <= NONCE_AT || received.length !== MAC_OCTETS) return null;
  if (!keys.classKeys.some((key) => timingSafeEqual(mac(body, key), received))) return null;
  const nonceEnd = NONCE_AT + (body[3] ?? 0);
  if (body[0] !== LAYOUT_VERSION || nonceEnd > body.length) return null;
  return {
    partition: body.readUInt16BE(1),
    nonce: body.toString('hex', NONCE_AT, nonceEnd),
    accountId: body.toString('utf8', nonceEnd),
  };
}
