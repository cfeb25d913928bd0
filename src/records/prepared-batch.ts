/** Batches made ready to be written: one pass over their entries, each decoded and let go. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type {
  FlushFault,
  PartitionBatch,
  ReceivedEntry,
  UnbalancedBucket,
} from '../domain/flush.js';
import type { OutboxEntry } from '../domain/events.js';
import { AccountFold, type AccountChanges } from './account-changes.js';
import { BatchRows } from './batch-writes.js';
import { UnstorableError } from './copy-text.js';
import { needsKnownAccount, type KnownAccounts } from './event-context.js';

/** The entries of a batch that can be recorded: at least one. */
export interface TakenBatch {
  readonly batch: PartitionBatch;
  readonly entries: readonly ReceivedEntry[];
}

export interface PreparedBatches {
  readonly taken: readonly TakenBatch[];
  readonly faults: readonly FlushFault[];
  readonly changes: AccountChanges;
  readonly unbalanced: readonly UnbalancedBucket[];
  /** Null where some entry can't be put into rows: it is looked for when all are written. */
  readonly rows: BatchRows | null;
  /** Accounts that nothing is known of though an event needs it: look, and prepare again. */
  readonly missing: ReadonlySet<string>;
}

export interface PrepareOptions {
  readonly known: KnownAccounts;
  /** Where the accounts stand; empty where the batches are taken at their word. */
  readonly runs: ReadonlyMap<string, number>;
}

/**
 * Entries between two looks at what else there is to do: about 3 ms. The transaction before, which
 * runs meanwhile, waits no longer than that for its next statement, nor does a charge in the same
 * process; in one go a batch would hold both up for a tenth of a second.
 */
const ENTRIES_IN_A_ROW = 200;

export async function prepareBatches(
  batches: readonly PartitionBatch[],
  options: PrepareOptions,
): Promise<PreparedBatches> {
  const entries = batches.reduce((sum, batch) => sum + batch.entries.length, 0);
  const pass = new Pass(entries, options);
  const taken: TakenBatch[] = [];
  for (const batch of batches) {
    const entries = await pass.takeFrom(batch);
    if (entries.length > 0) taken.push({ batch, entries });
  }
  return {
    taken,
    faults: pass.faults,
    changes: pass.accounts.changes,
    unbalanced: pass.accounts.unbalanced,
    rows: pass.rows,
    missing: pass.missing,
  };
}

class Pass {
  readonly #known: KnownAccounts;
  readonly accounts: AccountFold;
  readonly faults: FlushFault[] = [];
  readonly missing = new Set<string>();
  rows: BatchRows | null;
  #inARow = 0;

  constructor(entries: number, { known, runs }: PrepareOptions) {
    this.#known = known;
    this.rows = new BatchRows({ entries });
    this.accounts = new AccountFold({ known, runs });
  }

  /** The entries of a batch up to the first that can't be recorded. */
  async takeFrom(batch: PartitionBatch): Promise<readonly ReceivedEntry[]> {
    for (const [index, received] of batch.entries.entries()) {
      this.#inARow += 1;
      if (this.#inARow > ENTRIES_IN_A_ROW) {
        this.#inARow = 0;
        await nextTurn();
      }
      const fault = this.#take(batch.partition, received);
      if (fault !== null) {
        this.faults.push(fault);
        return batch.entries.slice(0, index);
      }
    }
    return batch.entries;
  }

  #take(partition: number, received: ReceivedEntry): FlushFault | null {
    let entry: OutboxEntry;
    try {
      entry = received.read();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      return { kind: 'undecodable', partition, entry: received.id, reason };
    }
    const fault = this.accounts.take(entry);
    if (fault !== null) return fault;
    this.#noteMissing(entry);
    if (this.missing.size === 0) this.#addRows(entry);
    return null;
  }

  #noteMissing(entry: OutboxEntry): void {
    for (const [index, { accountId }] of entry.accounts.entries()) {
      if (needsKnownAccount(entry, index) && !this.#known.has(accountId)) {
        this.missing.add(accountId);
      }
    }
  }

  #addRows(entry: OutboxEntry): void {
    try {
      this.rows?.add(entry, this.#known);
    } catch (error) {
      if (!(error instanceof UnstorableError)) throw error;
      this.rows = null;
    }
  }
}
