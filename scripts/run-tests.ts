/** Runs every check and every test in the order in which a fault is cheapest to find. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createProgress } from '../src/local/progress.js';
import { provideTestPrograms } from './test-programs.js';

const ROOT = path.resolve(import.meta.dirname, '..');
const BIN = path.join(ROOT, 'node_modules', '.bin');

const CHECKS: readonly (readonly [name: string, ...command: string[]])[] = [
  ['types', 'tsc', '--noEmit', '-p', 'tsconfig.json'],
  ['lint', 'eslint', '.'],
  ['format', 'prettier', '--check', '--log-level', 'warn', '.'],
  ['imports', 'tsx', 'scripts/check-imports.ts'],
  ['documents', 'tsx', 'scripts/check-docs.ts'],
];
const PROJECTS = ['unit', 'integration', 'e2e'] as const;

interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

interface Result {
  readonly name: string;
  readonly ok: boolean;
  readonly seconds: number;
  readonly counts?: Counts;
  /** Each test that failed and why, in a few lines. */
  readonly failures?: readonly string[];
}

/** The parts of vitest's JSON report that are read here. */
interface VitestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    /** Why the file could not be run; empty where it was. */
    readonly message: string;
    readonly assertionResults: readonly {
      readonly status: string;
      readonly fullName: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

/** Lines of a failure that the summary repeats: the difference is among the first. */
const FAILURE_LINES = 6;

async function run(program: string, args: readonly string[]): Promise<boolean> {
  const child = spawn(path.join(BIN, program), args, {
    cwd: ROOT,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  return await new Promise((resolve) => {
    child.once('error', (error) => {
      console.error(error.message);
      resolve(false);
    });
    child.once('close', (code) => resolve(code === 0));
  });
}

async function measure(
  name: string,
  work: () => Promise<Omit<Result, 'name' | 'seconds'>>,
): Promise<Result> {
  console.log(`\n── ${name}`);
  const startedAt = performance.now();
  const outcome = await work();
  return { name, ...outcome, seconds: (performance.now() - startedAt) / 1000 };
}

/** What vitest reported; null where it broke before it could. */
function readReport(reportPath: string): VitestReport | null {
  try {
    return JSON.parse(readFileSync(reportPath, 'utf8')) as VitestReport;
  } catch {
    return null;
  }
}

/** A file that could not even be loaded counts as one failure, and so does a run that broke. */
function countTests(report: VitestReport | null, ok: boolean): Counts {
  if (report === null) return { passed: 0, failed: 1, skipped: 0 };
  const broken = report.testResults.filter(
    ({ status, assertionResults }) =>
      status === 'failed' && assertionResults.every((result) => result.status !== 'failed'),
  ).length;
  const failed = report.numFailedTests + broken;
  return {
    passed: report.numPassedTests,
    failed: !ok && failed === 0 ? 1 : failed,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

/** Who reads only the end of a long log must see which tests failed, and why. */
function failuresOf(report: VitestReport | null): string[] {
  return (report?.testResults ?? []).flatMap(({ name, status, message, assertionResults }) => {
    const file = path.relative(ROOT, name);
    const failed = assertionResults.filter((result) => result.status === 'failed');
    if (status === 'failed' && failed.length === 0) return [`${file}: ${firstLines(message)}`];
    return failed.map(
      ({ fullName, failureMessages }) =>
        `${file}: ${fullName}\n${firstLines(failureMessages.join('\n'))}`,
    );
  });
}

function firstLines(text: string): string {
  return text
    .split('\n')
    .slice(0, FAILURE_LINES)
    .map((line) => `    ${line}`)
    .join('\n');
}

async function runProject(project: string, directory: string): Promise<Result> {
  const reportPath = path.join(directory, `${project}.json`);
  return await measure(project, async () => {
    const ok = await run('vitest', [
      ...['run', '--project', project],
      ...['--reporter=default', '--reporter=json', `--outputFile.json=${reportPath}`],
    ]);
    const report = readReport(reportPath);
    return { ok, counts: countTests(report, ok), failures: failuresOf(report) };
  });
}

function printSummary(results: readonly Result[]): void {
  console.log('\n── summary');
  for (const { name, ok, seconds, counts } of results) {
    const detail = counts === undefined ? '' : `  ${counts.passed} passed, ${counts.failed} failed`;
    console.log(`${ok ? 'ok    ' : 'FAILED'}  ${name.padEnd(12)}${seconds.toFixed(1)} s${detail}`);
  }
  // A check that failed is a failure like any other: whoever reads only the last line must see it.
  const failedChecks = results.filter(({ ok, counts }) => !ok && counts === undefined).length;
  const total = { passed: 0, failed: failedChecks, skipped: 0 };
  for (const { counts } of results) {
    total.passed += counts?.passed ?? 0;
    total.failed += counts?.failed ?? 0;
    total.skipped += counts?.skipped ?? 0;
  }
  for (const { failures } of results) failures?.forEach((failure) => console.log(failure));
  const skipped = total.skipped === 0 ? '' : `, ${total.skipped} skipped`;
  console.log(`${total.passed} passed, ${total.failed} failed${skipped}`);
}

/** @returns the exit code: 0 only when every check and every test passed. */
export async function runEverything(): Promise<number> {
  const progress = createProgress({ write: (line) => console.log(line) });
  try {
    await provideTestPrograms({ progress });
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return 1;
  }
  const directory = mkdtempSync(path.join(tmpdir(), 'tolld-reports-'));
  const results: Result[] = [];
  try {
    for (const [name, program, ...args] of CHECKS) {
      results.push(await measure(name, async () => ({ ok: await run(program ?? '', args) })));
    }
    for (const project of PROJECTS) results.push(await runProject(project, directory));
    const counting = async () => ({ ok: await run('tsx', ['scripts/branches.ts']) });
    results.push(await measure('branches', counting));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
  printSummary(results);
  return results.every(({ ok }) => ok) ? 0 : 1;
}
