import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Engine } from '../../../src/charging/engine.js';
import { createLoginFailures, type LoginFailures } from '../../../src/charging/login-failures.js';
import { testEngines } from '../../support/charging-engine.js';

const engines = testEngines();
let engine: Engine;
let failures: LoginFailures;

beforeEach(async () => {
  engine = await engines.fresh();
  failures = createLoginFailures({ failuresMax: 2, seconds: 60 }, { engine });
});

afterEach(() => void vi.restoreAllMocks());

const names = Array.from({ length: 20 }, (_, index) => [`user ${index}`, `station ${index}`]);

test('logins of one turn are asked for by one command', async () => {
  const exists = vi.spyOn(engine.redis, 'exists');
  const read = await Promise.all(names.map((whos) => failures.read(whos)));
  expect(read).toEqual(names.map(() => ({ locked: false, failed: [] })));
  expect(exists).toHaveBeenCalledTimes(1);
  expect(await failures.read(['user 0'])).toEqual({ locked: false, failed: [] });
  expect(exists).toHaveBeenCalledTimes(2);
});

test('each login of a turn hears of its own failures alone', async () => {
  await failures.note(['user 3'], 'first');
  await failures.note(['user 5', 'station 5'], 'first');
  await failures.note(['station 5'], 'second');
  const read = await Promise.all(names.map((whos) => failures.read(whos)));
  const clean = { locked: false, failed: [] };
  expect(read).toEqual(
    names.map((_whos, index) => {
      if (index === 3) return { locked: false, failed: ['user 3'] };
      return index === 5 ? { locked: true, failed: ['user 5', 'station 5'] } : clean;
    }),
  );
});

test('what Redis refuses is told to everybody who asked, and the next are asked for anew', async () => {
  const exists = vi.spyOn(engine.redis, 'exists').mockRejectedValueOnce(new Error('LOADING'));
  const read = await Promise.allSettled(names.map((whos) => failures.read(whos)));
  expect(new Set(read.map(({ status }) => status))).toEqual(new Set(['rejected']));
  expect(await failures.read(['user 0'])).toEqual({ locked: false, failed: [] });
  expect(exists).toHaveBeenCalledTimes(2);
});
