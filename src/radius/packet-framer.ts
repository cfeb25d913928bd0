/** Cuts a stream into packets by their Length field [RFC 6613 2.1]. */
import { RADIUS_LIMITS } from './limits.js';

const LENGTH_END = 4;

export class PacketFramer {
  #held: Buffer = Buffer.alloc(0);

  /** Octets of a packet that is not whole yet; below the length of a packet. */
  get held(): number {
    return this.#held.length;
  }

  /**
   * Takes what was read. Returns the packets that are whole, and whether the stream can go on: a
   * length that no packet has leaves no way to find the next one [RFC 6613 2.6.4].
   */
  take(chunk: Buffer): { readonly packets: readonly Buffer[]; readonly broken: boolean } {
    const octets = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    const packets: Buffer[] = [];
    let at = 0;
    while (octets.length - at >= LENGTH_END) {
      const length = octets.readUInt16BE(at + 2);
      if (length < RADIUS_LIMITS.packetOctetsMin || length > RADIUS_LIMITS.packetOctetsMax) {
        return { packets, broken: true };
      }
      if (octets.length - at < length) break;
      packets.push(octets.subarray(at, at + length));
      at += length;
    }
    this.#held = octets.subarray(at);
    return { packets, broken: false };
  }
}
