/**
 * Cuts what arrives into messages. Reads cut and join messages anyhow: a message may come in many
 * pieces and a piece may hold many messages. Messages are handed out one at a time, so that a
 * connection can stop taking them; whole ones are views of what was read, never copies.
 */
import { ResultCode } from './generated/enumerations.js';
import { DIAMETER_VERSION, HEADER_LENGTH } from './message-header.js';
import { unsigned24 } from './octets.js';

export type Frame =
  | { readonly kind: 'message'; readonly message: Buffer }
  /** The stream can't be followed any further: answer, if the header allows it, and close. */
  | { readonly kind: 'broken'; readonly header: Buffer; readonly resultCode: number };

export class Framer {
  readonly #messageSizeMax: number;
  #rest: Buffer = Buffer.alloc(0);
  /** A message that has begun and not ended, with as many octets as it will have. */
  #partial: Buffer | null = null;
  #filled = 0;
  #broken = false;

  constructor(options: { readonly messageSizeMax: number }) {
    this.#messageSizeMax = options.messageSizeMax;
  }

  /** Octets that were read and not handed out. */
  get buffered(): number {
    return this.#rest.length + this.#filled;
  }

  /** Takes what was read. The chunk must not be changed afterwards. */
  push(chunk: Buffer): void {
    if (this.#broken) return;
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
  }

  /** The next whole message, or null when more must be read first. */
  next(): Frame | null {
    if (this.#broken) return null;
    if (this.#partial !== null) return this.#continue(this.#partial);
    if (this.#rest.length < HEADER_LENGTH) return null;
    const length = unsigned24(this.#rest, 1);
    const resultCode = this.#judge(this.#rest, length);
    if (resultCode !== null) return this.#break(resultCode);
    if (this.#rest.length >= length) {
      const message = this.#rest.subarray(0, length);
      this.#rest = this.#rest.subarray(length);
      return { kind: 'message', message };
    }
    // At most messageSizeMax octets, and only once a peer has sent a sensible header.
    this.#partial = Buffer.allocUnsafe(length);
    this.#filled = 0;
    return this.#continue(this.#partial);
  }

  #continue(partial: Buffer): Frame | null {
    const take = Math.min(partial.length - this.#filled, this.#rest.length);
    this.#rest.copy(partial, this.#filled, 0, take);
    this.#filled += take;
    this.#rest = this.#rest.subarray(take);
    if (this.#filled < partial.length) return null;
    this.#partial = null;
    this.#filled = 0;
    return { kind: 'message', message: partial };
  }

  #judge(header: Buffer, length: number): number | null {
    if (header[0] !== DIAMETER_VERSION) return ResultCode.DIAMETER_UNSUPPORTED_VERSION;
    const fits = length >= HEADER_LENGTH && length % 4 === 0 && length <= this.#messageSizeMax;
    return fits ? null : ResultCode.DIAMETER_INVALID_MESSAGE_LENGTH;
  }

  #break(resultCode: number): Frame {
    const header = Buffer.from(this.#rest.subarray(0, HEADER_LENGTH));
    this.#broken = true;
    this.#rest = Buffer.alloc(0);
    return { kind: 'broken', header, resultCode };
  }
}
