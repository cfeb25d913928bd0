/** Requests of ours that wait for their answer on one connection, by hop-by-hop identifier. */
export type PendingFailure = keyof typeof FAILURES;

const FAILURES = {
  timeout: 'no answer in time',
  disconnected: 'the connection ended before the answer',
  /** The watchdog no longer trusts the peer [RFC 3539 3.4.1]. */
  suspect: 'the peer is silent',
} as const;

/** A request of ours that got no answer. */
export class NoAnswerError extends Error {
  readonly code = 'TOLLD_DIAMETER_NO_ANSWER';
  readonly reason: PendingFailure;

  constructor(reason: PendingFailure) {
    super(FAILURES[reason]);
    this.name = 'NoAnswerError';
    this.reason = reason;
  }
}

interface Waiting {
  /** Takes the answer while its bytes can be read. */
  readonly settle: (answer: Buffer) => void;
  readonly fail: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

export class PendingRequests {
  readonly #waiting = new Map<number, Waiting>();

  get size(): number {
    return this.#waiting.size;
  }

  /**
   * Waits for the answer with this identifier. `read` runs at once when it comes; what it returns
   * or throws settles the promise.
   * @throws NoAnswerError after `timeoutMs`, or when the connection ends.
   */
  wait<T>(hopByHop: number, timeoutMs: number, read: (answer: Buffer) => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(hopByHop);
        reject(new NoAnswerError('timeout'));
      }, timeoutMs);
      const settle = (answer: Buffer): void => {
        try {
          resolve(read(answer));
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      };
      this.#waiting.set(hopByHop, { settle, fail: reject, timer });
    });
  }

  /** Hands an answer to its request. @returns false when none waits for it (any more). */
  settle(hopByHop: number, answer: Buffer): boolean {
    const waiting = this.#waiting.get(hopByHop);
    if (waiting === undefined) return false;
    this.#waiting.delete(hopByHop);
    clearTimeout(waiting.timer);
    waiting.settle(answer);
    return true;
  }

  /** Ends every wait: the connection is gone, or not to be trusted. */
  failAll(reason: PendingFailure): void {
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { fail, timer } of waiting) {
      clearTimeout(timer);
      fail(new NoAnswerError(reason));
    }
  }
}
