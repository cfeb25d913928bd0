/** The 20 octets before the AVPs [RFC 6733 3]. */
import { unsigned24, unsigned32 } from './octets.js';

export const HEADER_LENGTH = 20;
export const DIAMETER_VERSION = 1;

export const FLAG_REQUEST = 0x80;
export const FLAG_PROXIABLE = 0x40;
export const FLAG_ERROR = 0x20;
export const FLAG_RETRANSMITTED = 0x10;

/** Application-Ids [RFC 6733 2.4, RFC 8506 1.3]. */
export const BASE_APPLICATION = 0;
export const CREDIT_CONTROL_APPLICATION = 4;
export const RELAY_APPLICATION = 0xffffffff;

export interface MessageHeader {
  readonly flags: number;
  readonly command: number;
  readonly application: number;
  readonly hopByHop: number;
  readonly endToEnd: number;
}

/** Reads the header of a message of at least 20 octets. */
export function readHeader(message: Uint8Array): MessageHeader {
  return {
    flags: message[4] as number,
    command: unsigned24(message, 5),
    application: unsigned32(message, 8),
    hopByHop: unsigned32(message, 12),
    endToEnd: unsigned32(message, 16),
  };
}

export function isRequest(header: MessageHeader): boolean {
  return (header.flags & FLAG_REQUEST) !== 0;
}
