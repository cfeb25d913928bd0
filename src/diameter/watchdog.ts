/**
 * The watchdog of RFC 3539 section 3.4.1 as one transition function: rows of its table stand above
 * the branches. Ours only: a connection that we don't read from, because its peer asks for more
 * than we take, is not judged.
 */
export type WatchdogState =
  | { readonly name: 'initial' }
  | { readonly name: 'okay'; readonly pending: boolean }
  | { readonly name: 'suspect'; readonly pending: boolean }
  | { readonly name: 'down' }
  /** Back after having been down: three answers in time are needed before it is trusted. */
  | { readonly name: 'reopen'; readonly pending: boolean; readonly answers: number };

export type WatchdogEvent =
  | 'connection-up'
  | 'connection-down'
  | 'watchdog-answer'
  /** Any other message. */
  | 'message'
  /** Tw passed since the timer was set last. */
  | 'timer';

export type WatchdogAction =
  /** Set the timer to Tw plus jitter. */
  | 'set-timer'
  | 'send-watchdog'
  /** Stop giving the peer requests, and give those that wait to another. */
  | 'fail-over'
  | 'fail-back'
  | 'close'
  /** The peer isn't trusted yet: don't act on the message. */
  | 'throw-away';

export interface WatchdogStep {
  readonly state: WatchdogState;
  readonly actions: readonly WatchdogAction[];
}

export const WATCHDOG_INITIAL: WatchdogState = { name: 'initial' };

/** What follows from an event, by the table of RFC 3539. */
export function stepWatchdog(state: WatchdogState, event: WatchdogEvent): WatchdogStep {
  switch (event) {
    case 'connection-up':
      return connectionUp(state);
    case 'connection-down':
      return connectionDown(state);
    case 'watchdog-answer':
      return watchdogAnswer(state);
    case 'message':
      return message(state);
    case 'timer':
      return timer(state);
  }
}

function connectionUp(state: WatchdogState): WatchdogStep {
  // DOWN | Connection up | NumDWA = 0, SendWatchdog(), SetWatchdog(), Pending = TRUE | REOPEN
  if (state.name === 'down') {
    const reopened = { name: 'reopen', pending: true, answers: 0 } as const;
    return { state: reopened, actions: ['send-watchdog', 'set-timer'] };
  }
  // INITIAL | Connection up | SetWatchdog() | OKAY
  return { state: { name: 'okay', pending: false }, actions: ['set-timer'] };
}

function connectionDown(state: WatchdogState): WatchdogStep {
  switch (state.name) {
    // OKAY | Connection down | CloseConnection(), Failover(), SetWatchdog() | DOWN
    case 'okay':
      return { state: { name: 'down' }, actions: ['close', 'fail-over', 'set-timer'] };
    // SUSPECT | Connection down | CloseConnection(), SetWatchdog() | DOWN
    // REOPEN | Connection down | CloseConnection(), SetWatchdog() | DOWN
    case 'suspect':
    case 'reopen':
      return { state: { name: 'down' }, actions: ['close', 'set-timer'] };
    case 'initial':
    case 'down':
      return { state, actions: [] };
  }
}

function watchdogAnswer(state: WatchdogState): WatchdogStep {
  switch (state.name) {
    // OKAY | Receive DWA | Pending = FALSE, SetWatchdog() | OKAY
    case 'okay':
      return { state: { name: 'okay', pending: false }, actions: ['set-timer'] };
    // SUSPECT | Receive DWA | Pending = FALSE, Failback(), SetWatchdog() | OKAY
    case 'suspect':
      return { state: { name: 'okay', pending: false }, actions: ['fail-back', 'set-timer'] };
    case 'reopen':
      // REOPEN | Receive DWA & NumDWA == 2 | Pending = FALSE, NumDWA++, Failback() | OKAY
      if (state.answers >= 2) {
        return { state: { name: 'okay', pending: false }, actions: ['fail-back'] };
      }
      // REOPEN | Receive DWA & NumDWA < 2 | Pending = FALSE, NumDWA++ | REOPEN
      return { state: { ...state, pending: false, answers: state.answers + 1 }, actions: [] };
    // INITIAL, DOWN | Receive DWA | Throwaway() | the same
    case 'initial':
    case 'down':
      return { state, actions: ['throw-away'] };
  }
}

function message(state: WatchdogState): WatchdogStep {
  switch (state.name) {
    // OKAY | Receive non-DWA | SetWatchdog() | OKAY
    case 'okay':
      return { state, actions: ['set-timer'] };
    // SUSPECT | Receive non-DWA | Failback(), SetWatchdog() | OKAY
    case 'suspect':
      return {
        state: { name: 'okay', pending: state.pending },
        actions: ['fail-back', 'set-timer'],
      };
    // INITIAL, DOWN, REOPEN | Receive non-DWA | Throwaway() | the same
    case 'reopen':
    case 'initial':
    case 'down':
      return { state, actions: ['throw-away'] };
  }
}

function timer(state: WatchdogState): WatchdogStep {
  switch (state.name) {
    case 'okay':
      // OKAY | Timer expires & Pending | Failover(), SetWatchdog() | SUSPECT
      if (state.pending) {
        return { state: { name: 'suspect', pending: true }, actions: ['fail-over', 'set-timer'] };
      }
      // OKAY | Timer expires & !Pending | SendWatchdog(), SetWatchdog(), Pending = TRUE | OKAY
      return { state: { name: 'okay', pending: true }, actions: ['send-watchdog', 'set-timer'] };
    // SUSPECT | Timer expires | CloseConnection(), SetWatchdog() | DOWN
    case 'suspect':
      return { state: { name: 'down' }, actions: ['close', 'set-timer'] };
    case 'reopen':
      // REOPEN | Timer expires & !Pending | SendWatchdog(), SetWatchdog(), Pending = TRUE | REOPEN
      if (!state.pending) {
        return { state: { ...state, pending: true }, actions: ['send-watchdog', 'set-timer'] };
      }
      // REOPEN | Timer expires & Pending & NumDWA < 0 | CloseConnection(), SetWatchdog() | DOWN
      if (state.answers < 0) {
        return { state: { name: 'down' }, actions: ['close', 'set-timer'] };
      }
      // REOPEN | Timer expires & Pending & NumDWA >= 0 | NumDWA = -1, SetWatchdog() | REOPEN
      return { state: { ...state, answers: -1 }, actions: ['set-timer'] };
    // INITIAL, DOWN | Timer expires | AttemptOpen(), SetWatchdog() | the same
    // Opening again is the initiator's own timer here: it backs off.
    case 'initial':
    case 'down':
      return { state, actions: [] };
  }
}
