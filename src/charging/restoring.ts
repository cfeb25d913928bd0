/** Accounts and sessions brought back by recovery, behind the fence. */
import type { Amount } from '../domain/amounts.js';
import type { AccountStanding, EventStamp } from '../domain/events.js';
import { callScript, EngineReplyError, statusOf, type Engine } from './engine.js';
import { encodeBucket, standingCode, type NewBucket } from './event-codec.js';
import * as layout from './generated/layout.js';
import type { NetworkSession } from './network-sessions.js';
import { pack, type Packable } from './packing.js';
import { packThreshold, type AccountThreshold } from './provisioning.js';
import type { ServiceCarry } from './session-snapshot.js';
import type { PeriodCounter } from './snapshot.js';
import { packStamp } from './stamp-codec.js';

export interface RestoredBucket {
  readonly definition: NewBucket;
  readonly remaining: Amount;
}

export interface RestoredThreshold {
  readonly threshold: AccountThreshold;
  readonly armed: boolean;
}

/** A session that goes on by its totals, or whose end is still to be known. It holds nothing. */
export interface ResumedSession {
  readonly sessionId: string;
  readonly state: 'open' | 'closed' | 'expired';
  readonly openedAt: number;
  readonly lastNumber: number;
  readonly lastSeen: number;
  /** When the sweeper must look, ms since 1970. */
  readonly deadline: number;
  readonly retentionMs: number;
  readonly stamp: EventStamp;
  readonly services: readonly ResumedService[];
  /** Of a session of the network; null for another. */
  readonly network: ResumedNetwork | null;
  /** Reports of which only the record knows: sent again, they are not charged again. */
  readonly settled: readonly SettledReport[];
}

/** What its NAS said of a session, and where it is. */
export interface ResumedNetwork {
  /** In the order of TRACK_ in layout.lua. */
  readonly track: readonly Packable[];
  readonly session: NetworkSession;
}

/**
 * A live session of an account; until when it counts without a report, and until when it is one of its
 * NAS at least (count_longer in lua/include/access_record.lua), in ms since 1970.
 */
export interface LiveNetworkSession {
  readonly sessionId: string;
  readonly until: number;
  readonly ofNasUntil: number;
  readonly since: number;
  readonly nas: string;
  readonly sessionKey: string | null;
  readonly station: string | null;
  readonly user: string;
}

export interface SettledReport {
  readonly number: number;
  /** Ms since 1970. */
  readonly at: number;
  readonly services: readonly {
    readonly key: string;
    /** Of the session so far. */
    readonly cost: Amount;
    readonly currency: string | null;
  }[];
}

export interface ResumedService {
  readonly key: string;
  /** Code of the resource that it counts. */
  readonly unit: string;
  readonly used: Amount;
  readonly cost: Amount;
  /** As its last usage event carries them. */
  readonly carry: ServiceCarry;
}

export interface RestoredAccount {
  readonly partition: number;
  readonly accountId: string;
  readonly sequence: number;
  readonly lastSeen: number;
  readonly standing: AccountStanding;
  readonly profileVersion: number;
  readonly lastIntent: number;
  readonly buckets: readonly RestoredBucket[];
  readonly counters: readonly PeriodCounter[];
  readonly thresholds: readonly RestoredThreshold[];
  readonly sessions: readonly ResumedSession[];
  readonly live: readonly LiveNetworkSession[];
  /** What fair use has counted: flat triples (cap, start of its period, octets). */
  readonly caps: readonly Packable[];
  /** Sessions that Redis has of it and that go: nothing is known of them, or they are over. */
  readonly forgottenSessionIds: readonly string[];
}

/** The partition is open: what is charged there must not be overwritten. */
export class PartitionOpenError extends Error {
  readonly code = 'TOLLD_PARTITION_OPEN';

  constructor(partition: number) {
    super(`partition ${partition} is open: recovery must hold it before it restores anything`);
    this.name = 'PartitionOpenError';
  }
}

const SESSION_STATES = {
  open: layout.SESSION_OPEN,
  closed: layout.SESSION_CLOSED,
  expired: layout.SESSION_EXPIRED,
} as const;

/**
 * Writes an account and its sessions over whatever Redis has of them; the partition is closed.
 * Doing it again writes the same.
 * @throws PartitionOpenError, EngineUnavailableError
 */
