/**
 * Credit-Control over Gy/Ro [RFC 8506, TS 32.299]: a request becomes the words of the domain, and
 * what was decided becomes an answer. Also the older form of RFC 4006 with the units of one service
 * at command level.
 */
import type {
  CreditControlRequest,
  EventAction,
  RequestPhase,
  ServiceRequest,
} from '../domain/credit-control.js';
import { Avp } from './generated/avps.js';
import {
  MultipleServicesIndicator,
  ResultCode,
  TerminationCause,
} from './generated/enumerations.js';
import {
  CreditControlRequest as Ccr,
  MultipleServicesCreditControl as Mscc,
} from './generated/grammars.js';
import { readContext } from './gy-context.js';
import { readIdentities } from './gy-identities.js';
import {
  readRequestedUnits,
  readServiceReason,
  readServiceTariffChange,
  readUsedUnits,
} from './gy-units.js';
import { CREDIT_CONTROL_APPLICATION, FLAG_RETRANSMITTED } from './message-header.js';
import { MESSAGE, NONE, type Entry, type MessageReader } from './message-reader.js';
import type { ResolvedPeer } from './peer.js';

/** CC-Request-Type by number [RFC 8506 8.3]. */
const PHASES: readonly (RequestPhase | undefined)[] = [
  undefined,
  'initial',
  'update',
  'terminate',
  'event',
];

/** Requested-Action by number [RFC 8506 8.41]. */
const ACTIONS: readonly EventAction[] = ['debit', 'refund', 'balance-check', 'price-enquiry'];

const SESSION_ID_LENGTH_MAX = 255;

/** Termination-Cause by number; names as in RFC 6733 8.15. */
const TERMINATION_CAUSES = new Map<number, string>(
  Object.entries(TerminationCause).map(([name, value]) => [value, name]),
);

/** What the answer must repeat, and what its form depends on. */
export interface AnswerContext {
  readonly flags: number;
  readonly hopByHop: number;
  readonly endToEnd: number;
  readonly sessionId: string;
  readonly requestType: number;
  readonly requestNumber: number;
  /** Whether units stand in Multiple-Services-Credit-Control, or at command level. */
  readonly multipleServices: boolean;
  /** The rating group that the peer left out and its profile put in; it isn't named back. */
  readonly impliedRatingGroup: number | null;
  /** Proxy-Info and Route-Record as received, or null. */
  readonly repeated: readonly Buffer[] | null;
}

export interface GyRequest {
  readonly request: CreditControlRequest;
  readonly context: AnswerContext;
}

/**
 * The request of a CCR that the reader has read without a fault.
 * Afterwards `reader.fault` holds what is wrong with its values; then the result is null.
 */
export function readCreditControlRequest(
  reader: MessageReader,
  peer: ResolvedPeer,
): GyRequest | null {
  const sessionId = reader.text(MESSAGE, Ccr.sessionId) ?? '';
  const sessionIdSize = reader.size(reader.first(MESSAGE, Ccr.sessionId));
  if (sessionIdSize === 0 || sessionIdSize > SESSION_ID_LENGTH_MAX) {
    rejectValue(reader, reader.first(MESSAGE, Ccr.sessionId));
  }
  if (reader.unsigned32(MESSAGE, Ccr.authApplicationId) !== CREDIT_CONTROL_APPLICATION) {
    rejectValue(reader, reader.first(MESSAGE, Ccr.authApplicationId));
  }
  const requestType = reader.integer32(MESSAGE, Ccr.ccRequestType) ?? 0;
  const phase = PHASES[requestType];
  if (phase === undefined) rejectValue(reader, reader.first(MESSAGE, Ccr.ccRequestType));
  const request = readRequest(reader, peer, sessionId, phase ?? 'event');
  // In one place, after everything was looked at: the first fault is the one that is answered.
  if (reader.fault !== null) return null;
  return { request, context: readAnswerContext(reader, peer, request, requestType) };
}

