/** What a run that counts found, against what it is held to. */
import type { Counts } from './counted-scripts.js';
import type { Branch } from './lua-branches.js';

/** What the integration tests reach at least. */
export interface Floor {
  /** Of all branches of the scripts. */
  readonly percent: number;
  /** "active -> inactive (expired)": each way that a bucket goes. */
  readonly moves: readonly string[];
}

export interface Judgement {
  /** For people: a line a script, then the moves, then the branches that no test reaches. */
  readonly report: readonly string[];
  /** What is less than the floor; empty when all is well. */
  readonly faults: readonly string[];
}

/** @param counts moves by their words */
export function judge(
  branches: readonly Branch[],
  counts: { readonly branches: Counts['branches']; readonly moves: ReadonlyMap<string, number> },
  floor: Floor,
): Judgement {
  const countOf = (counter: number): number => counts.branches[`n${counter}`] ?? 0;
  const isHit = ({ counter, less }: Branch): boolean =>
    countOf(counter) > (less === null ? 0 : countOf(less));
  const shareOf = (own: readonly Branch[]): string =>
    `${own.filter(isHit).length} of ${own.length} branches`;
  const files = [...new Set(branches.map(({ file }) => file))];
  const report = [
    ...files.map((file) =>
      row(`lua/${file}.lua`, shareOf(branches.filter((branch) => branch.file === file))),
    ),
    row('together', shareOf(branches)),
    ...[...counts.moves]
      .toSorted(([a], [b]) => a.localeCompare(b))
      .map(([move, times]) => row(`bucket ${move}`, `${times} times`)),
    ...branches
      .filter((branch) => !isHit(branch))
      .map(({ file, place, what }) => `no test goes this way: ${file} ${place}: ${what}`),
  ];
  const percent = (branches.filter(isHit).length * 100) / branches.length;
  return {
    report,
    faults: [
      ...(percent < floor.percent
        ? [`${percent.toFixed(1)} % of the branches are reached, less than ${floor.percent} %`]
        : []),
      ...floor.moves
        .filter((move) => !counts.moves.has(move))
        .map((move) => `no test moves a bucket so: ${move}`),
      ...[...counts.moves.keys()]
        .filter((move) => !floor.moves.includes(move))
        .map((move) => `a bucket moves in a way that is written nowhere: ${move}`),
    ],
  };
}

function row(what: string, share: string): string {
  return `${what.padEnd(40)} ${share}`;
}
