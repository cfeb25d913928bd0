/**
 * Keys for what travels through a NAS and comes back: Class and State. They are the same in every
 * process, so that any of them can go on with what another began.
 */
import { createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';

const KEY_OCTETS = 32;
const SECRET_OCTETS_MIN = 16;

export interface SealingKeys {
  /** Newest first: the first one seals, all of them open. */
  readonly classKeys: readonly KeyObject[];
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
  const derive = (use: string): KeyObject[] =>
    secrets.map((secret) =>
      createSecretKey(Buffer.from(hkdfSync('sha256', secret, '', use, KEY_OCTETS))),
    );
  return { classKeys: derive('tolld radius class'), stateKeys: derive('tolld radius state') };
}
