/** Code field of a packet [RFC 2865 3, RFC 2866 3, RFC 5176 2.3, RFC 5997 4.2]. */
export const PACKET_CODES = {
  'Access-Request': 1,
  'Access-Accept': 2,
  'Access-Reject': 3,
  'Accounting-Request': 4,
  'Accounting-Response': 5,
  'Access-Challenge': 11,
  'Status-Server': 12,
  'Disconnect-Request': 40,
  'Disconnect-ACK': 41,
  'Disconnect-NAK': 42,
  'CoA-Request': 43,
  'CoA-ACK': 44,
  'CoA-NAK': 45,
  'Protocol-Error': 52,
} as const;

export type PacketCodeName = keyof typeof PACKET_CODES;

const NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(PACKET_CODES).map(([name, code]) => [code, name]),
);

/** Name of a code ("Access-Request"), or the number as text. */
export function packetCodeName(code: number): string {
  return NAMES.get(code) ?? String(code);
}
