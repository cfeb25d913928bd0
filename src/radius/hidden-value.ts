/** Values that are hidden with the shared secret: passwords and keys. */
import { randomBytes } from 'node:crypto';
import { RADIUS_LIMITS } from './limits.js';
import type { SharedSecret } from './shared-secret.js';

const BLOCK_OCTETS = 16;

function xorBlock(target: Buffer, at: number, source: Buffer, pad: Buffer): void {
  for (let index = 0; index < BLOCK_OCTETS; index += 1) {
    target[at + index] = (source[at + index] ?? 0) ^ (pad[index] ?? 0);
  }
}

/** The chain of RFC 2865 5.2: each block is XORed with MD5(secret, the hidden block before it). */
function hideBlocks(plain: Buffer, secret: SharedSecret, seed: readonly Buffer[]): Buffer {
  const hidden = Buffer.alloc(plain.length);
  let pad = secret.md5Before(...seed);
  for (let at = 0; at < plain.length; at += BLOCK_OCTETS) {
    if (at > 0) pad = secret.md5Before(hidden.subarray(at - BLOCK_OCTETS, at));
    xorBlock(hidden, at, plain, pad);
  }
  return hidden;
}

function revealBlocks(hidden: Buffer, secret: SharedSecret, seed: readonly Buffer[]): Buffer {
  const plain = Buffer.alloc(hidden.length);
  let pad = secret.md5Before(...seed);
  for (let at = 0; at < hidden.length; at += BLOCK_OCTETS) {
    if (at > 0) pad = secret.md5Before(hidden.subarray(at - BLOCK_OCTETS, at));
    xorBlock(plain, at, hidden, pad);
  }
  return plain;
}

function padded(value: Buffer, octetsMin: number): Buffer {
  const length = Math.max(octetsMin, Math.ceil(value.length / BLOCK_OCTETS) * BLOCK_OCTETS);
  return Buffer.concat([value, Buffer.alloc(length - value.length)]);
}

/**
 * Hides a password of at most 128 octets [RFC 2865 5.2].
 * @throws RangeError for a longer one.
 */
export function hidePassword(
  password: Buffer,
  secret: SharedSecret,
  requestAuthenticator: Buffer,
): Buffer {
  if (password.length > RADIUS_LIMITS.passwordOctetsMax) {
    throw new RangeError(`a User-Password has at most ${RADIUS_LIMITS.passwordOctetsMax} octets`);
  }
  return hideBlocks(padded(password, BLOCK_OCTETS), secret, [requestAuthenticator]);
}

/**
 * The password behind a User-Password, its padding taken off; undefined when the length is none
 * that hiding makes. A wrong secret gives other octets, never an error.
 */
export function revealPassword(
  hidden: Buffer,
  secret: SharedSecret,
  requestAuthenticator: Buffer,
): Buffer | undefined {
  const { length } = hidden;
  if (length === 0 || length % BLOCK_OCTETS !== 0 || length > RADIUS_LIMITS.passwordOctetsMax) {
    return undefined;
  }
  const plain = revealBlocks(hidden, secret, [requestAuthenticator]);
  let end = plain.length;
  while (end > 0 && plain[end - 1] === 0) end -= 1;
  return plain.subarray(0, end);
}

/** Where the other end of a hidden key is found: the secret and the request's authenticator. */
export interface HidingContext {
  /** Null over RADIUS/1.1, where nothing is hidden [RFC 9765 5.1]. */
  readonly secret: SharedSecret | null;
  readonly requestAuthenticator: Buffer;
}

const SALT_OCTETS = 2;

/** A salt with its highest bit set, as the format asks [RFC 2548 2.4.2]. */
export function randomSalt(): Buffer {
  const salt = randomBytes(SALT_OCTETS);
  salt[0] = (salt[0] ?? 0) | 0x80;
  return salt;
}

/**
 * Hides a key behind a salt [RFC 2548 2.4.2, RFC 2868 3.5]. Salts of one packet must differ.
 * @throws RangeError for a key above 255 octets.
 */
export function hideKey(key: Buffer, context: HidingContext, salt: Buffer): Buffer {
  if (key.length > 0xff) throw new RangeError('a hidden key has at most 255 octets');
  const { secret, requestAuthenticator } = context;
  if (secret === null) return key;
  const plain = padded(Buffer.concat([Buffer.from([key.length]), key]), BLOCK_OCTETS);
  const hidden = hideBlocks(plain, secret, [requestAuthenticator, salt]);
  return Buffer.concat([salt, hidden]);
}

/** The key behind a salted value; undefined when its length cannot be right. */
export function revealKey(value: Buffer, context: HidingContext): Buffer | undefined {
  const { secret, requestAuthenticator } = context;
  if (secret === null) return value;
  const hidden = value.subarray(SALT_OCTETS);
  if (hidden.length === 0 || hidden.length % BLOCK_OCTETS !== 0) return undefined;
  const salt = value.subarray(0, SALT_OCTETS);
  const plain = revealBlocks(hidden, secret, [requestAuthenticator, salt]);
  const length = plain[0] ?? 0;
  return length < plain.length ? plain.subarray(1, 1 + length) : undefined;
}
