/**
 * `npm run mutants`: runs the scenarios and a short workload against the scripts with one fault in
 * them at a time (test/mutants). A fault that no test finds is a rule without a test. A short way of
 * network access is held to the whole way instead, and integration tests find the faults of scripts
 * that no scenario calls.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { Command } from 'commander';
import { readLuaFile, readScripts, type Scripts } from '../src/charging/script-loader.js';
import { runRound } from '../test/model/campaign.js';
import { mutated, readMutants, type Mutant } from '../test/mutants/mutants.js';
import { openEmptySubjects, type EmptySubjects } from '../test/support/empty-subjects.js';
import { scriptsWith } from '../test/support/key-space-contents.js';
import { compareLogins, LOGIN_CALL } from '../test/support/plain-logins.js';
import { compareReports, REPORT_CALL } from '../test/support/plain-reports.js';
import { runScenario } from '../test/support/scenario-run.js';
import { readScenarios } from '../test/support/scenario.js';

/** The same workload for every mutant. */
const SEEDS = [1, 2, 3];
/** A script that does not end is found out, too. */
const TIMEOUT_MS = 60_000;
const SCENARIOS = path.resolve(import.meta.dirname, '../test/scenarios');

const all = readMutants();
const scenarios = readdirSync(SCENARIOS)
  .filter((file) => file.startsWith('charging-'))
  .flatMap((file) => readScenarios(file).map((scenario) => ({ file, scenario })));

/** The short ways of network access: what is wrong in one shows against the whole way. */
const SHORT_WAYS: Readonly<Record<string, { call: string; compare: typeof compareReports }>> = {
  'include/report_plainly': { call: REPORT_CALL, compare: compareReports },
  'include/admit_plainly': { call: LOGIN_CALL, compare: compareLogins },
  admit_unfailed: { call: LOGIN_CALL, compare: compareLogins },
};
const SHORT_WAY_RUNS = 150;
const WHOLE = scriptsWith('tolld_whole', REPORT_CALL, '', (file) =>
  readLuaFile(file).replace(LOGIN_CALL, 'local plain'),
);

/** Scripts that no scenario of charging calls, or none in all of their ways: the tests that do. */
const TESTS: Readonly<Record<string, readonly string[]>> = {
  batch: ['charging/call-batch'],
  claim: ['steering/tasks', 'charging/moving'],
  conclude: ['steering/tasks', 'steering/dispatcher'],
  steer: ['steering/tasks'],
  witness: ['charging/replicated'],
  'include/open_partition': ['charging/replicated', 'recovery/fence'],
  'include/read_time': ['charging/call-batch'],
  'include/raise_steering': ['steering/tasks', 'steering/dispatcher'],
  lease: ['charging/address-pools'],
  release: ['charging/address-pools'],
  move_out: ['charging/script-guards'],
  move_lift: ['charging/moving'],
  'include/bar_arrival': ['charging/moving'],
  'include/read_sealed': ['charging/moving'],
  move_in: ['charging/moving'],
  move_drop: ['charging/moving'],
  move_note: ['recovery/cut-moves'],
  open: ['charging/script-guards', 'recovery/fence', 'recovery/cut-moves'],
  sweep: ['charging/script-guards'],
  'include/record_report': ['charging/rung-charges'],
  'include/measure_capacity': ['charging/told-ends'],
};
const VITEST = path.resolve(import.meta.dirname, '../node_modules/.bin/vitest');
/** The first test that fails, as vitest says it. */
const FAILED = /FAIL\s+(.+)/;

/** What a mutant is caught by; null for one that survives. */
async function catchMutant(mutant: Mutant): Promise<string | null> {
  const tests = TESTS[mutant.file] ?? [];
  if (isCalledInScenarios(mutant.file)) {
    const caughtBy = await catchInScenarios(mutant);
    if (caughtBy !== null || tests.length === 0) return caughtBy;
  }
  return catchInTests(mutant, tests);
}

/** Scenarios know of some of their faults, too. */
const ALSO_IN_SCENARIOS: readonly string[] = ['sweep', 'include/read_time'];

/** The tests alone call the rest. */
function isCalledInScenarios(file: string): boolean {
  return !(file in TESTS) || ALSO_IN_SCENARIOS.includes(file);
}

