/** The model gives the answers of the scenarios too: one text, two implementations. */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'vitest';
import { createModelSubject } from '../../model/model-subject.js';
import { runScenario } from '../../support/scenario-run.js';
import { readScenarios } from '../../support/scenario.js';

const files = readdirSync(path.resolve(import.meta.dirname, '../../scenarios')).filter((file) =>
  file.startsWith('charging-'),
);

describe.each(files)('%s', (file) => {
  it.each(readScenarios(file).map((scenario) => [scenario.title, scenario] as const))(
    '%s',
    async (_title, scenario) => {
      await runScenario(scenario, createModelSubject());
    },
  );
});
