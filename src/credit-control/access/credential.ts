/** Opening what a profile keeps, just before a proof is checked against it. */
import type { AccessSecret } from '../../domain/access.js';
import type { StoredCredential } from '../../domain/access-profile.js';
import { SECRET_USES, type SecretBox } from '../../secret-box.js';

/**
 * The secret of a subscriber.
 * @throws SecretBoxError where it was sealed with a key that is not among ours.
 */
export function openCredential(
  credential: StoredCredential,
  subscriber: string,
  secrets: SecretBox,
): AccessSecret {
  const use = SECRET_USES.subscriber(subscriber);
  switch (credential.kind) {
    case 'clear':
      return { kind: 'clear', password: secrets.open(use, credential.password) };
    case 'nt-hash':
      return { kind: 'nt-hash', hash: Buffer.from(secrets.open(use, credential.hash), 'hex') };
    case 'station': {
      const { password } = credential;
      return { kind: 'station', password: password === null ? null : secrets.open(use, password) };
    }
  }
}
