/**
 * Rounds of random runs, each from a seed of its own: what one seed finds, it finds again. A case
 * that fails is shrunk for a while, written where it can be kept, and told with the way to it.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import type { ChargingSubject } from '../support/charging-subject.js';
import { writeCase } from './case-text.js';
import { runCommands, type RunHooks } from './run.js';
import { workload } from './workload.js';

/** Runs of a round: so many that the largest are among them, so few that a seed is soon had again. */
const RUNS = 100;
/** What the search for a smaller case may take. */
const SHRINKING_MS = 60_000;

export interface RoundOptions {
  readonly seed: number;
  readonly runs?: number;
  /** How long to look for a smaller case; 0 keeps none. */
  readonly shrinkingMs?: number;
}

export interface RoundDependencies {
  /** Something that charges, empty. */
  readonly subject: () => Promise<ChargingSubject>;
  readonly hooks?: RunHooks;
}

export interface RoundResult {
  readonly commands: number;
  readonly calls: number;
  /** Null where every run agreed. */
  readonly failure: string | null;
}

export async function runRound(
  { seed, runs = RUNS, shrinkingMs = SHRINKING_MS }: RoundOptions,
  { subject, hooks }: RoundDependencies,
): Promise<RoundResult> {
  const counts = { commands: 0, calls: 0 };
  let failedAt: number | null = null;
  const property = fc.asyncProperty(workload, async ([plan, commands]) => {
    // Shrinking ends where nothing fails any more.
    if (failedAt !== null && performance.now() > failedAt + shrinkingMs) return;
    try {
      counts.commands += commands.length;
      counts.calls += (await runCommands(await subject(), plan, commands, hooks)).calls;
    } catch (error) {
      failedAt ??= performance.now();
      throw error;
    }
  });
  const details = await fc.check(property, { seed, numRuns: runs });
  if (!details.failed) return { ...counts, failure: null };
  const [found] = details.counterexample ?? [];
  if (found === undefined) {
    return { ...counts, failure: `seed ${seed}: ${String(details.errorInstance)}` };
  }
  if (shrinkingMs === 0) {
    return { ...counts, failure: (details.errorInstance as Error | null)?.message ?? 'it failed' };
  }
  const [plan, commands] = found;
  const file = path.join(tmpdir(), 'tolld-regressions', `seed-${seed}.yaml`);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, writeCase(plan, commands, `Found by seed ${seed}.`));
  return {
    ...counts,
    failure:
      `${(details.errorInstance as Error | null)?.message ?? 'it failed'}\n\n` +
      `again: npm run soak -- --seed ${seed} --rounds 1\n` +
      `the smallest case found: ${file}\n` +
      `to keep it, move it to test/model/regressions/ under a name that says what it shows`,
  };
}

/** The seeds of a campaign: the first as given, so that one round can be had alone. */
export function* seedsFrom(first: number): Generator<number, never> {
  let seed = first;
  for (;;) {
    yield seed;
    seed = (Math.imul(seed, 0x9e3779b1) + 0x7f4a7c15) >>> 0;
  }
}
