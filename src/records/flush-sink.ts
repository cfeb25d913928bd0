/** Where the outbox is flushed to: one transaction for each batch, with the offsets moved in it. */
import type pg from 'pg';
import type { EntryId } from '../domain/events.js';
import type {
  FlushOutcome,
  FlushWrite,
  LostEntry,
  PartitionBatch,
  QuarantinedEntry,
  ReceivedEntry,
  RecordSink,
} from '../domain/flush.js';
import type { AccountChanges } from './account-changes.js';
import {
  compareBalances,
  forcingStatements,
  movingStatements,
  readStoredAccounts,
} from './account-writes.js';
import { stepsOf, writeEntries } from './batch-writes.js';
import { inTransaction, withConnection } from './database.js';
import type { KnownAccounts } from './event-context.js';
import { readKnownAccounts } from './known-accounts.js';
import { declareLost } from './lost-entries.js';
import {
  lockOffsets,
  moveStatement,
  readOffsets,
  takeStatements,
  type OffsetMove,
} from './offsets.js';
import { prepareBatches, type PreparedBatches } from './prepared-batch.js';
import { refusalOf } from './quarantine.js';
import { RowsMissingError, runSeries, type SeriesStep } from './statement-series.js';

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
  const whole = { ...prepared, batches, known };
  const steps = seriesOf(whole);
  return () => write(pool, whole, steps);
}

const NO_RUNS: ReadonlyMap<string, number> = new Map();

/**
 * The usual way, one trip: it takes for granted that everything stands where the batches begin and
 * that Postgres refuses nothing. Null where something is known to be amiss.
 */
function seriesOf({
  taken,
  faults,
  unbalanced,
  changes,
  rows,
}: PreparedBatches): readonly SeriesStep[] | null {
  if (rows === null || taken.length === 0 || unbalanced.length > 0) return null;
  if (faults.some(({ kind }) => kind !== 'undecodable')) return null;
  return [
    'BEGIN',
    ...takeStatements(movesOf(taken)),
    ...movingStatements(changes),
    ...stepsOf(rows, { sessions: 'at-their-word' }),
  ];
}

async function write(
  pool: pg.Pool,
  prepared: Prepared,
  steps: readonly SeriesStep[] | null,
): Promise<FlushOutcome> {
  if (steps !== null && (await tryAtOnce(pool, steps))) return outcomeOf(prepared, []);
  return inTransaction(pool, (client) => writeWithCare(client, prepared));
}

/** @returns whether all is written; if not, nothing is, and the batch is to be looked at closely. */
async function tryAtOnce(pool: pg.Pool, steps: readonly SeriesStep[]): Promise<boolean> {
  try {
    await withConnection(pool, async (client) => {
      await runSeries(client, steps);
      await client.query('COMMIT');
    });
    return true;
  } catch (error) {
    if (error instanceof RowsMissingError || refusalOf(error) !== null) return false;
    throw error;
  }
}

/**
 * Compares offsets and accounts with the record, to say what does not fit and to take what stands in
 * front of it; finds the entries that Postgres refuses.
 */
async function writeWithCare(client: pg.ClientBase, prepared: Prepared): Promise<FlushOutcome> {
  const { batches, known } = prepared;
  const { superseded, lost } = await lockOffsets(client, batches);
  if (superseded.length > 0) {
    const declared: LostEntry[] = [];
    for (const [partition, entry] of lost) {
      const news = await declareLost(client, partition, entry);
      if (news !== null) declared.push(news);
    }
    return { kind: 'superseded', partitions: superseded, lost: declared };
  }
  const stored = await readStoredAccounts(client, accountIdsOf(batches));
  const compared = await prepareBatches(batches, { known, runs: stored.runs });
  const { taken, changes } = compared;
  await runSeries(client, forcingStatements(changes));
  const entries = taken.flatMap((part) => part.entries);
  const quarantined = await writeEntries(client, { entries, known });
  await runSeries(client, [moveStatement(movesOf(taken))]);
  const unbalanced = [...compareBalances(changes, stored), ...compared.unbalanced];
  return outcomeOf({ ...compared, unbalanced }, quarantined);
}

function movesOf(taken: PreparedBatches['taken']): readonly OffsetMove[] {
  return taken.map(({ batch, entries }) => ({ batch, offset: endOf(entries) }));
}

function outcomeOf(
  { taken, faults, unbalanced, changes }: PreparedBatches,
  quarantined: readonly QuarantinedEntry[],
): FlushOutcome {
  return {
    kind: 'written',
    offsets: new Map(taken.map(({ batch, entries }) => [batch.partition, endOf(entries)])),
    entries: taken.reduce((sum, { entries }) => sum + entries.length, 0),
    events: countEvents(changes),
    faults,
    quarantined,
    unbalanced,
  };
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
