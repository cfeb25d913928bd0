import { describe, expect, it } from 'vitest';
import { Avp } from '../../../src/diameter/generated/avps.js';
import { readCreditControlRequest } from '../../../src/diameter/gy.js';
import { DIAMETER_LIMITS } from '../../../src/diameter/limits.js';
import { MessageReader } from '../../../src/diameter/message-reader.js';
import { encodeAvps, type MessageWriter } from '../../../src/diameter/message-writer.js';
import { resolvePeer } from '../../../src/diameter/peer.js';
import type { CreditControlRequest } from '../../../src/domain/credit-control.js';
import { GATEWAY } from '../../support/diameter-node.js';
import { readVector } from '../../support/diameter-vectors.js';

/** A request for an event without units, with more AVPs behind. */
function readWith(write: (writer: MessageWriter) => void): CreditControlRequest {
  const { bytes } = readVector('credit-control-requests.txt', 'ccr-event-default');
  const message = Buffer.concat([bytes, encodeAvps(write)]);
  message.writeUIntBE(message.length, 1, 3);
  const reader = new MessageReader(DIAMETER_LIMITS);
  expect(reader.read(message)).toBeNull();
  const read = readCreditControlRequest(reader, resolvePeer(GATEWAY));
  if (read === null) throw new Error(reader.fault?.reason);
  return read.request;
}

describe('the context of a request', () => {
  it('keeps the home network, serving gateway, rule base and bearer rates of a packet session', () => {
    const { context } = readWith((writer) => {
      const service = writer.open(Avp.ServiceInformation);
      const packet = writer.open(Avp.PsInformation);
      writer.address(Avp.SgwAddress, '192.0.2.9');
      writer.integer32(Avp.ServingNodeType, 2);
      writer.text(Avp.ThreeGppImsiMccMnc, '26203');
      writer.text(Avp.ChargingRuleBaseName, 'gold');
      const qos = writer.open(Avp.QoSInformation);
      writer.unsigned32(Avp.MaxRequestedBandwidthUl, 1000);
      writer.unsigned32(Avp.MaxRequestedBandwidthDl, 2000);
      writer.close(qos);
      writer.close(packet);
      writer.close(service);
    });
    expect(context).toEqual({
      sgwAddress: '192.0.2.9',
      servingNodeType: '2',
      homeNetwork: '26203',
      chargingRuleBase: 'gold',
      qos: '-/-/1000/2000',
    });
  });

  it('keeps the charging identifier, visited network and method of an IMS session', () => {
    const { context } = readWith((writer) => {
      const service = writer.open(Avp.ServiceInformation);
      const ims = writer.open(Avp.ImsInformation);
      const event = writer.open(Avp.EventType);
      writer.text(Avp.SipMethod, 'INVITE');
      writer.close(event);
      writer.integer32(Avp.NodeFunctionality, 6);
      writer.text(Avp.CalledPartyAddress, 'sip:alice@far.example');
      writer.text(Avp.ImsChargingIdentifier, 'icid-1');
      writer.text(Avp.ImsVisitedNetworkIdentifier, 'visited.example');
      writer.close(ims);
      writer.close(service);
    });
    expect(context).toEqual({
      sipMethod: 'INVITE',
      nodeFunctionality: '6',
      calledAddress: 'alice',
      calledDomain: 'far.example',
      imsChargingId: 'icid-1',
      imsVisitedNetwork: 'visited.example',
    });
  });

  it('keeps the domains of the parties beside their numbers', () => {
    const { context } = readWith((writer) => {
      const service = writer.open(Avp.ServiceInformation);
      const ims = writer.open(Avp.ImsInformation);
      writer.integer32(Avp.NodeFunctionality, 6);
      writer.text(Avp.CallingPartyAddress, 'sip:+491701234567@home.example;user=phone');
      writer.text(Avp.CalledPartyAddress, 'sip:+4930123456@far.example;user=phone');
      writer.close(ims);
      writer.close(service);
    });
    expect(context).toEqual({
      nodeFunctionality: '6',
      callingParty: '491701234567',
      callingDomain: 'home.example',
      calledParty: '4930123456',
      calledDomain: 'far.example',
    });
  });

  it('keeps the originator and the centre of a text message', () => {
    const { context } = readWith((writer) => {
      const service = writer.open(Avp.ServiceInformation);
      const sms = writer.open(Avp.SmsInformation);
      writer.address(Avp.SmscAddress, '192.0.2.44');
      const originator = writer.open(Avp.OriginatorReceivedAddress);
      writer.text(Avp.AddressData, '+491701234567');
      writer.close(originator);
      writer.close(sms);
      writer.close(service);
    });
    expect(context).toEqual({ smscAddress: '192.0.2.44', callingParty: '491701234567' });
  });

  it('takes identities from Subscription-Id-Extension', () => {
    const { identities } = readWith((writer) => {
      const extension = writer.open(Avp.SubscriptionIdExtension);
      writer.text(Avp.SubscriptionIdE164, '+4930123456');
      writer.text(Avp.SubscriptionIdImsi, '262011234567890');
      writer.text(Avp.SubscriptionIdSipUri, 'sip:a@b.example');
      writer.text(Avp.SubscriptionIdNai, 'a@b.example');
      writer.text(Avp.SubscriptionIdPrivate, 'a');
      writer.close(extension);
    });
    expect(identities.slice(-5)).toEqual([
      { kind: 'e164', value: '4930123456' },
      { kind: 'imsi', value: '262011234567890' },
      { kind: 'sip-uri', value: 'sip:a@b.example' },
      { kind: 'nai', value: 'a@b.example' },
      { kind: 'private', value: 'a' },
    ]);
  });
});