function readRequest(
  reader: MessageReader,
  peer: ResolvedPeer,
  sessionId: string,
  phase: RequestPhase,
): CreditControlRequest {
  const serviceInformation = reader.first(MESSAGE, Ccr.serviceInformation);
  const request: Mutable<CreditControlRequest> = {
    protocol: 'gy',
    phase,
    sessionId,
    requestNumber: reader.unsigned32(MESSAGE, Ccr.ccRequestNumber) ?? 0,
    peer: peer.name,
    networkScope: peer.networkScope,
    origin: {
      host: reader.familiarText(MESSAGE, Ccr.originHost) ?? '',
      realm: reader.familiarText(MESSAGE, Ccr.originRealm) ?? '',
    },
    identities: readIdentities(reader, serviceInformation),
    serviceContext: reader.familiarText(MESSAGE, Ccr.serviceContextId) ?? '',
    services: readServices(reader, peer, phase),
    retransmitted: (reader.header.flags & FLAG_RETRANSMITTED) !== 0,
    context: readContext(reader, serviceInformation),
  };
  if (phase === 'event') request.action = readAction(reader);
  const eventTimestamp = reader.time(MESSAGE, Ccr.eventTimestamp);
  if (eventTimestamp !== undefined) request.eventTimestamp = eventTimestamp;
  const cause = reader.integer32(MESSAGE, Ccr.terminationCause);
  if (cause !== undefined)
    request.terminationCause = TERMINATION_CAUSES.get(cause) ?? String(cause);
  return request;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Requested-Action: gateways send it in every request, it counts in events [RFC 8506 8.41]. */
function readAction(reader: MessageReader): EventAction {
  const value = reader.integer32(MESSAGE, Ccr.requestedAction);
  if (value === undefined) {
    reader.missing(Avp.RequestedAction);
    return 'debit';
  }
  const action = ACTIONS[value];
  if (action === undefined) rejectValue(reader, reader.first(MESSAGE, Ccr.requestedAction));
  return action ?? 'debit';
}

function readServices(
  reader: MessageReader,
  peer: ResolvedPeer,
  phase: RequestPhase,
): ServiceRequest[] {
  const first = reader.first(MESSAGE, Ccr.multipleServicesCreditControl);
  if (first === NONE) return readCommandLevelService(reader, peer, phase);
  rejectUnitsTwice(reader);
  const services: ServiceRequest[] = [];
  for (let mscc = first; mscc !== NONE; mscc = reader.next(mscc)) {
    const service: Mutable<ServiceRequest> = {
      ratingGroup: reader.unsigned32(mscc, Mscc.ratingGroup) ?? peer.profile.defaultRatingGroup,
      serviceIdentifiers: readServiceIdentifiers(
        reader,
        reader.first(mscc, Mscc.serviceIdentifier),
      ),
      used: readUsedUnits(
        reader,
        reader.first(mscc, Mscc.usedServiceUnit),
        readServiceTariffChange(reader, mscc),
      ),
    };
    const requested = reader.first(mscc, Mscc.requestedServiceUnit);
    if (requested !== NONE) service.requested = readRequestedUnits(reader, requested);
    const reason = readServiceReason(reader, mscc);
    if (reason !== undefined) service.reason = reason;
    services.push(service);
  }
  return services;
}

const NO_IDENTIFIERS: readonly number[] = Object.freeze([]);

function readServiceIdentifiers(reader: MessageReader, first: Entry): readonly number[] {
  if (first === NONE) return NO_IDENTIFIERS;
  const identifiers: number[] = [];
  for (let entry = first; entry !== NONE; entry = reader.next(entry)) {
    identifiers.push(reader.unsigned32At(entry));
  }
  return identifiers;
}

/** Units at command level beside Multiple-Services-Credit-Control contradict it [RFC 8506 5.1.2]. */
function rejectUnitsTwice(reader: MessageReader): void {
  const units =
    reader.first(MESSAGE, Ccr.requestedServiceUnit) || reader.first(MESSAGE, Ccr.usedServiceUnit);
  if (units !== NONE) {
    reader.reject(
      units,
      ResultCode.DIAMETER_CONTRADICTING_AVPS,
      'stands beside Multiple-Services-Credit-Control',
    );
  }
}

/**
 * The one service of a request without Multiple-Services-Credit-Control. A first request or an
 * event that names no units asks for the default quota, unless the gateway said that it will ask
 * service by service later [RFC 8506 5.1.1].
 */
function readCommandLevelService(
  reader: MessageReader,
  peer: ResolvedPeer,
  phase: RequestPhase,
): ServiceRequest[] {
  const requested = reader.first(MESSAGE, Ccr.requestedServiceUnit);
  const firstUsed = reader.first(MESSAGE, Ccr.usedServiceUnit);
  const later =
    reader.integer32(MESSAGE, Ccr.multipleServicesIndicator) ===
    MultipleServicesIndicator.MULTIPLE_SERVICES_SUPPORTED;
  const impliesUnits = phase === 'event' || (phase === 'initial' && !later);
  if (requested === NONE && firstUsed === NONE && !impliesUnits) return [];
  const service: Mutable<ServiceRequest> = {
    ratingGroup: peer.profile.defaultRatingGroup,
    serviceIdentifiers: readServiceIdentifiers(
      reader,
      reader.first(MESSAGE, Ccr.serviceIdentifier),
    ),
    used: readUsedUnits(reader, firstUsed),
  };
  if (requested !== NONE) service.requested = readRequestedUnits(reader, requested);
  else if (impliesUnits) service.requested = {};
  return [service];
}

function rejectValue(reader: MessageReader, entry: Entry): void {
  reader.reject(entry, ResultCode.DIAMETER_INVALID_AVP_VALUE, 'is not a value it may have');
}

function readAnswerContext(
  reader: MessageReader,
  peer: ResolvedPeer,
  request: CreditControlRequest,
  requestType: number,
): AnswerContext {
  const { flags, hopByHop, endToEnd } = reader.header;
  const firstService = reader.first(MESSAGE, Ccr.multipleServicesCreditControl);
  const multipleServices = firstService !== NONE;
  let implied = !multipleServices;
  for (let mscc = firstService; mscc !== NONE; mscc = reader.next(mscc)) {
    if (!reader.has(mscc, Mscc.ratingGroup)) implied = true;
  }
  return {
    flags,
    hopByHop,
    endToEnd,
    sessionId: request.sessionId,
    requestType,
    requestNumber: request.requestNumber,
    multipleServices,
    impliedRatingGroup: implied ? peer.profile.defaultRatingGroup : null,
    repeated: readRepeated(reader),
  };
}

function readRepeated(reader: MessageReader): Buffer[] | null {
  const proxy = reader.first(MESSAGE, Ccr.proxyInfo);
  const route = reader.first(MESSAGE, Ccr.routeRecord);
  if (proxy === NONE && route === NONE) return null;
  const avps: Buffer[] = [];
  for (let entry = proxy; entry !== NONE; entry = reader.next(entry))
    avps.push(reader.rawAvp(entry));
  for (let entry = route; entry !== NONE; entry = reader.next(entry))
    avps.push(reader.rawAvp(entry));
  return avps;
}
