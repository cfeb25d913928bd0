/** Reading an account as it stands, for people and for comparison with the record. */
import type { AccountStanding } from '../domain/events.js';
import { bytesOf, callScript, statusOf, type Engine } from './engine.js';
import { decodeBucket, standingOf, type DecodedBucket } from './event-codec.js';
import * as layout from './generated/layout.js';
import { unpack } from './packing.js';
import { asArray, asNumber, asText, asTimeOrNull } from './unpacked.js';

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
}

/** The account, or null where Redis has none. @throws EngineUnavailableError */
export async function readAccount(
  engine: Engine,
  partition: number,
  accountId: string,
): Promise<AccountSnapshot | null> {
  const reply = await callScript(
    engine,
    'snapshot',
    [engine.keys.account(partition, accountId)],
    [],
  );
  if (statusOf(reply) !== layout.REPLY_DONE) return null;
  const fields = [null, ...asArray(unpack(bytesOf(reply, 1)))];
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
