import { describe, expect, test } from 'vitest';
import { FailureStreak } from '../../../src/outbox/failure-streak.js';

const OPTIONS = { batchEntriesMax: 1_000, waitMinMs: 100, waitMaxMs: 5_000 };

describe('a streak of failures', () => {
  test('waits longer each time, up to a limit, and tries less at once', () => {
    const streak = new FailureStreak(OPTIONS);
    const waits = Array.from({ length: 20 }, () => streak.fail());
    waits.forEach((wait, index) => {
      const full = Math.min(5_000, 100 * 2 ** index);
      expect(wait).toBeGreaterThanOrEqual(full / 2);
      expect(wait).toBeLessThanOrEqual(full);
    });
    expect(streak.batchEntries).toBe(50);
    expect(streak.length).toBe(20);
    expect(streak.since).toBeInstanceOf(Date);
  });

  test('ends with the first success; batches grow back', () => {
    const streak = new FailureStreak(OPTIONS);
    streak.fail();
    streak.fail();
    expect(streak.batchEntries).toBe(250);
    streak.succeed();
    expect([streak.length, streak.since, streak.batchEntries]).toEqual([0, null, 500]);
    streak.succeed();
    streak.succeed();
    expect(streak.batchEntries).toBe(1_000);
  });

  test('leaves small batches as small as they were asked for', () => {
    const streak = new FailureStreak({ ...OPTIONS, batchEntriesMax: 10 });
    streak.fail();
    expect(streak.batchEntries).toBe(10);
  });
});
