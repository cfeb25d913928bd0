/** How many entries are added each second, told by the ends of the streams from look to look. */
import type { StreamBacklog } from '../charging/stream.js';
import type { EntryId } from '../domain/events.js';

export class Arrivals {
  #ends: ReadonlyMap<number, EntryId> | null = null;
  #lookedAt = 0;

  /** Entries added each second since the look before; null at the first. */
  perSecond(
    backlogs: readonly Pick<StreamBacklog, 'partition' | 'lastAdded'>[],
    now: number,
  ): number | null {
    const before = this.#ends;
    const passedMs = now - this.#lookedAt;
    const ends = new Map(
      backlogs.flatMap(({ partition, lastAdded: last }) =>
        last === null ? [] : [[partition, last] as const],
      ),
    );
    this.#ends = ends;
    this.#lookedAt = now;
    if (before === null || passedMs <= 0) return null;
    let added = 0;
    for (const [partition, last] of ends) added += addedSince(before.get(partition), last);
    return (added * 1_000) / passedMs;
  }
}

/** Of another epoch it is only known what was added in it. */
function addedSince(before: EntryId | undefined, last: EntryId): number {
  if (before === undefined || last.epoch > before.epoch) return last.n + 1;
  return last.epoch < before.epoch ? 0 : Math.max(0, last.n - before.n);
}
