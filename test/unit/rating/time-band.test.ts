import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createLocalClock } from '../../../src/rating/local-time.js';
import type { TimeBand, Weekday } from '../../../src/rating/tariff.js';
import { WEEKDAYS } from '../../../src/rating/tariff.js';
import { compileBand, openIntervals, parseDates } from '../../../src/rating/time-band.js';

const MINUTE_MS = 60_000;

/** What a wall clock shows, as the runtime's own formatter reads it. */
function wallClock(
  timezone: string,
): (atMs: number) => { date: string; day: Weekday; minute: number } {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone: timezone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  return (atMs) => {
    const parts = new Map(format.formatToParts(atMs).map(({ type, value }) => [type, value]));
    const part = (type: Intl.DateTimeFormatPartTypes): string => parts.get(type) ?? '';
    return {
      date: `${part('year')}-${part('month')}-${part('day')}`,
      day: part('weekday').toLowerCase() as Weekday,
      minute: Number(part('hour')) * 60 + Number(part('minute')),
    };
  };
}

function minuteOf(time: string): number {
  const [hour, minute] = time.split(':');
  return Number(hour) * 60 + Number(minute);
}

function isOn(dates: readonly string[] | undefined, date: string): boolean {
  if (dates === undefined) return true;
  return dates.some((text) => {
    const [first = '', last = first] = text.split('/');
    return first.length === 5 ? date.endsWith(`-${first}`) : date >= first && date <= last;
  });
}

/** Whether a band is open, by what the wall shows now and showed a day before. */
function isOpen(band: TimeBand, read: ReturnType<typeof wallClock>, atMs: number): boolean {
  const now = read(atMs);
  const yesterday = new Date(Date.parse(`${now.date}T00:00:00Z`) - 86_400_000).toISOString();
  const dayBefore = WEEKDAYS[(WEEKDAYS.indexOf(now.day) + 6) % 7] ?? 'mon';
  return band.windows.some((window) => {
    const from = minuteOf(window.from ?? '00:00');
    const until = minuteOf(window.until ?? '24:00');
    const opens = (date: string, day: Weekday): boolean =>
      isOn(window.dates, date) && (window.days?.includes(day) ?? true);
    if (from < until) {
      return opens(now.date, now.day) && now.minute >= from && now.minute < until;
    }
    return (
      (opens(now.date, now.day) && now.minute >= from) ||
      (opens(yesterday.slice(0, 10), dayBefore) && now.minute < until)
    );
  });
}

const TIMEZONES = [
  'Europe/Berlin',
  'America/New_York',
  'America/Sao_Paulo',
  'Australia/Lord_Howe',
  'America/Havana',
  'Asia/Kathmandu',
  'Africa/Casablanca',
  'UTC',
];

const time = fc
  .tuple(fc.integer({ min: 0, max: 23 }), fc.constantFrom('00', '15', '30', '59'))
  .map(([hour, minute]) => `${String(hour).padStart(2, '0')}:${minute}`);

const bandWindow = fc.record(
  {
    days: fc.subarray([...WEEKDAYS], { minLength: 1 }),
    dates: fc.subarray(['03-29', '2026-10-25', '2026-10-24/2026-11-02', '11-01', '02-29'], {
      minLength: 1,
    }),
    from: time,
    until: fc.oneof(time, fc.constant('24:00')),
  },
  { requiredKeys: [] },
);

const band = fc
  .array(bandWindow, { minLength: 1, maxLength: 4 })
  .map((windows): TimeBand => ({ id: 'band', windows }));

/** Days around changes of some clock, and some without. */
const start = fc
  .constantFrom(
    '2026-03-28T00:00Z',
    '2026-10-24T00:00Z',
    '2026-10-31T00:00Z',
    '2026-03-07T12:00Z',
    '2018-02-17T00:00Z',
    '2018-11-03T00:00Z',
    '2026-04-04T00:00Z',
    '2008-05-31T00:00Z',
    '2026-12-31T00:00Z',
    '2024-02-28T00:00Z',
  )
  .map((text) => Date.parse(text));

/** What the runtime's own clock is asked takes a second, and many where others work beside. */
const PATIENCE_MS = 120_000;

