/** Random commands against the real scripts and the model, side by side. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { runCommands } from '../../model/run.js';
import { command, worldPlan } from '../../model/workload.js';
import { testEngines } from '../../support/charging-engine.js';
import { createEngineSubject } from '../../support/engine-subject.js';

const engines = testEngines();
const RUNS = 100;
/** The same workload in every run; another number makes another one. */
const SEED = 975432847;

it(`the scripts do what the model does (seed ${SEED})`, { timeout: 600_000 }, async () => {
  let calls = 0;
  await fc.assert(
    fc.asyncProperty(
      worldPlan,
      fc.array(command, { maxLength: 100, size: 'max' }),
      async (plan, commands) => {
        const engine = await engines.fresh();
        calls += (await runCommands(createEngineSubject(engine), plan, commands)).calls;
      },
    ),
    { seed: SEED, numRuns: RUNS, endOnFailure: false },
  );
  expect(calls).toBeGreaterThan(1_000);
});
