/** Random workloads, played the short way and the whole one: both must leave the same behind. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Engine } from '../../src/charging/engine.js';
import type { Scripts } from '../../src/charging/script-loader.js';
import { keySpaceContents } from './key-space-contents.js';

/** Scripts that try the short way of something, and those that never do. */
export interface TwoWays {
  /** An empty key space. */
  readonly fresh: () => Promise<Engine>;
  readonly whole: Scripts;
  readonly short: Scripts;
}

/** How much is played. */
export interface ComparisonSize {
  readonly seed: number;
  readonly runs: number;
}

/** What is played, and from where on the two ways are compared. */
export interface Workload<World, Step> {
  readonly world: fc.Arbitrary<World>;
  readonly step: fc.Arbitrary<Step>;
  readonly stepsMax: number;
  /** Worlds with their steps that are played whatever the seed. */
  readonly examples: [World, Step[]][];
  /** Returns what was answered, and the time at the end. */
  readonly play: (
    engine: Engine,
    world: World,
    steps: readonly Step[],
  ) => Promise<{ readonly answers: unknown; readonly now: number }>;
}

/** Plays both ways, and compares. Returns the steps played. @throws AssertionError where they differ */
export async function compareWays<World, Step>(
  { fresh, whole, short }: TwoWays,
  { seed, runs }: ComparisonSize,
  { world, step, stepsMax, examples, play }: Workload<World, Step>,
): Promise<number> {
  let played = 0;
  await fc.assert(
    fc.asyncProperty(
      world,
      fc.array(step, { maxLength: stepsMax, size: 'max' }),
      async (given, steps) => {
        const long = { ...(await fresh()), scripts: whole };
        const quick = { ...(await fresh()), scripts: short };
        const expected = await play(long, given, steps);
        assert.deepEqual(await play(quick, given, steps), expected);
        const [left, right] = await Promise.all(
          [long, quick].map((engine) => keySpaceContents(engine, expected.now)),
        );
        assert.deepEqual({ ...right, meta: null }, { ...left, meta: null });
        played += steps.length;
      },
    ),
    { seed, numRuns: runs, endOnFailure: true, examples },
  );
  return played;
}
