/** Logins and reports of PPPoE sessions as RouterOS sends them, encoded ahead of a measurement. */
import { randomBytes } from 'node:crypto';
import {
  loginAttributes,
  proofOf,
  reportAttributes,
  type SessionPlace,
} from '../src/local/radius-simulator/requests.js';
import { encodeRequest } from '../src/radius/authenticator.js';
import { Class } from '../src/radius/generated/standard.js';
import { PACKET_CODES } from '../src/radius/packet-code.js';
import { decodePacket } from '../src/radius/packet.js';
import type { SharedSecret } from '../src/radius/shared-secret.js';

export const NAS_NAME = 'bench-nas';
export const PASSWORD = 'a password of the bench';
/** What each report adds to the session's totals. */
export const REPORT = { uploadOctets: 100_000, downloadOctets: 1_000_000, seconds: 60 } as const;

export function userName(user: number): string {
  return `user-${user}`;
}

function placeOf(user: number, session: number): SessionPlace {
  const digits = user.toString(16).padStart(6, '0').toUpperCase();
  const station = `02:00:5E:${digits.match(/../g)?.join(':') ?? ''}`;
  return {
    subscriber: {
      userName: userName(user),
      password: PASSWORD,
      station,
      service: 'pppoe',
      method: 'pap',
    },
    acctSessionId: acctSessionId(session),
    nasIdentifier: NAS_NAME,
    nasAddress: '127.0.0.1',
  };
}

export function acctSessionId(session: number): string {
  return `81${session.toString(16).padStart(6, '0')}`;
}

export interface RequestOptions {
  readonly secret: SharedSecret;
  /** Identifier of the packet. */
  readonly slot: number;
  readonly user: number;
  readonly session: number;
}

/** A login by PAP. */
export function loginRequest({ secret, slot, user, session }: RequestOptions): Buffer {
  const place = placeOf(user, session);
  const authenticator = randomBytes(16);
  const proof = proofOf(place.subscriber, { secret, authenticator });
  return encodeRequest({
    code: PACKET_CODES['Access-Request'],
    identifier: slot,
    randomAuthenticator: authenticator,
    attributes: loginAttributes(place, proof, '0.0.0.0'),
    secret,
    messageAuthenticator: true,
  });
}

export interface ReportOptions extends RequestOptions {
  readonly status: 'Start' | 'Interim-Update' | 'Stop';
  /** Number of the report: totals are that many times {@link REPORT}. */
  readonly number: number;
  /** What the accept sealed for the session. */
  readonly classes: readonly Buffer[];
}

export function reportRequest(options: ReportOptions): Buffer {
  const { secret, slot, user, session, status, number, classes } = options;
  const counters = {
    input: REPORT.uploadOctets * number,
    output: REPORT.downloadOctets * number,
  };
  return encodeRequest({
    code: PACKET_CODES['Accounting-Request'],
    identifier: slot,
    randomAuthenticator: null,
    attributes: reportAttributes(placeOf(user, session), {
      status,
      address: `10.64.${(user >>> 8) & 0xff}.${user & 0xff}`,
      classes,
      sessionSeconds: REPORT.seconds * number,
      counters: status === 'Start' ? null : counters,
      gigawords: true,
      terminateCause: status === 'Stop' ? 'User-Request' : null,
      timestamp: Math.floor(Date.now() / 1_000),
      delaySeconds: 0,
    }),
    secret,
    messageAuthenticator: false,
  });
}

/** What an accept wants to have sent back. */
export function classesOf(reply: Buffer): readonly Buffer[] {
  const decoded = decodePacket(reply);
  return decoded.ok ? decoded.packet.all(Class) : [];
}
