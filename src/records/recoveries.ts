/**
 * Where partitions are compared with the record before they open again, and what came of it. An
 * epoch ends where the partition's outbox ends now: a flusher that has read more from a server that is
 * no more finds its batch refused, since the same lock orders the two.
 */
import type pg from 'pg';
import type { EntryId } from '../domain/events.js';
import { arrayText } from './copy-text.js';
import type { EndedEpochs } from './lost-entries.js';

/** Where a partition's outbox stands. */
export interface OutboxEnd {
  readonly partition: number;
  /** Of the control value. */
  readonly epoch: number;
  readonly last: EntryId | null;
}

export interface Comparison {
  readonly partition: number;
  /** `behind`: the record has what Redis lacks. */
  readonly verdict: 'equal' | 'ahead' | 'behind';
  /** Where the record stands. */
  readonly recorded: EntryId;
  /** In which the partition is to be opened: behind every one it was ever open in. */
  readonly epoch: number;
}

interface PlaceRow {
  readonly partition: number;
  readonly epoch: number;
  readonly n: number;
  readonly endedEpochs: EndedEpochs;
  readonly lastEpoch: number;
}

/** In a transaction of its own; partitions must be closed. In the order of the partitions given. */
export async function compareWithRecord(
  client: pg.ClientBase,
  ends: readonly OutboxEnd[],
): Promise<readonly Comparison[]> {
  const places = await lockPlaces(client, ends);
  const compared = ends.map((end) => compare(end, placeOf(places, end.partition)));
  await client.query({
    name: 'end epochs',
    text: `UPDATE tolld.flush_offsets AS o SET ended_epochs = v.ended::jsonb
           FROM unnest($1::smallint[], $2::text[]) AS v (partition, ended)
           WHERE o.partition = v.partition`,
    values: [
      compared.map(({ partition }) => partition),
      compared.map(({ ended }) => JSON.stringify(ended)),
    ],
  });
  await client.query({
    name: 'note comparisons',
    text: `INSERT INTO tolld.recoveries (partition, epoch, verdict, redis_epoch, redis_entry,
             recorded_epoch, recorded_entry)
           SELECT * FROM unnest($1::smallint[], $2::bigint[], $3::text[], $4::bigint[],
             $5::bigint[], $6::bigint[], $7::bigint[])`,
    values: [
      compared.map(({ partition }) => partition),
      compared.map(({ epoch }) => epoch),
      compared.map(({ verdict }) => verdict),
      ends.map(({ last }) => last?.epoch ?? null),
      ends.map(({ last }) => last?.n ?? null),
      compared.map(({ recorded }) => recorded.epoch),
      compared.map(({ recorded }) => recorded.n),
    ],
  });
  return compared;
}

async function lockPlaces(
  client: pg.ClientBase,
  ends: readonly OutboxEnd[],
): Promise<ReadonlyMap<number, PlaceRow>> {
  const partitions = arrayText(ends.map(({ partition }) => partition));
  await client.query({
    name: 'make offsets',
    text: `INSERT INTO tolld.flush_offsets (partition, epoch, n)
           SELECT partition, 0, -1 FROM unnest($1::smallint[]) AS partition
           ON CONFLICT DO NOTHING`,
    values: [partitions],
  });
  // In the order in which flushers lock them.
  const { rows } = await client.query<PlaceRow>({
    name: 'lock places',
    text: `SELECT o.partition, o.epoch::float8 AS epoch, o.n::float8 AS n,
             o.ended_epochs AS "endedEpochs",
             coalesce((SELECT max(r.epoch) FROM tolld.recoveries r
               WHERE r.partition = o.partition), 0)::float8 AS "lastEpoch"
           FROM tolld.flush_offsets o WHERE o.partition = ANY ($1)
           ORDER BY o.partition FOR UPDATE OF o`,
    values: [partitions],
  });
  return new Map(rows.map((row) => [row.partition, row]));
}

function placeOf(places: ReadonlyMap<number, PlaceRow>, partition: number): PlaceRow {
  const place = places.get(partition);
  if (place === undefined) throw new Error(`partition ${partition} has no place in the record`);
  return place;
}

