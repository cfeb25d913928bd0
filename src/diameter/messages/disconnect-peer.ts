/** DPR and DPA [RFC 6733 5.4]. */
import { Avp } from '../generated/avps.js';
import { CommandCode, ResultCode } from '../generated/enumerations.js';
import { DisconnectPeerRequest as Dpr } from '../generated/grammars.js';
import type { EncodedIdentity } from '../identity.js';
import { BASE_APPLICATION, FLAG_REQUEST, type MessageHeader } from '../message-header.js';
import { MESSAGE, type MessageReader } from '../message-reader.js';
import type { MessageWriter } from '../message-writer.js';

/** Why the connection ends, for the other side to decide when to come back. */
export type DisconnectCause = 0 | 1 | 2;

/** Reads the cause of a DPR that the reader has read without a fault; null when it is none. */
export function readDisconnectCause(reader: MessageReader): DisconnectCause | null {
  const cause = reader.integer32(MESSAGE, Dpr.disconnectCause);
  return cause === 0 || cause === 1 || cause === 2 ? cause : null;
}

export function writeDisconnectRequest(
  writer: MessageWriter,
  ids: { readonly hopByHop: number; readonly endToEnd: number },
  options: { readonly identity: EncodedIdentity; readonly cause: DisconnectCause },
): void {
  writer.begin({
    flags: FLAG_REQUEST,
    command: CommandCode.DisconnectPeer,
    application: BASE_APPLICATION,
    ...ids,
  });
  writer.raw(options.identity.origin);
  writer.integer32(Avp.DisconnectCause, options.cause);
  writer.end();
}

export function writeDisconnectAnswer(
  writer: MessageWriter,
  request: MessageHeader,
  identity: EncodedIdentity,
): void {
  writer.begin({ ...request, flags: 0 });
  writer.unsigned32(Avp.ResultCode, ResultCode.DIAMETER_SUCCESS);
  writer.raw(identity.origin);
  writer.end();
}
