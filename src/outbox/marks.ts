/** Offsets that the streams are still to be told of. */
import type { EntryId } from '../domain/events.js';

/** Rounds of a flusher with little to do, more or less, between two tellings. */
const ROUNDS = 5;

/**
 * A mark costs Redis a write for each partition, as much as some of the rounds that a trickle of
 * events consists of. Nobody's work depends on it: it says how far the record lags.
 */
export class Marks {
  readonly #waitMs: number;
  readonly #pending = new Map<number, EntryId>();
  #toldAt = -Infinity;

  constructor({ intervalMs }: { readonly intervalMs: number }) {
    this.#waitMs = intervalMs * ROUNDS;
  }

  note(partition: number, offset: EntryId): void {
    this.#pending.set(partition, offset);
  }

  /** Somebody else goes on from there, and may have told more. */
  forget(partition: number): void {
    this.#pending.delete(partition);
  }

  isDue(now: number): boolean {
    return this.#pending.size > 0 && now - this.#toldAt >= this.#waitMs;
  }

  /** Tells all at once; what fails is told another time. @throws what `tell` throws. */
  async tellAll(
    now: number,
    tell: (partition: number, offset: EntryId) => Promise<void>,
  ): Promise<void> {
    this.#toldAt = now;
    await Promise.all(
      [...this.#pending].map(async ([partition, offset]) => {
        await tell(partition, offset);
        if (this.#pending.get(partition) === offset) this.#pending.delete(partition);
      }),
    );
  }
}
