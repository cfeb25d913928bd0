/**
 * What proves that a packet is genuine: Request and Response Authenticators, and the
 * Message-Authenticator. Every comparison takes the same time whatever differs.
 */
import { hash, timingSafeEqual } from 'node:crypto';
import { attributeValue, type RawAttribute } from './attribute.js';
import { MessageAuthenticator } from './generated/standard.js';
import { RADIUS_LIMITS } from './limits.js';
import { PACKET_CODES } from './packet-code.js';
import { encodePacket } from './packet-encoder.js';
import type { RadiusPacket } from './packet.js';
import type { SharedSecret } from './shared-secret.js';
import { encodeTokenPacket, tokenOf } from './token-packet.js';

const AUTHENTICATOR_AT = 4;
const AUTHENTICATOR_OCTETS = 16;
const ATTRIBUTES_AT = 20;
const ZEROS = Buffer.alloc(AUTHENTICATOR_OCTETS);
const SECRET_OCTETS_MAX = 255;

/** Room for one packet and a secret behind it: hashing never waits, so it can be shared. */
const scratch = Buffer.allocUnsafe(RADIUS_LIMITS.packetOctetsMax + SECRET_OCTETS_MAX);
const digest = Buffer.allocUnsafe(AUTHENTICATOR_OCTETS);

/**
 * MD5 over a packet that holds `authenticator` in place of its own, and the secret.
 * The result is valid until the next call. Asking for text and writing it back is twice as fast
 * as asking for a Buffer (0.9 against 1.9 microseconds for 265 octets on Node 20).
 */
function packetDigest(bytes: Buffer, authenticator: Buffer, secret: SharedSecret): Buffer {
  bytes.copy(scratch, 0);
  authenticator.copy(scratch, AUTHENTICATOR_AT, 0, AUTHENTICATOR_OCTETS);
  secret.copyTo(scratch, bytes.length);
  const text = hash('md5', scratch.subarray(0, bytes.length + secret.length), 'hex');
  digest.write(text, 'hex');
  return digest;
}

/**
 * True when the Request Authenticator of an Accounting-, CoA- or Disconnect-Request is the MD5 of
 * the packet and the secret [RFC 2866 3, RFC 5176 2.3].
 */
export function verifyRequestAuthenticator(packet: RadiusPacket, secret: SharedSecret): boolean {
  const expected = packetDigest(packet.bytes, ZEROS, secret);
  return timingSafeEqual(expected, packet.authenticator);
}

/** True when a reply's authenticator answers the request's [RFC 2865 3]. */
export function verifyResponseAuthenticator(
  reply: RadiusPacket,
  requestAuthenticator: Buffer,
  secret: SharedSecret,
): boolean {
  const expected = packetDigest(reply.bytes, requestAuthenticator, secret);
  return timingSafeEqual(expected, reply.authenticator);
}

export type MessageAuthenticatorVerdict = 'valid' | 'invalid' | 'absent';

/**
 * Checks the Message-Authenticator [RFC 3579 3.2]: HMAC-MD5 over the packet with the attribute
 * zeroed. More than one, or one of another length, is invalid.
 * @param authenticator what the authenticator field is taken to hold: see
 *   {@link messageAuthenticatorField}.
 */
export function verifyMessageAuthenticator(
  packet: RadiusPacket,
  secret: SharedSecret,
  authenticator: Buffer,
): MessageAuthenticatorVerdict {
  const at = packet.offsetOf(MessageAuthenticator);
  if (at === undefined) return 'absent';
  const received = packet.get(MessageAuthenticator);
  if (received?.length !== AUTHENTICATOR_OCTETS || packet.count(MessageAuthenticator) > 1) {
    return 'invalid';
  }
  packet.bytes.copy(scratch, 0);
  authenticator.copy(scratch, AUTHENTICATOR_AT, 0, AUTHENTICATOR_OCTETS);
  scratch.fill(0, at, at + AUTHENTICATOR_OCTETS);
  const expected = secret.hmac.of(scratch.subarray(0, packet.bytes.length));
  return timingSafeEqual(expected, received) ? 'valid' : 'invalid';
}

/**
 * The authenticator under a request's Message-Authenticator: its own where it is random
 * (Access-Request, Status-Server), zeros where it is itself a digest [RFC 3579 3.2, RFC 5176 3.4].
 */
export function messageAuthenticatorField(packet: RadiusPacket): Buffer {
  const isRandom =
    packet.code === PACKET_CODES['Access-Request'] || packet.code === PACKET_CODES['Status-Server'];
  return isRandom ? packet.authenticator : ZEROS;
}

const EMPTY_MESSAGE_AUTHENTICATOR = attributeValue(MessageAuthenticator, ZEROS);
/** Where the value lies when the attribute is the first of the packet. */
const FIRST_VALUE_AT = ATTRIBUTES_AT + 2;

function sign(bytes: Buffer, secret: SharedSecret): void {
  secret.hmac.writeOf(bytes, bytes, FIRST_VALUE_AT);
}

export interface ReplyOptions {
  readonly code: number;
  /** The request that is answered. */
  readonly request: RadiusPacket;
  readonly attributes: readonly RawAttribute[];
  /** Null over RADIUS/1.1, where nothing is signed. */
  readonly secret: SharedSecret | null;
  /**
   * Adds a Message-Authenticator as the first attribute, so that no attacker can prepend octets of
   * a chosen prefix (CVE-2024-3596).
   */
  readonly messageAuthenticator: boolean;
}

/**
 * Encodes and signs a reply; over RADIUS/1.1 its request's token says whose it is.
 * @throws PacketTooLongError when the attributes don't fit.
 */
export function encodeReply(options: ReplyOptions): Buffer {
  const { code, request, attributes, secret, messageAuthenticator } = options;
  if (secret === null) return encodeTokenPacket(code, tokenOf(request.bytes), attributes);
  const bytes = encodePacket(
    { code, identifier: request.identifier, authenticator: request.authenticator },
    messageAuthenticator ? [EMPTY_MESSAGE_AUTHENTICATOR, ...attributes] : attributes,
  );
  if (messageAuthenticator) sign(bytes, secret);
  packetDigest(bytes, request.authenticator, secret).copy(bytes, AUTHENTICATOR_AT);
  return bytes;
}

export interface RequestOptions {
  readonly code: number;
  readonly identifier: number;
  readonly attributes: readonly RawAttribute[];
  readonly secret: SharedSecret;
  readonly messageAuthenticator: boolean;
  /**
   * Sixteen random octets for the requests whose authenticator is random (Access-Request,
   * Status-Server); null where it is the digest of the packet.
   */
  readonly randomAuthenticator: Buffer | null;
}

/**
 * Encodes and signs a request.
 * @throws PacketTooLongError when the attributes don't fit.
 */
export function encodeRequest(options: RequestOptions): Buffer {
  const { code, identifier, attributes, secret, messageAuthenticator } = options;
  const bytes = encodePacket(
    { code, identifier, authenticator: options.randomAuthenticator },
    messageAuthenticator ? [EMPTY_MESSAGE_AUTHENTICATOR, ...attributes] : attributes,
  );
  if (messageAuthenticator) sign(bytes, secret);
  if (options.randomAuthenticator === null) {
    packetDigest(bytes, ZEROS, secret).copy(bytes, AUTHENTICATOR_AT);
  }
  return bytes;
}
