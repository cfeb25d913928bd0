/** Listens to what charging notices while a flusher rests, and while Postgres writes its batch. */
import type { Lateness } from './lateness.js';
import { pause } from './pause.js';

export interface ListeningDependencies {
  /** A command of Redis that reads nothing: it is answered in turn with what else waits there. */
  readonly probe: () => Promise<unknown>;
  readonly lateness: Lateness;
}

export interface Listening {
  /** Rests, or less long when the signal is aborted. */
  rest(restMs: number, signal: AbortSignal): Promise<void>;
  /** Resolves or rejects as `work` does. */
  during<T>(work: Promise<T>): Promise<T>;
}

/** Between the answer of a probe and the next: 200 a second cost Redis 1 % of a core. */
export const PROBE_INTERVAL_MS = 4;
/** After a batch its writes are still on their way to the disk. */
const SETTLE_MS = 3;

export function createListening({ probe, lateness }: ListeningDependencies): Listening {
  const never = new AbortController().signal;

  /** How long a probe took; null where it failed, as by a Redis that is away. */
  async function timed(): Promise<number | null> {
    const startedAt = performance.now();
    try {
      await probe();
      return performance.now() - startedAt;
    } catch {
      return null;
    }
  }

  return {
    rest: async (restMs, signal) => {
      const endAt = performance.now() + restMs;
      const leftMs = (): number => endAt - performance.now();
      if (restMs > 0) await pause(Math.min(SETTLE_MS, restMs), signal);
      while (leftMs() > 0 && !signal.aborted) {
        const tookMs = await timed();
        if (tookMs !== null) lateness.calm(tookMs);
        if (leftMs() > 0) await pause(Math.min(PROBE_INTERVAL_MS, leftMs()), signal);
      }
    },
    during: async (work) => {
      let isOver = false;
      const over = work.then(
        () => (isOver = true),
        () => (isOver = true),
      );
      while (!isOver) {
        const tookMs = await timed();
        if (tookMs !== null) lateness.worked(tookMs);
        await Promise.race([over, pause(PROBE_INTERVAL_MS, never)]);
      }
      return work;
    },
  };
}
