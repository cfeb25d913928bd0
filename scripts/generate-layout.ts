/**
 * Makes src/charging/generated/layout.ts from lua/include/layout.lua, so that the positions and
 * codes the scripts use are declared once. `npm run generate:layout`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const SOURCE = new URL('../lua/include/layout.lua', import.meta.url);
const TARGET = new URL('../src/charging/generated/layout.ts', import.meta.url);

/** The TypeScript text of a layout: its constants in order, with its comments. */
export function layoutModule(lua: string): string {
  const lines = lua.split('\n').flatMap((line) => {
    const constant = /^([A-Z][A-Z0-9_]*) = (-?\d+)$/.exec(line);
    if (constant !== null) return [`export const ${constant[1] ?? ''} = ${constant[2] ?? ''};`];
    if (line.startsWith('--')) return [`//${line.slice(2)}`];
    if (line === '') return [''];
    throw new Error(`lua/include/layout.lua: neither constant nor comment: ${line}`);
  });
  return `// Made by \`npm run generate:layout\` from lua/include/layout.lua. Do not edit.\n${lines.join('\n')}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(TARGET, layoutModule(readFileSync(SOURCE, 'utf8')));
}
