/**
 * Writes messages one behind the other into one buffer, so that the answers of a moment leave in
 * one write. Lengths are filled in when a group or a message ends; padding is always zeroes.
 */
import { characterCode } from '../domain/character-code.js';
import { addressBytes, msToTime } from './avp-values.js';
import { AVP_CODES, AVP_FLAG_WORDS, AVP_VENDORS } from './avp-table.js';
import type {
  AddressAvp,
  GroupAvp,
  Integer32Avp,
  Integer64Avp,
  OctetsAvp,
  TextAvp,
  TimeAvp,
  Unsigned32Avp,
  Unsigned64Avp,
} from './generated/avps.js';
import { DIAMETER_VERSION, HEADER_LENGTH, type MessageHeader } from './message-header.js';
import { padded, setUnsigned24, setUnsigned32 } from './octets.js';

/** Where a group began, counted from the start of its message. */
export type GroupMark = number & { readonly mark: unique symbol };

const SLAB_SIZE = 65_536;
/** A slab with less room than this at the start of a message is left to the garbage collector. */
const ROOM_LEAST = 4_096;
const SHORT_TEXT = 96;

export class MessageWriter {
  #bytes = Buffer.allocUnsafeSlow(SLAB_SIZE);
  /** What was written before stands in a buffer that has been taken. */
  #from = 0;
  #message = 0;
  #at = 0;

  /** Octets of finished messages that wait to be taken. */
  get pending(): number {
    return this.#at - this.#from;
  }

  /** Starts a message. */
  begin(header: MessageHeader): void {
    if (this.#from === this.#at && this.#bytes.length - this.#at < ROOM_LEAST) {
      this.#bytes = Buffer.allocUnsafeSlow(SLAB_SIZE);
      this.#from = 0;
      this.#at = 0;
    }
    this.#reserve(HEADER_LENGTH);
    this.#message = this.#at;
    const bytes = this.#bytes;
    const at = this.#at;
    bytes[at] = DIAMETER_VERSION;
    bytes[at + 4] = header.flags;
    setUnsigned24(bytes, at + 5, header.command);
    setUnsigned32(bytes, at + 8, header.application);
    setUnsigned32(bytes, at + 12, header.hopByHop);
    setUnsigned32(bytes, at + 16, header.endToEnd);
    this.#at = at + HEADER_LENGTH;
  }

  /** Ends the message: its length is known now. */
  end(): void {
    setUnsigned24(this.#bytes, this.#message + 1, this.#at - this.#message);
  }

  /** Forgets the message that was begun last. */
  discard(): void {
    this.#at = this.#message;
  }

  /** The finished messages, in one buffer that nothing is written to any more. */
  take(): Buffer {
    const taken = this.#bytes.subarray(this.#from, this.#at);
    this.#from = this.#at;
    this.#message = this.#at;
    return taken;
  }

  unsigned32(avp: Unsigned32Avp, value: number): void {
    const at = this.#avp(avp, 4);
    setUnsigned32(this.#bytes, at, value);
  }

  /** Integer32 and Enumerated. */
  integer32(avp: Integer32Avp, value: number): void {
    const at = this.#avp(avp, 4);
    setUnsigned32(this.#bytes, at, value);
  }

  unsigned64(avp: Unsigned64Avp, value: number | bigint): void {
    this.#integer64(this.#avp(avp, 8), value);
  }

  integer64(avp: Integer64Avp, value: number | bigint): void {
    this.#integer64(this.#avp(avp, 8), value);
  }

  /** Milliseconds since 1970. */
  time(avp: TimeAvp, ms: number): void {
    const at = this.#avp(avp, 4);
    setUnsigned32(this.#bytes, at, msToTime(ms));
  }

  text(avp: TextAvp, text: string): void {
    if (text.length > SHORT_TEXT || !this.#shortText(avp, text)) {
      this.#octets(avp, Buffer.from(text, 'utf8'));
    }
  }

  octets(avp: OctetsAvp, value: Uint8Array): void {
    this.#octets(avp, value);
  }

  /** @throws RangeError when the text is no IP address. */
  address(avp: AddressAvp, address: string): void {
    this.#octets(avp, addressBytes(address));
  }

  /** Starts a group; give the mark to `close`. */
  open(avp: GroupAvp): GroupMark {
    const mark = this.#at - this.#message;
    this.#avp(avp, 0);
    return mark as GroupMark;
  }

  close(mark: GroupMark): void {
    const at = this.#message + mark;
    setUnsigned24(this.#bytes, at + 5, this.#at - at);
  }

  /** Appends AVPs that are already encoded, padding included. */
  raw(avps: Uint8Array): void {
    this.#reserve(avps.length);
    this.#bytes.set(avps, this.#at);
    this.#at += avps.length;
  }

  /** Writes an AVP's header and steps over its value, whose place it returns; padding is zeroed. */
  #avp(place: number, length: number): number {
    this.#reserve(16 + length);
    const bytes = this.#bytes;
    const at = this.#at;
    const vendor = AVP_VENDORS[place] as number;
    const header = vendor === 0 ? 8 : 12;
    setUnsigned32(bytes, at, AVP_CODES[place] as number);
    setUnsigned32(bytes, at + 4, (AVP_FLAG_WORDS[place] as number) + header + length);
    if (vendor !== 0) setUnsigned32(bytes, at + 8, vendor);
    const end = at + header + length;
    this.#at = at + padded(header + length);
    for (let pad = end; pad < this.#at; pad += 1) bytes[pad] = 0;
    return at + header;
  }

  /** Text that turns out to be ASCII is written as it is read. */
  #shortText(avp: TextAvp, text: string): boolean {
    const { length } = text;
    this.#reserve(16 + length);
    const before = this.#at;
    const start = this.#avp(avp, length);
    const bytes = this.#bytes;
    let high = 0;
    for (let index = 0; index < length; index += 1) {
      const unit = characterCode(text, index);
      high |= unit;
      bytes[start + index] = unit;
    }
    if (high < 0x80) return true;
    this.#at = before;
    return false;
  }

  #octets(avp: number, value: Uint8Array): void {
    const at = this.#avp(avp, value.length);
    this.#bytes.set(value, at);
  }

  #integer64(at: number, value: number | bigint): void {
    if (typeof value === 'bigint') {
      this.#bytes.writeBigUInt64BE(BigInt.asUintN(64, value), at);
      return;
    }
    const high = Math.floor(value / 0x100000000);
    setUnsigned32(this.#bytes, at, high);
    setUnsigned32(this.#bytes, at + 4, value - high * 0x100000000);
  }

  #reserve(length: number): void {
    if (this.#at + length <= this.#bytes.length) return;
    const kept = this.#at - this.#from;
    const size = Math.max(SLAB_SIZE, (kept + length) * 2);
    const bytes = Buffer.allocUnsafeSlow(size);
    this.#bytes.copy(bytes, 0, this.#from, this.#at);
    this.#message -= this.#from;
    this.#at = kept;
    this.#from = 0;
    this.#bytes = bytes;
  }
}

/** Encodes AVPs once, to be written many times with `raw`. */
export function encodeAvps(write: (writer: MessageWriter) => void): Buffer {
  const writer = new MessageWriter();
  writer.begin({ flags: 0, command: 0, application: 0, hopByHop: 0, endToEnd: 0 });
  write(writer);
  writer.end();
  return Buffer.from(writer.take().subarray(HEADER_LENGTH));
}
