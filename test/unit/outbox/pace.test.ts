import { describe, expect, test } from 'vitest';
import { BACKLOG_LIMIT_DEFAULTS, type BacklogMeasure } from '../../../src/outbox/backlog.js';
import { Lateness } from '../../../src/outbox/lateness.js';
import { leastSpeed, Pace, restAfter, type Round } from '../../../src/outbox/pace.js';

const BACKLOG: BacklogMeasure = {
  entries: 100_000,
  oldestAgeSeconds: 100,
  arrivingPerSecond: 1_000,
  memoryRatio: 0.1,
  diskRoom: 6,
};

function paceOf({ catchUpSeconds = 600, batchEntriesMax = 5_000, limits = {} } = {}) {
  const lateness = new Lateness({ intervalMs: 4 });
  const options = {
    catchUpSeconds,
    batchEntriesMax,
    limits: { ...BACKLOG_LIMIT_DEFAULTS, ...limits },
  };
  return { pace: new Pace(options, { lateness }), lateness };
}

/** How a pace goes on after a measure that changes the backlog so. */
function kindAfter(change: Partial<BacklogMeasure>, options: Parameters<typeof paceOf>[0] = {}) {
  const { pace } = paceOf(options);
  pace.measured({ ...BACKLOG, ...change }, 0);
  return pace.next(0).kind;
}

/** Has the flusher work at `perSecond` for a while. @returns what it wrote each second */
function drain(
  pace: Pace,
  {
    fromMs = 0,
    seconds,
    perSecond,
    arriving = 1_000,
    entries = 1_000_000,
  }: {
    readonly fromMs?: number;
    readonly seconds: number;
    readonly perSecond: number;
    readonly arriving?: number;
    readonly entries?: number;
  },
): { readonly written: readonly number[]; readonly fullSeconds: number; readonly left: number } {
  const written: number[] = [];
  let now = fromMs;
  let fullSeconds = 0;
  let left = entries;
  for (let second = 0; second < seconds; second += 1) {
    pace.measured({ ...BACKLOG, entries: left, arrivingPerSecond: arriving }, now);
    const endAt = fromMs + (second + 1) * 1_000;
    let sum = 0;
    while (now < endAt) {
      const round = pace.next(now);
      if (round.kind !== 'polite') {
        fullSeconds += 1;
        sum += perSecond * 2;
        now = endAt;
      } else {
        const workedMs = (round.entriesMax * 1_000) / perSecond;
        now += round.restMs + workedMs;
        pace.done({ entries: round.entriesMax, workedMs }, now);
        sum += round.entriesMax;
      }
    }
    left += arriving - sum;
    written.push(sum);
  }
  return { written, fullSeconds, left };
}

const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0);

describe('a rest', () => {
  test.each([
    { workedMs: 20, share: 1, restMs: 0 },
    { workedMs: 20, share: 0.5, restMs: 20 },
    { workedMs: 20, share: 0.2, restMs: 80 },
    { workedMs: 5, share: 0.1, restMs: 45 },
  ])('after $workedMs ms at a share of $share takes $restMs ms', ({ restMs, ...of }) => {
    expect(restAfter(of)).toBeCloseTo(restMs);
  });
});

describe('the least speed', () => {
  test.each([
    { entries: 600_000, arrivingPerSecond: 0, leftMs: 600_000, least: 1_000 },
    { entries: 600_000, arrivingPerSecond: 500, leftMs: 600_000, least: 1_500 },
    { entries: 600_000, arrivingPerSecond: 4_000, leftMs: 600_000, least: 6_000 },
    { entries: 600_000, arrivingPerSecond: 500, leftMs: 60_000, least: 10_500 },
    { entries: 6_000, arrivingPerSecond: 10, leftMs: 600_000, least: 1_000 },
    { entries: 10, arrivingPerSecond: 500, leftMs: 0, least: Infinity },
  ])(
    'of $entries entries, $arrivingPerSecond arriving, $leftMs ms left is $least',
    ({ least, ...of }) => {
      expect(leastSpeed(of)).toBe(least);
    },
  );
});

