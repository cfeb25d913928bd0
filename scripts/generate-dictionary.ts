/**
 * Makes src/diameter/generated from the text of src/diameter/dictionary.
 * Usage: npx tsx scripts/generate-dictionary.ts
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';
import { emitDictionary } from './dictionary/emit.js';
import { parseDictionary } from './dictionary/parse.js';

const DIAMETER = fileURLToPath(new URL('../src/diameter', import.meta.url));
const TEXTS = ['base.dia', 'credit-control.dia', 'charging-3gpp.dia'];

/** The generated files by path. */
export function generateDictionary(): ReadonlyMap<string, string> {
  const texts = TEXTS.map((name) => {
    const path = join(DIAMETER, 'dictionary', name);
    return { path, text: readFileSync(path, 'utf8') };
  });
  const files = [...emitDictionary(parseDictionary(texts))];
  return new Map(files.map(([name, text]) => [join(DIAMETER, 'generated', name), text]));
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  mkdirSync(join(DIAMETER, 'generated'), { recursive: true });
  for (const [path, text] of generateDictionary()) writeFileSync(path, text);
}
