/**
 * Keys for what travels through a NAS and comes back: Class and State. They are the same in every
 * process, so that any of them can go on with what another began.
 */
import { createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';
import { KeyedDigest } from './keyed-digest.js';

const KEY_OCTETS = 32;
const SECRET_OCTETS_MIN = 16;

export interface SealingKeys {
  /** Newest first: the first one seals, all of them open. */
  readonly classKeys: readonly KeyedDigest[];
  readonly stateKeys: readonly KeyObject[];
}

/**
 * Derives the keys from the operator's secrets, newest first; an older one stays in the list until
 * the sessions it sealed have ended.
 * @throws RangeError for an empty list or a secret below 16 octets.
 */
export function createSealingKeys(secrets: readonly (string | Buffer)[]): SealingKeys {
  if (secrets.length === 0) throw new RangeError('at least one sealing secret is needed');
  for (const secret of secrets) {
    if (Buffer.byteLength(secret) < SECRET_OCTETS_MIN) {
      throw new RangeError(`a sealing secret has at least ${SECRET_OCTETS_MIN} octets`);
    }
  }
  const derive = (use: string): Buffer[] =>
    secrets.map((secret) => Buffer.from(hkdfSync('sha256', secret, '', use, KEY_OCTETS)));
  return {
    classKeys: derive('tolld radius class').map((key) => new KeyedDigest('sha256', key)),
    stateKeys: derive('tolld radius state').map((key) => createSecretKey(key)),
  };
}