describe('a pace', () => {
  test('is full speed until a backlog was seen', () => {
    expect(paceOf().pace.next(0)).toEqual({ kind: 'full' });
  });

  test.each<[string, Partial<BacklogMeasure>, Parameters<typeof paceOf>[0], Round['kind']]>([
    ['a backlog, and charging', {}, {}, 'polite'],
    [
      'a backlog of which only the first measure is there',
      { arrivingPerSecond: null },
      {},
      'polite',
    ],
    ['nobody charging', { arrivingPerSecond: 0 }, {}, 'full'],
    ['no more than a round takes', { entries: 6_000 }, {}, 'steady'],
    ['little more than a round takes', { entries: 6_001 }, {}, 'polite'],
    [
      'no more than arrives in a second',
      { entries: 25_000, arrivingPerSecond: 20_000 },
      {},
      'full',
    ],
    ['nothing behind', { entries: 0 }, {}, 'steady'],
    ['as little arriving as is steady', { entries: 0, arrivingPerSecond: 100 }, {}, 'steady'],
    ['less arriving than is steady', { entries: 0, arrivingPerSecond: 99 }, {}, 'full'],
    ['as much arriving as is steady', { entries: 0, arrivingPerSecond: 4_000 }, {}, 'steady'],
    ['more arriving than is steady', { entries: 0, arrivingPerSecond: 4_001 }, {}, 'full'],
    ['rounds set to be large enough', { entries: 0 }, { batchEntriesMax: 500 }, 'steady'],
    ['rounds set to be too small', { entries: 0 }, { batchEntriesMax: 499 }, 'full'],
    ['nothing behind, and no time given', { entries: 0 }, { catchUpSeconds: 0 }, 'full'],
    ['nothing behind, and memory getting short', { entries: 0, memoryRatio: 0.75 }, {}, 'full'],
    ['no time given', {}, { catchUpSeconds: 0 }, 'full'],
    ['memory getting short', { memoryRatio: 0.75 }, {}, 'full'],
    ['disk getting short', { diskRoom: 1 }, {}, 'full'],
    ['half of what is refused', {}, { limits: { refuseEntries: 200_000 } }, 'full'],
    ['less than half of what is refused', {}, { limits: { refuseEntries: 200_001 } }, 'polite'],
    ['half the age that is refused', {}, { limits: { refuseAgeSeconds: 200 } }, 'full'],
  ])('with %s: %o', (_, change, options, kind) => {
    expect(kindAfter(change, options)).toBe(kind);
  });

  test('goes to full speed as soon as nobody charges, and back when somebody does', () => {
    const { pace } = paceOf();
    pace.measured(BACKLOG, 0);
    pace.measured({ ...BACKLOG, arrivingPerSecond: 0 }, 1_000);
    expect(pace.next(1_000).kind).toBe('full');
    expect(pace.share).toBe(1);
    pace.measured({ ...BACKLOG, arrivingPerSecond: 1 }, 2_000);
    expect(pace.next(2_000).kind).toBe('polite');
  });

  test('stays polite until little of the backlog is left', () => {
    const { pace } = paceOf();
    pace.measured(BACKLOG, 0);
    pace.measured({ ...BACKLOG, entries: 1_501 }, 1_000);
    expect(pace.next(1_000).kind).toBe('polite');
    pace.measured({ ...BACKLOG, entries: 1_500 }, 2_000);
    expect(pace.next(2_000).kind).toBe('steady');
  });

  test('does not go to and fro over a backlog where rounds are set to be small', () => {
    const { pace } = paceOf({ batchEntriesMax: 100 });
    const small = { ...BACKLOG, entries: 300, arrivingPerSecond: 10 };
    for (let now = 0; now < 10_000; now += 1_000) {
      pace.measured(small, now);
      expect(pace.next(now)).toMatchObject({ kind: 'polite', restMs: now === 0 ? 1_000 : 0 });
    }
    pace.measured({ ...small, entries: 110 }, 10_000);
    expect(pace.next(10_000).kind).toBe('full');
  });

  test('writes what comes in rounds as far from each other, however long one takes', () => {
    const { pace } = paceOf();
    pace.measured({ ...BACKLOG, entries: 0, arrivingPerSecond: 2_000 }, 0);
    expect(pace.next(0)).toEqual({ kind: 'steady', restMs: 0, entriesMax: 1_000, turns: 2 });
    expect(pace.next(20)).toMatchObject({ restMs: 230 });
    expect(pace.next(700)).toMatchObject({ restMs: 0 });
    expect(pace.next(701)).toMatchObject({ restMs: 249 });
  });

  test('writes a few hundred entries at once even where few arrive', () => {
    const { pace } = paceOf();
    pace.measured({ ...BACKLOG, entries: 0, arrivingPerSecond: 100 }, 0);
    expect(pace.next(0)).toMatchObject({ kind: 'steady', entriesMax: 500 });
  });

  test('writes what comes at full speed where small batches were too slow for a backlog', () => {
    const { pace } = paceOf();
    drain(pace, { seconds: 5, perSecond: 2_000, arriving: 1_500 });
    pace.measured({ ...BACKLOG, entries: 0, arrivingPerSecond: 1_500 }, 5_000);
    expect(pace.next(5_000).kind).toBe('full');
    pace.measured({ ...BACKLOG, entries: 0, arrivingPerSecond: 1_500 }, 60_000);
    expect(pace.next(60_000).kind).toBe('steady');
  });

  test('listens first, once for each backlog', () => {
    const { pace } = paceOf();
    pace.measured(BACKLOG, 0);
    expect(pace.next(0)).toMatchObject({ restMs: 1_000 });
    expect(pace.next(1_000)).toMatchObject({ restMs: 0 });
    pace.measured({ ...BACKLOG, arrivingPerSecond: 0 }, 2_000);
    pace.measured(BACKLOG, 3_000);
    expect(pace.next(3_000)).toMatchObject({ restMs: 0 });
    pace.measured({ ...BACKLOG, entries: 0 }, 4_000);
    pace.measured(BACKLOG, 5_000);
    expect(pace.next(5_000)).toMatchObject({ restMs: 1_000 });
  });

  test('works the share of its time that charging leaves it', () => {
    const { pace, lateness } = paceOf({ catchUpSeconds: 86_400 });
    expect(lateness.share).toBeCloseTo(0.2);
    const { written } = drain(pace, { seconds: 60, perSecond: 15_000 });
    const perSecond = sum(written.slice(5)) / 55;
    expect(perSecond).toBeGreaterThan(0.9 * 3_000);
    expect(perSecond).toBeLessThan(1.05 * 3_000);
  });

  test('listens to calm anew where its rests are too short for it', () => {
    const { pace, lateness } = paceOf({ catchUpSeconds: 86_400 });
    pace.measured(BACKLOG, 0);
    pace.next(0);
    for (let probe = 0; probe < 50; probe += 1) lateness.calm(1);
    for (let probe = 0; probe < 2_000; probe += 1) lateness.worked(1);
    expect(pace.share).toBe(1);
    const rests: number[] = [];
    for (let now = 1_000; now < 22_000; now += 20) {
      const round = pace.next(now);
      if (round.kind === 'polite' && round.restMs > 0) rests.push(round.restMs);
      pace.done({ entries: 250, workedMs: 20 }, now + 20);
    }
    expect(rests.length).toBeGreaterThanOrEqual(3);
    expect(Math.max(...rests)).toBe(250);
  });

  test.each([
    { arriving: 300, perSecond: 10_000 },
    { arriving: 1_000, perSecond: 10_000 },
    { arriving: 4_000, perSecond: 10_000 },
    { arriving: 6_500, perSecond: 10_000 },
  ])(
    'writes half as much again as the $arriving arriving each second, however late charges are',
    ({ arriving, perSecond }) => {
      const { pace, lateness } = paceOf({ catchUpSeconds: 86_400 });
      pace.measured(BACKLOG, 0);
      pace.next(0);
      for (let probe = 0; probe < 50; probe += 1) lateness.calm(1);
      for (let probe = 0; probe < 2_000; probe += 1) lateness.worked(100);
      expect(lateness.share).toBeLessThan(0.01);
      const { written, fullSeconds } = drain(pace, {
        ...{ fromMs: 1_000, seconds: 30, arriving, perSecond },
      });
      expect(fullSeconds).toBe(0);
      for (let from = 2; from + 5 <= written.length; from += 1) {
        expect(sum(written.slice(from, from + 5)) / 5).toBeGreaterThan(1.45 * arriving);
      }
    },
  );

  test('has the backlog written in time, however late charges are', () => {
    const { pace, lateness } = paceOf({ catchUpSeconds: 100 });
    pace.measured(BACKLOG, 0);
    pace.next(0);
    for (let probe = 0; probe < 50; probe += 1) lateness.calm(1);
    for (let probe = 0; probe < 2_000; probe += 1) lateness.worked(100);
    const entries = 300_000;
    const { left } = drain(pace, { fromMs: 1_000, seconds: 101, perSecond: 8_000, entries });
    expect(left).toBeLessThan(3_000);
  });

  test('writes large batches where small ones, without a rest, are too slow; and tries them again', () => {
    const { pace } = paceOf();
    const { written, fullSeconds } = drain(pace, {
      seconds: 60,
      perSecond: 2_000,
      arriving: 1_500,
    });
    expect(fullSeconds).toBeGreaterThan(30);
    expect(fullSeconds).toBeLessThan(55);
    expect(sum(written)).toBeGreaterThan(2 * 1_500 * 58);
  });

  test('is full speed when the time is over', () => {
    const { pace } = paceOf({ catchUpSeconds: 10 });
    pace.measured(BACKLOG, 0);
    pace.measured(BACKLOG, 9_999);
    expect(pace.next(9_999).kind).toBe('polite');
    pace.measured(BACKLOG, 10_000);
    expect(pace.next(10_000).kind).toBe('full');
  });
});
