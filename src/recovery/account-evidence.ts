/** All that speaks of an account, read so that it can be compared: Redis first, then the record. */
import type { AccountWithSessions } from '../charging/snapshot.js';
import type { BucketSums, RecordedRun } from '../records/account-proof.js';
import type { SessionTotals } from '../records/session-proof.js';
import type { RecordedAccount, RecordedBucket } from '../records/recorded-state.js';
import type { TailEvent } from './stream-tail.js';

export interface AccountEvidence {
  readonly accountId: string;
  readonly partition: number;
  /** Null where Redis has no such account, or nothing readable of it. */
  readonly live: AccountWithSessions | null;
  readonly isUnreadable: boolean;
  /** Sessions of it that can't be read; they are not in `live`. */
  readonly unreadableSessionIds: readonly string[];
  /** Redis still has fewer of its events than Postgres, looked at again after Postgres. */
  readonly isBehind: boolean;
  /** Null where Postgres has none of its events. */
  readonly record: RecordedAccount | null;
  readonly run: RecordedRun | null;
  readonly sums: readonly BucketSums[];
  readonly definitions: readonly RecordedBucket[];
  readonly openSessionIds: readonly string[];
  /** As of the events up to the live sequence. */
  readonly totals: readonly SessionTotals[];
  /** Events that Redis has applied and Postgres does not have yet. */
  readonly tail: readonly TailEvent[];
}

export function recordedSequence({ record }: AccountEvidence): number {
  return record?.lastSequence ?? 0;
}

/** What the tail adds to each bucket. */
function tailSums(tail: readonly TailEvent[]): ReadonlyMap<string, bigint> {
  const sums = new Map<string, bigint>();
  for (const { event } of tail) {
    if (!('impacts' in event)) continue;
    for (const { bucketId, delta } of event.impacts) {
      sums.set(bucketId, (sums.get(bucketId) ?? 0n) + BigInt(delta));
    }
  }
  return sums;
}

/** What all facts up to the live sequence say that each bucket holds. */
export function factsAtLive({ sums, tail }: AccountEvidence): ReadonlyMap<string, bigint> {
  const facts = new Map(tailSums(tail));
  for (const { bucketId, atSequence } of sums) {
    facts.set(bucketId, (facts.get(bucketId) ?? 0n) + atSequence);
  }
  return facts;
}
