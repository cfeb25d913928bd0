import { describe, expect, it } from 'vitest';
import {
  stepWatchdog,
  type WatchdogAction,
  type WatchdogEvent,
  type WatchdogState,
} from '../../../src/diameter/watchdog.js';

const initial = { name: 'initial' } as WatchdogState;
const down: WatchdogState = { name: 'down' };
const okay = (pending = false): WatchdogState => ({ name: 'okay', pending });
const suspect: WatchdogState = { name: 'suspect', pending: true };
const reopen = (answers: number, pending = true): WatchdogState => ({
  name: 'reopen',
  pending,
  answers,
});

/** RFC 3539 section 3.4.1, row by row. */
const ROWS: [WatchdogState, WatchdogEvent, WatchdogState, WatchdogAction[]][] = [
  [initial, 'connection-up', okay(), ['set-timer']],
  [initial, 'connection-down', initial, []],
  [initial, 'watchdog-answer', initial, ['throw-away']],
  [initial, 'message', initial, ['throw-away']],
  [initial, 'timer', initial, []],
  [okay(true), 'watchdog-answer', okay(), ['set-timer']],
  [okay(true), 'message', okay(true), ['set-timer']],
  [okay(), 'timer', okay(true), ['send-watchdog', 'set-timer']],
  [okay(true), 'timer', suspect, ['fail-over', 'set-timer']],
  [okay(), 'connection-down', down, ['close', 'fail-over', 'set-timer']],
  [suspect, 'watchdog-answer', okay(), ['fail-back', 'set-timer']],
  [suspect, 'message', okay(true), ['fail-back', 'set-timer']],
  [suspect, 'timer', down, ['close', 'set-timer']],
  [suspect, 'connection-down', down, ['close', 'set-timer']],
  [down, 'connection-up', reopen(0), ['send-watchdog', 'set-timer']],
  [down, 'watchdog-answer', down, ['throw-away']],
  [down, 'message', down, ['throw-away']],
  [down, 'timer', down, []],
  [reopen(0), 'watchdog-answer', reopen(1, false), []],
  [reopen(1), 'watchdog-answer', reopen(2, false), []],
  [reopen(2), 'watchdog-answer', okay(), ['fail-back']],
  [reopen(0), 'message', reopen(0), ['throw-away']],
  [reopen(1, false), 'timer', reopen(1), ['send-watchdog', 'set-timer']],
  [reopen(1), 'timer', reopen(-1), ['set-timer']],
  [reopen(-1), 'timer', down, ['close', 'set-timer']],
  [reopen(1), 'connection-down', down, ['close', 'set-timer']],
];

describe('the watchdog', () => {
  it.each(ROWS)('goes from %o on %s to %o', (state, event, next, actions) => {
    expect(stepWatchdog(state, event)).toEqual({ state: next, actions });
  });

  it('gives a silent peer up after three timers', () => {
    const events: WatchdogEvent[] = ['connection-up', 'timer', 'timer', 'timer'];
    const actions: WatchdogAction[] = [];
    let state = initial;
    for (const event of events) {
      const step = stepWatchdog(state, event);
      state = step.state;
      actions.push(...step.actions);
    }
    expect(state).toEqual(down);
    expect(actions.filter((action) => action !== 'set-timer')).toEqual([
      'send-watchdog',
      'fail-over',
      'close',
    ]);
  });
});
