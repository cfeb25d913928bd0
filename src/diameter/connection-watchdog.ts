/** The watchdog of one connection: its timer, and what the table of RFC 3539 has it do. */
import type { DiameterLimits } from './limits.js';
import { stepWatchdog, WATCHDOG_INITIAL, type WatchdogEvent } from './watchdog.js';

/** What the watchdog sees of its connection, and does to it. */
export interface WatchedConnection {
  /** When a message was read last, by the process' monotonic clock. */
  heardAtMs(): number;
  /** Nothing is read at present, so that silence says nothing about the peer. */
  held(): boolean;
  sendRequest(): void;
  /** Requests that wait should go another way. */
  failOver(): void;
  giveUp(): void;
}

export class ConnectionWatchdog {
  readonly #limits: Pick<DiameterLimits, 'watchdogMs' | 'watchdogJitterMs'>;
  readonly #connection: WatchedConnection;
  readonly #random: () => number;
  #state = WATCHDOG_INITIAL;
  #timer: NodeJS.Timeout | undefined;
  #running = true;

  /** `random` gives numbers from 0 to below 1, for the jitter. */
  constructor(
    limits: Pick<DiameterLimits, 'watchdogMs' | 'watchdogJitterMs'>,
    connection: WatchedConnection,
    random: () => number,
  ) {
    this.#limits = limits;
    this.#connection = connection;
    this.#random = random;
  }

  get trusted(): boolean {
    return this.#state.name === 'okay';
  }

  step(event: WatchdogEvent): void {
    // Nearly every message: the timer looks at the time it was heard.
    if (event === 'message' && this.trusted) return;
    const { state, actions } = stepWatchdog(this.#state, event);
    this.#state = state;
    for (const action of actions) {
      if (action === 'set-timer') this.#setTimer();
      else if (action === 'send-watchdog') this.#connection.sendRequest();
      else if (action === 'fail-over') this.#connection.failOver();
      else if (action === 'close' && event === 'timer') this.#connection.giveUp();
    }
  }

  stop(): void {
    this.#running = false;
    clearTimeout(this.#timer);
  }

  #setTimer(): void {
    const { watchdogMs, watchdogJitterMs } = this.#limits;
    const jitter = (this.#random() * 2 - 1) * watchdogJitterMs;
    const setAtMs = performance.now();
    const wait = (ms: number): void => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => {
        // What was heard since counts as if it had set the timer, and so does not listening.
        const sinceMs = performance.now() - Math.max(setAtMs, this.#connection.heardAtMs());
        const restMs = this.#connection.held() ? watchdogMs : watchdogMs + jitter - sinceMs;
        if (restMs > 1) wait(restMs);
        else this.step('timer');
      }, ms);
    };
    if (this.#running) wait(watchdogMs + jitter);
  }
}
