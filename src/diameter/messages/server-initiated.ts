/**
 * Re-Auth and Abort-Session, which a server sends to a gateway [RFC 6733 8.3, 8.5; RFC 8506 5.5]:
 * the gateway asks again for every service, for one, or ends the session.
 */
import { Avp } from '../generated/avps.js';
import { CommandCode, ReAuthRequestType } from '../generated/enumerations.js';
import {
  AbortSessionAnswer as Asa,
  AbortSessionRequest as Asr,
  ReAuthAnswer as Raa,
  ReAuthRequest as Rar,
} from '../generated/grammars.js';
import { isProtocolError } from '../gy-results.js';
import type { EncodedIdentity } from '../identity.js';
import {
  CREDIT_CONTROL_APPLICATION,
  FLAG_ERROR,
  FLAG_PROXIABLE,
  FLAG_REQUEST,
  FLAG_RETRANSMITTED,
  type MessageHeader,
} from '../message-header.js';
import { MESSAGE, NONE, type MessageReader } from '../message-reader.js';
import type { MessageWriter } from '../message-writer.js';

export type ServerCommand = 're-auth' | 'abort-session';

const CODES: Readonly<Record<ServerCommand, number>> = {
  're-auth': CommandCode.ReAuth,
  'abort-session': CommandCode.AbortSession,
};

/** Where a request to a gateway goes. */
export interface ServerRequest {
  readonly command: ServerCommand;
  readonly sessionId: string;
  readonly destinationHost: string;
  readonly destinationRealm: string;
  /** Ask again for this rating group only [RFC 8506 5.5]; absent: for all. */
  readonly ratingGroup?: number;
  readonly retransmitted?: boolean;
}

export function writeServerRequest(
  writer: MessageWriter,
  ids: { readonly hopByHop: number; readonly endToEnd: number },
  request: ServerRequest,
  identity: EncodedIdentity,
): void {
  const retransmitted = request.retransmitted === true ? FLAG_RETRANSMITTED : 0;
  writer.begin({
    flags: FLAG_REQUEST | FLAG_PROXIABLE | retransmitted,
    command: CODES[request.command],
    application: CREDIT_CONTROL_APPLICATION,
    ...ids,
  });
  writer.text(Avp.SessionId, request.sessionId);
  writer.raw(identity.origin);
  writer.text(Avp.DestinationRealm, request.destinationRealm);
  writer.text(Avp.DestinationHost, request.destinationHost);
  writer.unsigned32(Avp.AuthApplicationId, CREDIT_CONTROL_APPLICATION);
  if (request.command === 're-auth') {
    writer.integer32(Avp.ReAuthRequestType, ReAuthRequestType.AUTHORIZE_ONLY);
    if (request.ratingGroup !== undefined) writer.unsigned32(Avp.RatingGroup, request.ratingGroup);
  }
  if (identity.originStateId !== 0) writer.unsigned32(Avp.OriginStateId, identity.originStateId);
  writer.end();
}

/** Result-Code of RAA or ASA; 0 when there is none. */
export function readServerAnswer(reader: MessageReader, command: ServerCommand): number {
  const slot = command === 're-auth' ? Raa.resultCode : Asa.resultCode;
  return reader.unsigned32(MESSAGE, slot) ?? 0;
}

/** A RAR or ASR as the gateway sees it. */
export interface ReceivedServerRequest {
  readonly command: ServerCommand;
  readonly sessionId: string;
  /** Proxy-Info as received, to be given back. */
  readonly proxyInfo: readonly Buffer[];
}

/** Reads a RAR or ASR that the reader has read without a fault. */
export function readServerRequest(
  reader: MessageReader,
  command: ServerCommand,
): ReceivedServerRequest {
  const slots = command === 're-auth' ? Rar : Asr;
  const proxyInfo: Buffer[] = [];
  let entry = reader.first(MESSAGE, slots.proxyInfo);
  for (; entry !== NONE; entry = reader.next(entry)) proxyInfo.push(reader.rawAvp(entry));
  return { command, sessionId: reader.text(MESSAGE, slots.sessionId) ?? '', proxyInfo };
}

/** Writes RAA or ASA. */
export function writeServerAnswer(
  writer: MessageWriter,
  request: MessageHeader,
  answer: Pick<ReceivedServerRequest, 'sessionId' | 'proxyInfo'> & { readonly resultCode: number },
  identity: EncodedIdentity,
): void {
  const error = isProtocolError(answer.resultCode) ? FLAG_ERROR : 0;
  writer.begin({ ...request, flags: (request.flags & FLAG_PROXIABLE) | error });
  writer.text(Avp.SessionId, answer.sessionId);
  writer.unsigned32(Avp.ResultCode, answer.resultCode);
  writer.raw(identity.originWithState);
  for (const avp of answer.proxyInfo) writer.raw(avp);
  writer.end();
}
