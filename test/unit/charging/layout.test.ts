import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { layoutModule } from '../../../scripts/generate-layout.js';

const ROOT = path.resolve(import.meta.dirname, '../../..');
const lua = readFileSync(path.join(ROOT, 'lua/include/layout.lua'), 'utf8');
const generated = readFileSync(path.join(ROOT, 'src/charging/generated/layout.ts'), 'utf8');

const constants = new Map(
  [...lua.matchAll(/^([A-Z][A-Z0-9_]*) = (-?\d+)$/gm)].map(([, name = '', value]) => [
    name,
    Number(value),
  ]),
);

/** Names of one group: "ACCOUNT_ID", "ACCOUNT_SEQUENCE" … */
function group(prefix: string): readonly [string, number][] {
  return [...constants].filter(([name]) => name.startsWith(`${prefix}_`));
}

describe('the layout of packed values', () => {
  it('is the same in TypeScript as in Lua: run `npm run generate:layout` when it is not', () => {
    expect(generated).toBe(layoutModule(lua));
  });

  it('refuses a line that is neither constant nor comment', () => {
    expect(() => layoutModule('A_B = 1\nlocal x = 2\n')).toThrow('neither constant nor comment');
  });

  it.each(['ACCOUNT', 'BUCKET', 'SESSION', 'SERVICE', 'REQUEST', 'ASK', 'LINE', 'WINDOW'])(
    'gives no two names of %s one place',
    (prefix) => {
      // Codes of other things that begin with the same word.
      const others =
        /^(ACCOUNT_(CREATED|CHANGED|MOVED_OUT|MOVED_IN)|SESSION_(OPEN|CLOSED|EXPIRED))$|^WINDOW_(CHARGED|FREE|NOT_)/;
      const places = group(prefix)
        .filter(([name]) => !others.test(name))
        .map(([, place]) => place);
      expect(new Set(places).size).toBe(places.length);
      expect(Math.max(...places)).toBe(places.length);
    },
  );

  it('is named in full by every script: no name stays a word that nobody set', () => {
    const files = [
      ...readdirSync(path.join(ROOT, 'lua')).map((name) => path.join('lua', name)),
      ...readdirSync(path.join(ROOT, 'lua/include')).map((name) => path.join('lua/include', name)),
    ].filter((name) => name.endsWith('.lua'));
    for (const file of files) {
      const text = readFileSync(path.join(ROOT, file), 'utf8').replace(/--.*$/gm, '');
      const own = new Set(
        [...text.matchAll(/local ([A-Z][A-Z0-9_, ]*) =/g)].flatMap(([, names = '']) =>
          names.split(',').map((name) => name.trim()),
        ),
      );
      const strange = [...text.matchAll(/(?<!['"\w])[A-Z][A-Z0-9]*_[A-Z0-9_]+\b/g)]
        .map(([word]) => word)
        .filter((word) => !constants.has(word) && !own.has(word));
      expect(strange, file).toEqual([]);
    }
  });
});
