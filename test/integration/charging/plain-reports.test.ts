/**
 * The short way of a NAS' report against the whole one: the same random reports get the same answers and
 * leave the same behind, whether plain ones go the short way or none does.
 */
import { expect, it } from 'vitest';
import { testEngines } from '../../support/charging-engine.js';
import { countingCall, PLAIN_COUNT, scriptsWith } from '../../support/key-space-contents.js';
import { compareReports, REPORT_CALL } from '../../support/plain-reports.js';

const RUNS = 40;
/** The same workload in every run; another number makes another one. */
const SEED = 550912067;

const engines = testEngines();
const whole = scriptsWith('tolld_whole_reports', REPORT_CALL, '');
const counted = scriptsWith(
  'tolld_counted_reports',
  REPORT_CALL,
  countingCall('report_plainly(keys, args)'),
);

it(`plain reports leave what whole ones would (seed ${SEED})`, { timeout: 300_000 }, async () => {
  const { redis } = await engines.fresh();
  await whole.load(redis);
  await counted.load(redis);
  await redis.del(PLAIN_COUNT);
  const ways = { fresh: engines.fresh, whole, short: counted };
  const played = await compareReports(ways, { seed: SEED, runs: RUNS });
  expect(Number(await redis.get(PLAIN_COUNT))).toBeGreaterThan(played / 6);
});
