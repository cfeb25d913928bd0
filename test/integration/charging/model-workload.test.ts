/** Random commands against the real scripts and the model, side by side. */
import { randomInt } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { runCommands } from '../../model/run.js';
import { command, worldPlan } from '../../model/workload.js';
import { testEngines } from '../../support/charging-engine.js';
import { createEngineSubject } from '../../support/engine-subject.js';

const engines = testEngines();
const RUNS = Number(process.env['RUNS'] ?? 100);

it('the scripts do what the model does, whatever comes', { timeout: 600_000 }, async () => {
  const seed = Number(process.env['SEED'] || randomInt(2 ** 31));
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
    { seed, numRuns: RUNS, endOnFailure: false },
  );
  console.log(`seed ${seed}: ${calls} calls in ${RUNS} runs`);
  expect(calls).toBeGreaterThan(0);
});
