/** Entries that a flusher had read and that the Redis they came from has lost since. */
import type pg from 'pg';
import type { OutboxEntry } from '../domain/events.js';
import type { LostEntry, PartitionBatch, ReceivedEntry } from '../domain/flush.js';
import { informativeInstant } from './copy-text.js';
import { impactsOf, printable, sectionsOf } from './quarantine.js';

/** [epoch, last entry] of epochs that have ended. */
export type EndedEpochs = readonly (readonly [number, number])[];

/** The entries of a batch behind the end of their epoch: others stand there now. */
export function lostOf(batch: PartitionBatch, ended: EndedEpochs): readonly ReceivedEntry[] {
  if (ended.length === 0) return [];
  const ends = new Map(ended);
  return batch.entries.filter(({ id }) => id.n > (ends.get(id.epoch) ?? Infinity));
}

/** Declares an entry lost. @returns what was lost, or null where it has been declared before. */
export async function declareLost(
  client: pg.ClientBase,
  partition: number,
  received: ReceivedEntry,
): Promise<LostEntry | null> {
  const entry = readOrNull(received);
  const impacts = entry === null ? [] : impactsOf(entry);
  const { rowCount } = await client.query(
    `INSERT INTO tolld.lost_events (partition, epoch, n, happened_at, accounts, impacts, packed)
     VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`,
    [
      partition,
      received.id.epoch,
      received.id.n,
      entry === null ? null : informativeInstant(entry.at),
      printable(JSON.stringify(entry === null ? [] : sectionsOf(entry))),
      printable(JSON.stringify(impacts)),
      received.packed,
    ],
  );
  return rowCount === 0 ? null : { partition, entry: received.id, impacts };
}

function readOrNull(received: ReceivedEntry): OutboxEntry | null {
  try {
    return received.read();
  } catch {
    return null;
  }
}
