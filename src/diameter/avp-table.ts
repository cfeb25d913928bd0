/** The dictionary as flat tables: what the reader and the writer look up for every AVP. */
import { AVP_ROWS, AVP_TYPE_NAMES } from './generated/avps.js';

export type AvpTypeName = (typeof AVP_TYPE_NAMES)[number];

export const VENDOR_3GPP = 10415;

export const AVP_FLAG_VENDOR = 0x80;
export const AVP_FLAG_MANDATORY = 0x40;
/**
 * Bits without a meaning. The P bit (0x20) has lost its own and is set by older nodes, so it is
 * ignored [RFC 6733 4.1].
 */
export const AVP_FLAGS_RESERVED = 0x1f;

/** Octets of a value of the type: exact for numbers, the least for the others. */
const LENGTHS: Readonly<Record<AvpTypeName, { exact: number; least: number }>> = {
  OctetString: { exact: 0, least: 0 },
  Integer32: { exact: 4, least: 4 },
  Integer64: { exact: 8, least: 8 },
  Unsigned32: { exact: 4, least: 4 },
  Unsigned64: { exact: 8, least: 8 },
  Grouped: { exact: 0, least: 0 },
  Address: { exact: 0, least: 2 },
  Time: { exact: 4, least: 4 },
  UTF8String: { exact: 0, least: 0 },
  DiameterIdentity: { exact: 0, least: 1 },
  DiameterURI: { exact: 0, least: 1 },
  Enumerated: { exact: 4, least: 4 },
  IPFilterRule: { exact: 0, least: 0 },
};

const typeOf = (row: (typeof AVP_ROWS)[number]): AvpTypeName =>
  AVP_TYPE_NAMES[row[4]] ?? 'OctetString';

export const AVP_NAMES: readonly string[] = AVP_ROWS.map((row) => row[0]);
export const AVP_CODES = Uint32Array.from(AVP_ROWS, (row) => row[1]);
export const AVP_VENDORS = Uint32Array.from(AVP_ROWS, (row) => row[2]);
/** Flags that we send, in the place they have in an AVP header's second word. */
export const AVP_FLAG_WORDS = Uint32Array.from(AVP_ROWS, (row) => row[3] * 0x1000000);
export const AVP_LENGTHS_EXACT = Uint8Array.from(AVP_ROWS, (row) => LENGTHS[typeOf(row)].exact);
export const AVP_LENGTHS_LEAST = Uint8Array.from(AVP_ROWS, (row) => LENGTHS[typeOf(row)].least);

/** Places by code, -1 where the dictionary has none: one table per vendor. */
function placesOf(vendor: number): Int16Array {
  const codes = AVP_ROWS.filter((row) => row[2] === vendor).map((row) => row[1]);
  const places = new Int16Array(Math.max(...codes) + 1).fill(-1);
  AVP_ROWS.forEach((row, place) => {
    if (row[2] === vendor) places[row[1]] = place;
  });
  return places;
}

const IETF_PLACES = placesOf(0);
const TGPP_PLACES = placesOf(VENDOR_3GPP);

/** Place of an AVP in the tables, or -1 when the dictionary doesn't know it. */
export function avpPlace(code: number, vendor: number): number {
  const places = vendor === 0 ? IETF_PLACES : vendor === VENDOR_3GPP ? TGPP_PLACES : null;
  if (places === null || code >= places.length) return -1;
  return places[code] as number;
}
