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
    if (octets.length > RADIUS_LIMITS.packetOctetsMax) {
      throw new RangeError(`at most ${RADIUS_LIMITS.packetOctetsMax} octets are signed`);
    }
    this.#inner.copy(scratch);
    octets.copy(scratch, BLOCK_OCTETS);
    const inner = this.#digestOf(BLOCK_OCTETS + octets.length);
    this.#outer.copy(scratch);
    scratch.write(inner, BLOCK_OCTETS, 'hex');
    const outer = this.#digestOf(BLOCK_OCTETS + DIGEST_OCTETS[this.#algorithm]);
    return Buffer.from(outer, 'hex');
  }

  /** As hex digits: writing them back is quicker than asking for a Buffer. */
  #digestOf(octets: number): string {
    return hash(this.#algorithm, scratch.subarray(0, octets), 'hex');
  }
}
