/** Those who wait until all that stood in the streams when they asked is in Postgres. */
import { describeFault, type PartitionFault } from './fault.js';

/** A partition stands still, so that not everything can be recorded. */
export class FlushStoppedError extends Error {
  readonly code = 'TOLLD_FLUSH_STOPPED';

  constructor(reason: string) {
    super(reason);
    this.name = 'FlushStoppedError';
  }
}

interface Waiter {
  /** The reading that was the last to begin before the question; a later one must find nothing. */
  readonly askedAt: number;
  readonly resolve: () => void;
  readonly reject: (reason: Error) => void;
}

export class DrainWaiters {
  readonly #waiters = new Set<Waiter>();
  #reading = 0;

  /** A reading of all streams begins. @returns its number. */
  begin(): number {
    this.#reading += 1;
    return this.#reading;
  }

  wait(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiters.add({ askedAt: this.#reading, resolve, reject });
    });
  }

  /** A reading found nothing left. */
  foundNothing(reading: number, faults: readonly PartitionFault[]): void {
    // A moved account only waits for another partition.
    if (faults.some(({ kind }) => kind === 'moving')) return;
    for (const waiter of this.#waiters) {
      if (waiter.askedAt >= reading) continue;
      this.#waiters.delete(waiter);
      if (faults.length === 0) waiter.resolve();
      else waiter.reject(new FlushStoppedError(faults.map(describeFault).join('; ')));
    }
  }

  giveUp(): void {
    for (const { reject } of this.#waiters) {
      reject(new FlushStoppedError('the flusher was stopped before everything was recorded'));
    }
    this.#waiters.clear();
  }
}
