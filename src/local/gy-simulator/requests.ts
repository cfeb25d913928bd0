/** Credit-Control-Requests as a packet gateway, a call server or a message centre sends them. */
import { Avp } from '../../diameter/generated/avps.js';
import {
  CcRequestType,
  CommandCode,
  MultipleServicesIndicator,
  ReportingReason,
  RequestedAction,
  SubscriptionIdType,
  TerminationCause,
} from '../../diameter/generated/enumerations.js';
import type { EncodedIdentity } from '../../diameter/identity.js';
import {
  CREDIT_CONTROL_APPLICATION,
  FLAG_PROXIABLE,
  FLAG_REQUEST,
  FLAG_RETRANSMITTED,
} from '../../diameter/message-header.js';
import type { MessageWriter } from '../../diameter/message-writer.js';
import type { SimulatedSubscriber, SimulatedUnit } from './traffic.js';

export type SimulatedPhase = 'initial' | 'update' | 'terminate' | 'event';
export type SimulatedReason = keyof typeof ReportingReason;

/** One service of a request. */
export interface ServiceAsked {
  readonly ratingGroup: number | null;
  readonly serviceIdentifier: number | null;
  readonly unit: SimulatedUnit;
  /** Units asked for; null asks for the default quota; absent asks for nothing. */
  readonly requested?: number | null;
  /** Units used since the last report; absent where none are reported. */
  readonly used?: number;
  readonly reason?: SimulatedReason;
}

export interface SimulatedRequest {
  readonly kind: 'data' | 'voice' | 'sms';
  readonly phase: SimulatedPhase;
  readonly sessionId: string;
  readonly number: number;
  readonly subscriber: SimulatedSubscriber;
  readonly services: readonly ServiceAsked[];
  readonly apn: string | null;
  readonly calledParty: string | null;
  readonly destinationRealm: string;
  /** Origin-Host of the last answer, as gateways keep it. */
  readonly destinationHost: string | null;
  readonly retransmitted: boolean;
  /** Milliseconds since 1970. */
  readonly at: number;
}

const TYPES: Readonly<Record<SimulatedPhase, number>> = {
  initial: CcRequestType.INITIAL_REQUEST,
  update: CcRequestType.UPDATE_REQUEST,
  terminate: CcRequestType.TERMINATION_REQUEST,
  event: CcRequestType.EVENT_REQUEST,
};

const CONTEXTS = { data: '32251@3gpp.org', voice: '32260@3gpp.org', sms: '32274@3gpp.org' };

/** E-UTRAN [TS 29.061 16.4.7]. */
const RAT_EUTRAN = 6;
/** Node-Functionality AS, Role-Of-Node originating [TS 32.299 7.2.117, 7.2.163]. */
const NODE_AS = 6;

/** Writes a request. The same request gives the same bytes but for identifiers and the T flag. */
export function writeRequest(
  writer: MessageWriter,
  ids: { readonly hopByHop: number; readonly endToEnd: number },
  request: SimulatedRequest,
  identity: EncodedIdentity,
): void {
  const retransmitted = request.retransmitted ? FLAG_RETRANSMITTED : 0;
  writer.begin({
    flags: FLAG_REQUEST | FLAG_PROXIABLE | retransmitted,
    command: CommandCode.CreditControl,
    application: CREDIT_CONTROL_APPLICATION,
    ...ids,
  });
  writer.text(Avp.SessionId, request.sessionId);
  writer.raw(identity.originWithState);
  writer.text(Avp.DestinationRealm, request.destinationRealm);
  if (request.destinationHost !== null) {
    writer.text(Avp.DestinationHost, request.destinationHost);
  }
  writer.unsigned32(Avp.AuthApplicationId, CREDIT_CONTROL_APPLICATION);
  writer.text(Avp.ServiceContextId, CONTEXTS[request.kind]);
  writer.integer32(Avp.CcRequestType, TYPES[request.phase]);
  writer.unsigned32(Avp.CcRequestNumber, request.number);
  writer.time(Avp.EventTimestamp, request.at);
  writeSubscription(writer, SubscriptionIdType.END_USER_IMSI, request.subscriber.imsi);
  writeSubscription(writer, SubscriptionIdType.END_USER_E164, request.subscriber.msisdn);
  if (request.phase === 'event') writeEvent(writer, request);
  else writeServices(writer, request);
  writeServiceInformation(writer, request);
  writer.end();
}

