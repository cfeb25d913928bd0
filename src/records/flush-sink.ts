/** Where the outbox is flushed to: one transaction for each batch, with the offsets moved in it. */
import type pg from 'pg';
import type { EntryId } from '../domain/events.js';
import type {
  FlushOutcome,
  FlushWrite,
  PartitionBatch,
  ReceivedEntry,
  RecordSink,
  SequenceFault,
  UnbalancedBucket,
} from '../domain/flush.js';
import { foldAccounts, type FoldedAccounts, type TakenBatch } from './account-changes.js';
import {
  compareBalances,
  forceAccounts,
  moveAccounts,
  readStoredAccounts,
} from './account-writes.js';
import { collectRows, writeEntries, type BatchRows } from './batch-writes.js';
import { UnstorableError } from './copy-text.js';
import { inTransaction } from './database.js';
import type { KnownAccounts } from './event-context.js';
import { readKnownAccounts } from './known-accounts.js';
import { lockOffsets, moveOffsets, readOffsets } from './offsets.js';

export function createFlushSink({ pool }: { readonly pool: pg.Pool }): RecordSink {
  return {
    offsets: (partitions) => readOffsets(pool, partitions),
    prepare: (batches) => prepare(pool, batches),
  };
}

interface Prepared {
  readonly batches: readonly PartitionBatch[];
  readonly known: KnownAccounts;
  readonly accounts: FoldedAccounts;
  /** Absent where some entry can't be put into rows: it is looked for when all are written. */
  readonly rows: BatchRows | undefined;
}

/** All that needs no transaction: Postgres may be busy with the batch before meanwhile. */
async function prepare(pool: pg.Pool, batches: readonly PartitionBatch[]): Promise<FlushWrite> {
  const known = await readKnownAccounts(pool, batches);
  const accounts = foldAccounts(batches, { known, runs: new Map() });
  // Where the entries don't even fit each other, the record has to say which of them does.
  const rows = accounts.faults.length > 0 ? undefined : tryRows(entriesOf(accounts.taken), known);
  const prepared = { batches, known, accounts, rows };
  return () => inTransaction(pool, (client) => write(client, prepared));
}

function tryRows(entries: readonly ReceivedEntry[], known: KnownAccounts): BatchRows | undefined {
  try {
    return collectRows(entries, known);
  } catch (error) {
    if (error instanceof UnstorableError) return undefined;
    throw error;
  }
}

function entriesOf(taken: readonly TakenBatch[]): readonly ReceivedEntry[] {
  return taken.flatMap(({ entries }) => entries);
}

async function write(client: pg.ClientBase, prepared: Prepared): Promise<FlushOutcome> {
  const superseded = await lockOffsets(client, prepared.batches);
  if (superseded.length > 0) return { kind: 'superseded', partitions: superseded };
  const { taken, faults, unbalanced, rows } = await moveOrCompare(client, prepared);
  const entries = entriesOf(taken);
  const ends = taken.map(({ batch, entries: own }) => ({ batch, offset: endOf(own) }));
  const quarantined =
    entries.length === 0
      ? []
      : await writeEntries(client, { entries, known: prepared.known, rows });
  await moveOffsets(client, ends);
  return {
    kind: 'written',
    offsets: new Map(ends.map(({ batch, offset }) => [batch.partition, offset])),
    entries: entries.length,
    events: countEvents(entries),
    faults,
    quarantined,
    unbalanced,
  };
}

interface MovedAccounts {
  readonly taken: readonly TakenBatch[];
  readonly faults: readonly SequenceFault[];
  readonly unbalanced: readonly UnbalancedBucket[];
  /** Absent where less was taken than was prepared. */
  readonly rows: BatchRows | undefined;
}

/**
 * Moves the accounts on. Where one of them does not stand where the batch begins, all are read and
 * compared, to say which and to take what is in front of it.
 */
async function moveOrCompare(client: pg.ClientBase, prepared: Prepared): Promise<MovedAccounts> {
  const { batches, known, accounts, rows } = prepared;
  if (accounts.faults.length === 0 && (await tryMove(client, accounts))) {
    return { ...accounts, rows };
  }
  const stored = await readStoredAccounts(client, accountIdsOf(batches));
  const compared = foldAccounts(batches, { known, runs: stored.runs });
  await forceAccounts(client, compared.changes);
  return {
    taken: compared.taken,
    faults: compared.faults,
    unbalanced: [...compareBalances(compared.changes, stored), ...compared.unbalanced],
    rows: compared.faults.length === 0 ? rows : undefined,
  };
}

/** @returns whether all accounts stood where the batch begins; if not, nothing has happened. */
async function tryMove(
  client: pg.ClientBase,
  { changes, unbalanced }: FoldedAccounts,
): Promise<boolean> {
  if (unbalanced.length > 0) return false;
  if (changes.size === 0) return true;
  await client.query('SAVEPOINT accounts');
  if (await moveAccounts(client, changes)) {
    await client.query('RELEASE SAVEPOINT accounts');
    return true;
  }
  await client.query('ROLLBACK TO SAVEPOINT accounts; RELEASE SAVEPOINT accounts');
  return false;
}

function accountIdsOf(batches: readonly PartitionBatch[]): readonly string[] {
  const ids = new Set<string>();
  for (const { entries } of batches) {
    for (const { entry } of entries) {
      for (const { accountId } of entry.accounts) ids.add(accountId);
    }
  }
  return [...ids];
}

function endOf(entries: readonly ReceivedEntry[]): EntryId {
  const last = entries.at(-1);
  if (last === undefined) throw new Error('a batch that was taken holds nothing');
  return last.entry.id;
}

function countEvents(entries: readonly ReceivedEntry[]): number {
  let events = 0;
  for (const { entry } of entries) {
    for (const section of entry.accounts) events += section.events.length;
  }
  return events;
}
