import { describe, expect, test } from 'vitest';
import { parseEntryId } from '../../../src/charging/event-codec.js';
import type { EntryId } from '../../../src/domain/events.js';
import { BEFORE_FIRST } from '../../../src/domain/flush.js';
import { gather, type BatchReader } from '../../../src/outbox/batch.js';
import { entryText, isBehind, succession } from '../../../src/outbox/cursor.js';

/** Streams of ids; entries carry nothing. */
function streamsOf(streams: Readonly<Record<number, readonly string[]>>): BatchReader & {
  readonly reads: number[];
} {
  const reads: number[] = [];
  return {
    reads,
    readAll: async (places, count) => {
      reads.push(...places.map(({ partition }) => partition));
      const found = places.map(({ partition, after }) => {
        const behind = (streams[partition] ?? []).filter((id) => isBehind(after, parseEntryId(id)));
        return [partition, behind.slice(0, count).map(entryOf)] as const;
      });
      return new Map(found.filter(([, entries]) => entries.length > 0));
    },
  };
}

const entryOf = (id: string) => ({ id, packed: Buffer.alloc(0) });

const decode = (partition: number, id: string) => ({
  partition,
  id: parseEntryId(id),
  at: 0,
  stamp: null,
  accounts: [],
});

const run = (epoch: number, from: number, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${epoch}-${from + index}`);

const cursor = (partition: number, offset: EntryId = BEFORE_FIRST) => ({
  partition,
  fence: 1,
  offset,
});

describe('an entry follows another', () => {
  test.each([
    ['0--1', '1-0', 'next'],
    ['1-0', '1-1', 'next'],
    ['1-7', '2-0', 'next'],
    ['1-7', '4-0', 'next'],
    ['3--1', '3-0', 'next'],
    ['1-0', '1-2', 'gap'],
    ['1-7', '2-1', 'gap'],
    ['0--1', '1-3', 'gap'],
    ['1-7', '1-7', 'repeated'],
    ['1-7', '1-3', 'repeated'],
    ['2-0', '1-9', 'repeated'],
  ] as const)('%s, %s: %s', (previous, next, expected) => {
    const [epoch = 0, n = 0] = previous.split(/(?<=\d)-/).map(Number);
    expect(succession({ epoch, n }, parseEntryId(next))).toBe(expected);
  });
});

describe('gathering', () => {
  test('reads every partition, and again those that hold more', async () => {
    const streams = streamsOf({ 0: run(1, 0, 700), 1: run(1, 0, 3), 2: [] });
    const gathered = await gather(
      [cursor(0), cursor(1), cursor(2)],
      { entriesMax: 10_000 },
      { streams, decode },
    );
    expect(gathered).toMatchObject({ entries: 703, more: false, faults: [] });
    expect(gathered.batches.map(({ partition, entries }) => [partition, entries.length])).toEqual([
      [0, 700],
      [1, 3],
    ]);
    expect(streams.reads.filter((partition) => partition === 1)).toHaveLength(1);
  });

  test('stops about where it was told, and shares that among the partitions', async () => {
    const streams = streamsOf({ 0: run(1, 0, 5_000), 1: run(1, 0, 5_000) });
    const gathered = await gather([cursor(0), cursor(1)], { entriesMax: 300 }, { streams, decode });
    expect(gathered.more).toBe(true);
    expect(gathered.batches.map(({ entries }) => entries.length)).toEqual([150, 150]);
  });

  test('goes on behind the offset and over a new epoch', async () => {
    const streams = streamsOf({ 0: [...run(1, 0, 5), ...run(2, 0, 2)] });
    const { batches } = await gather(
      [cursor(0, { epoch: 1, n: 2 })],
      { entriesMax: 100 },
      { streams, decode },
    );
    expect(batches[0]?.previous).toEqual({ epoch: 1, n: 2 });
    expect(batches[0]?.entries.map(({ id }) => entryText(id))).toEqual([
      '1-3',
      '1-4',
      '2-0',
      '2-1',
    ]);
  });

  test('passes over what is delivered again', async () => {
    const twice: BatchReader = {
      readAll: async ([place]) =>
        new Map((place?.after.n ?? 0) < 4 ? [[0, run(1, 0, 5).map(entryOf)]] : []),
    };
    const gathered = await gather(
      [cursor(0, { epoch: 1, n: 1 })],
      { entriesMax: 100 },
      { streams: twice, decode },
    );
    expect(gathered.batches[0]?.entries.map(({ id }) => id.n)).toEqual([2, 3, 4]);
  });

  test('ends in front of a gap', async () => {
    const streams = streamsOf({ 0: ['1-0', '1-1', '1-3'], 1: ['1-0', '1-1'] });
    const gathered = await gather([cursor(0), cursor(1)], { entriesMax: 100 }, { streams, decode });
    expect(gathered.batches.map(({ entries }) => entries.length)).toEqual([2, 2]);
    expect(gathered.faults).toEqual([
      { kind: 'entries-missing', partition: 0, after: '1-1', found: '1-3' },
    ]);
  });

  test('decodes nothing by itself: what is read later is what the stream held', async () => {
    const streams = streamsOf({ 4: ['1-0'] });
    let decoded = 0;
    const counting = (partition: number, id: string) => {
      decoded += 1;
      return decode(partition, id);
    };
    const { batches } = await gather(
      [cursor(4)],
      { entriesMax: 100 },
      { streams, decode: counting },
    );
    expect(decoded).toBe(0);
    expect(batches[0]?.entries[0]?.read()).toMatchObject({ partition: 4, id: { epoch: 1, n: 0 } });
  });
});
