/** The secret that a NAS and the server share, in the forms the protocol needs it in. */
import { createSecretKey, hash, timingSafeEqual, type KeyObject } from 'node:crypto';

const SECRET_OCTETS_MAX = 255;

/**
 * One shared secret. The octets stay inside, so that no log and no JSON shows them. The HMAC key
 * is made once: handing octets to createHmac each time is four times slower on Node 24.
 */
export class SharedSecret {
  readonly hmacKey: KeyObject;
  readonly #octets: Buffer;

  /** @throws RangeError for an empty secret or one above 255 octets. */
  constructor(secret: string | Buffer) {
    this.#octets = Buffer.from(secret);
    if (this.#octets.length === 0 || this.#octets.length > SECRET_OCTETS_MAX) {
      throw new RangeError(`a shared secret has 1 to ${SECRET_OCTETS_MAX} octets`);
    }
    this.hmacKey = createSecretKey(this.#octets);
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
    return hash('md5', Buffer.concat([this.#octets, ...parts]), 'buffer');
  }

  equals(other: SharedSecret): boolean {
    return this.length === other.length && timingSafeEqual(this.#octets, other.#octets);
  }

  toJSON(): string {
    return '[secret]';
  }
}
