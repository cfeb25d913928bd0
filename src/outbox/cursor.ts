/** Where reading stands in each partition that this flusher holds. */
import type { EntryId } from '../domain/events.js';

export interface Cursor {
  readonly partition: number;
  readonly fence: number;
  /** The last entry that is recorded. */
  readonly offset: EntryId;
}

/**
 * How an entry stands to the one before it. `repeated` entries are recorded already; a `gap` means
 * that entries between the two are missing. A new epoch begins at 0: recovery raised it.
 */
export function succession(previous: EntryId, next: EntryId): 'next' | 'repeated' | 'gap' {
  if (next.epoch < previous.epoch) return 'repeated';
  if (next.epoch > previous.epoch) return next.n === 0 ? 'next' : 'gap';
  if (next.n <= previous.n) return 'repeated';
  return next.n === previous.n + 1 ? 'next' : 'gap';
}

/** Whether `id` lies behind `other`: Redis has lost what the record has. */
export function isBehind(id: EntryId, other: EntryId): boolean {
  return id.epoch < other.epoch || (id.epoch === other.epoch && id.n < other.n);
}

export function entryText({ epoch, n }: EntryId): string {
  return `${epoch}-${n}`;
}
