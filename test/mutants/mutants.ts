/** Faults put into the scripts on purpose (the texts here), to see that the tests find them. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

export interface Mutant {
  /** What is wrong with it. */
  readonly title: string;
  /** Below lua/, without its ending. */
  readonly file: string;
  /** "main" for what stands outside of functions. */
  readonly place: string;
  readonly before: string;
  readonly after: string;
}

/** @throws Error that names the mutant whose lines are not understood. */
export function readMutants(): readonly Mutant[] {
  const texts = readdirSync(import.meta.dirname).filter((file) => file.endsWith('.txt'));
  return texts
    .toSorted()
    .map((file) => readFileSync(path.join(import.meta.dirname, file), 'utf8'))
    .flatMap((text) => text.split(/^= /m).slice(1))
    .map((part) => {
      const match = /^(.+)\nin (\S+) (\S+)\n- (.+)\n\+ (.+)\s*$/.exec(part);
      if (match === null) throw new Error(`not understood: ${part}`);
      const [, title = '', file = '', place = '', before = '', after = ''] = match;
      return { title, file, place, before, after };
    });
}

/** Numbers of the lines that a mutant changes; it means something where there is just one. */
export function linesOf({ place, before }: Mutant, lua: string): readonly number[] {
  let inside = 'main';
  return lua.split('\n').flatMap((line, number) => {
    inside = /^(?:local )?function ([\w.]+)\(/.exec(line)?.[1] ?? inside;
    const here = inside;
    if (line === 'end') inside = 'main';
    return here === place && line.trim() === before ? [number] : [];
  });
}

/** A file of the scripts with the fault in it. @throws Error where that has no one place. */
export function mutated(mutant: Mutant, lua: string): string {
  const [number, second] = linesOf(mutant, lua);
  if (number === undefined || second !== undefined) {
    throw new Error(`"${mutant.title}" has no one place in lua/${mutant.file}.lua`);
  }
  const lines = lua.split('\n');
  return lines.with(number, mutant.after).join('\n');
}
