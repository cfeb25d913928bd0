/** What a run that counts found, against what it is held to (allowed.txt). */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Counts } from './counted-scripts.js';
import type { Branch } from './lua-branches.js';

/** Ways that no test goes, each with the reason; and the moves that buckets make. */
export interface Allowed {
  readonly missed: ReadonlyMap<string, string>;
  readonly moves: ReadonlySet<string>;
}

export interface Judgement {
  /** For people: a line a script, then the moves. */
  readonly report: readonly string[];
  /** What is not as it is written down; empty when all is well. */
  readonly faults: readonly string[];
}

/** The name of a branch in allowed.txt. */
export function nameOf({ file, place, what }: Branch): string {
  return `${file} ${place}: ${what}`;
}

/**
 * "= reason" above each group of branches that are missed for it; "moves" above the moves.
 * @throws Error for a line that stands under nothing.
 */
export function readAllowed(
  text = readFileSync(path.resolve(import.meta.dirname, 'allowed.txt'), 'utf8'),
): Allowed {
  const missed = new Map<string, string>();
  const moves = new Set<string>();
  let reason: string | null = null;
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    if (line.startsWith('= ')) reason = line.slice(2);
    else if (reason === null) throw new Error(`allowed.txt gives no reason for: ${line}`);
    else if (reason === 'moves') moves.add(line);
    else missed.set(line, reason);
  }
  return { missed, moves };
}

export function judge(
  branches: readonly Branch[],
  counts: { readonly branches: Counts['branches']; readonly moves: ReadonlyMap<string, number> },
  allowed: Allowed,
): Judgement {
  const countOf = (counter: number): number => counts.branches[`n${counter}`] ?? 0;
  const timesOf = ({ counter, less }: Branch): number =>
    countOf(counter) - (less === null ? 0 : countOf(less));
  const missed = new Set(branches.filter((branch) => timesOf(branch) === 0).map(nameOf));
  const known = new Set(branches.map(nameOf));
  const report = [...new Set(branches.map(({ file }) => file))].map((file) => {
    const own = branches.filter((branch) => branch.file === file);
    const hit = own.filter((branch) => !missed.has(nameOf(branch))).length;
    return `${`lua/${file}.lua`.padEnd(40)} ${hit} of ${own.length} branches`;
  });
  const hit = known.size - missed.size;
  report.push(`${'together'.padEnd(40)} ${hit} of ${known.size} branches`);
  for (const [move, times] of [...counts.moves].toSorted(([a], [b]) => a.localeCompare(b))) {
    report.push(`${`bucket ${move}`.padEnd(40)} ${times} times`);
  }
  const faults = [
    ...[...missed]
      .filter((name) => !allowed.missed.has(name))
      .map((name) => `no test goes this way: ${name}`),
    ...[...allowed.missed.keys()]
      .filter((name) => !missed.has(name))
      .map((name) =>
        known.has(name)
          ? `a test goes this way after all: ${name}`
          : `there is no such way any more: ${name}`,
      ),
    ...[...allowed.moves]
      .filter((move) => !counts.moves.has(move))
      .map((move) => `no test moves a bucket so: ${move}`),
    ...[...counts.moves.keys()]
      .filter((move) => !allowed.moves.has(move))
      .map((move) => `a move that is written nowhere: ${move}`),
  ];
  return { report, faults };
}
