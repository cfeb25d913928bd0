import { describe, expect, it } from 'vitest';
import * as loader from '../../../src/charging/script-loader.js';
import { readCountedScripts } from '../../branches/counted-scripts.js';
import { parseExcuses, readExcuses } from '../../branches/excuses.js';
import { faultsOfExcuses, judge } from '../../branches/judgement.js';
import { countBranches } from '../../branches/lua-branches.js';

const { branches } = countBranches(
  'charge',
  `local function use(units)
  if units > 0 then
    return units
  end
  return 0
end`,
  1,
);
/** Called, with units; never without. */
const counts = { branches: { n1: 5, n2: 5 }, moves: new Map<string, number>() };

function judged(excused: readonly string[], percent: number) {
  const excuses = excused.map((branch) => ({ branch, reason: 'it is well' }));
  return judge(branches, counts, { floor: { percent, moves: [] }, excuses });
}

describe('the judgement of branches', () => {
  it('names what is neither reached nor excused, and finds it less than all', () => {
    const { report, faults } = judged([], 100);
    expect(report).toContain('no test goes this way: charge use: if units > 0: not so');
    expect(faults).toEqual(['66.7 % of the branches are reached, less than 100 %']);
    expect(judged([], 66).faults).toEqual([]);
  });

  it('asks nothing of what is excused', () => {
    const { report, faults } = judged(['charge use: if units > 0: not so'], 100);
    expect(faults).toEqual([]);
    expect(report.at(-1)).toMatch(/^together .* 2 of 3 branches, 1 excused$/);
  });

  it('refuses an excuse for what is reached, for what is nowhere, and a second one', () => {
    const { faults } = judged(
      [
        'charge use: if units > 0: so',
        'charge use: if units > 1: so',
        'charge use: if units > 0: not so',
        'charge use: if units > 0: not so',
      ],
      100,
    );
    expect(faults).toEqual([
      'excused, and a test goes this way: charge use: if units > 0: so',
      'excused, but no branch: charge use: if units > 1: so',
      'excused twice: charge use: if units > 0: not so',
    ]);
  });
});

describe('the list of excused branches', () => {
  it('has branches behind each reason, and remarks', () => {
    const text = '# A remark.\n\n= a reason\nof two lines\n\na\nb\n\n= another\n\nc\n';
    expect(parseExcuses(text)).toEqual([
      { branch: 'a', reason: 'a reason of two lines' },
      { branch: 'b', reason: 'a reason of two lines' },
      { branch: 'c', reason: 'another' },
    ]);
    expect(() => parseExcuses('= a reason\n')).toThrow('a reason without branches');
  });

  it('names branches that the scripts have, each once', () => {
    expect(faultsOfExcuses(readCountedScripts(loader).branches, readExcuses())).toEqual([]);
  });
});
