/** How far each partition is recorded: the one place that says what has been written. */
import type pg from 'pg';
import type { EntryId } from '../domain/events.js';
import type { PartitionBatch, ReceivedEntry } from '../domain/flush.js';
import { arrayText } from './copy-text.js';
import { lostOf, type EndedEpochs } from './lost-entries.js';
import type { Statement } from './statement-series.js';

interface OffsetRow {
  readonly partition: number;
  readonly epoch: string;
  readonly n: string;
  readonly fence: string;
  readonly ended_epochs: EndedEpochs;
}

export interface LockedOffsets {
  /** The partitions that are not where their batch begins. */
  readonly superseded: readonly number[];
  /** What was read of streams that have ended before it. */
  readonly lost: readonly (readonly [number, ReceivedEntry])[];
}

/** Offsets of partitions; of one that is new to the record, the place before its first entry. */
export async function readOffsets(
  pool: pg.Pool,
  partitions: readonly number[],
): Promise<ReadonlyMap<number, EntryId>> {
  await pool.query({
    name: 'make offsets',
    text: `INSERT INTO tolld.flush_offsets (partition, epoch, n)
           SELECT partition, 0, -1 FROM unnest($1::smallint[]) AS partition
           ON CONFLICT DO NOTHING`,
    values: [arrayText(partitions)],
  });
  const { rows } = await pool.query<OffsetRow>({
    name: 'offsets',
    text: 'SELECT partition, epoch, n FROM tolld.flush_offsets WHERE partition = ANY ($1)',
    values: [arrayText(partitions)],
  });
  return new Map(
    rows.map(({ partition, epoch, n }) => [partition, { epoch: Number(epoch), n: Number(n) }]),
  );
}

/**
 * Holds the offsets until the transaction ends, so that of two who read the same entries the second
 * waits and then sees that it is late. In the order of the partitions: two with several can't
 * wait for each other.
 */
export async function lockOffsets(
  client: pg.ClientBase,
  batches: readonly PartitionBatch[],
): Promise<LockedOffsets> {
  const { rows } = await client.query<OffsetRow>({
    name: 'lock offsets',
    text: `SELECT partition, epoch, n, fence, ended_epochs FROM tolld.flush_offsets
           WHERE partition = ANY ($1) ORDER BY partition FOR UPDATE`,
    values: [arrayText(batches.map(({ partition }) => partition))],
  });
  const stored = new Map(rows.map((row) => [row.partition, row]));
  const lost = batches.flatMap((batch) =>
    lostOf(batch, stored.get(batch.partition)?.ended_epochs ?? []).map(
      (entry) => [batch.partition, entry] as const,
    ),
  );
  const superseded = batches
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
  return {
    superseded: [...new Set([...superseded, ...lost.map(([partition]) => partition)])],
    lost,
  };
}

export interface OffsetMove {
  readonly batch: PartitionBatch;
  /** Of the last entry that is written. */
  readonly offset: EntryId;
}

/** Moves offsets that {@link lockOffsets} has found where their batches begin. */
export function moveStatement(moves: readonly OffsetMove[]): Statement {
  return moveFrom(moves, () => NO_EPOCH_ENDED);
}

/**
 * Holds offsets and moves them. An offset is missing that is not where its batch begins, that was
 * moved under a later lease, or whose stream has ended in an epoch that the batch has entries of.
 */
export function takeStatements(moves: readonly OffsetMove[]): readonly Statement[] {
  const values = [arrayText(moves.map(({ batch }) => batch.partition))];
  return [{ ...HOLD, values }, moveFrom(moves, ({ batch }) => batch.entries[0]?.id.epoch ?? 0)];
}

/** In the order of the partitions, as {@link lockOffsets} does. */
const HOLD = {
  name: 'hold offsets',
  text: `
    SELECT count(*) FROM (
      SELECT FROM tolld.flush_offsets WHERE partition = ANY ($1) ORDER BY partition FOR UPDATE
    ) AS held`,
};

const NO_EPOCH_ENDED = Number.MAX_SAFE_INTEGER;

const MOVE = {
  name: 'move offsets',
  text: `
    UPDATE tolld.flush_offsets AS o
    SET epoch = v.epoch, n = v.n, fence = v.fence, flushed_at = now()
    FROM unnest($1::smallint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[],
      $6::bigint[], $7::bigint[])
      AS v (partition, previous_epoch, previous_n, epoch, n, fence, first_epoch)
    WHERE o.partition = v.partition AND o.epoch = v.previous_epoch AND o.n = v.previous_n
      AND o.fence <= v.fence
      AND NOT EXISTS (
        SELECT FROM jsonb_array_elements(o.ended_epochs) AS ended
        WHERE (ended ->> 0)::bigint >= v.first_epoch)`,
};

function moveFrom(
  moves: readonly OffsetMove[],
  firstEpochOf: (move: OffsetMove) => number,
): Statement {
  const columns: readonly ((move: OffsetMove) => number)[] = [
    ({ batch }) => batch.partition,
    ({ batch }) => batch.previous.epoch,
    ({ batch }) => batch.previous.n,
    ({ offset }) => offset.epoch,
    ({ offset }) => offset.n,
    ({ batch }) => batch.fence,
    firstEpochOf,
  ];
  const values = columns.map((column) => arrayText(moves.map(column)));
  return { ...MOVE, values, rowsExpected: moves.length };
}