function writeSubscription(writer: MessageWriter, type: number, data: string): void {
  const mark = writer.open(Avp.SubscriptionId);
  writer.integer32(Avp.SubscriptionIdType, type);
  writer.text(Avp.SubscriptionIdData, data);
  writer.close(mark);
}

/** An immediate event has its units at command level. */
function writeEvent(writer: MessageWriter, request: SimulatedRequest): void {
  writer.integer32(Avp.RequestedAction, RequestedAction.DIRECT_DEBITING);
  for (const service of request.services) {
    writeRequested(writer, service);
    if (service.serviceIdentifier !== null) {
      writer.unsigned32(Avp.ServiceIdentifier, service.serviceIdentifier);
    }
  }
}

function writeServices(writer: MessageWriter, request: SimulatedRequest): void {
  writer.integer32(
    Avp.MultipleServicesIndicator,
    MultipleServicesIndicator.MULTIPLE_SERVICES_SUPPORTED,
  );
  if (request.phase === 'terminate') {
    writer.integer32(Avp.TerminationCause, TerminationCause.DIAMETER_LOGOUT);
  }
  for (const service of request.services) {
    const mark = writer.open(Avp.MultipleServicesCreditControl);
    writeRequested(writer, service);
    writeUsed(writer, service);
    if (service.serviceIdentifier !== null) {
      writer.unsigned32(Avp.ServiceIdentifier, service.serviceIdentifier);
    }
    if (service.ratingGroup !== null) writer.unsigned32(Avp.RatingGroup, service.ratingGroup);
    writer.close(mark);
  }
}

function writeRequested(writer: MessageWriter, service: ServiceAsked): void {
  if (service.requested === undefined) return;
  const mark = writer.open(Avp.RequestedServiceUnit);
  if (service.requested !== null) writeUnits(writer, service.unit, service.requested);
  writer.close(mark);
}

/** A quarter of the octets goes up, the rest comes down. */
function writeUsed(writer: MessageWriter, service: ServiceAsked): void {
  const { used, reason } = service;
  if (used === undefined) return;
  const mark = writer.open(Avp.UsedServiceUnit);
  writeUnits(writer, service.unit, used);
  if (service.unit === 'octets') {
    const input = Math.floor(used / 4);
    writer.unsigned64(Avp.CcInputOctets, input);
    writer.unsigned64(Avp.CcOutputOctets, used - input);
  }
  if (reason !== undefined) writer.integer32(Avp.ReportingReason, ReportingReason[reason]);
  writer.close(mark);
}

function writeUnits(writer: MessageWriter, unit: SimulatedUnit, amount: number): void {
  switch (unit) {
    case 'octets':
      writer.unsigned64(Avp.CcTotalOctets, amount);
      break;
    case 'seconds':
      writer.unsigned32(Avp.CcTime, amount);
      break;
    case 'events':
      writer.unsigned64(Avp.CcServiceSpecificUnits, amount);
      break;
  }
}

function writeServiceInformation(writer: MessageWriter, request: SimulatedRequest): void {
  const information = writer.open(Avp.ServiceInformation);
  switch (request.kind) {
    case 'data': {
      const ps = writer.open(Avp.PsInformation);
      writer.integer32(Avp.ThreeGppPdpType, 0);
      writer.text(Avp.CalledStationId, request.apn ?? 'internet');
      writer.text(Avp.ThreeGppSgsnMccMnc, request.subscriber.imsi.slice(0, 5));
      writer.octets(Avp.ThreeGppRatType, Buffer.from([RAT_EUTRAN]));
      writer.close(ps);
      break;
    }
    case 'voice': {
      const ims = writer.open(Avp.ImsInformation);
      writer.integer32(Avp.RoleOfNode, 0);
      writer.integer32(Avp.NodeFunctionality, NODE_AS);
      writer.text(Avp.CallingPartyAddress, `tel:+${request.subscriber.msisdn}`);
      writer.text(Avp.CalledPartyAddress, `tel:+${request.calledParty ?? ''}`);
      writer.close(ims);
      break;
    }
    case 'sms': {
      const sms = writer.open(Avp.SmsInformation);
      writer.integer32(Avp.SmMessageType, 0);
      const recipient = writer.open(Avp.RecipientInfo);
      const address = writer.open(Avp.RecipientAddress);
      writer.integer32(Avp.AddressType, 1);
      writer.text(Avp.AddressData, request.calledParty ?? '');
      writer.close(address);
      writer.close(recipient);
      writer.close(sms);
      break;
    }
  }
  writer.close(information);
}
