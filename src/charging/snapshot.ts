/** Reading an account as it stands, for people and for comparison with the record. */
import type { Amount } from '../domain/amounts.js';
import type { AccountStanding } from '../domain/events.js';
import { bytesOf, callScript, EngineReplyError, statusOf, type Engine } from './engine.js';
import { decodeBucket, standingOf, type DecodedBucket } from './event-codec.js';
import * as layout from './generated/layout.js';
import { unpack, type Unpacked } from './packing.js';
import type { ScriptReply } from './script-loader.js';
import {
  decodeBasis,
  decodeSession,
  unpackSessionFields,
  type SessionBasis,
  type SessionSnapshot,
} from './session-snapshot.js';
import { asAmount, asArray, asNumber, asText, asTextOrNull, asTimeOrNull } from './unpacked.js';

export interface AccountSnapshot {
  readonly accountId: string;
  /** Number of the last event: the record agrees with this state once it has reached it. */
  readonly sequence: number;
  readonly lastSeen: number;
  readonly standing: AccountStanding;
  readonly profileVersion: number;
  /** Number of the last management intent applied. */
  readonly lastIntent: number;
  readonly nextChangeAt: number | null;
  /** In the default consumption order. */
  readonly buckets: readonly DecodedBucket[];
  /** Sessions that were given their last units. */
  readonly starvedSessions: readonly string[];
  readonly counters: readonly PeriodCounter[];
  readonly thresholds: readonly ThresholdMark[];
}

/** Units of a period, over all sessions, by which a tiered rate counts. */
export interface PeriodCounter {
  readonly key: string;
  /** Start of the period, ms since 1970. */
  readonly period: number;
  readonly units: Amount;
}

export interface ThresholdMark {
  readonly id: string;
  readonly resource: string;
  readonly bundleId: string | null;
  readonly isPercent: boolean;
  readonly level: Amount;
  /** It fires at the next crossing; otherwise it has fired and waits to be lifted above its level. */
  readonly armed: boolean;
}

/** An account and sessions of one moment. */
export interface AccountWithSessions {
  readonly account: AccountSnapshot;
  /** Those of the ids asked for that Redis has. */
  readonly sessions: readonly SessionSnapshot[];
  /** Of the same. */
  readonly bases: readonly SessionBasis[];
}

/**
 * The account, or null where that partition of Redis has none.
 * @throws EngineUnavailableError, EngineReplyError
 */
export async function readAccount(
  engine: Engine,
  partition: number,
  accountId: string,
): Promise<AccountSnapshot | null> {
  const found = await readAccountWithSessions(engine, { partition, accountId, sessionIds: [] });
  return found?.account ?? null;
}

/** Partitions that an account may have gone through since its caller heard of it. */
const HOPS_MAX = 8;

/**
 * The account, or null where Redis has none; where it has moved, it is looked for there, and
 * `partition` says so. One that is on its way is nowhere.
 * @throws EngineUnavailableError, EngineReplyError
 */
export async function findAccount(
  engine: Engine,
  partition: number,
  accountId: string,
): Promise<(AccountSnapshot & { readonly partition: number }) | null> {
  let place = partition;
  for (let hop = 0; hop < HOPS_MAX; hop += 1) {
    const key = engine.keys.account(place, accountId);
    const reply = await callScript(engine, 'snapshot', [key], []);
    if (statusOf(reply) === layout.REPLY_DONE) {
      return { ...decodeAccount(bytesOf(reply, 1)), partition: place };
    }
    if (statusOf(reply) !== layout.REPLY_MOVED) return absent(reply, accountId);
    place = Number(reply[1]);
  }
  return null;
}

/**
 * The account with sessions of its partition, in one moment; null where it is not in that partition.
 * @throws EngineUnavailableError, EngineReplyError
 */
