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
}

/** The parts of vitest's JSON report that are read here. */
interface VitestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly {
    readonly status: string;
    readonly assertionResults: readonly { readonly status: string }[];
  }[];
}

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
  work: () => Promise<Pick<Result, 'ok' | 'counts'>>,
): Promise<Result> {
  console.log(`\n── ${name}`);
  const startedAt = performance.now();
  const outcome = await work();
  return { name, ...outcome, seconds: (performance.now() - startedAt) / 1000 };
}

/** A file that could not even be loaded counts as one failure, and so does a run that broke. */
function countTests(reportPath: string, ok: boolean): Counts {
  let report: VitestReport;
  try {
    report = JSON.parse(readFileSync(reportPath, 'utf8')) as VitestReport;
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
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

async function runProject(project: string, directory: string): Promise<Result> {
  const report = path.join(directory, `${project}.json`);
  return await measure(project, async () => {
    const ok = await run('vitest', [
      ...['run', '--project', project],
      ...['--reporter=default', '--reporter=json', `--outputFile.json=${report}`],
    ]);
    return { ok, counts: countTests(report, ok) };
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
