import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { linesOf, readMutants } from '../../mutants/mutants.js';

const mutants = readMutants();
const LUA = path.resolve(import.meta.dirname, '../../../lua');

describe('the mutants of the charging scripts', () => {
  it.each(mutants.map((mutant) => [mutant.title, mutant] as const))(
    '"%s" has one place',
    (_title, mutant) => {
      const lua = readFileSync(path.join(LUA, `${mutant.file}.lua`), 'utf8');
      expect(linesOf(mutant, lua)).toHaveLength(1);
      expect(mutant.after).not.toBe(mutant.before);
    },
  );

  it('are at least forty, each with a name of its own', () => {
    expect(mutants.length).toBeGreaterThanOrEqual(40);
    expect(new Set(mutants.map(({ title }) => title)).size).toBe(mutants.length);
  });
});
