/**
 * Keys of RADIUS sessions: the NAS and its Acct-Session-Id, octet for octet. What is no plain
 * printable ASCII is written %XX, so that a key is text and still gives the id back exactly as the
 * NAS formed it. An id is unique on one device only [RFC 2866 5.5]: where several are declared as one
 * NAS, a digest of which one it is follows behind a tilde, which stands in no written id.
 */
import { hash } from 'node:crypto';

const KEY_OCTETS_MAX = 255;
/** Of 64 bits: devices of one NAS are thousands at most. */
const DEVICE_DIGITS = 16;
const NOT_PLAIN = /[^\x21-\x24\x26-\x7d]/g;

function escapeOctets(octets: Buffer): string {
  return octets.toString('latin1').replace(NOT_PLAIN, escapeOctet);
}

function escapeOctet(octet: string): string {
  return `%${octet.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
}

function prefixOf(nas: string): string {
  return `radius:${nas}:`;
}

/** Which NAS a session is of, and which of its devices; null where it is one. */
export interface SessionPlace {
  readonly nas: string;
  readonly device: string | null;
}

/**
 * The key of a session. An id too long for a key of 255 octets is replaced by its SHA-256, from
 * which {@link acctSessionIdOf} cannot bring it back.
 */
export function sessionKeyOf({ nas, device }: SessionPlace, acctSessionId: Buffer): string {
  const ofDevice =
    device === null ? '' : `~${hash('sha256', device, 'hex').slice(0, DEVICE_DIGITS)}`;
  const key = `${prefixOf(nas)}${escapeOctets(acctSessionId)}${ofDevice}`;
  if (key.length <= KEY_OCTETS_MAX) return key;
  return `${prefixOf(nas)}~${hash('sha256', acctSessionId, 'hex')}${ofDevice}`;
}

/** The Acct-Session-Id of a key, octet for octet; null where the key has only its digest. */
export function acctSessionIdOf(nas: string, sessionKey: string): Buffer | null {
  const prefix = prefixOf(nas);
  if (!sessionKey.startsWith(prefix)) return null;
  const [escaped = ''] = sessionKey.slice(prefix.length).split('~', 1);
  if (escaped === '') return null;
  const plain = escaped.replace(/%([0-9A-F]{2})/g, (_match, digits: string) =>
    String.fromCharCode(parseInt(digits, 16)),
  );
  return Buffer.from(plain, 'latin1');
}
