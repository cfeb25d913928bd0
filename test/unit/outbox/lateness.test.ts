import { describe, expect, test } from 'vitest';
import { Lateness } from '../../../src/outbox/lateness.js';

const INTERVAL_MS = 4;

/** Ninety-eight in a hundred probes in calm take 1 ms or less, so that late is what takes over 2 ms. */
function calmAtOneMs(): Lateness {
  const lateness = new Lateness({ intervalMs: INTERVAL_MS });
  for (let probe = 0; probe < 100; probe += 1) lateness.calm(probe < 99 ? 1 : 50);
  return lateness;
}

describe('lateness', () => {
  test('is not known before calm is', () => {
    const lateness = new Lateness({ intervalMs: INTERVAL_MS });
    for (let probe = 0; probe < 49; probe += 1) lateness.calm(1);
    expect(lateness.limitMs).toBe(Infinity);
    const before = lateness.share;
    lateness.worked(1_000);
    expect(lateness.share).toBe(before);
    lateness.calm(1);
    expect(lateness.limitMs).toBe(2);
  });

  test('is twice what nearly all probes take in calm', () => {
    expect(calmAtOneMs().limitMs).toBe(2);
  });

  test('is measured anew once calm is forgotten', () => {
    const lateness = calmAtOneMs();
    lateness.forget();
    expect(lateness.calmCount).toBe(0);
    for (let probe = 0; probe < 50; probe += 1) lateness.calm(3);
    expect(lateness.limitMs).toBe(6);
  });

  test('follows calm as it changes, and forgets what it was', () => {
    const lateness = calmAtOneMs();
    for (let probe = 0; probe < 500; probe += 1) lateness.calm(2);
    expect(lateness.limitMs).toBe(4);
  });

  // One in a hundred may be late, with some to spare.
  test.each([
    { late: 0, of: 100, share: 1 },
    { late: 1, of: 200, share: 1 },
    { late: 2, of: 100, share: 0.35 },
    { late: 7, of: 100, share: 0.1 },
    { late: 70, of: 100, share: 0.01 },
  ])('of $late in $of probes of work leaves $share of the time to it', ({ late, of, share }) => {
    const lateness = calmAtOneMs();
    for (let probe = 0; probe < 100 * of; probe += 1) {
      lateness.worked((probe * late) % of < late ? 2.5 : 1.5);
    }
    expect(lateness.share / share).toBeGreaterThan(0.9);
    expect(lateness.share / share).toBeLessThan(1.1);
  });

  test('counts a long wait as all the probes that would have waited with it', () => {
    const once = calmAtOneMs();
    const often = calmAtOneMs();
    once.worked(2 + 10 * INTERVAL_MS);
    for (let probe = 0; probe < 11; probe += 1) often.worked(2.5);
    expect(once.share / often.share).toBeGreaterThan(0.98);
    expect(once.share / often.share).toBeLessThan(1.02);
  });
});
