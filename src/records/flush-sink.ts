/** Where the outbox is flushed to: one transaction for each batch, with the offsets moved in it. */
import type pg from 'pg';
import type { EntryId } from '../domain/events.js';
import type {
  FlushOutcome,
  PartitionBatch,
  ReceivedEntry,
  RecordSink,
  SequenceFault,
} from '../domain/flush.js';
import { readAccounts, takeContinuous } from './account-runs.js';
import { addAccountStates, writeAccountStates, type AccountStates } from './account-states.js';
import { writeEntries } from './batch-writes.js';
import { inTransaction } from './database.js';

export function createFlushSink({ pool }: { readonly pool: pg.Pool }): RecordSink {
  return {
    offsets: (partitions) => readOffsets(pool, partitions),
    write: (batches) => inTransaction(pool, (client) => writeBatches(client, batches)),
  };
}

interface OffsetRow {
  readonly partition: number;
  readonly epoch: string;
  readonly n: string;
  readonly fence: string;
}

async function readOffsets(
  pool: pg.Pool,
  partitions: readonly number[],
): Promise<ReadonlyMap<number, EntryId>> {
  await pool.query({
    name: 'make offsets',
    text: `INSERT INTO tolld.flush_offsets (partition, epoch, n)
           SELECT partition, 0, -1 FROM unnest($1::smallint[]) AS partition
           ON CONFLICT DO NOTHING`,
    values: [partitions],
  });
  const { rows } = await pool.query<OffsetRow>({
    name: 'offsets',
    text: 'SELECT partition, epoch, n FROM tolld.flush_offsets WHERE partition = ANY ($1)',
    values: [partitions],
  });
  return new Map(rows.map(({ partition, epoch, n }) => [partition, entryId(epoch, n)]));
}

function entryId(epoch: string, n: string): EntryId {
  return { epoch: Number(epoch), n: Number(n) };
}

interface Taken {
  readonly batch: PartitionBatch;
  readonly entries: readonly ReceivedEntry[];
  /** Of the last entry that is taken. */
  readonly offset: EntryId;
}

async function writeBatches(
  client: pg.ClientBase,
  batches: readonly PartitionBatch[],
): Promise<FlushOutcome> {
  const superseded = await lockOffsets(client, batches);
  if (superseded.length > 0) return { kind: 'superseded', partitions: superseded };

  const { runs, known, stored } = await readAccounts(client, batches);
  const taken: Taken[] = [];
  const faults: SequenceFault[] = [];
  const states: AccountStates = new Map();
  for (const batch of batches) {
    const { entries, fault } = takeContinuous(batch, runs);
    if (fault !== null) faults.push(fault);
    for (const { entry } of entries) addAccountStates(states, entry, known);
    const last = entries.at(-1);
    if (last !== undefined) taken.push({ batch, entries, offset: last.entry.id });
  }
  const entries = taken.flatMap((part) => part.entries);
  const offsets = new Map(taken.map(({ batch, offset }) => [batch.partition, offset]));
  if (entries.length === 0) {
    return {
      kind: 'written',
      offsets,
      entries: 0,
      events: 0,
      faults,
      quarantined: [],
      unbalanced: [],
    };
  }
  const { quarantined, unbalanced } = await writeEntries(client, entries, known);
  await writeAccountStates(client, states, stored);
  await moveOffsets(client, taken);
  const events = entries.reduce(
    (sum, { entry }) => sum + entry.accounts.reduce((n, section) => n + section.events.length, 0),
    0,
  );
  return {
    kind: 'written',
    offsets,
    entries: entries.length,
    events,
    faults,
    quarantined,
    unbalanced,
  };
}

/**
 * Holds the offsets until the transaction ends, so that of two who read the same entries the second
 * waits and then sees that it is late. In the order of the partitions: two with several can't
 * wait for each other.
 */
async function lockOffsets(
  client: pg.ClientBase,
  batches: readonly PartitionBatch[],
): Promise<readonly number[]> {
  const { rows } = await client.query<OffsetRow>({
    name: 'lock offsets',
    text: `SELECT partition, epoch, n, fence FROM tolld.flush_offsets
           WHERE partition = ANY ($1) ORDER BY partition FOR UPDATE`,
    values: [batches.map(({ partition }) => partition)],
  });
  const stored = new Map(rows.map((row) => [row.partition, row]));
  return batches
    .filter(({ partition, previous, fence }) => {
      const row = stored.get(partition);
      return (
        row === undefined ||
        Number(row.epoch) !== previous.epoch ||
        Number(row.n) !== previous.n ||
        Number(row.fence) > fence
      );
    })
    .map(({ partition }) => partition);
}

/** @throws where an offset is not where the batch began: then none of it may stand. */
async function moveOffsets(client: pg.ClientBase, taken: readonly Taken[]): Promise<void> {
  const { rowCount } = await client.query({
    name: 'move offsets',
    text: `
      UPDATE tolld.flush_offsets AS o
      SET epoch = v.epoch, n = v.n, fence = v.fence, flushed_at = now()
      FROM unnest($1::smallint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[],
        $6::bigint[]) AS v (partition, previous_epoch, previous_n, epoch, n, fence)
      WHERE o.partition = v.partition AND o.epoch = v.previous_epoch AND o.n = v.previous_n`,
    values: [
      taken.map(({ batch }) => batch.partition),
      taken.map(({ batch }) => batch.previous.epoch),
      taken.map(({ batch }) => batch.previous.n),
      taken.map(({ offset }) => offset.epoch),
      taken.map(({ offset }) => offset.n),
      taken.map(({ batch }) => batch.fence),
    ],
  });
  if (rowCount !== taken.length) throw new Error('an offset moved while it was locked');
}
