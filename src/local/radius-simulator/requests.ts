/** The requests of RouterOS, attribute by attribute, for PPPoE and for a hotspot. */
import { randomBytes } from 'node:crypto';
import { attributeValue, type RawAttribute } from '../../radius/attribute.js';
import { chapDigest } from '../../radius/authentication/chap.js';
import {
  authenticatorResponse,
  challengeResponse,
  ntPasswordHash,
  ntResponse,
} from '../../radius/authentication/ms-chap.js';
import {
  MsChap2Response,
  MsChapChallenge,
  MsChapResponse,
} from '../../radius/generated/microsoft.js';
import { MikrotikHostIp } from '../../radius/generated/mikrotik.js';
import {
  AcctAuthentic,
  AcctDelayTime,
  AcctInputGigawords,
  AcctInputOctets,
  AcctInputPackets,
  AcctOutputGigawords,
  AcctOutputOctets,
  AcctOutputPackets,
  AcctSessionId,
  AcctSessionTime,
  AcctStatusType,
  AcctTerminateCause,
  CalledStationId,
  CallingStationId,
  ChapChallenge,
  ChapPassword,
  Class,
  EventTimestamp,
  FramedIpAddress,
  FramedProtocol,
  NasIdentifier,
  NasIpAddress,
  NasPort,
  NasPortId,
  NasPortType,
  ServiceType,
  UserName,
  UserPassword,
} from '../../radius/generated/standard.js';
import { WISPrLocationId, WISPrLocationName } from '../../radius/generated/wispr.js';
import { hidePassword } from '../../radius/hidden-value.js';
import type { SharedSecret } from '../../radius/shared-secret.js';
import type { SimulatedSubscriber } from './traffic.js';

/** What stays the same in all requests of a session. */
export interface SessionPlace {
  readonly subscriber: SimulatedSubscriber;
  readonly acctSessionId: string;
  readonly nasIdentifier: string;
  readonly nasAddress: string;
}

/** RouterOS writes the number of the session id as its port: unsigned, above 2^31. */
function portNumber(acctSessionId: string): number {
  return parseInt(acctSessionId, 16) >>> 0;
}

function placeAttributes(place: SessionPlace): RawAttribute[] {
  const { subscriber, acctSessionId, nasIdentifier, nasAddress } = place;
  const isHotspot = subscriber.service === 'hotspot';
  return [
    attributeValue(NasPort, portNumber(acctSessionId)),
    attributeValue(
      NasPortType,
      isHotspot ? NasPortType.values['Wireless-802.11'] : NasPortType.values.Ethernet,
    ),
    attributeValue(UserName, subscriber.userName),
    attributeValue(CallingStationId, subscriber.station),
    attributeValue(CalledStationId, isHotspot ? 'hotspot1' : 'isp'),
    attributeValue(NasPortId, isHotspot ? 'wlan1' : 'ether2'),
    attributeValue(AcctSessionId, Buffer.from(acctSessionId, 'latin1')),
    attributeValue(NasIdentifier, nasIdentifier),
    attributeValue(NasIpAddress, nasAddress),
  ];
}

const PPP: readonly RawAttribute[] = [
  attributeValue(ServiceType, ServiceType.values.Framed),
  attributeValue(FramedProtocol, FramedProtocol.values.PPP),
];

function hotspotAttributes(address: string): RawAttribute[] {
  return [
    attributeValue(FramedIpAddress, address),
    attributeValue(MikrotikHostIp, address),
    attributeValue(WISPrLocationId, 'isocc=de,cc=49,ac=30'),
    attributeValue(WISPrLocationName, 'simulated'),
  ];
}

/** How the subscriber proves itself, and how it knows the network by the accept. */
export interface SimulatedProof {
  readonly attributes: readonly RawAttribute[];
  /** True when the accept proves that the network knows the password; true where none is asked. */
  readonly accepts: (success: Buffer | undefined) => boolean;
}

export function proofOf(
  { method, userName, password, station }: SimulatedSubscriber,
  options: { readonly secret: SharedSecret | null; readonly authenticator: Buffer },
): SimulatedProof {
  const { secret, authenticator } = options;
  const plain = (attributes: readonly RawAttribute[]): SimulatedProof => ({
    attributes,
    accepts: () => true,
  });
  switch (method) {
    case 'pap':
    case 'mac': {
      const text = Buffer.from(method === 'mac' ? station : password);
      const sent = secret === null ? text : hidePassword(text, secret, authenticator);
      return plain([attributeValue(UserPassword, sent)]);
    }
    case 'chap': {
      const challenge = randomBytes(16);
      const digest = chapDigest(1, password, challenge);
      return plain([
        attributeValue(ChapPassword, Buffer.concat([Buffer.from([1]), digest])),
        attributeValue(ChapChallenge, challenge),
      ]);
    }
    case 'ms-chap': {
      const challenge = randomBytes(8);
      const nt = challengeResponse(challenge, ntPasswordHash(password));
      const response = Buffer.concat([Buffer.from([1, 1]), Buffer.alloc(24), nt]);
      return plain([
        attributeValue(MsChapChallenge, challenge),
        attributeValue(MsChapResponse, response),
      ]);
    }
    case 'ms-chap2':
      return msChap2Proof(userName, password);
  }
}

