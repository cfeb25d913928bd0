/** Where the outbox is flushed to: one transaction for each batch, with the offsets moved in it. */
import type pg from 'pg';
import type { EntryId } from '../domain/events.js';
import type {
  FlushOutcome,
  FlushWrite,
  LostEntry,
  PartitionBatch,
  ReceivedEntry,
  RecordSink,
} from '../domain/flush.js';
import type { AccountChanges } from './account-changes.js';
import {
  compareBalances,
  forceAccounts,
  moveAccounts,
  readStoredAccounts,
} from './account-writes.js';
import { writeEntries } from './batch-writes.js';
import { inTransaction } from './database.js';
import type { KnownAccounts } from './event-context.js';
import { readKnownAccounts } from './known-accounts.js';
import { declareLost } from './lost-entries.js';
import { lockOffsets, moveOffsets, readOffsets } from './offsets.js';
import { prepareBatches, type PreparedBatches } from './prepared-batch.js';

export function createFlushSink({ pool }: { readonly pool: pg.Pool }): RecordSink {
  return {
    offsets: (partitions) => readOffsets(pool, partitions),
    prepare: (batches) => prepare(pool, batches),
  };
}

interface Prepared extends PreparedBatches {
  readonly batches: readonly PartitionBatch[];
  readonly known: KnownAccounts;
}

/** All that needs no transaction: Postgres may be busy with the batch before meanwhile. */
async function prepare(pool: pg.Pool, batches: readonly PartitionBatch[]): Promise<FlushWrite> {
  let known: KnownAccounts = new Map();
  let prepared = await prepareBatches(batches, { known, runs: NO_RUNS });
  if (prepared.missing.size > 0) {
    known = await readKnownAccounts(pool, prepared.missing);
    prepared = await prepareBatches(batches, { known, runs: NO_RUNS });
  }
  return () => inTransaction(pool, (client) => write(client, { ...prepared, batches, known }));
}

const NO_RUNS: ReadonlyMap<string, number> = new Map();

async function write(client: pg.ClientBase, prepared: Prepared): Promise<FlushOutcome> {
  const { superseded, lost } = await lockOffsets(client, prepared.batches);
  if (superseded.length > 0) {
    const declared: LostEntry[] = [];
    for (const [partition, entry] of lost) {
      const news = await declareLost(client, partition, entry);
      if (news !== null) declared.push(news);
    }
    return { kind: 'superseded', partitions: superseded, lost: declared };
  }
  const { taken, faults, unbalanced, rows, changes } = await moveOrCompare(client, prepared);
  const entries = taken.flatMap((part) => part.entries);
  const quarantined =
    entries.length === 0
      ? []
      : await writeEntries(client, { entries, known: prepared.known, rows });
  const moves = taken.map(({ batch, entries: own }) => ({ batch, offset: endOf(own) }));
  await moveOffsets(client, moves);
  return {
    kind: 'written',
    offsets: new Map(moves.map(({ batch, offset }) => [batch.partition, offset])),
    entries: entries.length,
    events: countEvents(changes),
    faults,
    quarantined,
    unbalanced,
  };
}

type Moved = Pick<PreparedBatches, 'taken' | 'faults' | 'changes' | 'unbalanced' | 'rows'>;

/**
 * Moves the accounts on. Where one of them does not stand where the batch begins, or the entries
 * don't even fit each other, all accounts are read and compared, to say which and to take what is in
 * front of it.
 */
async function moveOrCompare(client: pg.ClientBase, prepared: Prepared): Promise<Moved> {
  if (await tryMove(client, prepared)) return prepared;
  const { batches, known } = prepared;
  const stored = await readStoredAccounts(client, accountIdsOf(batches));
  const compared = await prepareBatches(batches, { known, runs: stored.runs });
  await forceAccounts(client, compared.changes);
  return {
    ...compared,
    unbalanced: [...compareBalances(compared.changes, stored), ...compared.unbalanced],
  };
}

/** @returns whether all accounts stood where the batch begins; if not, nothing has happened. */
async function tryMove(
  client: pg.ClientBase,
  { changes, unbalanced, faults }: Prepared,
): Promise<boolean> {
  if (unbalanced.length > 0 || faults.some(({ kind }) => kind !== 'undecodable')) return false;
  if (changes.size === 0) return true;
  await client.query('SAVEPOINT accounts');
  if (await moveAccounts(client, changes)) {
    await client.query('RELEASE SAVEPOINT accounts');
    return true;
  }
  await client.query('ROLLBACK TO SAVEPOINT accounts; RELEASE SAVEPOINT accounts');
  return false;
}

/** Of all entries that can be read, those behind a fault too: where they stand says what is wrong. */
function accountIdsOf(batches: readonly PartitionBatch[]): readonly string[] {
  const ids = new Set<string>();
  for (const received of batches.flatMap(({ entries }) => entries)) {
    try {
      for (const { accountId } of received.read().accounts) ids.add(accountId);
    } catch {
      // The pass over the entries tells of it.
    }
  }
  return [...ids];
}

function endOf(entries: readonly ReceivedEntry[]): EntryId {
  const last = entries.at(-1);
  if (last === undefined) throw new Error('a batch that was taken holds nothing');
  return last.id;
}

/** Each event moved its account on by one. */
function countEvents(changes: AccountChanges): number {
  let events = 0;
  for (const { last, previous } of changes.values()) events += last - previous;
  return events;
}
