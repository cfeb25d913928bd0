/** What a flusher knows of each partition that it holds: how far it is, and what stops it. */
import type { EntryId } from '../domain/events.js';
import type { Cursor } from './cursor.js';
import { describeFault, type PartitionFault } from './fault.js';

interface Place {
  readonly partition: number;
  readonly fence: number;
  /** Null while only Postgres knows. */
  offset: EntryId | null;
  fault: PartitionFault | null;
  /** When a stopped partition is looked at again; performance.now(). */
  retryAt: number;
}

export interface PlacesOptions {
  /** How long a stopped partition rests before it is tried again. */
  readonly faultRetryMs: number;
  /** The same while an account's former partition is still being flushed. */
  readonly movingRetryMs: number;
}

export class Places {
  readonly #options: PlacesOptions;
  readonly #places = new Map<number, Place>();

  constructor(options: PlacesOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#places.size;
  }

  get faults(): readonly PartitionFault[] {
    return [...this.#places.values()].flatMap(({ fault }) => (fault === null ? [] : [fault]));
  }

  /** Takes over what the leases say. @returns the partitions that were held until now. */
  hold(leases: ReadonlyMap<number, number>): readonly number[] {
    const given = [...this.#places.values()]
      .filter(({ partition, fence }) => leases.get(partition) !== fence)
      .map(({ partition }) => partition);
    for (const partition of given) this.#places.delete(partition);
    for (const [partition, fence] of leases) {
      if (this.#places.has(partition)) continue;
      this.#places.set(partition, { partition, fence, offset: null, fault: null, retryAt: 0 });
    }
    return given;
  }

  /** Partitions to be worked on whose offset has to be asked for. */
  unplaced(now: number): readonly number[] {
    return this.#due(now)
      .filter(({ offset }) => offset === null)
      .map(({ partition }) => partition);
  }

  /** Where to read on, of every partition that is held, placed and not stopped. */
  cursors(now: number): readonly Cursor[] {
    return this.#due(now).flatMap(({ partition, fence, offset }) =>
      offset === null ? [] : [{ partition, fence, offset }],
    );
  }

  place(partition: number, offset: EntryId): void {
    const place = this.#places.get(partition);
    if (place !== undefined) place.offset = offset;
  }

  /** From now on only Postgres knows where this partition stands. */
  displace(partition: number): void {
    const place = this.#places.get(partition);
    if (place !== undefined) place.offset = null;
  }

  /** Stops a partition. @returns whether that is news. */
  stop(fault: PartitionFault, now: number): boolean {
    const place = this.#places.get(fault.partition);
    if (place === undefined) return false;
    const { faultRetryMs, movingRetryMs } = this.#options;
    const isNews = place.fault === null || describeFault(place.fault) !== describeFault(fault);
    place.fault = fault;
    place.offset = null;
    place.retryAt = now + (fault.kind === 'moving' ? movingRetryMs : faultRetryMs);
    return isNews;
  }

  /** @returns the fault that is over, if there was one. */
  resume(partition: number): PartitionFault | null {
    const place = this.#places.get(partition);
    if (place === undefined) return null;
    const { fault } = place;
    place.fault = null;
    return fault;
  }

  #due(now: number): readonly Place[] {
    return [...this.#places.values()].filter(
      ({ fault, retryAt }) => fault === null || retryAt <= now,
    );
  }
}
