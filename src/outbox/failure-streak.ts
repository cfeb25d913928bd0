/** Failures in a row: how long to wait after each, and how much to try at once. */
export interface FailureStreakOptions {
  readonly batchEntriesMax: number;
  readonly waitMinMs: number;
  readonly waitMaxMs: number;
}

/** After a failed write batches are halved down to this, in case their size was the trouble. */
const BATCH_ENTRIES_MIN = 50;

export class FailureStreak {
  readonly #options: FailureStreakOptions;
  #length = 0;
  #since: Date | null = null;
  #batchEntries: number;

  constructor(options: FailureStreakOptions) {
    this.#options = options;
    this.#batchEntries = options.batchEntriesMax;
  }

  get length(): number {
    return this.#length;
  }

  get since(): Date | null {
    return this.#since;
  }

  get batchEntries(): number {
    return this.#batchEntries;
  }

  /** @returns how long to wait: twice as long each time, spread so that flushers don't march. */
  fail(): number {
    this.#length += 1;
    this.#since ??= new Date();
    const smaller = Math.max(BATCH_ENTRIES_MIN, Math.floor(this.#batchEntries / 2));
    this.#batchEntries = Math.min(this.#batchEntries, smaller);
    const { waitMinMs, waitMaxMs } = this.#options;
    const waitMs = Math.min(waitMaxMs, waitMinMs * 2 ** Math.min(this.#length - 1, 16));
    return waitMs * (0.5 + Math.random() / 2);
  }

  succeed(): void {
    this.#length = 0;
    this.#since = null;
    this.#batchEntries = Math.min(this.#options.batchEntriesMax, this.#batchEntries * 2);
  }
}
