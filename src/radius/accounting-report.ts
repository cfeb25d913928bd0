/** Accounting-Request to report: cumulative counters, times and causes in our words. */
import type { AccountingReport, SessionCounters, SessionReport } from '../domain/access.js';
import { toAmount, type Amount } from '../domain/amounts.js';
import { valueName, type Attribute } from './attribute.js';
import { decodeClass } from './class-value.js';
import {
  AcctDelayTime,
  AcctInputGigawords,
  AcctInputOctets,
  AcctOutputGigawords,
  AcctOutputOctets,
  AcctSessionId,
  AcctSessionTime,
  AcctStatusType,
  AcctTerminateCause,
  Class,
  EventTimestamp,
} from './generated/standard.js';
import type { NasClient } from './nas-clients.js';
import type { RadiusPacket } from './packet.js';
import {
  bootMarkOf,
  networkContext,
  requestConnection,
  requestDevice,
  requestIdentities,
  requestPort,
  requestStation,
} from './request-context.js';
import type { SealingKeys } from './sealing-keys.js';
import { sessionKeyOf } from './session-key.js';

export interface ReportOptions {
  readonly nas: NasClient;
  /** Of who sent it: the NAS, or a proxy in front of it. */
  readonly address: string;
  readonly keys: SealingKeys;
  /** Milliseconds since 1970. */
  readonly receivedAt: number;
}

export type ReportResult =
  | { readonly kind: 'report'; readonly report: AccountingReport }
  /** Well-formed and of no use to charging (tunnel links, failures): answered, not recorded. */
  | { readonly kind: 'irrelevant' }
  /** Without what every report must have: not answered [RFC 2866 5]. */
  | { readonly kind: 'incomplete'; readonly missing: 'no-status-type' | 'no-session-id' };

/** A delay beyond this is a fault of the NAS, not a delay; without this the report would be lost. */
const DELAY_SECONDS_MAX = 7 * 86_400;
const GIGAWORD = 2 ** 32;

const { values: STATUS } = AcctStatusType;
const SESSION_STATUS: ReadonlyMap<number, SessionReport['status']> = new Map([
  [STATUS.Start, 'start'],
  [STATUS['Interim-Update'], 'interim'],
  [STATUS.Stop, 'stop'],
]);
const NAS_CHANGE: ReadonlyMap<number, 'on' | 'off'> = new Map([
  [STATUS['Accounting-On'], 'on'],
  [STATUS['Accounting-Off'], 'off'],
]);

export function readReport(packet: RadiusPacket, options: ReportOptions): ReportResult {
  const status = packet.get(AcctStatusType);
  if (status === undefined) return { kind: 'incomplete', missing: 'no-status-type' };
  const change = NAS_CHANGE.get(status);
  if (change !== undefined) return { kind: 'report', report: nasReport(packet, options, change) };
  const sessionStatus = SESSION_STATUS.get(status);
  if (sessionStatus === undefined) return { kind: 'irrelevant' };
  const id = packet.get(AcctSessionId);
  if (id === undefined || id.length === 0) return { kind: 'incomplete', missing: 'no-session-id' };
  return { kind: 'report', report: sessionReport(packet, options, { id, status: sessionStatus }) };
}

/** Receipt less the delay that the NAS admits [RFC 2866 5.2]. */
function eventTime(packet: RadiusPacket, receivedAt: number): number {
  const delaySeconds = packet.get(AcctDelayTime) ?? 0;
  return delaySeconds > DELAY_SECONDS_MAX ? receivedAt : receivedAt - delaySeconds * 1000;
}

function nasReport(
  packet: RadiusPacket,
  options: ReportOptions,
  change: 'on' | 'off',
): AccountingReport {
  const { nas, receivedAt } = options;
  return {
    kind: 'nas',
    nas: nas.name,
    networkScope: nas.networkScope,
    device: requestDevice(packet, options),
    change,
    eventAt: eventTime(packet, receivedAt),
    receivedAt,
    context: networkContext(packet),
  };
}

function sessionReport(
  packet: RadiusPacket,
  options: ReportOptions,
  session: { readonly id: Buffer; readonly status: SessionReport['status'] },
): SessionReport {
  const { nas, keys, receivedAt } = options;
  const device = requestDevice(packet, options);
  const context = networkContext(packet);
  const timestamp = packet.get(EventTimestamp);
  const cause = packet.get(AcctTerminateCause);
  return {
    kind: 'session',
    nas: nas.name,
    networkScope: nas.networkScope,
    sessionKey: sessionKeyOf({ nas: nas.name, device }, session.id),
    handle: readHandle(packet, keys),
    status: session.status,
    counters: readCounters(packet, nas),
    sessionSeconds: packet.get(AcctSessionTime) ?? null,
    eventAt: eventTime(packet, receivedAt),
    receivedAt,
    eventTimestamp: timestamp === undefined ? null : timestamp * 1000,
    terminationCause: cause === undefined ? null : valueName(AcctTerminateCause, cause),
    identities: requestIdentities(packet),
    connection: requestConnection(packet, nas),
    station: requestStation(packet),
    address: context['address'] ?? null,
    port: requestPort(packet),
    bootMark: bootMarkOf(session.id, nas),
    device,
    context,
  };
}

/** The first Class that is ours: a NAS may have been given others by a proxy. */
function readHandle(packet: RadiusPacket, keys: SealingKeys): SessionReport['handle'] {
  for (const value of packet.all(Class)) {
    const handle = decodeClass(value, keys);
    if (handle !== null) return handle;
  }
  return null;
}

/**
 * The running totals, upper words included [RFC 2869 5.1, 5.2]. A total beyond 2^53 - 1 octets is
 * a fault of the NAS, and as good as not sent.
 */
function readCounters(packet: RadiusPacket, nas: NasClient): SessionCounters | null {
  const input = readTotal(packet, AcctInputOctets, AcctInputGigawords);
  const output = readTotal(packet, AcctOutputOctets, AcctOutputGigawords);
  if (input === null && output === null) return null;
  const width = packet.has(AcctInputGigawords) || packet.has(AcctOutputGigawords) ? 64 : 32;
  return nas.counterDirection === 'input-is-upload'
    ? { uploadOctets: input, downloadOctets: output, width }
    : { uploadOctets: output, downloadOctets: input, width };
}

function readTotal(
  packet: RadiusPacket,
  octets: Attribute<number>,
  gigawords: Attribute<number>,
): Amount | null {
  const low = packet.get(octets);
  const high = packet.get(gigawords);
  if (low === undefined) return null;
  const total = (high ?? 0) * GIGAWORD + low;
  return Number.isSafeInteger(total) ? toAmount(total) : null;
}
