import { expect, it } from 'vitest';
import { LimitedLog } from '../../../src/radius/limited-log.js';
import { collectingLogger } from '../../support/collecting-logger.js';

function log(keysMax = 100) {
  const { logger, lines } = collectingLogger();
  const limited = new LimitedLog({ intervalMs: 60_000, keysMax }, logger);
  return { lines, warn: (key: string, now: number) => limited.warn(key, { key }, 'dropped', now) };
}

it('writes one line per key in a while and then how many it held back', () => {
  const { lines, warn } = log();
  for (let now = 0; now < 100; now += 1) warn('a', now);
  warn('b', 50);
  warn('a', 60_000);
  expect(lines.map(({ fields }) => fields)).toEqual([
    { key: 'a' },
    { key: 'b' },
    { key: 'a', suppressed: 99 },
  ]);
});

it('stays quiet under a flood of keys, and makes room once in a while', () => {
  const { lines, warn } = log(10);
  for (let n = 0; n < 1_000; n += 1) warn(`key ${n}`, 1);
  // Ten keys, then room is made once for ten more.
  expect(lines).toHaveLength(20);
  for (let n = 0; n < 1_000; n += 1) warn(`later ${n}`, 60_001);
  expect(lines).toHaveLength(30);
});
