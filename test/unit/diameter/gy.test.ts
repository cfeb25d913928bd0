import { describe, expect, it } from 'vitest';
import { readCreditControlRequest, type GyRequest } from '../../../src/diameter/gy.js';
import { DIAMETER_LIMITS } from '../../../src/diameter/limits.js';
import { MessageReader } from '../../../src/diameter/message-reader.js';
import { resolvePeer } from '../../../src/diameter/peer.js';
import type { PeerProfile } from '../../../src/domain/diameter-peer.js';
import { readVector } from '../../support/diameter-vectors.js';
import { GATEWAY } from '../../support/diameter-node.js';

function read(name: string, profile: Partial<PeerProfile> = {}): GyRequest {
  const reader = new MessageReader(DIAMETER_LIMITS);
  const fault = reader.read(readVector('credit-control-requests.txt', name).bytes);
  expect(fault).toBeNull();
  const request = readCreditControlRequest(reader, resolvePeer({ ...GATEWAY, profile }));
  if (request === null) throw new Error(reader.fault?.reason);
  return request;
}

describe('a Credit-Control-Request', () => {
  it('becomes a request with every field of a packet session', () => {
    expect(read('ccr-initial').request).toEqual({
      protocol: 'gy',
      phase: 'initial',
      sessionId: 'pgw1.visited.example;1876543210;523;1',
      requestNumber: 0,
      peer: 'gateway-1',
      networkScope: 'visited',
      origin: { host: 'pgw1.visited.example', realm: 'visited.example' },
      identities: [
        { kind: 'imsi', value: '262011234567890' },
        { kind: 'e164', value: '491701234567' },
      ],
      serviceContext: '32251@3gpp.org',
      services: [
        { ratingGroup: 10, serviceIdentifiers: [1], requested: { octets: 5000 }, used: [] },
        { ratingGroup: 12, serviceIdentifiers: [2, 3], requested: { octets: 5000 }, used: [] },
        { ratingGroup: 14, serviceIdentifiers: [], requested: {}, used: [] },
      ],
      retransmitted: false,
      eventTimestamp: Date.UTC(2026, 8, 28, 12),
      context: {
        chargingId: '16909060',
        pdpType: 'ipv4',
        pdpAddress: '10.45.0.2',
        sgsnAddress: '192.0.2.17',
        ggsnAddress: '2001:db8::1',
        apn: 'internet',
        visitedNetwork: '26201',
        gatewayNetwork: '26202',
        nsapi: '5',
        selectionMode: '0',
        chargingCharacteristics: '0800',
        msTimeZone: '+02:00',
        userLocation: '8262f210123462f21000001234',
        ratType: '6',
        imei: '3534900698733190',
      },
    });
  });

  it('reports use with its reason, and the sum of both directions where no total is sent', () => {
    const { request } = read('ccr-update');
    expect(request.services).toEqual([
      {
        ratingGroup: 10,
        serviceIdentifiers: [1],
        requested: { octets: 1_048_576 },
        used: [
          {
            seconds: 60,
            octets: 3000,
            inputOctets: 1000,
            outputOctets: 2000,
            reason: 'threshold',
          },
        ],
      },
      {
        ratingGroup: 12,
        serviceIdentifiers: [],
        used: [
          { octets: 300, inputOctets: 100, outputOctets: 200, tariffChange: 'before' },
          { octets: 3, inputOctets: 1, outputOctets: 2, tariffChange: 'after' },
        ],
        reason: 'validity-time',
      },
    ]);
    expect(request.context).toEqual({ qos: '9/8/50000000/100000000' });
  });

  it('takes the side of the tariff change that stands beside the used units', () => {
    const { request } = read('ccr-tariff-change-beside');
    expect(request.services.map(({ used }) => used)).toEqual([
      [{ seconds: 5, tariffChange: 'after' }],
    ]);
  });

  it('tells that the peer may have sent it before', () => {
    expect(read('ccr-update-retransmitted').request.retransmitted).toBe(true);
  });

  it('keeps 2^53 - 1 octets exact and names the cause of the end', () => {
    const { request } = read('ccr-terminate');
    expect(request.phase).toBe('terminate');
    expect(request.terminationCause).toBe('DIAMETER_LOGOUT');
    expect(request.services[0]?.used[0]?.octets).toBe(Number.MAX_SAFE_INTEGER);
    expect(request.services[0]?.requested).toBeUndefined();
  });

  it('minds Requested-Action only in events', () => {
    expect(read('ccr-open5gs').request.action).toBeUndefined();
    expect(read('ccr-event-sms').request.action).toBe('debit');
  });

  it('leaves a missing rating group open, or takes the one of the peer profile', () => {
    expect(read('ccr-open5gs').request.services[0]?.ratingGroup).toBeNull();
    const implied = read('ccr-open5gs', { defaultRatingGroup: 5 });
    expect(implied.request.services[0]?.ratingGroup).toBe(5);
    expect(implied.context.impliedRatingGroup).toBe(5);
  });

  it('takes the units of a text message from the command and its recipient as called party', () => {
    const { request, context } = read('ccr-event-sms');
    expect(request.services).toEqual([
      { ratingGroup: null, serviceIdentifiers: [7], requested: { events: 1 }, used: [] },
    ]);
    expect(request.context).toEqual({ calledParty: '4930123456', smMessageType: '0' });
    expect(context.multipleServices).toBe(false);
  });

  it('asks for the default quota in an event that names no units', () => {
    expect(read('ccr-event-default').request.services).toEqual([
      { ratingGroup: null, serviceIdentifiers: [], requested: {}, used: [] },
    ]);
  });

  it('takes the seconds and the parties of a call', () => {
    const { request } = read('ccr-voice-initial');
    expect(request.services[0]?.requested).toEqual({ seconds: 60 });
    expect(request.context).toEqual({
      calledParty: '442079460018',
      calledDomain: 'ims.example',
      callingParty: '491701234567',
      nodeFunctionality: '6',
      roleOfNode: '0',
    });
  });

  it('takes money as micro-units of its currency', () => {
    const { request } = read('ccr-refund-money');
    expect(request.action).toBe('refund');
    expect(request.services[0]?.requested).toEqual({
      money: { currency: 'EUR', amount: 12_500_000 },
    });
  });

  it('takes the host behind a relay, User-Name as an identity, and keeps what must go back', () => {
    const { request, context } = read('ccr-relayed');
    expect(request.origin).toEqual({ host: 'pgw7.far.example', realm: 'far.example' });
    expect(request.identities).toEqual([{ kind: 'user-name', value: 'user@far.example' }]);
    const { bytes } = readVector('credit-control-requests.txt', 'ccr-relayed');
    expect(Buffer.concat([...(context.repeated ?? [])])).toEqual(
      bytes.subarray(bytes.indexOf('0000011c', 'hex')),
    );
  });
});
