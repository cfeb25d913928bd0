/** Ways through the scripts that no test goes, and why that is well (excused.txt). */
import { readFileSync } from 'node:fs';
import path from 'node:path';

export interface Excuse {
  /** As `nameOf` says it. */
  readonly branch: string;
  readonly reason: string;
}

export function readExcuses(): readonly Excuse[] {
  return parseExcuses(readFileSync(path.join(import.meta.dirname, 'excused.txt'), 'utf8'));
}

/**
 * `= reason`, over as many lines as it has, and behind an empty line its branches, one a line; `#` at
 * the beginning of a line says something about the file itself.
 * @throws Error that names the lines which are not understood.
 */
export function parseExcuses(text: string): readonly Excuse[] {
  const bare = text.replace(/^#.*\n/gm, '');
  return bare
    .split(/^= /m)
    .slice(1)
    .flatMap((group) => {
      const match = /^(.+?)\n\n(.+)$/s.exec(group.trim());
      if (match === null) throw new Error(`a reason without branches: ${group}`);
      const [, reason = '', branches = ''] = match;
      return branches
        .split('\n')
        .filter((branch) => branch !== '')
        .map((branch) => ({ branch, reason: reason.replaceAll('\n', ' ') }));
    });
}
