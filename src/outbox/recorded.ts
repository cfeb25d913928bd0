/** Waiting for the record to have caught up with the streams, whichever process flushes them. */
import type { OutboxStreams } from '../charging/stream.js';
import type { EntryId } from '../domain/events.js';
import { isBehind } from './cursor.js';
import { pause } from './pause.js';

export interface UntilRecordedOptions {
  /** Of the whole key space. */
  readonly partitions: number;
  readonly timeoutMs: number;
}

/** Some partition was not flushed in time: it stands still, or Postgres is away, or nobody flushes. */
export class NotRecordedError extends Error {
  readonly code = 'TOLLD_NOT_RECORDED';
  readonly partitions: readonly number[];

  constructor(partitions: readonly number[], timeoutMs: number) {
    const shown = partitions.slice(0, 10).join(', ');
    super(
      `after ${timeoutMs} ms Postgres still lacks events of partition ${shown}` +
        (partitions.length > 10 ? ` and ${partitions.length - 10} more` : '') +
        '; is a flusher running, and can it write to Postgres?',
    );
    this.name = 'NotRecordedError';
    this.partitions = partitions;
  }
}

const POLL_MS = 20;

/**
 * Resolves once Postgres has every entry that stood in the streams when this was called.
 * @throws NotRecordedError when that takes longer than `timeoutMs`.
 */
export async function untilRecorded(
  { partitions, timeoutMs }: UntilRecordedOptions,
  { streams }: { readonly streams: OutboxStreams },
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  const unhurried = new AbortController().signal;
  const numbers = Array.from({ length: partitions }, (_, partition) => partition);
  const goals = await Promise.all(
    numbers.map(async (partition) => ({ partition, last: await streams.lastAdded(partition) })),
  );
  let left = goals.flatMap(({ partition, last }) => (last === null ? [] : [{ partition, last }]));
  for (;;) {
    const states = await Promise.all(
      left.map(async (goal) => ({ ...goal, ...(await streams.backlog(goal.partition)) })),
    );
    left = states.filter(({ recorded, last }) => !hasReached(recorded, last));
    if (left.length === 0) return;
    if (performance.now() > deadline) {
      throw new NotRecordedError(
        left.map(({ partition }) => partition),
        timeoutMs,
      );
    }
    await pause(POLL_MS, unhurried);
  }
}

function hasReached(recorded: EntryId | null, goal: EntryId): boolean {
  return recorded !== null && !isBehind(recorded, goal);
}
