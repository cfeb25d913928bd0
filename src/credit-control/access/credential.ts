/** Opening what a profile keeps, just before a proof is checked against it. */
import type { AccessSecret } from '../../domain/access.js';
import type { StoredCredential } from '../../domain/access-profile.js';
import { SECRET_USES, type SecretBox } from '../../secret-box.js';

/**
 * The secret of a subscriber, opened once for as long as its profile is remembered: a profile of another
 * version is another object. Opening takes six microseconds, and protects what is at rest: in the memory
 * of the process the key lies beside it.
 * @throws SecretBoxError where it was sealed with a key that is not among ours.
 */
export type CredentialOpener = (credential: StoredCredential, subscriber: string) => AccessSecret;

export function createCredentialOpener(secrets: SecretBox): CredentialOpener {
  const opened = new WeakMap<StoredCredential, AccessSecret>();
  return (credential, subscriber) => {
    let secret = opened.get(credential);
    if (secret === undefined) {
      secret = openCredential(credential, subscriber, secrets);
      opened.set(credential, secret);
    }
    return secret;
  };
}

function openCredential(
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
