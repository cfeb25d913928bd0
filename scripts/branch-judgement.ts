/** Judges which ways the scripts went in the last run that counted (`vitest --mode branches`). */
import { readFileSync } from 'node:fs';
import { BUCKET_STATES, STATE_CAUSES } from '../src/charging/event-codec.js';
import * as loader from '../src/charging/script-loader.js';
import { COUNTS_FILE } from '../test/branches/collection.js';
import { readCountedScripts, type Counts } from '../test/branches/counted-scripts.js';
import { readExcuses } from '../test/branches/excuses.js';
import { judge, type Floor } from '../test/branches/judgement.js';

const FLOOR: Floor = {
  percent: 94,
  moves: [
    'active -> armed (resumed)',
    'active -> inactive (exhausted)',
    'active -> inactive (expired)',
    'active -> inactive (suspended)',
    'armed -> active (first-use)',
    'armed -> active (resumed)',
    'armed -> inactive (expired)',
    'armed -> inactive (suspended)',
    'inactive -> active (resumed)',
    'inactive -> armed (resumed)',
    'pending -> active (resumed)',
    'pending -> active (succeeded)',
    'pending -> armed (resumed)',
    'pending -> armed (succeeded)',
    'pending -> inactive (expired)',
    'pending -> inactive (suspended)',
  ],
};

/** "active -> inactive (exhausted)" for "3 4 3". */
function moveOf(numbers: string): string {
  const [from = 0, to = 0, cause = 0] = numbers.split(' ').map(Number);
  const states = [BUCKET_STATES[from - 1], BUCKET_STATES[to - 1]];
  return `${states.join(' -> ')} (${STATE_CAUSES[cause - 1]})`;
}

/**
 * Prints what was counted, and what is less than the floor. @returns whether nothing is.
 */
export function judgeBranches(print: (line: string) => void): boolean {
  const counts = JSON.parse(readFileSync(COUNTS_FILE, 'utf8')) as Counts;
  const moves = new Map(
    Object.entries(counts.moves).map(([numbers, times]) => [moveOf(numbers), times]),
  );
  const { branches } = readCountedScripts(loader);
  const { report, faults } = judge(
    branches,
    { branches: counts.branches, moves },
    { floor: FLOOR, excuses: readExcuses() },
  );
  for (const line of [...report, ...faults]) print(line);
  return faults.length === 0;
}
