/** Reading a session as it stands, for people: what each of its services holds of which bucket. */
import type { Amount } from '../domain/amounts.js';
import type { Engine } from './engine.js';
import * as layout from './generated/layout.js';
import { unpack, unpackBytes, type Packable, type Unpacked } from './packing.js';
import {
  asAmount,
  asArray,
  asBytes,
  asNumber,
  asText,
  asTextOrNull,
  asTimeOrNull,
} from './unpacked.js';

export interface SessionSnapshot {
  readonly sessionId: string;
  readonly accountId: string;
  /** The owner of the sharing group whose units it holds, if it holds any. */
  readonly ownerAccountId: string | null;
  readonly state: 'open' | 'closed' | 'expired';
  readonly openedAt: number;
  readonly lastRequestNumber: number;
  readonly services: readonly ServiceSnapshot[];
}

export interface ServiceSnapshot {
  readonly key: string;
  readonly unit: string;
  /** So far, reported. */
  readonly used: Amount;
  readonly cost: Amount;
  readonly granted: Amount;
  readonly validUntil: number | null;
  readonly legs: readonly LegSnapshot[];
}

/** What a service holds of a bucket, in the bucket's own units. */
export interface LegSnapshot {
  readonly bucketId: string;
  /** The bucket is the sharing owner's, who may have one of the same id as the member. */
  readonly ofOwner: boolean;
  readonly reserved: Amount;
}

/** Rounding totals of a service: money before cap and minimum, whether its fee is paid, by line, by bucket. */
export interface ServiceCarry {
  readonly gross: number;
  readonly isConnected: boolean;
  readonly totals: Packable;
  readonly steps: Packable;
}

/** What the next report of a session is charged by, beside what {@link SessionSnapshot} shows to people. */
export interface SessionBasis {
  readonly sessionId: string;
  /** Services that the session knows of, to end them with it. */
  readonly serviceKeys: readonly string[];
  /** When the sweeper closes or removes it, ms since 1970. */
  readonly deadline: number;
  readonly carries: ReadonlyMap<string, ServiceCarry>;
  /** What its NAS said last, in the order of TRACK_; null where it has none. */
  readonly track: readonly Unpacked[] | null;
}

const STATES: ReadonlyMap<number, SessionSnapshot['state']> = new Map([
  [layout.SESSION_OPEN, 'open'],
  [layout.SESSION_CLOSED, 'closed'],
  [layout.SESSION_EXPIRED, 'expired'],
]);

const SERVICE_FIELD = /^s:/;

/** The session, or null where Redis has none. One read: all of it is of one moment. */
export async function readSession(
  engine: Engine,
  partition: number,
  sessionId: string,
): Promise<SessionSnapshot | null> {
  const fields = await engine.redis.hgetallBuffer(engine.keys.session(partition, sessionId));
  return decodeSession(sessionId, new Map(Object.entries(fields)));
}

/** The fields of a session as the snapshot script packs them: names and values in turn. */
export function unpackSessionFields(packed: Buffer): ReadonlyMap<string, Buffer> {
  const flat = asArray(unpackBytes(packed));
  const fields = new Map<string, Buffer>();
  for (let index = 0; index < flat.length; index += 2) {
    fields.set(asBytes(flat[index]).toString('utf8'), asBytes(flat[index + 1]));
  }
  return fields;
}

/** Reads the fields of a session's hash; null where it has none: the session is not there. */
export function decodeSession(
  sessionId: string,
  fields: ReadonlyMap<string, Buffer>,
): SessionSnapshot | null {
  const packed = fields.get('h');
  if (packed === undefined) return null;
  const header = [null, ...asArray(unpack(packed))];
  return {
    sessionId,
    accountId: asText(header[layout.SESSION_ACCOUNT]),
    ownerAccountId: asTextOrNull(header[layout.SESSION_OWNER] ?? false),
    state: STATES.get(asNumber(header[layout.SESSION_STATE])) ?? 'closed',
    openedAt: asNumber(header[layout.SESSION_OPENED]),
    lastRequestNumber: asNumber(header[layout.SESSION_LAST_NUMBER]),
    services: [...fields]
      .filter(([field]) => SERVICE_FIELD.test(field))
      .map(([field, value]) => decodeService(field.replace(SERVICE_FIELD, ''), value)),
  };
}

/** Of a session whose fields {@link decodeSession} has read. */
export function decodeBasis(
  sessionId: string,
  fields: ReadonlyMap<string, Buffer>,
): SessionBasis | null {
  const packed = fields.get('h');
  if (packed === undefined) return null;
  const header = [null, ...asArray(unpack(packed))];
  const track = fields.get('r');
  const services = [...fields].filter(([field]) => SERVICE_FIELD.test(field));
  return {
    sessionId,
    serviceKeys: asArray(header[layout.SESSION_SERVICES]).map(asText),
    deadline: asNumber(header[layout.SESSION_DEADLINE]),
    carries: new Map(
      services.map(([field, value]) => [field.replace(SERVICE_FIELD, ''), decodeCarry(value)]),
    ),
    track: track === undefined ? null : asArray(unpack(track)),
  };
}

function decodeCarry(packed: Buffer): ServiceCarry {
  const fields = [null, ...asArray(unpack(packed))];
  return {
    gross: asNumber(fields[layout.SERVICE_GROSS]),
    isConnected: fields[layout.SERVICE_OPENED] === true,
    totals: asArray(fields[layout.SERVICE_TOTALS]),
    steps: asArray(fields[layout.SERVICE_STEPS]),
  };
}

function decodeService(key: string, packed: Buffer): ServiceSnapshot {
  const fields = [null, ...asArray(unpack(packed))];
  const legs = asArray(fields[layout.SERVICE_LEGS]);
  return {
    key,
    unit: asText(fields[layout.SERVICE_UNIT]),
    used: asAmount(fields[layout.SERVICE_USED]),
    cost: asAmount(fields[layout.SERVICE_COST]),
    granted: asAmount(fields[layout.SERVICE_GRANTED]),
    validUntil: asTimeOrNull(fields[layout.SERVICE_VALID_UNTIL]),
    legs: legs.flatMap((name, index) =>
      index % layout.LEG_WIDTH === 0 ? [decodeLeg(asText(name), legs[index + 1])] : [],
    ),
  };
}

function decodeLeg(name: string, reserved: Unpacked | undefined): LegSnapshot {
  const ofOwner = name.charCodeAt(0) === layout.OWNER_MARK;
  return { bucketId: ofOwner ? name.slice(1) : name, ofOwner, reserved: asAmount(reserved) };
}
