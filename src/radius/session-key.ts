/**
 * Keys of RADIUS sessions: the NAS and its Acct-Session-Id, octet for octet. What is no plain
 * printable ASCII is written %XX, so that a key is text and still gives the id back exactly as the
 * NAS formed it.
 */
import { hash } from 'node:crypto';

const KEY_OCTETS_MAX = 255;
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

/**
 * The key of a session. An id too long for a key of 255 octets is replaced by its SHA-256, from
 * which {@link acctSessionIdOf} cannot bring it back.
 */
export function sessionKeyOf(nas: string, acctSessionId: Buffer): string {
  const key = `${prefixOf(nas)}${escapeOctets(acctSessionId)}`;
  if (key.length <= KEY_OCTETS_MAX) return key;
  return `${prefixOf(nas)}~${hash('sha256', acctSessionId, 'hex')}`;
}

/** The Acct-Session-Id of a key, octet for octet; null where the key has only its digest. */
export function acctSessionIdOf(nas: string, sessionKey: string): Buffer | null {
  const prefix = prefixOf(nas);
  if (!sessionKey.startsWith(prefix)) return null;
  const escaped = sessionKey.slice(prefix.length);
  if (/^~[0-9a-f]{64}$/.test(escaped)) return null;
  const plain = escaped.replace(/%([0-9A-F]{2})/g, (_match, digits: string) =>
    String.fromCharCode(parseInt(digits, 16)),
  );
  return Buffer.from(plain, 'latin1');
}
