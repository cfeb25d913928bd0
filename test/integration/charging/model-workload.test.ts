/** Random commands against the real scripts and the model, side by side. */
import { randomInt } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type {} from '../../branches/collection.js';
import { runRound, seedsFrom } from '../../model/campaign.js';
import { readCase } from '../../model/case-text.js';
import { runCommands } from '../../model/run.js';
import { openEmptySubjects, type EmptySubjects } from '../../support/empty-subjects.js';
import {
  countingCall,
  PLAIN_CHARGE,
  PLAIN_COUNT,
  scriptsWith,
} from '../../support/key-space-contents.js';

const COMMANDS = 100_000;
/** Of all charges, in percent: those that go the short way, which the workload is to see enough of. */
const PLAIN_SHARE_MIN = 25;
/** Where ways are counted, only what is in every run is to be counted, by scripts that count. */
const IS_COUNTING = inject('countedLibrary') !== undefined;
/** These rounds are in every run, so that what they reach of the scripts is reached in every run. */
const SAME_SEEDS = Array.from({ length: IS_COUNTING ? 16 : 10 }, (_, seed) => seed);
/** While some wait for Redis others compute: few, and a third of the time nobody does. */
const LANES = 8;
const CASES = path.resolve(import.meta.dirname, '../../model/regressions');

let subjects: EmptySubjects;
beforeAll(async () => {
  const charge = `(function() redis.call('INCR', 'charges') end)() or ${countingCall(PLAIN_CHARGE)}`;
  const counted = scriptsWith('tolld_shares', `${PLAIN_CHARGE} or`, charge);
  subjects = await openEmptySubjects(IS_COUNTING ? {} : { scripts: counted });
});
afterAll(async () => {
  await subjects.close();
});

describe('cases that once failed', () => {
  it.each(readdirSync(CASES).filter((file) => file.endsWith('.yaml')))('%s', async (file) => {
    const { plan, commands } = readCase(readFileSync(path.join(CASES, file), 'utf8'));
    await runCommands(await subjects.fresh(), plan, commands);
  });
});

const TOGETHER_COMMANDS = 10_000;
/** Calls of Redis for each of ours, at most: what is not a charge travels alone, and a sweep is two. */
const TOGETHER_SHARE_MAX = 0.92;

/** Other rounds in each run; a failure says how to have its round again. */
const first = randomInt(2 ** 32);
it(`the scripts do what the model does (seed ${first})`, { timeout: 1_800_000 }, async () => {
  const others = seedsFrom(first);
  const same = [...SAME_SEEDS];
  const failures: string[] = [];
  let commands = 0;
  async function work(): Promise<void> {
    while ((IS_COUNTING ? same.length > 0 : commands < COMMANDS) && failures.length === 0) {
      const result = await runRound(
        { seed: same.shift() ?? others.next().value },
        { subject: () => subjects.fresh() },
      );
      commands += result.commands;
      if (result.failure !== null) failures.push(result.failure);
    }
  }
  await Promise.all(Array.from({ length: LANES }, work));
  expect(failures.join('\n\n')).toBe('');
  if (IS_COUNTING) return;
  expect(commands).toBeGreaterThanOrEqual(COMMANDS);
  const [plain, charges] = (await subjects.redis.mget(PLAIN_COUNT, 'charges')).map(Number);
  const share = (100 * (plain ?? 0)) / (charges ?? 0);
  process.stdout.write(`${share.toFixed(1)} % of ${charges} charges went the short way\n`);
  expect(share).toBeGreaterThanOrEqual(PLAIN_SHARE_MIN);
});

it(`calls that travel together do what the model does (seed ${first})`, async () => {
  const functionCalls = async (): Promise<number> =>
    Number(/^cmdstat_fcall:calls=(\d+)/m.exec(await subjects.redis.info('commandstats'))?.[1] ?? 0);
  /** @returns how many calls these were. */
  async function playTogether(seeds: Iterator<number, never>, least: number): Promise<number> {
    let [commands, calls] = [0, 0];
    while (commands < least) {
      const result = await runRound(
        { seed: seeds.next().value },
        { subject: () => subjects.fresh(), hooks: { together: true } },
      );
      expect(result.failure ?? '').toBe('');
      commands += result.commands;
      calls += result.calls;
    }
    return calls;
  }

  // Rounds differ in how much travels together: it is counted in some that are in every run.
  const before = await functionCalls();
  const calls = await playTogether(seedsFrom(0), TOGETHER_COMMANDS / 2);
  const share = ((await functionCalls()) - before) / calls;
  process.stdout.write(`${share.toFixed(2)} calls of Redis for each of ${calls}\n`);
  expect(share).toBeLessThanOrEqual(TOGETHER_SHARE_MAX);
  await playTogether(seedsFrom(IS_COUNTING ? 1 : first), TOGETHER_COMMANDS / 2);
}, 600_000);
