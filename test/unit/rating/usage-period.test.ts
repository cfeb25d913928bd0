import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createLocalClock } from '../../../src/rating/local-time.js';
import { PERIODS, type Period } from '../../../src/rating/tariff.js';
import { periodAt } from '../../../src/rating/usage-period.js';

function bounds(period: Period, timezone: string, at: string): readonly string[] {
  const found = periodAt(period, createLocalClock(timezone), Date.parse(at));
  return [found.fromMs, found.untilMs].map((ms) => new Date(ms).toISOString().slice(0, 16));
}

describe('a counter period', () => {
  it.each([
    ['hour', 'Asia/Kathmandu', '2026-01-01T00:20Z', '2026-01-01T00:15', '2026-01-01T01:15'],
    ['day', 'Europe/Berlin', '2026-03-29T12:00Z', '2026-03-28T23:00', '2026-03-29T22:00'],
    ['day', 'Europe/Berlin', '2026-10-25T12:00Z', '2026-10-24T22:00', '2026-10-25T23:00'],
    ['week', 'Europe/Berlin', '2026-03-29T21:59Z', '2026-03-22T23:00', '2026-03-29T22:00'],
    ['week', 'UTC', '2026-03-30T00:00Z', '2026-03-30T00:00', '2026-04-06T00:00'],
    ['month', 'Europe/Berlin', '2026-03-31T22:00Z', '2026-03-31T22:00', '2026-04-30T22:00'],
    ['month', 'Europe/Berlin', '2026-03-31T21:59Z', '2026-02-28T23:00', '2026-03-31T22:00'],
    ['quarter', 'UTC', '2026-05-05T05:05Z', '2026-04-01T00:00', '2026-07-01T00:00'],
    ['year', 'America/New_York', '2026-05-05T05:05Z', '2026-01-01T05:00', '2027-01-01T05:00'],
  ] as const)('of a %s in %s at %s is %s to %s', (period, timezone, at, from, until) => {
    expect(bounds(period, timezone, at)).toEqual([from, until]);
  });

  it('begins at the jump where midnight is skipped', () => {
    expect(bounds('day', 'America/Sao_Paulo', '2018-11-04T12:00Z')).toEqual([
      '2018-11-04T03:00',
      '2018-11-05T02:00',
    ]);
  });

  it('counts an hour that the clock shows twice as one', () => {
    for (const at of ['2026-10-25T00:30Z', '2026-10-25T01:30Z']) {
      expect(bounds('hour', 'Europe/Berlin', at)).toEqual(['2026-10-25T00:00', '2026-10-25T02:00']);
    }
  });

  it('does not return to a day that was over when the clock goes back over midnight', () => {
    for (const at of ['2018-02-18T01:59Z', '2018-02-18T02:59Z']) {
      expect(bounds('day', 'America/Sao_Paulo', at)[1]).toBe('2018-02-18T03:00');
    }
    for (const at of ['2026-11-01T04:30Z', '2026-11-01T05:30Z']) {
      expect(bounds('day', 'America/Havana', at)[0]).toBe('2026-11-01T04:00');
    }
    // Goose Bay's clock went from 00:01 back to 23:01 of the day before.
    expect(bounds('day', 'America/Goose_Bay', '2010-11-07T03:00Z')[0]).toBe('2010-11-07T03:00');
    expect(bounds('day', 'America/Goose_Bay', '2010-11-07T03:30Z')[0]).toBe('2010-11-07T03:00');
  });

  it('holds its instant and follows the one before without a gap', () => {
    const timezone = fc.constantFrom(
      'Europe/Berlin',
      'America/Havana',
      'America/Goose_Bay',
      'Australia/Lord_Howe',
      'Africa/Casablanca',
    );
    const instant = fc.integer({
      min: Date.parse('2005-01-01'),
      max: Date.parse('2035-01-01'),
    });
    fc.assert(
      fc.property(timezone, fc.constantFrom(...PERIODS), instant, (zone, period, at) => {
        const clock = createLocalClock(zone);
        const found = periodAt(period, clock, at);
        expect(at).toBeGreaterThanOrEqual(found.fromMs);
        expect(at).toBeLessThan(found.untilMs);
        expect(periodAt(period, clock, found.fromMs)).toEqual(found);
        expect(periodAt(period, clock, found.untilMs - 1)).toEqual(found);
        expect(periodAt(period, clock, found.fromMs - 1).untilMs).toBe(found.fromMs);
      }),
      { numRuns: 300 },
    );
  });
});
