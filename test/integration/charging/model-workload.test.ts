/** Random commands against the real scripts and the model, side by side. */
import { randomInt } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runRound, seedsFrom } from '../../model/campaign.js';
import { readCase } from '../../model/case-text.js';
import { runCommands } from '../../model/run.js';
import { openEmptySubjects, type EmptySubjects } from '../../support/empty-subjects.js';

const COMMANDS = 100_000;
/** These rounds are in every run, so that what they reach of the scripts is reached in every run. */
const SAME_SEEDS = Array.from({ length: 10 }, (_, seed) => seed);
/** While one lane waits for Redis the other computes. */
const LANES = 3;
const CASES = path.resolve(import.meta.dirname, '../../model/regressions');

let subjects: EmptySubjects;
beforeAll(async () => {
  subjects = await openEmptySubjects();
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

/** Other rounds in each run; a failure says how to have its round again. */
const first = randomInt(2 ** 32);
it(`the scripts do what the model does (seed ${first})`, { timeout: 1_800_000 }, async () => {
  const others = seedsFrom(first);
  const same = [...SAME_SEEDS];
  const failures: string[] = [];
  let commands = 0;
  async function work(): Promise<void> {
    while (commands < COMMANDS && failures.length === 0) {
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
  expect(commands).toBeGreaterThanOrEqual(COMMANDS);
});
