/**
 * What passes between the outbox, which reads the streams, and the record, which keeps what they
 * say. The record alone knows how far it is: it moves a partition's offset in the transaction that
 * writes, and only from the place where the reader began.
 */
import type { EntryId, OutboxEntry } from './events.js';

/** Offset of a partition of which nothing has been recorded. */
export const BEFORE_FIRST: EntryId = Object.freeze({ epoch: 0, n: -1 });

export interface ReceivedEntry {
  readonly id: EntryId;
  /** As the script wrote it: what goes to quarantine when Postgres refuses the entry. */
  readonly packed: Uint8Array;
  /**
   * Decodes it. Nobody keeps what this returns: thousands of entries that live until their batch is
   * written cost the garbage collector more than decoding one again.
   * @throws where this version can't read it.
   */
  read(): OutboxEntry;
}

/** Entries of one partition that follow each other and the record's offset without a gap. */
export interface PartitionBatch {
  readonly partition: number;
  /** Number of the lease under which it was read. */
  readonly fence: number;
  /** The offset it was read from. */
  readonly previous: EntryId;
  /** At least one. */
  readonly entries: readonly ReceivedEntry[];
}

/** An account's run of events is broken; nothing from this entry on was recorded. */
export interface SequenceFault {
  /**
   * `gap`: events are missing. `double`: they were recorded before, under another entry.
   * `moving`: the account came from a partition whose last events are not recorded yet; wait.
   */
  readonly kind: 'gap' | 'double' | 'moving';
  readonly partition: number;
  readonly entry: EntryId;
  readonly accountId: string;
  readonly expected: number;
  readonly found: number;
}

/** An entry that this version can't read: nothing from it on was recorded. */
export interface UndecodableFault {
  readonly kind: 'undecodable';
  readonly partition: number;
  readonly entry: EntryId;
  readonly reason: string;
}

export type FlushFault = SequenceFault | UndecodableFault;

/** An entry that Postgres refused: kept whole, and passed over. */
export interface QuarantinedEntry {
  readonly partition: number;
  readonly entry: EntryId;
  readonly accountIds: readonly string[];
  /** SQLSTATE, or our own code where the entry can't be put into words for Postgres. */
  readonly code: string;
  readonly message: string;
}

/**
 * An entry that was read from a Redis which lost it before it was recorded: what was answered by it
 * is as if it had not been.
 */
export interface LostEntry {
  readonly partition: number;
  readonly entry: EntryId;
  /** Account, bucket, and what was added to it; empty where the entry can't be read. */
  readonly impacts: readonly (readonly [string, string, number])[];
}

/** A bucket that holds something else than it did before with what its events say on top. */
export interface UnbalancedBucket {
  readonly accountId: string;
  readonly bucketId: string;
  readonly remaining: number;
  readonly expected: number;
}

export type FlushOutcome =
  | {
      readonly kind: 'written';
      /** Where the record stands now, by partition: all of a batch, or up to its fault. */
      readonly offsets: ReadonlyMap<number, EntryId>;
      readonly entries: number;
      readonly events: number;
      readonly faults: readonly FlushFault[];
      readonly quarantined: readonly QuarantinedEntry[];
      readonly unbalanced: readonly UnbalancedBucket[];
    }
  /**
   * Somebody else has moved these partitions, or their stream has ended before what was read: nothing
   * of any batch was written.
   */
  | {
      readonly kind: 'superseded';
      readonly partitions: readonly number[];
      readonly lost: readonly LostEntry[];
    };

/**
 * Writes what was prepared, in one transaction.
 * @throws while Postgres can't be had; then nothing was written, or all of it (a reply lost on the
 * way): ask for the offsets again.
 */
export type FlushWrite = () => Promise<FlushOutcome>;

export interface RecordSink {
  /** How far each partition is recorded. @throws while Postgres can't be had. */
  offsets(partitions: readonly number[]): Promise<ReadonlyMap<number, EntryId>>;
  /**
   * Makes batches of different partitions ready to be written, while others may still be on their
   * way. @throws while Postgres can't be had.
   */
  prepare(batches: readonly PartitionBatch[]): Promise<FlushWrite>;
}

export interface FlushLeases {
  /**
   * Says that this holder lives, keeps what it holds, gives back what is above its fair share of
   * all partitions and takes what is free below it.
   * @returns the lease number by partition. @throws while Postgres can't be had.
   */
  renew(): Promise<ReadonlyMap<number, number>>;
  /** Gives everything back at once, so that nobody waits for the leases to run out. */
  release(): Promise<void>;
}
