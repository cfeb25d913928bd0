/** What a network sends as bytes or URIs, as bounded text that is safe in a log or a file. */

const TEXT_LENGTH_MAX = 255;
// eslint-disable-next-line no-control-regex -- control characters are what is looked for
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/g;
const VISUAL_SEPARATORS = /[-.() ]/g;

/** Control characters become `\xHH`; what is longer than 255 characters is cut. */
export function safeText(text: string): string {
  const cut = text.length > TEXT_LENGTH_MAX ? text.slice(0, TEXT_LENGTH_MAX) : text;
  // search() is a fifth of the price of replace(), and nearly no text holds any.
  if (cut.search(CONTROL) < 0) return cut;
  return cut.replace(CONTROL, (unit) => `\\x${unit.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

export interface NetworkParty {
  /** E.164 digits without "+" and separators where it is a number, else the user part as it stands. */
  readonly party: string;
  /** Of a sip: URI, in lower case without a port; null where there is none. */
  readonly domain: string | null;
}

/**
 * The party of a tel: or sip: URI, or of a plain number [RFC 3261 19.1, RFC 3966]. A sip: URI
 * without a user part names its domain only.
 */
export function partyOf(address: string): NetworkParty {
  const { scheme, rest = address } =
    /^(?:(?<scheme>tel|sips?):)?(?<rest>[^;?]*)/i.exec(address)?.groups ?? {};
  const at = rest.lastIndexOf('@');
  const isDomainOnly = at < 0 && /^sips?$/i.test(scheme ?? '');
  const user = isDomainOnly ? '' : at < 0 ? rest : rest.slice(0, at);
  const host = at < 0 && !isDomainOnly ? '' : rest.slice(at + 1).replace(/:\d+$/, '');
  const number = /^\+?(\d+)$/.exec(user.replace(VISUAL_SEPARATORS, ''));
  return {
    party: safeText(number?.[1] ?? user),
    domain: host === '' ? null : safeText(host.toLowerCase()),
  };
}

/**
 * First octet of 3GPP-MS-TimeZone as "+02:00": quarters of an hour in swapped semi-octets, the sign in bit 4 of
 * the low one [TS 29.061 16.4.7, TS 23.040 9.2.3.11].
 */
export function timeZoneText(octet: number): string {
  return TIME_ZONES[octet] ?? '';
}

const TIME_ZONES: readonly string[] = Array.from({ length: 256 }, (_, octet) => {
  const minutes = ((octet & 0x07) * 10 + (octet >> 4)) * 15;
  const two = (number: number): string => String(number).padStart(2, '0');
  const sign = (octet & 0x08) === 0 ? '+' : '-';
  return `${sign}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
});

/**
 * User-Equipment-Info-Value: IMEISV as digits, whether the gateway sends them as ASCII or as
 * telephony BCD [RFC 8506 8.51, TS 23.003 6]; anything else as hexadecimal.
 */
export function equipmentText(value: Buffer, isImei: boolean): string {
  const text = value.toString('latin1', 0, 64);
  if (isImei && /^\d+$/.test(text)) return text;
  const hex = value.toString('hex', 0, 64);
  if (!isImei) return hex;
  const swapped = hex.replace(/(.)(.)/g, '$2$1').replace(/f$/, '');
  return /^\d+$/.test(swapped) ? swapped : hex;
}