export async function restoreAccount(engine: Engine, account: RestoredAccount): Promise<void> {
  const { keys } = engine;
  const { partition, accountId, sessions, forgottenSessionIds } = account;
  const sessionIds = [...sessions.map(({ sessionId }) => sessionId), ...forgottenSessionIds];
  const reply = await callScript(
    engine,
    'restore',
    [
      keys.account(partition, accountId),
      keys.control(partition),
      keys.timers(partition),
      keys.access(partition, accountId),
      ...sessionIds.map((sessionId) => keys.session(partition, sessionId)),
    ],
    [packAccount(account), ...sessions.map((session) => pack(packSession(session)))],
  );
  const status = statusOf(reply);
  if (status === layout.REPLY_CONFLICT) throw new PartitionOpenError(partition);
  if (status !== layout.REPLY_DONE) throw new EngineReplyError(`restore replied ${status}`);
  await restoreNetwork(engine, account);
}

/** An account that the record has elsewhere, and that Redis has as it was before it went. */
export interface DepartedAccount {
  readonly partition: number;
  readonly accountId: string;
  /** Of its last moved-out event there. */
  readonly sequence: number;
  /** Where the record has it. */
  readonly to: number;
  /** Sessions that Redis has of it there. */
  readonly sessionIds: readonly string[];
}

/**
 * Leaves in a closed partition where an account went. Doing it again changes nothing.
 * @throws PartitionOpenError, EngineUnavailableError
 */
export async function noteDeparture(engine: Engine, departed: DepartedAccount): Promise<void> {
  const { keys } = engine;
  const { partition, accountId, sequence, to, sessionIds } = departed;
  const reply = await callScript(
    engine,
    'move_note',
    [
      keys.account(partition, accountId),
      keys.control(partition),
      keys.timers(partition),
      keys.access(partition, accountId),
      ...sessionIds.map((sessionId) => keys.session(partition, sessionId)),
    ],
    [accountId, String(sequence), String(to), ...sessionIds],
  );
  const status = statusOf(reply);
  if (status === layout.REPLY_CONFLICT) throw new PartitionOpenError(partition);
  if (status !== layout.REPLY_DONE && status !== layout.REPLY_REPEATED) {
    throw new EngineReplyError(`move_note replied ${status}`);
  }
}

/** A report without our Class finds an ended session by its NAS' own id for so long. */
const POINTER_KEPT_SECONDS = 259_200;

/** What finds the sessions of the network: by their NAS, and by its id. */
async function restoreNetwork({ redis, keys }: Engine, account: RestoredAccount): Promise<void> {
  const { partition, live, sessions } = account;
  for (const { nas, ofNasUntil, sessionId } of live) {
    await redis.zadd(keys.nasSessions(partition, nas), ofNasUntil, sessionId);
  }
  for (const { sessionId, network } of sessions) {
    if (network === null) continue;
    const { pointer } = network.session;
    if (pointer.sessionKey !== '' && pointer.sessionKey !== sessionId) {
      const key = keys.session(partition, pointer.sessionKey);
      await redis.hset(key, 'p', sessionId);
      await redis.expire(key, POINTER_KEPT_SECONDS);
    }
  }
}

function packAccount(account: RestoredAccount): Buffer {
  return pack([
    account.accountId,
    account.sequence,
    account.lastSeen,
    standingCode(account.standing),
    account.profileVersion,
    account.lastIntent,
    account.buckets.map(({ definition, remaining }) => encodeBucket(definition, remaining)),
    account.counters.flatMap(({ key, period, units }) => [key, period, units]),
    account.thresholds.map(({ threshold, armed }) => packThreshold(threshold, armed)),
    packAccess(account),
    account.forgottenSessionIds,
  ]);
}

function packAccess({ live, caps }: RestoredAccount): Packable {
  if (live.length === 0 && caps.length === 0) return false;
  const entries = live.map(({ sessionId, until, since, nas, sessionKey, station, user }) => [
    ...[sessionId, until, since, nas, sessionKey ?? false, station ?? false],
    // Its port is not known; a credit may lift something.
    ...[false, user, true],
  ]);
  return [layout.SCHEMA_VERSION, entries, caps];
}

function packSession(session: ResumedSession): Packable {
  return [
    session.sessionId,
    SESSION_STATES[session.state],
    session.openedAt,
    session.lastNumber,
    session.lastSeen,
    session.deadline,
    session.retentionMs,
    packStamp(session.stamp),
    session.services.map(({ key, unit, used, cost, carry }) => [
      key,
      unit,
      used,
      cost,
      carry.gross,
      carry.isConnected,
      carry.totals,
      carry.steps,
    ]),
    session.network?.track ?? false,
    session.network === null ? false : JSON.stringify(session.network.session),
    session.settled.map(({ number, at, services }) => [
      number,
      at,
      services.map(({ key, cost, currency }) => [key, cost, currency ?? false]),
    ]),
  ];
}
