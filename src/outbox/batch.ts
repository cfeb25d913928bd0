/** Reads the streams behind the cursors into batches without gaps. */
import { parseEntryId } from '../charging/event-codec.js';
import type { OutboxStreams, StreamEntry, StreamPlace } from '../charging/stream.js';
import type { EntryId, OutboxEntry } from '../domain/events.js';
import type { PartitionBatch, ReceivedEntry } from '../domain/flush.js';
import { entryText, succession, type Cursor } from './cursor.js';
import type { PartitionFault } from './fault.js';

/** Decodes an entry. @throws when it is not one that this version knows. */
export type EntryDecoder = (partition: number, id: string, packed: Buffer) => OutboxEntry;

export type BatchReader = Pick<OutboxStreams, 'readAll'>;

export interface Gathered {
  readonly batches: readonly PartitionBatch[];
  readonly faults: readonly PartitionFault[];
  readonly entries: number;
  /** Streams hold more than was read. */
  readonly more: boolean;
}

/** Entries of one read: few enough that Redis, which serves nobody else meanwhile, takes about 1 ms. */
const READ_MAX = 500;
/** Of each partition, at the least: of few each read would find more than that. */
const READ_MIN = 8;
const READ_OF_ONE_MAX = 250;

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
    const count = Math.max(READ_MIN, Math.min(READ_OF_ONE_MAX, share));
    for (const together of groupsOf(open, Math.floor(READ_MAX / count))) {
      const found = await streams.readAll(together.map(placeOf), count);
      for (const reading of together) {
        const of = found.get(reading.cursor.partition) ?? [];
        entries += accept(reading, of, decode);
        reading.drained = of.length < count;
      }
    }
    open = open.filter(({ drained, fault }) => !drained && fault === null);
  }
  return {
    batches: readings.filter((reading) => reading.entries.length > 0).map(batchOf),
    faults: readings.flatMap(({ fault }) => (fault === null ? [] : [fault])),
    entries,
    more: open.length > 0,
  };
}

function placeOf({ cursor, position }: Reading): StreamPlace {
  return { partition: cursor.partition, after: position };
}

function groupsOf<T>(items: readonly T[], size: number): readonly (readonly T[])[] {
  const groups: (readonly T[])[] = [];
  for (let from = 0; from < items.length; from += size) groups.push(items.slice(from, from + size));
  return groups;
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
