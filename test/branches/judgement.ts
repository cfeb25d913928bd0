/** What a run that counts found, against what it is held to. */
import type { Counts } from './counted-scripts.js';
import type { Excuse } from './excuses.js';
import type { Branch } from './lua-branches.js';

/** What the integration tests reach at least. */
export interface Floor {
  /** Of the branches of the scripts that are not excused. */
  readonly percent: number;
  /** "active -> inactive (expired)": each way that a bucket goes. */
  readonly moves: readonly string[];
}

export interface Judgement {
  /** For people: a line a script, then the moves, then the branches that no test reaches. */
  readonly report: readonly string[];
  /** What is less than the floor, and excuses that are none; empty when all is well. */
  readonly faults: readonly string[];
}

/** By which a branch is excused: it stays while the text of its condition does. */
function nameOf({ file, place, what }: Branch): string {
  return `${file} ${place}: ${what}`;
}

/** @param counts moves by their words */
export function judge(
  branches: readonly Branch[],
  counts: { readonly branches: Counts['branches']; readonly moves: ReadonlyMap<string, number> },
  { floor, excuses }: { readonly floor: Floor; readonly excuses: readonly Excuse[] },
): Judgement {
  const countOf = (counter: number): number => counts.branches[`n${counter}`] ?? 0;
  const isHit = ({ counter, less }: Branch): boolean =>
    countOf(counter) > (less === null ? 0 : countOf(less));
  const excused = new Set(excuses.map(({ branch }) => branch));
  const isExcused = (branch: Branch): boolean => excused.has(nameOf(branch));
  const shareOf = (own: readonly Branch[]): string => {
    const share = `${own.filter(isHit).length} of ${own.length} branches`;
    const count = own.filter(isExcused).length;
    return count === 0 ? share : `${share}, ${count} excused`;
  };
  const files = [...new Set(branches.map(({ file }) => file))];
  const due = branches.filter((branch) => !isExcused(branch));
  const missed = due.filter((branch) => !isHit(branch));
  const report = [
    ...files.map((file) =>
      row(`lua/${file}.lua`, shareOf(branches.filter((branch) => branch.file === file))),
    ),
    row('together', shareOf(branches)),
    ...[...counts.moves]
      .toSorted(([a], [b]) => a.localeCompare(b))
      .map(([move, times]) => row(`bucket ${move}`, `${times} times`)),
    ...missed.map((branch) => `no test goes this way: ${nameOf(branch)}`),
  ];
  const percent = ((due.length - missed.length) * 100) / due.length;
  return {
    report,
    faults: [
      ...(percent < floor.percent
        ? [`${percent.toFixed(1)} % of the branches are reached, less than ${floor.percent} %`]
        : []),
      ...branches
        .filter((branch) => isExcused(branch) && isHit(branch))
        .map((branch) => `excused, and a test goes this way: ${nameOf(branch)}`),
      ...faultsOfExcuses(branches, excuses),
      ...floor.moves
        .filter((move) => !counts.moves.has(move))
        .map((move) => `no test moves a bucket so: ${move}`),
      ...[...counts.moves.keys()]
        .filter((move) => !floor.moves.includes(move))
        .map((move) => `a bucket moves in a way that is written nowhere: ${move}`),
    ],
  };
}

/** Excuses of what is no branch, and second ones. */
export function faultsOfExcuses(
  branches: readonly Branch[],
  excuses: readonly Excuse[],
): readonly string[] {
  const names = new Set(branches.map(nameOf));
  const texts = excuses.map(({ branch }) => branch);
  return [
    ...texts.filter((text) => !names.has(text)).map((text) => `excused, but no branch: ${text}`),
    ...texts
      .filter((text, index) => texts.indexOf(text) < index)
      .map((text) => `excused twice: ${text}`),
  ];
}

function row(what: string, share: string): string {
  return `${what.padEnd(40)} ${share}`;
}
