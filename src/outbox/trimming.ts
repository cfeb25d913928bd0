/** Which entries have been in Postgres for long enough to leave Redis. */
import type { OutboxStreams } from '../charging/stream.js';
import type { EntryId } from '../domain/events.js';
import type { Logger } from '../observability/logger.js';
import { pause } from './pause.js';

export interface TrimPlanOptions {
  /** How long an entry stays in Redis after Postgres has it. */
  readonly keepMs: number;
}

interface Checkpoint {
  readonly at: number;
  readonly offset: EntryId;
}

/** Steps in which the time is told: finer ones would only cost memory. */
const STEPS = 30;

/** Remembers when each offset was recorded. After a restart it begins anew, and so trims later. */
export class TrimPlan {
  readonly #keepMs: number;
  readonly stepMs: number;
  readonly #past = new Map<number, Checkpoint[]>();
  readonly #latest = new Map<number, Checkpoint>();

  constructor({ keepMs }: TrimPlanOptions) {
    this.#keepMs = keepMs;
    this.stepMs = keepMs / STEPS;
  }

  /** Times remembered. */
  get pending(): number {
    const past = [...this.#past.values()].reduce((sum, each) => sum + each.length, 0);
    return past + this.#latest.size;
  }

  /** Notes that everything up to `offset` is in Postgres. */
  recorded(partition: number, offset: EntryId, now: number): void {
    if (offset.n < 0) return;
    const latest = this.#latest.get(partition);
    if (latest !== undefined && this.#opensStep(partition, latest)) {
      this.#pastOf(partition).push(latest);
    }
    this.#latest.set(partition, { at: now, offset });
  }

  /** The last entry to remove now, by partition; what it names isn't named again. */
  due(now: number): ReadonlyMap<number, EntryId> {
    const due = new Map<number, EntryId>();
    for (const [partition, latest] of this.#latest) {
      const past = this.#pastOf(partition);
      while (past[0] !== undefined && past[0].at + this.#keepMs <= now) {
        due.set(partition, past[0].offset);
        past.shift();
      }
      if (latest.at + this.#keepMs <= now) {
        due.set(partition, latest.offset);
        this.#latest.delete(partition);
        this.#past.delete(partition);
      }
    }
    return due;
  }

  #pastOf(partition: number): Checkpoint[] {
    let past = this.#past.get(partition);
    if (past === undefined) {
      past = [];
      this.#past.set(partition, past);
    }
    return past;
  }

  #opensStep(partition: number, { at }: Checkpoint): boolean {
    const before = this.#pastOf(partition).at(-1);
    return before === undefined || at - before.at >= this.stepMs;
  }
}

const TRIM_INTERVAL_MAX_MS = 30_000;

/** Trims what is due until the signal is aborted. */
export async function trimLoop(
  { plan, signal }: { readonly plan: TrimPlan; readonly signal: AbortSignal },
  { streams, logger }: { readonly streams: OutboxStreams; readonly logger: Logger },
): Promise<void> {
  while (!signal.aborted) {
    await pause(Math.min(TRIM_INTERVAL_MAX_MS, plan.stepMs + 100), signal);
    for (const [partition, offset] of plan.due(performance.now())) {
      try {
        await streams.trimThrough(partition, offset);
      } catch (err) {
        // A later offset of the partition will take these entries along.
        logger.debug({ err, partition }, 'a stream could not be trimmed');
      }
    }
  }
}
