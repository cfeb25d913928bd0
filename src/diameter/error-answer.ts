/**
 * Answers that say what is wrong [RFC 6733 7.2]. The message may be broken anywhere, so what must
 * come back is looked for by itself, as far as the lengths can be believed.
 */
import { AVP_FLAG_VENDOR } from './avp-table.js';
import type { DecodeFault } from './decode-fault.js';
import { Avp } from './generated/avps.js';
import { isProtocolError } from './gy-results.js';
import type { EncodedIdentity } from './identity.js';
import { FLAG_ERROR, FLAG_PROXIABLE, HEADER_LENGTH, readHeader } from './message-header.js';
import type { MessageWriter } from './message-writer.js';
import { padded, unsigned24, unsigned32 } from './octets.js';

const SESSION_ID = 263;
const CC_REQUEST_TYPE = 416;
const CC_REQUEST_NUMBER = 415;
const AUTH_APPLICATION_ID = 258;
const PROXY_INFO = 284;
const ROUTE_RECORD = 282;

/** AVPs of a request that its answer repeats, in the order of the answer. */
const BEFORE_ORIGIN = [SESSION_ID];
const AFTER_ORIGIN = [AUTH_APPLICATION_ID, CC_REQUEST_TYPE, CC_REQUEST_NUMBER];
const AT_THE_END = [PROXY_INFO, ROUTE_RECORD];

const ERROR_MESSAGE_LENGTH_MAX = 200;
const REPEATED_MAX = 64;

/**
 * Writes the answer to a request that can't be served.
 * The E bit is set for protocol errors (3xxx), and only for them; the P bit is the request's.
 */
export function writeErrorAnswer(
  writer: MessageWriter,
  request: Buffer,
  fault: DecodeFault,
  identity: EncodedIdentity,
): void {
  const header = readHeader(request);
  const error = isProtocolError(fault.resultCode) ? FLAG_ERROR : 0;
  writer.begin({ ...header, flags: (header.flags & FLAG_PROXIABLE) | error });
  repeat(writer, request, BEFORE_ORIGIN, (length) => length <= HEADER_LENGTH + 255 * 4);
  writer.unsigned32(Avp.ResultCode, fault.resultCode);
  writer.raw(identity.origin);
  if (error === 0) repeat(writer, request, AFTER_ORIGIN, (length) => length === 12);
  writer.text(Avp.ErrorMessage, fault.reason.slice(0, ERROR_MESSAGE_LENGTH_MAX));
  if (fault.failedAvp !== null) {
    const mark = writer.open(Avp.FailedAvp);
    writer.raw(fault.failedAvp);
    writer.close(mark);
  }
  repeat(writer, request, AT_THE_END, () => true);
  writer.end();
}

/** Copies the AVPs of these codes that stand directly in the message and can be delimited. */
function repeat(
  writer: MessageWriter,
  message: Buffer,
  codes: readonly number[],
  fits: (length: number) => boolean,
): void {
  let at = HEADER_LENGTH;
  let copied = 0;
  while (message.length - at >= 8) {
    const code = unsigned32(message, at);
    const length = unsigned24(message, at + 5);
    const ours = ((message[at + 4] as number) & AVP_FLAG_VENDOR) === 0 && codes.includes(code);
    if (length < 8 || at + padded(length) > message.length) return;
    if (ours && fits(length) && copied < REPEATED_MAX) {
      writer.raw(message.subarray(at, at + padded(length)));
      copied += 1;
    }
    at += padded(length);
  }
}