function msChap2Proof(userName: string, password: string): SimulatedProof {
  const exchange = {
    authenticatorChallenge: randomBytes(16),
    peerChallenge: randomBytes(16),
    userName,
  };
  const hash = ntPasswordHash(password);
  const nt = ntResponse(exchange, hash);
  const response = Buffer.concat([
    Buffer.from([1, 0]),
    exchange.peerChallenge,
    Buffer.alloc(8),
    nt,
  ]);
  const expected = authenticatorResponse(exchange, hash, nt);
  return {
    attributes: [
      attributeValue(MsChapChallenge, exchange.authenticatorChallenge),
      attributeValue(MsChap2Response, response),
    ],
    accepts: (success) => success?.toString('latin1', 1) === expected,
  };
}

export function loginAttributes(
  place: SessionPlace,
  proof: SimulatedProof,
  address: string,
): RawAttribute[] {
  const isHotspot = place.subscriber.service === 'hotspot';
  const service = isHotspot
    ? [attributeValue(ServiceType, ServiceType.values.Login), ...hotspotAttributes(address)]
    : PPP;
  return [...service, ...placeAttributes(place), ...proof.attributes];
}

/** What a report says beside its place. */
export interface ReportParts {
  readonly status: 'Start' | 'Interim-Update' | 'Stop';
  readonly address: string;
  readonly classes: readonly Buffer[];
  readonly sessionSeconds: number;
  /** Null leaves octets and packets out. */
  readonly counters: { readonly input: number; readonly output: number } | null;
  readonly gigawords: boolean;
  readonly terminateCause: string | null;
  /** Seconds since 1970 by the clock of the NAS. */
  readonly timestamp: number;
  readonly delaySeconds: number;
}

const GIGAWORD = 2 ** 32;
/** Packets are of no interest: of an average size. */
const PACKET_OCTETS = 800;

export function reportAttributes(place: SessionPlace, parts: ReportParts): RawAttribute[] {
  const { status, address, classes, counters } = parts;
  const isHotspot = place.subscriber.service === 'hotspot';
  // A hotspot leaves Service-Type out of its accounting.
  const service = isHotspot
    ? hotspotAttributes(address)
    : [
        ...PPP,
        attributeValue(FramedIpAddress, address),
        attributeValue(AcctAuthentic, AcctAuthentic.values.RADIUS),
      ];
  return [
    attributeValue(AcctStatusType, AcctStatusType.values[status]),
    ...service,
    ...placeAttributes(place),
    ...classes.map((value) => attributeValue(Class, value)),
    attributeValue(EventTimestamp, parts.timestamp),
    attributeValue(AcctDelayTime, parts.delaySeconds),
    ...(status === 'Start' ? [] : [attributeValue(AcctSessionTime, parts.sessionSeconds)]),
    ...(counters === null || status === 'Start'
      ? []
      : counterAttributes(counters, parts.gigawords)),
    ...terminateCause(parts.terminateCause),
  ];
}

function counterAttributes(
  { input, output }: { readonly input: number; readonly output: number },
  gigawords: boolean,
): RawAttribute[] {
  const low = (total: number): number => total % GIGAWORD;
  const high = (total: number): number => Math.floor(total / GIGAWORD);
  return [
    attributeValue(AcctInputOctets, low(input)),
    attributeValue(AcctOutputOctets, low(output)),
    attributeValue(AcctInputPackets, Math.ceil(input / PACKET_OCTETS) % GIGAWORD),
    attributeValue(AcctOutputPackets, Math.ceil(output / PACKET_OCTETS) % GIGAWORD),
    ...(gigawords
      ? [
          attributeValue(AcctInputGigawords, high(input)),
          attributeValue(AcctOutputGigawords, high(output)),
        ]
      : []),
  ];
}

function terminateCause(name: string | null): RawAttribute[] {
  const values: Readonly<Record<string, number>> = AcctTerminateCause.values;
  const number = name === null ? undefined : values[name];
  return number === undefined ? [] : [attributeValue(AcctTerminateCause, number)];
}
