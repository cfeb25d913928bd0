/** A Credit-Control-Request of a packet gateway in mid-session: 69 AVPs in about 1.2 kB. */
import { Avp } from '../src/diameter/generated/avps.js';
import { CommandCode } from '../src/diameter/generated/enumerations.js';
import {
  CREDIT_CONTROL_APPLICATION,
  FLAG_PROXIABLE,
  FLAG_REQUEST,
} from '../src/diameter/message-header.js';
import type { MessageWriter } from '../src/diameter/message-writer.js';

/** What differs from subscriber to subscriber and from request to request. */
export interface UpdateOf {
  readonly subscriber: number;
  readonly requestNumber: number;
}

/** Writes the request: two services with use and QoS, two identities, PS-Information of 15 AVPs. */
export function writeUpdate(writer: MessageWriter, { subscriber, requestNumber }: UpdateOf): void {
  writer.begin({
    flags: FLAG_REQUEST | FLAG_PROXIABLE,
    command: CommandCode.CreditControl,
    application: CREDIT_CONTROL_APPLICATION,
    hopByHop: requestNumber,
    endToEnd: subscriber,
  });
  const digits = String(subscriber).padStart(9, '0');
  writer.text(Avp.SessionId, `pgw01.epc.mnc001.mcc262.3gppnetwork.org;1791212345;${digits}`);
  writer.text(Avp.OriginHost, 'pgw01.epc.mnc001.mcc262.3gppnetwork.org');
  writer.text(Avp.OriginRealm, 'epc.mnc001.mcc262.3gppnetwork.org');
  writer.text(Avp.DestinationRealm, 'ocs.mnc001.mcc262.3gppnetwork.org');
  writer.text(Avp.DestinationHost, 'tolld-1.ocs.mnc001.mcc262.3gppnetwork.org');
  writer.unsigned32(Avp.AuthApplicationId, CREDIT_CONTROL_APPLICATION);
  writer.text(Avp.ServiceContextId, '32251@3gpp.org');
  writer.integer32(Avp.CcRequestType, 2);
  writer.unsigned32(Avp.CcRequestNumber, requestNumber);
  writer.unsigned32(Avp.OriginStateId, 1791200000);
  writer.time(Avp.EventTimestamp, 1_791_212_345_000 + requestNumber * 1000);
  writeIdentity(writer, 0, `4917${digits}`);
  writeIdentity(writer, 1, `262011${digits}`);
  writer.integer32(Avp.MultipleServicesIndicator, 1);
  writeService(writer, 10, 1_048_576 + subscriber, requestNumber);
  writeService(writer, 20, 524_288 + subscriber, requestNumber);
  writePacketService(writer, subscriber);
  writer.end();
}

function writeIdentity(writer: MessageWriter, type: number, data: string): void {
  const mark = writer.open(Avp.SubscriptionId);
  writer.integer32(Avp.SubscriptionIdType, type);
  writer.text(Avp.SubscriptionIdData, data);
  writer.close(mark);
}

function writeService(
  writer: MessageWriter,
  ratingGroup: number,
  octets: number,
  seconds: number,
): void {
  const mscc = writer.open(Avp.MultipleServicesCreditControl);
  const requested = writer.open(Avp.RequestedServiceUnit);
  writer.unsigned64(Avp.CcTotalOctets, 10_485_760);
  writer.close(requested);
  const used = writer.open(Avp.UsedServiceUnit);
  writer.unsigned32(Avp.CcTime, seconds);
  writer.unsigned64(Avp.CcTotalOctets, octets * 2);
  writer.unsigned64(Avp.CcInputOctets, octets);
  writer.unsigned64(Avp.CcOutputOctets, octets);
  writer.integer32(Avp.ReportingReason, 0);
  writer.close(used);
  writer.unsigned32(Avp.ServiceIdentifier, ratingGroup + 1);
  writer.unsigned32(Avp.RatingGroup, ratingGroup);
  writeQos(writer);
  writer.close(mscc);
}

function writeQos(writer: MessageWriter): void {
  const qos = writer.open(Avp.QoSInformation);
  writer.integer32(Avp.QoSClassIdentifier, 9);
  const priority = writer.open(Avp.AllocationRetentionPriority);
  writer.unsigned32(Avp.PriorityLevel, 8);
  writer.integer32(Avp.PreEmptionCapability, 1);
  writer.integer32(Avp.PreEmptionVulnerability, 1);
  writer.close(priority);
  writer.close(qos);
}

function writePacketService(writer: MessageWriter, subscriber: number): void {
  const low = [(subscriber >> 16) & 0xff, (subscriber >> 8) & 0xff, subscriber & 0xff];
  const information = writer.open(Avp.ServiceInformation);
  const ps = writer.open(Avp.PsInformation);
  writer.octets(Avp.ThreeGppChargingId, Buffer.from([0x40, ...low]));
  writer.integer32(Avp.ThreeGppPdpType, 0);
  writer.address(Avp.PdpAddress, `10.${low.join('.')}`);
  writer.address(Avp.SgsnAddress, '192.0.2.17');
  writer.address(Avp.GgsnAddress, '192.0.2.33');
  writer.text(Avp.ThreeGppImsiMccMnc, '26201');
  writer.text(Avp.ThreeGppGgsnMccMnc, '26201');
  writer.text(Avp.ThreeGppNsapi, '5');
  writer.text(Avp.CalledStationId, 'internet');
  writer.text(Avp.ThreeGppSelectionMode, '0');
  writer.text(Avp.ThreeGppChargingCharacteristics, '0800');
  writer.text(Avp.ThreeGppSgsnMccMnc, '26201');
  writer.octets(Avp.ThreeGppMsTimeZone, Buffer.from([0x80, 0x01]));
  const location = [0x82, 0x62, 0xf2, 0x10, 0x12, 0x34, 0x62, 0xf2, 0x10, 0x00, ...low];
  writer.octets(Avp.ThreeGppUserLocationInfo, Buffer.from(location));
  writer.octets(Avp.ThreeGppRatType, Buffer.from([6]));
  writer.close(ps);
  writer.close(information);
}
