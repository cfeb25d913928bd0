/** Sessions of the network as Redis holds them: where one is found, and which a NAS has. */
import type { SessionPointer } from '../domain/access.js';
import type { Amount } from '../domain/amounts.js';
import type { SessionRoute } from '../domain/session-route.js';
import { EngineOutOfMemoryError, untilAnswered, type Engine } from './engine.js';
import * as layout from './generated/layout.js';
import { unpack } from './packing.js';
import { asArray, asLimit, asNumber, asText, asTimeOrNull } from './unpacked.js';
import { levelOf, type AccessLevel } from './admission.js';

/** What is kept with a session so that it can be ended, steered and charged without its subscriber. */
export interface NetworkSession {
  /** Connection null: a NAS that was never asked by it did not say. */
  readonly pointer: Omit<SessionPointer, 'connection'> & {
    readonly connection: SessionPointer['connection'] | null;
  };
  readonly networkScope: string;
  readonly tenant: string;
  readonly customer: string | null;
  readonly subscription: string | null;
  readonly tariff: string;
  readonly chargingPlan: string | null;
  /** Of network access. */
  readonly plan: string;
  readonly bootMark: string | null;
  /** Which device of its NAS; absent where that is one, and in what a version before wrote. */
  readonly device?: string;
}

export interface TrackedSession {
  readonly sessionId: string;
  readonly accountId: string;
  readonly state: 'provisional' | 'started' | 'ended';
  readonly openedAt: number;
  /** Of its latest report. */
  readonly eventAt: number;
  readonly seconds: number;
  /** Over all times that its NAS began to count anew. */
  readonly uploadOctets: number;
  readonly downloadOctets: number;
  readonly interimSeconds: number;
  readonly level: AccessLevel;
  readonly wanted: AccessLevel;
  /** By service: the total that its NAS was told to end it at; null for none. */
  readonly limits: readonly (Amount | null)[];
  /** The end that its NAS was told, and when what it may use does end; null for none. */
  readonly toldEndsAt: number | null;
  readonly endsAt: number | null;
  readonly network: NetworkSession | null;
}

const STATES: ReadonlyMap<number, TrackedSession['state']> = new Map([
  [layout.TRACK_PROVISIONAL, 'provisional'],
  [layout.TRACK_STARTED, 'started'],
  [layout.TRACK_ENDED, 'ended'],
]);

/** A session, or null where Redis has none of this id. One read. */
export async function readTrackedSession(
  engine: Engine,
  partition: number,
  sessionId: string,
): Promise<TrackedSession | null> {
  const [header, packed, network] = await engine.redis.hmgetBuffer(
    engine.keys.session(partition, sessionId),
    'h',
    'r',
    'n',
  );
  if (!header || !packed) return null;
  const fields = [null, ...asArray(unpack(header))];
  const track = [null, ...asArray(unpack(packed))];
  const state = STATES.get(asNumber(track[layout.TRACK_STATE])) ?? 'ended';
  const expired = asNumber(fields[layout.SESSION_STATE]) === layout.SESSION_EXPIRED;
  return {
    sessionId,
    accountId: asText(fields[layout.SESSION_ACCOUNT]),
    state: expired ? 'ended' : state,
    openedAt: asNumber(track[layout.TRACK_OPENED]),
    eventAt: asNumber(track[layout.TRACK_EVENT_AT]),
    seconds: asNumber(track[layout.TRACK_SECONDS]),
    uploadOctets: asNumber(track[layout.TRACK_UPLOAD_SUM]),
    downloadOctets: asNumber(track[layout.TRACK_DOWNLOAD_SUM]),
    interimSeconds: asNumber(track[layout.TRACK_INTERIM_S]),
    level: levelOf(asNumber(track[layout.TRACK_LEVEL])),
    wanted: levelOf(asNumber(track[layout.TRACK_WANTED])),
    // A version before wrote no limits.
    limits: asArray(track[layout.TRACK_LIMITS] ?? []).map(asLimit),
    toldEndsAt: asTimeOrNull(track[layout.TRACK_TOLD_END] ?? 0),
    endsAt: asTimeOrNull(track[layout.TRACK_ENDS_AT] ?? 0),
    network: network ? (JSON.parse(network.toString('utf8')) as NetworkSession) : null,
  };
}

/**
 * How a session of the network is reached: what is kept with it says all that a route of its own would.
 * @returns null for a session of another kind, or one that is gone. One read.
 */
export async function findNetworkRoute(
  engine: Engine,
  partition: number,
  sessionId: string,
): Promise<SessionRoute | null> {
  const key = engine.keys.session(partition, sessionId);
  const [header, text] = await untilAnswered(engine, () => engine.redis.hmgetBuffer(key, 'h', 'n'));
  if (!header || !text) return null;
  const { pointer, networkScope } = JSON.parse(text.toString('utf8')) as NetworkSession;
  return {
    partition,
    accountId: asText([null, ...asArray(unpack(header))][layout.SESSION_ACCOUNT]),
    networkScope,
    identity: { kind: 'user-name', value: pointer.userName ?? '' },
    protocol: 'radius',
    peer: pointer.nas,
    origin: { host: pointer.nas, realm: '' },
    serviceContext: '',
  };
}

/** Ids of the live sessions that a NAS has in a partition. */
export function sessionsOfNas(engine: Engine, partition: number, nas: string): Promise<string[]> {
  return engine.redis.zrange(engine.keys.nasSessions(partition, nas), '0', '-1');
}

/**
 * Takes note of a mark that a NAS puts on each of its boots. Returns whether it is a new one: the
 * sessions of other marks are gone then. The mark before it never comes back as new: that is an old
 * report. When memory is out it is not noted, and the next report that brings it finds it new.
 */
export async function noteBoot(engine: Engine, nas: string, mark: string): Promise<boolean> {
  const key = engine.keys.boots;
  const known = await engine.redis.hget(key, nas);
  const [current, before] = (known ?? '').split(' ');
  if (current === mark || before === mark) return false;
  try {
    await untilAnswered(engine, () => engine.redis.hset(key, nas, `${mark} ${current ?? ''}`));
  } catch (error) {
    if (error instanceof EngineOutOfMemoryError) return false;
    throw error;
  }
  return current !== undefined && current !== '';
}

/** Sources that were seen to send Message-Authenticator, kept so that no restart forgets them. */
export async function learnAuthenticator(engine: Engine, source: string): Promise<void> {
  await engine.redis.sadd(engine.keys.authenticators, source);
}

export function learnedAuthenticators(engine: Engine): Promise<string[]> {
  return engine.redis.smembers(engine.keys.authenticators);
}
