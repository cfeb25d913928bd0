/**
 * What the network says about a request, as text for the event and for rating: the charging
 * information of TS 32.299 7.2 for packet service (32251), IMS (32260) and SMS (32274).
 */
import type { NetworkContext } from '../domain/credit-control.js';
import {
  AllocationRetentionPriority as Arp,
  CreditControlRequest as Ccr,
  EventType,
  ImsInformation as Ims,
  MultipleServicesCreditControl as Mscc,
  OriginatorReceivedAddress as Originator,
  PsInformation as Ps,
  QoSInformation as Qos,
  RecipientAddress,
  RecipientInfo,
  ServiceInformation as Info,
  SmsInformation as Sms,
  UserEquipmentInfo as Equipment,
} from './generated/grammars.js';
import { MESSAGE, NONE, type Entry, type MessageReader } from './message-reader.js';
import { equipmentText, partyOf, safeText, timeZoneText } from './network-text.js';

type Draft = { -readonly [K in keyof NetworkContext]: NetworkContext[K] };

/** 3GPP-PDP-Type by number [TS 29.061 16.4.7]. */
const PDP_TYPES = ['ipv4', 'ppp', 'ipv6', 'ipv4v6', 'non-ip', 'unstructured', 'ethernet'];

/** A location of two parts takes 13 octets; nothing that is defined takes 64. */
const LOCATION_OCTETS_MAX = 64;

/** Reads the context; `serviceInformation` is NONE where the request has none. */
export function readContext(reader: MessageReader, serviceInformation: Entry): NetworkContext {
  const context: Draft = {};
  if (serviceInformation !== NONE) {
    const ps = reader.first(serviceInformation, Info.psInformation);
    if (ps !== NONE) readPacketService(reader, ps, context);
    const ims = reader.first(serviceInformation, Info.imsInformation);
    if (ims !== NONE) readIms(reader, ims, context);
    const sms = reader.first(serviceInformation, Info.smsInformation);
    if (sms !== NONE) readSms(reader, sms, context);
  }
  const equipment = reader.first(MESSAGE, Ccr.userEquipmentInfo);
  if (equipment !== NONE) readEquipment(reader, equipment, context);
  const mscc = reader.first(MESSAGE, Ccr.multipleServicesCreditControl);
  if (mscc !== NONE) readQos(reader, reader.first(mscc, Mscc.qoSInformation), context);
  return context;
}

/** PS-Information [TS 32.299 7.2.158]. */
function readPacketService(reader: MessageReader, ps: Entry, context: Draft): void {
  const chargingId = reader.octetsAsUnsigned32(ps, Ps.threeGppChargingId);
  if (chargingId !== undefined) context['chargingId'] = String(chargingId);
  const pdpType = reader.integer32(ps, Ps.threeGppPdpType);
  if (pdpType !== undefined) context['pdpType'] = PDP_TYPES[pdpType] ?? String(pdpType);
  const pdpAddress = reader.address(ps, Ps.pdpAddress);
  if (pdpAddress !== undefined) context['pdpAddress'] = pdpAddress;
  const sgsn = reader.address(ps, Ps.sgsnAddress);
  if (sgsn !== undefined) context['sgsnAddress'] = sgsn;
  const ggsn = reader.address(ps, Ps.ggsnAddress);
  if (ggsn !== undefined) context['ggsnAddress'] = ggsn;
  const sgw = reader.address(ps, Ps.sgwAddress);
  if (sgw !== undefined) context['sgwAddress'] = sgw;
  const apn = reader.safeText(ps, Ps.calledStationId);
  if (apn !== undefined) context.apn = apn;
  const visited = reader.safeText(ps, Ps.threeGppSgsnMccMnc);
  if (visited !== undefined) context.visitedNetwork = visited;
  const home = reader.safeText(ps, Ps.threeGppImsiMccMnc);
  if (home !== undefined) context['homeNetwork'] = home;
  const gateway = reader.safeText(ps, Ps.threeGppGgsnMccMnc);
  if (gateway !== undefined) context['gatewayNetwork'] = gateway;
  readBearer(reader, ps, context);
  readQos(reader, reader.first(ps, Ps.qoSInformation), context);
}