async function catchInTests(mutant: Mutant, tests: readonly string[]): Promise<string | null> {
  const number = all.findIndex(({ title }) => title === mutant.title);
  const files = tests.map((test) => `test/integration/${test}.test.ts`);
  const child = spawn(
    VITEST,
    [
      'run',
      '--project',
      'integration',
      '--mode',
      `mutant-${number}`,
      '--bail=1',
      '--no-color',
      ...files,
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const [said, failures, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number | null]>,
  ]);
  if (code === 0) return null;
  return FAILED.exec(failures)?.[1] ?? FAILED.exec(said)?.[1] ?? 'a run that ends with an error';
}

async function catchInScenarios(mutant: Mutant): Promise<string | null> {
  const scripts = readScripts((file) =>
    file === mutant.file ? mutated(mutant, readLuaFile(file)) : readLuaFile(file),
  );
  const shortWay = SHORT_WAYS[mutant.file];
  if (shortWay !== undefined) return differingWay(shortWay.compare, scripts);
  const subjects = await openEmptySubjects({ scripts, timeoutMs: TIMEOUT_MS });
  try {
    const failing = (await failingScenario(subjects)) ?? (await failingRound(subjects));
    if (failing !== null || mutant.file !== 'include/charge_plainly') return failing;
  } finally {
    await subjects.close();
  }
  // Only a report ends a session in it.
  return differingWay(compareReports, scripts);
}

async function differingWay(
  compare: typeof compareReports,
  short: Scripts,
): Promise<string | null> {
  const subjects = await openEmptySubjects({ scripts: short, timeoutMs: TIMEOUT_MS });
  try {
    const [seed = 1] = SEEDS;
    const ways = { fresh: () => subjects.engine(), whole: WHOLE, short };
    await compare(ways, { seed, runs: SHORT_WAY_RUNS });
    return null;
  } catch (error) {
    // What fast-check says of it is the case; why it fails is the cause.
    const cause: unknown = error instanceof Error ? (error.cause ?? error) : error;
    const said = cause instanceof Error ? cause.message : String(cause);
    return `the short way against the whole one: ${said.split('\n')[0] ?? ''}`;
  } finally {
    await subjects.close();
  }
}

async function failingScenario(subjects: EmptySubjects): Promise<string | null> {
  for (const { file, scenario } of scenarios) {
    try {
      await runScenario(scenario, await subjects.fresh());
    } catch {
      return `${file}: ${scenario.title}`;
    }
  }
  return null;
}

async function failingRound(subjects: EmptySubjects): Promise<string | null> {
  for (const seed of SEEDS) {
    const round = { seed, shrinkingMs: 0 };
    const { failure } = await runRound(round, { subject: () => subjects.fresh() });
    if (failure !== null) return `the workload of seed ${seed}: ${failure.split('\n')[0] ?? ''}`;
  }
  return null;
}

async function runMutants(mutants: readonly Mutant[], lanes: number): Promise<number> {
  const waiting = mutants[Symbol.iterator]();
  let survived = 0;
  const work = async (): Promise<void> => {
    for (const mutant of waiting) {
      const caughtBy = await catchMutant(mutant);
      if (caughtBy === null) survived += 1;
      const word = caughtBy === null ? 'SURVIVED' : 'caught  ';
      console.log(
        `${word}  ${mutant.title}${caughtBy === null ? '' : `\n            ${caughtBy}`}`,
      );
    }
  };
  await Promise.all(Array.from({ length: lanes }, work));
  console.log(`${mutants.length - survived} caught, ${survived} survived`);
  return survived > 0 ? 1 : 0;
}

const { only, lanes } = new Command('npm run mutants --')
  .description('Runs the charging tests against the scripts with one fault in them at a time.')
  .option('--only <text>', 'mutants whose title, file or function holds this text', '')
  .option('--lanes <n>', 'mutants at once', Number, 3)
  .addHelpText('after', '\nEnds with 0 when every mutant was caught, with 1 when one survived.')
  .parse()
  .opts<{ readonly only: string; readonly lanes: number }>();
const chosen = all.filter(({ title, file, place }) => `${title} ${file} ${place}`.includes(only));
process.exitCode = await runMutants(chosen, lanes);
