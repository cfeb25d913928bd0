/** Reads the streams behind the cursors into batches without gaps. */
import { parseEntryId } from '../charging/event-codec.js';
import type { StreamEntry } from '../charging/stream.js';
import type { EntryId, OutboxEntry } from '../domain/events.js';
import type { PartitionBatch, ReceivedEntry } from '../domain/flush.js';
import { entryText, succession, type Cursor } from './cursor.js';
import type { PartitionFault } from './fault.js';

/** Decodes an entry. @throws when it is not one that this version knows. */
export type EntryDecoder = (partition: number, id: string, packed: Buffer) => OutboxEntry;

export interface BatchReader {
  read(partition: number, after: EntryId, count: number): Promise<readonly StreamEntry[]>;
}

export interface Gathered {
  readonly batches: readonly PartitionBatch[];
  readonly faults: readonly PartitionFault[];
  readonly entries: number;
  /** Streams hold more than was read. */
  readonly more: boolean;
}

/** Entries of one read: few enough that Redis, which serves nobody else meanwhile, is quick. */
const READ_MAX = 250;
const READ_MIN = 20;

interface Reading {
  readonly cursor: Cursor;
  readonly entries: ReceivedEntry[];
  position: EntryId;
  fault: PartitionFault | null;
  drained: boolean;
}

/**
 * Reads up to about `entriesMax` entries, of all partitions alike; what one leaves is there for the
 * others.
 */
export async function gather(
  cursors: readonly Cursor[],
  { entriesMax }: { readonly entriesMax: number },
  { streams, decode }: { readonly streams: BatchReader; readonly decode: EntryDecoder },
): Promise<Gathered> {
  const readings = cursors.map((cursor): Reading => {
    return { cursor, entries: [], position: cursor.offset, fault: null, drained: false };
  });
  let entries = 0;
  let open = readings;
  while (open.length > 0 && entries < entriesMax) {
    const share = Math.floor((entriesMax - entries) / open.length);
    const count = Math.max(READ_MIN, Math.min(READ_MAX, share));
    await Promise.all(
      open.map(async (reading) => {
        const found = await streams.read(reading.cursor.partition, reading.position, count);
        entries += accept(reading, found, decode);
        reading.drained = found.length < count;
      }),
    );
    open = open.filter(({ drained, fault }) => !drained && fault === null);
  }
  return {
    batches: readings.filter((reading) => reading.entries.length > 0).map(batchOf),
    faults: readings.flatMap(({ fault }) => (fault === null ? [] : [fault])),
    entries,
    more: open.length > 0,
  };
}

function batchOf({ cursor, entries }: Reading): PartitionBatch {
  const { partition, fence, offset } = cursor;
  return { partition, fence, previous: offset, entries };
}

/** Takes what follows without a gap. @returns how many entries that were. */
function accept(reading: Reading, found: readonly StreamEntry[], decode: EntryDecoder): number {
  const { partition } = reading.cursor;
  let taken = 0;
  for (const { id: text, packed } of found) {
    const id = parseEntryId(text);
    const step = succession(reading.position, id);
    if (step === 'repeated') continue;
    if (step === 'gap') {
      const after = entryText(reading.position);
      reading.fault = { kind: 'entries-missing', partition, after, found: text };
      return taken;
    }
    reading.entries.push({ id, packed, read: () => decode(partition, text, packed) });
    reading.position = id;
    taken += 1;
  }
  return taken;
}