describe('a time band', { timeout: PATIENCE_MS }, () => {
  it('is open whenever the wall clock is in it, as the runtime reads the clock', () => {
    fc.assert(
      fc.property(fc.constantFrom(...TIMEZONES), band, start, (timezone, declared, fromMs) => {
        const untilMs = fromMs + 50 * 60 * MINUTE_MS;
        const clock = createLocalClock(timezone);
        const intervals = openIntervals(compileBand(declared), clock.spans(fromMs, untilMs));
        const read = wallClock(timezone);
        for (let at = fromMs; at < untilMs; at += 15 * MINUTE_MS) {
          const open = intervals.some((span) => at >= span.fromMs && at < span.untilMs);
          expect({ at, open }).toEqual({ at, open: isOpen(declared, read, at) });
        }
      }),
      { numRuns: 60 },
    );
  });

  it('gives intervals that are sorted and apart', () => {
    fc.assert(
      fc.property(fc.constantFrom(...TIMEZONES), band, start, (timezone, declared, fromMs) => {
        const spans = createLocalClock(timezone).spans(fromMs, fromMs + 50 * 60 * MINUTE_MS);
        const intervals = openIntervals(compileBand(declared), spans);
        let last = -Infinity;
        for (const span of intervals) {
          expect(span.fromMs).toBeGreaterThan(last);
          expect(span.untilMs).toBeGreaterThan(span.fromMs);
          last = span.untilMs;
        }
      }),
    );
  });

  it('stays open through a window that lies within another', () => {
    const windows = [
      { from: '08:00', until: '20:00' },
      { from: '10:00', until: '12:00' },
    ];
    const midnight = Date.parse('2026-06-01T00:00Z');
    const spans = createLocalClock('UTC').spans(midnight, midnight + 86_400_000);
    expect(openIntervals(compileBand({ id: 'day', windows }), spans)).toEqual([
      { fromMs: midnight + 8 * 3_600_000, untilMs: midnight + 20 * 3_600_000 },
    ]);
  });

  it('is an hour shorter on the night that clocks go forward and longer when they go back', () => {
    const night = compileBand({ id: 'night', windows: [{ from: '22:00', until: '06:00' }] });
    const clock = createLocalClock('Europe/Berlin');
    const hours = (day: string): number[] => {
      const noon = Date.parse(`${day}T12:00Z`);
      const intervals = openIntervals(night, clock.spans(noon, noon + 86_400_000));
      return intervals.map((span) => (span.untilMs - span.fromMs) / 3_600_000);
    };
    expect([hours('2026-03-28'), hours('2026-10-24'), hours('2026-06-01')]).toEqual([
      [7],
      [9],
      [8],
    ]);
  });

  it('opens at the jump where its beginning is a time that the clock skips', () => {
    const early = compileBand({ id: 'early', windows: [{ from: '02:30', until: '04:00' }] });
    const clock = createLocalClock('Europe/Berlin');
    const midnight = Date.parse('2026-03-29T00:00Z');
    const [span] = openIntervals(early, clock.spans(midnight, midnight + 6 * 3_600_000));
    expect(new Date(span?.fromMs ?? 0).toISOString()).toBe('2026-03-29T01:00:00.000Z');
    expect(new Date(span?.untilMs ?? 0).toISOString()).toBe('2026-03-29T02:00:00.000Z');
  });
});

describe('a local clock', () => {
  it('sees a change at the very midnight of UTC', () => {
    const clock = createLocalClock('Africa/Casablanca');
    const midnight = Date.parse('2008-06-01T00:00Z');
    const spans = clock.spans(midnight - 3_600_000, midnight + 3_600_000);
    expect(spans.map((span) => [span.fromMs - midnight, span.offsetMs])).toEqual([
      [-3_600_000, 0],
      [0, 3_600_000],
    ]);
    expect(clock.spans(midnight, midnight + 1)).toHaveLength(1);
    expect(clock.localOf(midnight - 1) - midnight).toBe(-1);
    expect(clock.localOf(midnight) - midnight).toBe(3_600_000);
  });
});

describe('dates of a band', () => {
  it.each(['2026-02-30', '2026-13-01', '02-30', '13-01', '2026-07-02/2026-07-01', '07-01/07-02'])(
    'refuses %s',
    (text) => {
      expect(parseDates(text)).toBeNull();
    },
  );

  it('takes 29 February for every year that has one', () => {
    const matches = parseDates('02-29');
    const day = (text: string): number => Date.parse(text) / 86_400_000;
    expect([matches?.(day('2024-02-29')), matches?.(day('2025-03-01'))]).toEqual([true, false]);
  });
});
