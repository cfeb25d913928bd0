/** The secret that a NAS and the server share, in the forms the protocol needs it in. */
import { hash, timingSafeEqual } from 'node:crypto';
import { KeyedDigest } from './keyed-digest.js';

const SECRET_OCTETS_MAX = 255;

/** Room for a secret and a block or two behind it: hashing never waits, so it can be shared. */
const scratch = Buffer.alloc(2 * SECRET_OCTETS_MAX);

/**
 * One shared secret. The octets stay inside, so that no log and no JSON shows them.
 */
export class SharedSecret {
  /** HMAC-MD5 with the secret, for Message-Authenticator [RFC 3579 3.2]. */
  readonly hmac: KeyedDigest;
  readonly #octets: Buffer;

  /** @throws RangeError for an empty secret or one above 255 octets. */
  constructor(secret: string | Buffer) {
    this.#octets = Buffer.from(secret);
    if (this.#octets.length === 0 || this.#octets.length > SECRET_OCTETS_MAX) {
      throw new RangeError(`a shared secret has 1 to ${SECRET_OCTETS_MAX} octets`);
    }
    this.hmac = new KeyedDigest('md5', this.#octets);
  }

  /** Number of octets, for those who leave room for {@link copyTo}. */
  get length(): number {
    return this.#octets.length;
  }

  /** Writes the secret behind octets that are about to be hashed. */
  copyTo(target: Buffer, at: number): void {
    this.#octets.copy(target, at);
  }

  /** MD5 of the secret followed by other octets, the pad of hidden attributes [RFC 2865 5.2]. */
  md5Before(...parts: readonly Buffer[]): Buffer {
    let end = this.#octets.copy(scratch);
    for (const part of parts) end += part.copy(scratch, end);
    // By way of text, as in authenticator.ts.
    return Buffer.from(hash('md5', scratch.subarray(0, end), 'hex'), 'hex');
  }

  equals(other: SharedSecret): boolean {
    return this.length === other.length && timingSafeEqual(this.#octets, other.#octets);
  }

  toJSON(): string {
    return '[secret]';
  }
}
