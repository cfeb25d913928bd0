/** Reads test/vectors/operator-file: files as lines, and what is said of them. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { FileFault } from '../../src/management/operator-file/reading/file-fault.js';

const FOLDER = path.resolve(import.meta.dirname, '../vectors/operator-file');

/** What the line "tenant:" stands for. */
const TENANT = ['version: 1', 'tenants:', '  - code: t', '    resources: [{ code: EUR }]'];

export interface FileCase {
  readonly title: string;
  /** The files of the case, in their order: one, unless a line "---- then" parts them. */
  readonly texts: readonly string[];
  readonly faults: readonly string[];
  readonly notes: readonly string[];
  /** Lines of other signs, by sign. */
  readonly changes: readonly string[];
}

export function readFileCases(file: string): FileCase[] {
  const blocks = readFileSync(path.join(FOLDER, file), 'utf8').split(/\n(?== )/);
  return blocks.filter((block) => block.startsWith('= ')).map(parseCase);
}

function parseCase(block: string): FileCase {
  const [title = '', ...rest] = block.split('\n');
  const having = (sign: string): string[] =>
    rest.filter((line) => line.startsWith(`${sign} `)).map((line) => line.slice(2));
  const texts = rest
    .filter((line) => line.startsWith('|') || line === '---- then')
    .map((line) => (line === '---- then' ? line : line.slice(2)))
    .join('\n')
    .split('\n---- then\n')
    .map((text) => text.replace(/^tenant:$/m, TENANT.join('\n')).concat('\n'));
  return {
    title: title.slice(2),
    texts,
    faults: having('!'),
    notes: having('~'),
    changes: having('>'),
  };
}

/** A fault as a case writes it: lines count from the case's own first line. */
export function describeFault(text: string, { line, column, message, remedy }: FileFault): string {
  const added = text.startsWith(`${TENANT.join('\n')}\n`) ? TENANT.length - 1 : 0;
  return `${Math.max(1, line - added)}:${column} ${message}; ${remedy}`;
}
