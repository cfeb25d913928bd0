/** Values of AVPs and how they stand on the wire [RFC 6733 4.2, 4.3]. */
import { unsigned16, unsigned32 } from './octets.js';

/** Seconds from 1900 to 1970, and from 1970 to the moment in 2036 when the 32 bits start over. */
const SECONDS_1900_TO_1970 = 2_208_988_800;
const SECONDS_1970_TO_2036 = 2_085_978_496;

const FAMILY_IPV4 = 1;
const FAMILY_IPV6 = 2;

/** Time to milliseconds since 1970. Without its high bit it counts from 2036 [RFC 6733 4.3.1]. */
export function timeToMs(seconds: number): number {
  const since1970 =
    seconds >= 0x80000000 ? seconds - SECONDS_1900_TO_1970 : seconds + SECONDS_1970_TO_2036;
  return since1970 * 1000;
}

/** Milliseconds since 1970 to Time, whole seconds. */
export function msToTime(ms: number): number {
  return (Math.floor(ms / 1000) + SECONDS_1900_TO_1970) % 0x100000000;
}

/** Eight octets as a `number` where that is exact, else as a `bigint`. */
export function readIntegerExact(bytes: Buffer, at: number, signed: boolean): number | bigint {
  const high = signed ? unsigned32(bytes, at) | 0 : unsigned32(bytes, at);
  // 2^21 words above: everything up to 2^53 - 1 (and down to -2^53) is exact.
  if (high < 0x200000 && high >= -0x200000) return high * 0x100000000 + unsigned32(bytes, at + 4);
  return signed ? bytes.readBigInt64BE(at) : bytes.readBigUInt64BE(at);
}

/** An Address as text, or null when it is no IP address. */
export function readAddress(bytes: Buffer, start: number, end: number): string | null {
  const family = unsigned16(bytes, start);
  if (family === FAMILY_IPV4 && end - start === 6) return ipv4Text(bytes, start + 2);
  if (family === FAMILY_IPV6 && end - start === 18) return ipv6Text(bytes, start + 2);
  return null;
}

function ipv4Text(bytes: Uint8Array, at: number): string {
  return `${bytes[at] as number}.${bytes[at + 1] as number}.${bytes[at + 2] as number}.${bytes[at + 3] as number}`;
}

/** Sixteen octets as RFC 5952 writes them: the longest run of zero groups becomes "::". */
export function ipv6Text(bytes: Uint8Array, at: number): string {
  const groups: number[] = [];
  for (let index = 0; index < 16; index += 2) groups.push(unsigned16(bytes, at + index));
  let runAt = -1;
  let runLength = 1;
  for (let from = 0; from < 8; from += 1) {
    let to = from;
    while (to < 8 && groups[to] === 0) to += 1;
    if (to - from > runLength) {
      runAt = from;
      runLength = to - from;
    }
  }
  const words = groups.map((group) => group.toString(16));
  if (runAt < 0) return words.join(':');
  return `${words.slice(0, runAt).join(':')}::${words.slice(runAt + runLength).join(':')}`;
}

/** An IP address as the value of an Address AVP. @throws RangeError when it is none. */
export function addressBytes(address: string): Buffer {
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(address)) {
    const octets = address.split('.').map(Number);
    if (octets.some((octet) => octet > 255)) throw new RangeError(`not an address: ${address}`);
    return Buffer.from([0, FAMILY_IPV4, ...octets]);
  }
  return Buffer.concat([Buffer.from([0, FAMILY_IPV6]), ipv6Bytes(address)]);
}

/** @throws RangeError for anything but an IPv6 address (RFC 4291 2.2, without a zone). */
function ipv6Bytes(address: string): Buffer {
  const mapped = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address);
  const hex = (high: string, low: string): string =>
    (Number(high) * 256 + Number(low)).toString(16);
  const plain =
    mapped === null
      ? address
      : `${mapped[1] ?? ''}${hex(mapped[2] ?? '', mapped[3] ?? '')}:${hex(mapped[4] ?? '', mapped[5] ?? '')}`;
  const halves = plain.split('::');
  const words = (text: string): string[] => (text === '' ? [] : text.split(':'));
  const head = words(halves[0] ?? '');
  const tail = words(halves[1] ?? '');
  const zeroes = 8 - head.length - tail.length;
  const fits = halves.length === 2 ? zeroes >= 1 : halves.length === 1 && zeroes === 0;
  const groups = [...head, ...Array<string>(Math.max(0, zeroes)).fill('0'), ...tail];
  if (!fits || groups.some((group) => !/^[0-9a-f]{1,4}$/i.test(group))) {
    throw new RangeError(`not an address: ${address}`);
  }
  const bytes = Buffer.alloc(16);
  groups.forEach((group, index) => bytes.writeUInt16BE(Number.parseInt(group, 16), index * 2));
  return bytes;
}
