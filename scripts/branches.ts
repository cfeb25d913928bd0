/**
 * `npm run branches`: the integration tests on scripts that count, then which ways they went. What
 * they may leave out stands in test/branches/allowed.txt with its reason.
 */
import { readFileSync } from 'node:fs';
import * as loader from '../src/charging/script-loader.js';
import { BUCKET_STATES, STATE_CAUSES } from '../src/charging/event-codec.js';
import { COUNTS_FILE } from '../test/branches/collection.js';
import { readCountedScripts, type Counts } from '../test/branches/counted-scripts.js';
import { judge, readAllowed } from '../test/branches/judgement.js';

/** "active -> inactive (exhausted)" for "3 4 3". */
function moveOf(numbers: string): string {
  const [from = 0, to = 0, cause = 0] = numbers.split(' ').map(Number);
  const states = [BUCKET_STATES[from - 1], BUCKET_STATES[to - 1]];
  return `${states.join(' -> ')} (${STATE_CAUSES[cause - 1]})`;
}

/** Prints what the last run counted. @returns whether all is as it is written down. */
export function judgeBranches(print: (line: string) => void): boolean {
  const counts = JSON.parse(readFileSync(COUNTS_FILE, 'utf8')) as Counts;
  const moves = new Map(
    Object.entries(counts.moves).map(([numbers, times]) => [moveOf(numbers), times]),
  );
  const { branches } = readCountedScripts(loader);
  const { report, faults } = judge(branches, { branches: counts.branches, moves }, readAllowed());
  for (const line of [...report, ...faults]) print(line);
  return faults.length === 0;
}