export async function readAccountWithSessions(
  engine: Engine,
  {
    partition,
    accountId,
    sessionIds,
  }: {
    readonly partition: number;
    readonly accountId: string;
    readonly sessionIds: readonly string[];
  },
): Promise<AccountWithSessions | null> {
  const { keys } = engine;
  const reply = await callScript(
    engine,
    'snapshot',
    [keys.account(partition, accountId), ...sessionIds.map((id) => keys.session(partition, id))],
    [],
  );
  if (statusOf(reply) !== layout.REPLY_DONE) return absent(reply, accountId);
  const fields = sessionIds.map((_, index) => unpackSessionFields(bytesOf(reply, index + 2)));
  const sessions = sessionIds.map((id, index) => decodeSession(id, fields[index] ?? new Map()));
  const bases = sessionIds.map((id, index) => decodeBasis(id, fields[index] ?? new Map()));
  return {
    account: decodeAccount(bytesOf(reply, 1)),
    sessions: sessions.filter((session) => session !== null),
    bases: bases.filter((basis) => basis !== null),
  };
}

/** Null for an account that is not there. @throws EngineReplyError for one that can't be read */
function absent(reply: ScriptReply, accountId: string): null {
  if (statusOf(reply) !== layout.REPLY_NEWER_STATE) return null;
  throw new EngineReplyError(
    `account ${accountId} was written by a newer version of tolld: use that one to read it`,
  );
}

function decodeAccount(packed: Buffer): AccountSnapshot {
  const fields = [null, ...asArray(unpack(packed))];
  const buckets = asArray(fields[layout.ACCOUNT_BUCKETS]);
  return {
    accountId: asText(fields[layout.ACCOUNT_ID]),
    sequence: asNumber(fields[layout.ACCOUNT_SEQUENCE]),
    lastSeen: asNumber(fields[layout.ACCOUNT_LAST_SEEN]),
    standing: standingOf(fields[layout.ACCOUNT_STANDING]),
    profileVersion: asNumber(fields[layout.ACCOUNT_PROFILE]),
    lastIntent: asNumber(fields[layout.ACCOUNT_INTENT]),
    nextChangeAt: asTimeOrNull(fields[layout.ACCOUNT_NEXT_CHANGE]),
    buckets: buckets.filter((_, index) => index % 3 === 2).map(decodeBucket),
    starvedSessions: asArray(fields[layout.ACCOUNT_STARVED]).map(asText),
    counters: decodeCounters(asArray(fields[layout.ACCOUNT_COUNTERS])),
    thresholds: asArray(fields[layout.ACCOUNT_THRESHOLDS]).map(decodeThreshold),
  };
}

/** Flat triples: key, period, units. */
function decodeCounters(flat: readonly Unpacked[]): readonly PeriodCounter[] {
  return flat.flatMap((key, index) =>
    index % 3 === 0
      ? [
          {
            key: asText(key),
            period: asNumber(flat[index + 1]),
            units: asAmount(flat[index + 2]),
          },
        ]
      : [],
  );
}

function decodeThreshold(packed: Unpacked): ThresholdMark {
  const fields = [null, ...asArray(packed)];
  return {
    id: asText(fields[layout.THRESHOLD_ID]),
    resource: asText(fields[layout.THRESHOLD_RESOURCE]),
    bundleId: asTextOrNull(fields[layout.THRESHOLD_BUNDLE] ?? false),
    isPercent: fields[layout.THRESHOLD_PERCENT] === true,
    level: asAmount(fields[layout.THRESHOLD_LEVEL]),
    armed: fields[layout.THRESHOLD_ARMED] === true,
  };
}

/**
 * Drops an account's ended, empty buckets once the record holds everything up to
 * `recordedSequence`. Returns how many went; null while the record is behind.
 * @throws EngineUnavailableError
 */
export async function purgeEndedBuckets(
  engine: Engine,
  account: { readonly partition: number; readonly accountId: string },
  recordedSequence: number,
): Promise<number | null> {
  const { keys } = engine;
  const { partition, accountId } = account;
  const reply = await callScript(
    engine,
    'purge',
    [keys.account(partition, accountId), keys.control(partition)],
    [String(recordedSequence)],
  );
  return statusOf(reply) === layout.REPLY_DONE ? Number(reply[1]) : null;
}
