/**
 * Log lines about what strangers send: at most one per key in a while, the rest counted, so that a
 * flood fills neither the disk nor the eyes.
 */
import type { LogFields, Logger } from '../observability/logger.js';

export interface LimitedLogOptions {
  readonly intervalMs: number;
  /** Keys remembered; beyond that all are forgotten, and one line each is allowed again. */
  readonly keysMax: number;
}

export class LimitedLog {
  readonly #options: LimitedLogOptions;
  readonly #logger: Logger;
  readonly #seen = new Map<string, { until: number; suppressed: number }>();
  #fullUntil = 0;

  constructor(options: LimitedLogOptions, logger: Logger) {
    this.#options = options;
    this.#logger = logger;
  }

  /** @param key what makes lines alike: the reason and the source. */
  warn(key: string, fields: LogFields, message: string, now: number): void {
    const seen = this.#seen.get(key);
    if (seen !== undefined && seen.until > now) {
      seen.suppressed += 1;
      return;
    }
    if (seen === undefined && this.#seen.size >= this.#options.keysMax && !this.#makeRoom(now)) {
      return;
    }
    this.#seen.set(key, { until: now + this.#options.intervalMs, suppressed: 0 });
    const suppressed = seen?.suppressed ?? 0;
    this.#logger.warn(suppressed === 0 ? fields : { ...fields, suppressed }, message);
  }

  /** Forgets all keys, at most once in an interval; false while it is too soon. */
  #makeRoom(now: number): boolean {
    if (this.#fullUntil > now) return false;
    this.#fullUntil = now + this.#options.intervalMs;
    this.#seen.clear();
    return true;
  }
}
