import { expect, it } from 'vitest';
import { limitTerms } from '../../../../src/credit-control/access/access-terms.js';
import { toAmount } from '../../../../src/domain/amounts.js';

const START_MS = 1_800_000_000_000;

it.each([
  ['whole seconds, not past the end', 3_600_999, 3_600],
  ['the second that is left', 1_000, 1],
  ['a second where less is left: 0 would be no limit', 1, 1],
])('tells a NAS %s', (_name, leftMs, seconds) => {
  const bounds = { gauges: [], limits: [], startedAt: START_MS, sessionSecondsMax: undefined };
  expect(limitTerms({ ...bounds, endsAt: START_MS + leftMs })).toEqual({
    sessionSecondsMax: seconds,
  });
});

it('tells a NAS the least of all that ends a session', () => {
  const bounds = { gauges: ['seconds'] as const, startedAt: START_MS, endsAt: START_MS + 900_000 };
  const secondsOf = (limit: number, sessionSecondsMax: number | undefined) =>
    limitTerms({ ...bounds, limits: [toAmount(limit)], sessionSecondsMax }).sessionSecondsMax;
  expect([secondsOf(600, 1_200), secondsOf(1_800, 300), secondsOf(1_800, undefined)]).toEqual([
    600, 300, 900,
  ]);
});