function readBearer(reader: MessageReader, ps: Entry, context: Draft): void {
  const rat = reader.octet(ps, Ps.threeGppRatType);
  if (rat !== undefined) context.ratType = String(rat);
  const location = reader.hexadecimal(ps, Ps.threeGppUserLocationInfo, LOCATION_OCTETS_MAX);
  if (location !== undefined) context['userLocation'] = location;
  const timeZone = reader.firstOctet(ps, Ps.threeGppMsTimeZone);
  if (timeZone !== undefined) context['msTimeZone'] = timeZoneText(timeZone);
  const nsapi = reader.safeText(ps, Ps.threeGppNsapi);
  if (nsapi !== undefined) context['nsapi'] = nsapi;
  const selection = reader.safeText(ps, Ps.threeGppSelectionMode);
  if (selection !== undefined) context['selectionMode'] = selection;
  const characteristics = reader.safeText(ps, Ps.threeGppChargingCharacteristics);
  if (characteristics !== undefined) {
    context['chargingCharacteristics'] = characteristics;
  }
  const ruleBase = reader.safeText(ps, Ps.chargingRuleBaseName);
  if (ruleBase !== undefined) context['chargingRuleBase'] = ruleBase;
  const servingNode = reader.integer32(ps, Ps.servingNodeType);
  if (servingNode !== undefined) context['servingNodeType'] = String(servingNode);
  const equipment = reader.first(ps, Ps.userEquipmentInfo);
  if (equipment !== NONE) readEquipment(reader, equipment, context);
}

/**
 * QoS-Information as class/priority/uplink/downlink [TS 29.212 5.3.16], rates of the bearer or else
 * of the whole access point; "-" for what is absent.
 */
function readQos(reader: MessageReader, qos: Entry, context: Draft): void {
  if (qos === NONE) return;
  const priority = reader.first(qos, Qos.allocationRetentionPriority);
  const level = priority === NONE ? undefined : reader.unsigned32(priority, Arp.priorityLevel);
  const up =
    reader.unsigned32(qos, Qos.maxRequestedBandwidthUl) ??
    reader.unsigned32(qos, Qos.apnAggregateMaxBitrateUl);
  const down =
    reader.unsigned32(qos, Qos.maxRequestedBandwidthDl) ??
    reader.unsigned32(qos, Qos.apnAggregateMaxBitrateDl);
  const qci = reader.integer32(qos, Qos.qoSClassIdentifier);
  context['qos'] = `${qci ?? '-'}/${level ?? '-'}/${up ?? '-'}/${down ?? '-'}`;
}

/** IMS-Information [TS 32.299 7.2.77]. */
function readIms(reader: MessageReader, ims: Entry, context: Draft): void {
  const called = reader.text(ims, Ims.calledPartyAddress);
  if (called !== undefined) setCalledParty(called, context);
  const calling = reader.text(ims, Ims.callingPartyAddress);
  if (calling !== undefined) setCallingParty(calling, context);
  const node = reader.integer32(ims, Ims.nodeFunctionality);
  if (node !== undefined) context['nodeFunctionality'] = String(node);
  const role = reader.integer32(ims, Ims.roleOfNode);
  if (role !== undefined) context['roleOfNode'] = String(role);
  const chargingId = reader.text(ims, Ims.imsChargingIdentifier);
  if (chargingId !== undefined) context['imsChargingId'] = safeText(chargingId);
  const visited = reader.safeText(ims, Ims.imsVisitedNetworkIdentifier);
  if (visited !== undefined) context['imsVisitedNetwork'] = visited;
  const event = reader.first(ims, Ims.eventType);
  if (event === NONE) return;
  const method = reader.safeText(event, EventType.sipMethod);
  if (method !== undefined) context['sipMethod'] = method;
}

/** SMS-Information [TS 32.299 7.2.206]: the first recipient is the called party. */
function readSms(reader: MessageReader, sms: Entry, context: Draft): void {
  const recipient = reader.first(sms, Sms.recipientInfo);
  if (recipient !== NONE) {
    const address = reader.first(recipient, RecipientInfo.recipientAddress);
    const data = address === NONE ? undefined : reader.text(address, RecipientAddress.addressData);
    if (data !== undefined) setCalledParty(data, context);
  }
  const originator = reader.first(sms, Sms.originatorReceivedAddress);
  if (originator !== NONE) {
    const data = reader.text(originator, Originator.addressData);
    if (data !== undefined) setCallingParty(data, context);
  }
  const centre = reader.address(sms, Sms.smscAddress);
  if (centre !== undefined) context['smscAddress'] = centre;
  const type = reader.integer32(sms, Sms.smMessageType);
  if (type !== undefined) context['smMessageType'] = String(type);
}

function setCallingParty(address: string, context: Draft): void {
  const { party, domain } = partyOf(address);
  context.callingParty = party;
  if (domain !== null) context['callingDomain'] = domain;
}

/** Only digits can be matched by prefix: anything else is kept beside them. */
function setCalledParty(address: string, context: Draft): void {
  const { party, domain } = partyOf(address);
  if (/^\d+$/.test(party)) context.calledParty = party;
  else context.calledAddress = party;
  if (domain !== null) context['calledDomain'] = domain;
}

function readEquipment(reader: MessageReader, equipment: Entry, context: Draft): void {
  const value = reader.octets(equipment, Equipment.userEquipmentInfoValue);
  if (value === undefined) return;
  const type = reader.integer32(equipment, Equipment.userEquipmentInfoType) ?? 0;
  context[type === 0 ? 'imei' : 'equipment'] = equipmentText(value, type === 0);
}
