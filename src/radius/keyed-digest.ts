/**
 * HMAC [RFC 2104] over what fits a packet, of two digests in one go each. An Hmac of node:crypto is
 * an object with a native half for each message: 2.3 against 1.3 microseconds for 200 octets by
 * SHA-256 on Node 20, and more for the garbage collector to do.
 */
import { hash } from 'node:crypto';
import { RADIUS_LIMITS } from './limits.js';

/** Of both algorithms. */
const BLOCK_OCTETS = 64;
const DIGEST_OCTETS = { md5: 16, sha256: 32 } as const;
const INNER = 0x36;
const OUTER = 0x5c;

/** Room for a block and a packet behind it: hashing never waits, so it can be shared. */
const scratch = Buffer.allocUnsafe(BLOCK_OCTETS + RADIUS_LIMITS.packetOctetsMax);
/** What is hashed at last: a block, and the digest of the inner one. */
const outerOctets = {
  md5: scratch.subarray(0, BLOCK_OCTETS + DIGEST_OCTETS.md5),
  sha256: scratch.subarray(0, BLOCK_OCTETS + DIGEST_OCTETS.sha256),
} as const;

/** One key, made ready. The key stays inside, so that no log and no JSON shows it. */
export class KeyedDigest {
  readonly #algorithm: 'md5' | 'sha256';
  readonly #inner: Buffer;
  readonly #outer: Buffer;

  constructor(algorithm: 'md5' | 'sha256', key: Buffer) {
    const block = Buffer.alloc(BLOCK_OCTETS);
    (key.length > BLOCK_OCTETS ? hash(algorithm, key, 'buffer') : key).copy(block);
    this.#algorithm = algorithm;
    this.#inner = Buffer.from(block.map((octet) => octet ^ INNER));
    this.#outer = Buffer.from(block.map((octet) => octet ^ OUTER));
  }

  /** @throws RangeError for more octets than a packet has. */
  of(octets: Buffer): Buffer {
    return Buffer.from(this.#digestOf(octets), 'hex');
  }

  /**
   * Writes the digest of some octets to a place, as much of it as there is room for; they may be the
   * place's own. @throws RangeError as {@link of}.
   */
  writeOf(octets: Buffer, target: Buffer, at: number): void {
    target.write(this.#digestOf(octets), at, 'hex');
  }

  /** As hex digits: writing them back is quicker than asking for a Buffer. */
  #digestOf(octets: Buffer): string {
    if (octets.length > RADIUS_LIMITS.packetOctetsMax) {
      throw new RangeError(`at most ${RADIUS_LIMITS.packetOctetsMax} octets are signed`);
    }
    const algorithm = this.#algorithm;
    this.#inner.copy(scratch);
    octets.copy(scratch, BLOCK_OCTETS);
    const inner = hash(algorithm, scratch.subarray(0, BLOCK_OCTETS + octets.length), 'hex');
    this.#outer.copy(scratch);
    scratch.write(inner, BLOCK_OCTETS, 'hex');
    return hash(algorithm, outerOctets[algorithm], 'hex');
  }
}
