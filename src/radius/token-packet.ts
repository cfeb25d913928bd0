/**
 * Packets of RADIUS/1.1 [RFC 9765 4]: the header has a token, four octets that tie a reply to its
 * request, where 1.0 has an identifier and an authenticator. Nothing is signed or hidden: TLS does
 * that. What else the header holds is reserved: zeros when sent, not read when received.
 */
import { attributeValue, type RawAttribute } from './attribute.js';
import { ErrorCause, ReplyMessage } from './generated/standard.js';
import { PACKET_CODES } from './packet-code.js';
import { encodePacket } from './packet-encoder.js';

const TOKEN_AT = 4;
const AUTHENTICATOR_OCTETS = 16;

/** The token of a packet that has a whole header. */
export function tokenOf(octets: Buffer): number {
  return octets.readUInt32BE(TOKEN_AT);
}

/**
 * Encodes a packet. Message-Authenticator and Original-Packet-Code have no place in it
 * [RFC 9765 5.2, 5.5]: whoever has them leaves them out.
 * @throws PacketTooLongError when the attributes don't fit.
 */
export function encodeTokenPacket(
  code: number,
  token: number,
  attributes: readonly RawAttribute[],
): Buffer {
  const authenticator = Buffer.alloc(AUTHENTICATOR_OCTETS);
  authenticator.writeUInt32BE(token);
  return encodePacket({ code, identifier: 0, authenticator }, attributes);
}

export type ErrorCauseName = keyof typeof ErrorCause.values;

/** What a Protocol-Error says [RFC 9765 6.1]. */
export function errorAttributes(cause: ErrorCauseName, message?: string): RawAttribute[] {
  return [
    attributeValue(ErrorCause, ErrorCause.values[cause]),
    ...(message === undefined ? [] : [attributeValue(ReplyMessage, message)]),
  ];
}

/** Sent to a peer that has to speak 1.1 and did not say so, before it is left [RFC 9765 3.3.1]. */
export function versionRefusal(message: string): Buffer {
  const attributes = errorAttributes('Unsupported-Extension', message);
  return encodeTokenPacket(PACKET_CODES['Protocol-Error'], 0, attributes);
}
