/** The scenarios of test/scenarios/charging-*.txt and scripts-*.txt against the real scripts. */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'vitest';
import { testEngines } from '../../support/charging-engine.js';
import { createEngineSubject } from '../../support/engine-subject.js';
import { runScenario } from '../../support/scenario-run.js';
import { readScenarios } from '../../support/scenario.js';

const engines = testEngines();
const files = readdirSync(path.resolve(import.meta.dirname, '../../scenarios')).filter((file) =>
  /^(charging|scripts)-/.test(file),
);

describe.each(files)('%s', (file) => {
  it.each(readScenarios(file).map((scenario) => [scenario.title, scenario] as const))(
    '%s',
    async (_title, scenario) => {
      await runScenario(scenario, createEngineSubject(await engines.fresh()));
    },
  );
});
