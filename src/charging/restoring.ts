/** Accounts and sessions brought back by recovery, and the fence behind which that is done. */
import type { Amount } from '../domain/amounts.js';
import type { AccountStanding, EventStamp } from '../domain/events.js';
import { callScript, EngineReplyError, statusOf, type Engine } from './engine.js';
import { encodeBucket, standingCode, type NewBucket } from './event-codec.js';
import * as layout from './generated/layout.js';
import { pack, type Packable } from './packing.js';
import { packThreshold, type AccountThreshold } from './provisioning.js';
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

/** Rounding totals of a service: money before cap and minimum, whether its fee is paid, by line, by bucket. */
export interface ServiceCarry {
  readonly gross: number;
  readonly isConnected: boolean;
  readonly totals: Packable;
  readonly steps: Packable;
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
 * Writes an account and its sessions over whatever Redis has of them; the partition is fenced.
 * Doing it again writes the same.
 * @throws PartitionOpenError, EngineUnavailableError
 */
export async function restoreAccount(engine: Engine, account: RestoredAccount): Promise<void> {
  const { keys } = engine;
  const { partition, accountId, sessions } = account;
  const reply = await callScript(
    engine,
    'restore',
    [
      keys.account(partition, accountId),
      keys.control(partition),
      keys.timers(partition),
      ...sessions.map(({ sessionId }) => keys.session(partition, sessionId)),
    ],
    [packAccount(account), ...sessions.map((session) => pack(packSession(session)))],
  );
  const status = statusOf(reply);
  if (status === layout.REPLY_CONFLICT) throw new PartitionOpenError(partition);
  if (status !== layout.REPLY_DONE) throw new EngineReplyError(`restore replied ${status}`);
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
  ]);
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
  ];
}

/** Closes a partition in an epoch: its scripts refuse, and recovery may restore. */
export async function fencePartition(
  engine: Engine,
  partition: number,
  epoch: number,
): Promise<void> {
  await engine.redis.set(engine.keys.control(partition), `fenced:${epoch}`);
}

/** Opens a partition in an epoch: its stream goes on as `<epoch>-0`. */
export async function openPartition(
  engine: Engine,
  partition: number,
  epoch: number,
): Promise<void> {
  await engine.redis.set(engine.keys.control(partition), String(epoch));
}