function compare(
  { partition, epoch, last }: OutboxEnd,
  place: PlaceRow,
): Comparison & { readonly ended: EndedEpochs } {
  const recorded = { epoch: place.epoch, n: place.n };
  const verdict = verdictOf(last, recorded);
  const end = verdict === 'behind' || last === null ? recorded : last;
  const latest = Math.max(epoch, place.epoch, place.lastEpoch, end.epoch);
  // Epochs behind the end began and left nothing.
  const empty = Array.from({ length: latest - end.epoch }, (_, index) => end.epoch + index + 1);
  return {
    partition,
    verdict,
    recorded,
    epoch: latest + 1,
    ended: [
      // What the record is past it never meets again.
      ...place.endedEpochs.filter(([ended]) => ended >= place.epoch && ended < end.epoch),
      [end.epoch, end.n],
      ...empty.map((each) => [each, -1] as const),
    ],
  };
}

function verdictOf(last: EntryId | null, recorded: EntryId): Comparison['verdict'] {
  const { epoch, n } = last ?? { epoch: 0, n: -1 };
  const difference = epoch - recorded.epoch || n - recorded.n;
  if (difference < 0) return recorded.n < 0 ? 'equal' : 'behind';
  return difference === 0 ? 'equal' : 'ahead';
}

/** Says that a partition is open again in an epoch. */
export async function noteOpened(
  client: pg.ClientBase | pg.Pool,
  opened: readonly {
    readonly partition: number;
    readonly epoch: number;
    readonly accountsRestored: number;
  }[],
): Promise<void> {
  await client.query({
    name: 'note openings',
    text: `UPDATE tolld.recoveries r
           SET opened_at = now(), accounts_restored = v.accounts_restored
           FROM unnest($1::smallint[], $2::bigint[], $3::integer[])
             AS v (partition, epoch, accounts_restored)
           WHERE r.partition = v.partition AND r.epoch = v.epoch`,
    values: [
      opened.map(({ partition }) => partition),
      opened.map(({ epoch }) => epoch),
      opened.map(({ accountsRestored }) => accountsRestored),
    ],
  });
}

/** The last entry of an outbox that somebody saw before the partition was closed. */
export interface Sighting {
  readonly partition: number;
  readonly seen: EntryId;
  /** In which the partition is open now. */
  readonly epoch: number;
}

/**
 * Declares lost what was seen behind the end of its epoch.
 * @returns how many entries of each partition, beyond those that were known before.
 */
export async function declareUnseen(
  client: pg.ClientBase | pg.Pool,
  sightings: readonly Sighting[],
): Promise<ReadonlyMap<number, number>> {
  const { rows } = await client.query<{ partition: number; lost: number }>({
    name: 'declare unseen',
    text: `
      WITH ends AS (
        SELECT DISTINCT ON (v.partition) r.partition, r.epoch, r.entries_lost AS known,
          CASE WHEN v.seen_epoch = e.epoch THEN v.n - e.entry
            WHEN v.seen_epoch > e.epoch THEN v.n + 1 ELSE 0 END AS lost
        FROM unnest($1::smallint[], $2::bigint[], $3::bigint[], $4::bigint[])
            AS v (partition, seen_epoch, n, epoch)
          JOIN tolld.recoveries r ON r.partition = v.partition AND r.epoch <= v.epoch
            AND r.epoch > v.seen_epoch
          CROSS JOIN LATERAL (SELECT
            CASE WHEN r.verdict = 'behind' OR r.redis_epoch IS NULL THEN r.recorded_epoch
              ELSE r.redis_epoch END AS epoch,
            CASE WHEN r.verdict = 'behind' OR r.redis_epoch IS NULL THEN r.recorded_entry
              ELSE r.redis_entry END AS entry) AS e
        ORDER BY v.partition, e.epoch, e.entry)
      UPDATE tolld.recoveries r SET entries_lost = ends.lost FROM ends
      WHERE r.partition = ends.partition AND r.epoch = ends.epoch AND ends.lost > r.entries_lost
      RETURNING r.partition, (ends.lost - ends.known)::float8 AS lost`,
    values: [
      sightings.map(({ partition }) => partition),
      sightings.map(({ seen }) => seen.epoch),
      sightings.map(({ seen }) => seen.n),
      sightings.map(({ epoch }) => epoch),
    ],
  });
  return new Map(rows.map(({ partition, lost }) => [partition, lost]));
}
