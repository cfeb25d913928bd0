/** When a time band is open: its windows on the wall's clock, as intervals of real time. */
import { DAY_MS, type OffsetSpan } from './local-time.js';
import { WEEKDAYS, type BandWindow, type TimeBand, type Weekday } from './tariff.js';

/** Half open, in milliseconds since 1970. */
export interface Interval {
  readonly fromMs: number;
  readonly untilMs: number;
}

interface Window {
  /** By days since 1970 on the wall's calendar. */
  readonly opensOn: (day: number) => boolean;
  readonly fromMs: number;
  /** Beyond a day where the window runs past midnight. */
  readonly untilMs: number;
}

/** The band's windows, read once. */
export interface CompiledBand {
  readonly id: string;
  /** Holidays go before weekdays. */
  readonly byDate: boolean;
  readonly windows: readonly Window[];
}

const DATE = /^(?:(\d{4})-)?(\d{2})-(\d{2})$/;
const TIME = /^([01]\d|2[0-3]):([0-5]\d)$/;

/** Minutes since midnight of "HH:MM", or null. */
export function parseTime(text: string): number | null {
  const match = TIME.exec(text);
  return match === null ? null : Number(match[1]) * 60 + Number(match[2]);
}

/** Reads "2026-12-25", "12-25" or "2026-07-01/2026-08-31" as a test of a day, or null. */
export function parseDates(text: string): ((day: number) => boolean) | null {
  const [first, last, ...rest] = text.split('/');
  if (rest.length > 0 || first === undefined) return null;
  const from = DATE.exec(first);
  if (from === null) return null;
  if (last !== undefined) {
    const until = DATE.exec(last);
    if (from[1] === undefined || until?.[1] === undefined) return null;
    const [fromDay, untilDay] = [dayOf(first), dayOf(last)];
    if (fromDay === null || untilDay === null || fromDay > untilDay) return null;
    return (day) => day >= fromDay && day <= untilDay;
  }
  if (from[1] !== undefined) {
    const only = dayOf(first);
    return only === null ? null : (day) => day === only;
  }
  // 2000 had a 29 February: a leap day is a date of those years that have one.
  if (dayOf(`2000-${first}`) === null) return null;
  return (day) => dateOf(day).endsWith(`-${first}`);
}

function dayOf(date: string): number | null {
  const day = Date.parse(`${date}T00:00:00Z`) / DAY_MS;
  return Number.isNaN(day) || dateOf(day) !== date ? null : day;
}

function dateOf(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10);
}

function weekdayOf(day: number): Weekday {
  // 1 January 1970 was a Thursday.
  return WEEKDAYS[(((day + 3) % 7) + 7) % 7] as Weekday;
}

/** Reads a band that has been checked. */
export function compileBand(band: TimeBand): CompiledBand {
  return {
    id: band.id,
    byDate: band.windows.some((window) => window.dates !== undefined),
    windows: band.windows.map(compileWindow),
  };
}

function compileWindow(window: BandWindow): Window {
  const dates = window.dates?.map((text) => parseDates(text));
  const from = parseTime(window.from ?? '00:00') ?? 0;
  const until = window.until === undefined ? 1440 : (parseTime(window.until) ?? 1440);
  return {
    opensOn: (day) =>
      (window.days?.includes(weekdayOf(day)) ?? true) &&
      (dates?.some((matches) => matches?.(day) === true) ?? true),
    fromMs: from * 60_000,
    untilMs: (until > from ? until : until + 1440) * 60_000,
  };
}

/**
 * The intervals in some spans of time in which the wall's clock is inside the band: sorted, apart,
 * cut at both ends. Where clocks are set back, a reading that comes twice counts twice.
 */
export function openIntervals(
  band: CompiledBand,
  spans: readonly OffsetSpan[],
): readonly Interval[] {
  const found: Interval[] = [];
  for (const span of spans) {
    const { offsetMs } = span;
    // From the day before: its windows may run past midnight.
    const firstDay = Math.floor((span.fromMs + offsetMs) / DAY_MS) - 1;
    const lastDay = Math.floor((span.untilMs - 1 + offsetMs) / DAY_MS);
    for (let day = firstDay; day <= lastDay; day += 1) {
      for (const window of band.windows) {
        if (!window.opensOn(day)) continue;
        const midnight = day * DAY_MS - offsetMs;
        const opens = Math.max(midnight + window.fromMs, span.fromMs);
        const closes = Math.min(midnight + window.untilMs, span.untilMs);
        if (opens < closes) found.push({ fromMs: opens, untilMs: closes });
      }
    }
  }
  return joined(found);
}

function joined(intervals: Interval[]): readonly Interval[] {
  intervals.sort((a, b) => a.fromMs - b.fromMs);
  const apart: Interval[] = [];
  for (const interval of intervals) {
    const last = apart.at(-1);
    if (last === undefined || last.untilMs < interval.fromMs) apart.push(interval);
    else if (interval.untilMs > last.untilMs) {
      apart[apart.length - 1] = { fromMs: last.fromMs, untilMs: interval.untilMs };
    }
  }
  return apart;
}
