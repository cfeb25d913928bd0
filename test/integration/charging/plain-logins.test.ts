/**
 * The short way of a login against the whole one: the same random logins get the same answers and
 * leave the same behind, whether plain ones go the short way or none does.
 */
import { expect, it } from 'vitest';
import { testEngines } from '../../support/charging-engine.js';
import { countingCall, scriptsWith } from '../../support/key-space-contents.js';
import { compareLogins, LOGIN_CALL } from '../../support/plain-logins.js';

const RUNS = 120;
/** The same workload in every run; another number makes another one. */
const SEED = 20261121;

const COUNT = 'plain logins';

const engines = testEngines();
const whole = scriptsWith('tolld_whole_logins', LOGIN_CALL, 'local plain');
const counted = scriptsWith(
  'tolld_counted_logins',
  LOGIN_CALL,
  `local plain = ${countingCall('admit_plainly(KEYS, ARGV)', COUNT)} nil`,
);

it(`plain logins leave what whole ones would (seed ${SEED})`, { timeout: 300_000 }, async () => {
  const { redis } = await engines.fresh();
  await whole.load(redis);
  await counted.load(redis);
  await redis.del(COUNT);
  const ways = { fresh: engines.fresh, whole, short: counted };
  const played = await compareLogins(ways, { seed: SEED, runs: RUNS });
  expect(Number(await redis.get(COUNT))).toBeGreaterThan(played / 6);
});
