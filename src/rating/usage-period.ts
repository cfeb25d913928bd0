/** Periods of usage counters: where the one that holds an instant begins and ends. */
import { DAY_MS, HOUR_MS, type LocalClock } from './local-time.js';
import type { Period } from './tariff.js';
import type { Interval } from './time-band.js';

/** Months from the start of a period to the next, for those that are counted in months. */
const MONTHS = { month: 1, quarter: 3, year: 12 } as const;

/** Monday, 5 January 1970, counted in days. */
const FIRST_MONDAY = 4;

/** The local start of the period `steps` after the one that a local time lies in. */
function localStart(period: Period, localMs: number, steps: number): number {
  switch (period) {
    case 'hour':
      return (Math.floor(localMs / HOUR_MS) + steps) * HOUR_MS;
    case 'day':
      return (Math.floor(localMs / DAY_MS) + steps) * DAY_MS;
    case 'week': {
      const day = Math.floor(localMs / DAY_MS);
      return (Math.floor((day - FIRST_MONDAY) / 7) * 7 + FIRST_MONDAY + 7 * steps) * DAY_MS;
    }
    case 'month':
    case 'quarter':
    case 'year': {
      const date = new Date(localMs);
      const months = MONTHS[period];
      const first = Math.floor(date.getUTCMonth() / months) * months;
      return Date.UTC(date.getUTCFullYear(), first + months * steps, 1);
    }
  }
}

/**
 * The period that an instant lies in. It begins at the first instant whose wall clock shows its
 * start or later, so that periods follow each other without gap or overlap when clocks change;
 * an hour shown twice is one period.
 */
export function periodAt(period: Period, clock: LocalClock, atMs: number): Interval {
  const localMs = clock.localOf(atMs);
  const [start, next, afterNext] = [0, 1, 2].map((steps) =>
    clock.instantOf(localStart(period, localMs, steps)),
  ) as [number, number, number];
  // A clock set back over the boundary shows the old period again; it is over all the same.
  return atMs < next ? { fromMs: start, untilMs: next } : { fromMs: next, untilMs: afterNext };
}

/** Periods remembered of each kind: an answer covers some thirty hours. */
const PERIODS_KEPT = 64;

export interface PeriodCalendar {
  periodAt(period: Period, atMs: number): Interval;
}

/** {@link periodAt} with a memory, as every answer with a counter asks for the same few periods. */
export function createPeriodCalendar(clock: LocalClock): PeriodCalendar {
  const kept = new Map<Period, Interval[]>();
  return {
    periodAt(period, atMs) {
      const known = kept.get(period) ?? [];
      const held = known.find((one) => one.fromMs <= atMs && atMs < one.untilMs);
      if (held !== undefined) return held;
      const found = periodAt(period, clock, atMs);
      kept.set(period, [found, ...known.slice(0, PERIODS_KEPT - 1)]);
      return found;
    },
  };
}
