/** Password Authentication Protocol: the password itself, hidden [RFC 2865 5.2]. */
import { revealPassword } from '../hidden-value.js';
import type { SharedSecret } from '../shared-secret.js';
import { equalOctets } from './constant-time.js';
import { ntPasswordHash } from './ms-chap.js';
import type { ProofCheck, SecretInUse } from './proof.js';

/**
 * @param secrets the shared secrets that the NAS may use: while they are being changed, the
 *   password tells which one it was, and `inUse` learns it for the reply.
 */
export function papCheck(
  hidden: Buffer,
  options: {
    readonly secrets: readonly SharedSecret[];
    readonly requestAuthenticator: Buffer;
    readonly inUse: SecretInUse;
  },
): ProofCheck {
  const candidates = options.secrets.flatMap((secret) => {
    const password = revealPassword(hidden, secret, options.requestAuthenticator);
    return password === undefined ? [] : [{ secret, password }];
  });
  const anyOf = (matches: (password: Buffer) => boolean): boolean => {
    const found = candidates.find(({ password }) => matches(password));
    if (found !== undefined) options.inUse.secret = found.secret;
    return found !== undefined;
  };
  return {
    method: 'pap',
    passwords: candidates.map(({ password }) => password),
    withPassword: (expected) =>
      anyOf((password) => equalOctets(password, Buffer.from(expected, 'utf8'))),
    withNtHash: (hash) =>
      anyOf((password) => equalOctets(ntPasswordHash(password.toString('utf8')), hash)),
  };
}
