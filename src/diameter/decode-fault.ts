/** What is wrong with a message, in the words of the answer that says so. */
import {
  AVP_CODES,
  AVP_FLAG_VENDOR,
  AVP_FLAG_WORDS,
  AVP_LENGTHS_LEAST,
  AVP_VENDORS,
} from './avp-table.js';
import { padded, setUnsigned24, setUnsigned32, unsigned24 } from './octets.js';

export interface DecodeFault {
  readonly resultCode: number;
  /** For Error-Message and the log; holds names and numbers, never a value of the message. */
  readonly reason: string;
  /** The offending AVP with its header and padding, for Failed-AVP [RFC 6733 7.5]. */
  readonly failedAvp: Buffer | null;
}

/** An example of an AVP, as a fault about a missing one shows it: its header and zeroes. */
export function exampleAvp(place: number): Buffer {
  const vendor = AVP_VENDORS[place] as number;
  const header = vendor === 0 ? 8 : 12;
  const length = header + (AVP_LENGTHS_LEAST[place] as number);
  const avp = Buffer.alloc(padded(length));
  setUnsigned32(avp, 0, AVP_CODES[place] as number);
  setUnsigned32(avp, 4, (AVP_FLAG_WORDS[place] as number) + length);
  if (vendor !== 0) setUnsigned32(avp, 8, vendor);
  return avp;
}

/**
 * The AVP at `at`, as received. One that is longer than its surroundings, or than `sizeMax`, is
 * shown as its header with a payload of zeroes of the least length [RFC 6733 7.1.5, 5014].
 */
export function receivedAvp(
  bytes: Buffer,
  at: number,
  end: number,
  options: { readonly place: number; readonly sizeMax: number },
): Buffer {
  const known = end - at;
  const header = known > 4 && ((bytes[at + 4] as number) & AVP_FLAG_VENDOR) !== 0 ? 12 : 8;
  const length = known >= 8 ? unsigned24(bytes, at + 5) : 0;
  if (length >= header && length <= known && length <= options.sizeMax) {
    const avp = Buffer.alloc(padded(length));
    bytes.copy(avp, 0, at, at + length);
    return avp;
  }
  const least = options.place < 0 ? 0 : (AVP_LENGTHS_LEAST[options.place] as number);
  const avp = Buffer.alloc(padded(header + least));
  bytes.copy(avp, 0, at, Math.min(end, at + header));
  setUnsigned24(avp, 5, header + least);
  return avp;
}

/** Puts a failed AVP into the group it came from, which then holds nothing else. */
export function insideGroup(group: number, inner: Buffer | null): Buffer | null {
  if (inner === null) return null;
  const shell = exampleAvp(group);
  const avp = Buffer.concat([shell, inner]);
  setUnsigned24(avp, 5, avp.length);
  return avp;
}
