/** Password Authentication Protocol: the password itself, hidden [RFC 2865 5.2] or not. */
import { revealPassword } from '../hidden-value.js';
import { RADIUS_LIMITS } from '../limits.js';
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
  const candidates: { readonly secret: SharedSecret; readonly password: Buffer }[] = [];
  for (const secret of options.secrets) {
    const password = revealPassword(hidden, secret, options.requestAuthenticator);
    if (password !== undefined) candidates.push({ secret, password });
  }
  return passwordCheck(
    candidates.map(({ password }) => password),
    (matches) => {
      const found = candidates.find(({ password }) => matches(password));
      if (found !== undefined) options.inUse.secret = found.secret;
      return found !== undefined;
    },
  );
}

/** A User-Password of RADIUS/1.1: as it is, 1 to 128 octets [RFC 9765 5.1.1]; undefined for others. */
export function plainPapCheck(password: Buffer): ProofCheck | undefined {
  if (password.length === 0 || password.length > RADIUS_LIMITS.passwordOctetsMax) return undefined;
  return passwordCheck([password], (matches) => matches(password));
}

function passwordCheck(
  passwords: readonly Buffer[],
  anyOf: (matches: (password: Buffer) => boolean) => boolean,
): ProofCheck {
  return {
    method: 'pap',
    passwords,
    withPassword: (expected) =>
      anyOf((password) => equalOctets(password, Buffer.from(expected, 'utf8'))),
    withNtHash: (hash) =>
      anyOf((password) => equalOctets(ntPasswordHash(password.toString('utf8')), hash)),
  };
}
