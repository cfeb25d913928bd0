/** Reading a session as it stands, for people: what each of its services holds of which bucket. */
import type { Amount } from '../domain/amounts.js';
import type { Engine } from './engine.js';
import * as layout from './generated/layout.js';
import { unpack } from './packing.js';
import { asAmount, asArray, asNumber, asText, asTimeOrNull } from './unpacked.js';

export interface SessionSnapshot {
  readonly sessionId: string;
  readonly accountId: string;
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
  readonly reserved: Amount;
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
  const packed = fields['h'];
  if (packed === undefined) return null;
  const header = [null, ...asArray(unpack(packed))];
  return {
    sessionId,
    accountId: asText(header[layout.SESSION_ACCOUNT]),
    state: STATES.get(asNumber(header[layout.SESSION_STATE])) ?? 'closed',
    openedAt: asNumber(header[layout.SESSION_OPENED]),
    lastRequestNumber: asNumber(header[layout.SESSION_LAST_NUMBER]),
    services: Object.entries(fields)
      .filter(([field]) => SERVICE_FIELD.test(field))
      .map(([field, value]) => decodeService(field.replace(SERVICE_FIELD, ''), value)),
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
    legs: legs.flatMap((bucketId, index) =>
      index % layout.LEG_WIDTH === 0
        ? [{ bucketId: asText(bucketId), reserved: asAmount(legs[index + 1]) }]
        : [],
    ),
  };
}
