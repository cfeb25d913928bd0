/** Where calls wait that met a closed partition, until recovery has opened it or their time is up. */
import { PartitionFencedError } from './fenced.js';

export interface FenceGate {
  /**
   * Resolves at the next opening of the partition.
   * @throws PartitionFencedError when that takes longer than `waitMs`.
   */
  opened(partition: number, waitMs: number): Promise<void>;
}

/** The gate as recovery works it. */
export interface GateKeeping extends FenceGate {
  /** Who hears of each call that comes to wait: the partition is to be looked at. */
  onClosed(listener: (partition: number) => void): void;
  /** Lets through whoever waits for a partition. */
  letThrough(partition: number): void;
  /** Calls that wait. */
  readonly waiting: number;
}

export function createFenceGate(): GateKeeping {
  const waiters = new Map<number, Set<() => void>>();
  let waiting = 0;
  let tell: (partition: number) => void = () => undefined;
  return {
    onClosed: (listener) => {
      tell = listener;
    },
    get waiting() {
      return waiting;
    },
    opened: (partition, waitMs) =>
      new Promise((resolve, reject) => {
        const together = waiters.get(partition) ?? new Set();
        waiters.set(partition, together);
        const leave = (): void => {
          clearTimeout(timer);
          together.delete(pass);
          waiting -= 1;
        };
        const pass = (): void => {
          leave();
          resolve();
        };
        const timer = setTimeout(() => {
          leave();
          reject(new PartitionFencedError(partition));
        }, waitMs);
        together.add(pass);
        waiting += 1;
        tell(partition);
      }),
    letThrough: (partition) => {
      for (const pass of [...(waiters.get(partition) ?? [])]) pass();
    },
  };
}
