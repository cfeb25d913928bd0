import { describe, expect, test } from 'vitest';
import {
  BACKLOG_LIMIT_DEFAULTS,
  judgeBacklog,
  nearsRefusal,
  type BacklogMeasure,
  type BacklogState,
} from '../../../src/outbox/backlog.js';

const LIMITS = {
  alertEntries: 1_000,
  alertAgeSeconds: 60,
  alertMemoryRatio: 0.7,
  alertDiskRoom: 1,
  refuseEntries: 10_000,
  refuseAgeSeconds: 600,
  refuseMemoryRatio: 0.9,
  refuseDiskRoom: 0.25,
};

const measureOf = (change: Partial<BacklogMeasure>): BacklogMeasure => ({
  entries: 0,
  oldestAgeSeconds: 0,
  arrivingPerSecond: null,
  memoryRatio: 0,
  diskRoom: null,
  ...change,
});

describe('a backlog', () => {
  test.each<[Partial<BacklogMeasure>, BacklogState]>([
    [{}, 'ok'],
    [{ entries: 999 }, 'ok'],
    [{ entries: 1_000 }, 'alert'],
    [{ oldestAgeSeconds: 60 }, 'alert'],
    [{ memoryRatio: 0.7 }, 'alert'],
    [{ entries: 10_000 }, 'refuse-new-sessions'],
    [{ oldestAgeSeconds: 600 }, 'refuse-new-sessions'],
    [{ memoryRatio: 0.9 }, 'refuse-new-sessions'],
    [{ diskRoom: 1.1 }, 'ok'],
    [{ diskRoom: 1 }, 'alert'],
    [{ diskRoom: 0.25 }, 'refuse-new-sessions'],
    [{ entries: 1_000, memoryRatio: 0.95 }, 'refuse-new-sessions'],
  ])('of %o is %s', (change, expected) => {
    expect(judgeBacklog(measureOf(change), LIMITS, 'ok')).toBe(expected);
  });

  test.each<[BacklogState, number, BacklogState]>([
    ['refuse-new-sessions', 9_001, 'refuse-new-sessions'],
    ['refuse-new-sessions', 8_999, 'alert'],
    ['alert', 901, 'alert'],
    ['alert', 899, 'ok'],
    ['ok', 901, 'ok'],
  ])('that was %s and falls to %d entries is %s', (before, entries, expected) => {
    expect(judgeBacklog(measureOf({ entries }), LIMITS, before)).toBe(expected);
  });

  test.each<[BacklogState, number, BacklogState]>([
    ['refuse-new-sessions', 0.27, 'refuse-new-sessions'],
    ['refuse-new-sessions', 0.28, 'alert'],
    ['alert', 1.1, 'alert'],
    ['alert', 1.2, 'ok'],
  ])('that was %s and gets disk room of %d is %s', (before, diskRoom, expected) => {
    expect(judgeBacklog(measureOf({ diskRoom }), LIMITS, before)).toBe(expected);
  });

  test('refuses nothing by number or age unless it is told to', () => {
    const measure = measureOf({ entries: 1e9, oldestAgeSeconds: 1e6 });
    expect(judgeBacklog(measure, BACKLOG_LIMIT_DEFAULTS, 'ok')).toBe('alert');
  });

  test.each<[Partial<BacklogMeasure>, boolean]>([
    [{ entries: 4_999, oldestAgeSeconds: 299, memoryRatio: 0.69, diskRoom: 1.1 }, false],
    [{ entries: 5_000 }, true],
    [{ oldestAgeSeconds: 300 }, true],
    [{ memoryRatio: 0.7 }, true],
    [{ diskRoom: 1 }, true],
  ])('of %o nears what is refused: %s', (change, expected) => {
    expect(nearsRefusal(measureOf(change), LIMITS)).toBe(expected);
  });

  test('nears nothing by number or age where these refuse nobody', () => {
    const measure = measureOf({ entries: 1e9, oldestAgeSeconds: 1e9 });
    expect(nearsRefusal(measure, BACKLOG_LIMIT_DEFAULTS)).toBe(false);
  });
});
