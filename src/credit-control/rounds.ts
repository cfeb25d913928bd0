import { setTimeout as sleep } from 'node:timers/promises';

export interface RoundsOptions {
  /** From the end of one round to the next. */
  readonly intervalMs: number;
}

/** Work that is done again and again until it is stopped. */
export interface Rounds {
  start(): void;
  /** Ends after the round under way, which `signal` tells of it. */
  stop(): Promise<void>;
  readonly signal: AbortSignal;
}

/** A round that fails is followed by the next, as one that doesn't. */
export function createRounds(
  { intervalMs }: RoundsOptions,
  work: {
    readonly runOnce: () => Promise<unknown>;
    readonly onFailure: (error: unknown) => void;
  },
): Rounds {
  const stopping = new AbortController();
  const { signal } = stopping;
  let running: Promise<void> = Promise.resolve();

  async function loop(): Promise<void> {
    while (!signal.aborted) {
      try {
        await work.runOnce();
      } catch (error) {
        work.onFailure(error);
      }
      await pause(intervalMs, signal);
    }
  }

  return {
    start: () => {
      running = loop();
    },
    stop: async () => {
      stopping.abort();
      await running;
    },
    signal,
  };
}

/** Waits, or less long when the signal is aborted. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}
