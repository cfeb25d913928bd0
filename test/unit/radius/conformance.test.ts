import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { constantName } from '../../../scripts/generate-radius-dictionary.js';
import { vendorOf } from '../../../src/radius/attribute.js';
import { ATTRIBUTES, VENDORS } from '../../../src/radius/generated/register.js';

const ROOT = path.resolve(import.meta.dirname, '../../..');
const SOURCE = path.join(ROOT, 'src/radius');

/** Cells of the document's table rows, heads left out. */
const rows = readFileSync(path.join(ROOT, 'docs/conformance-radius.md'), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| ') && !/^\| (Section|Attribute) \|/.test(line))
  .map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
const clauses = rows.filter((cells) => cells.length === 4);
const attributes = rows.filter((cells) => cells.length === 3);

/** File and title of a row's test; null where it names none. */
function testOf(cells: readonly string[]) {
  const named = /^`([^`]+)`: (.+)$/.exec(cells[3] ?? '');
  return named === null ? null : { file: named[1] ?? '', title: named[2] ?? '' };
}

/** Titles of tests as they stand in a file, whatever quotes they are in. */
function isThere({ file, title }: { readonly file: string; readonly title: string }): boolean {
  const place = path.join(ROOT, file.startsWith('test/') ? file : `test/unit/radius/${file}`);
  if (!existsSync(place)) return false;
  const text = readFileSync(place, 'utf8');
  return [`'${title}'`, `"${title}"`].some((quoted) => text.includes(quoted));
}

const code = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && !file.includes('generated'))
  .map((file) => readFileSync(path.join(SOURCE, file), 'utf8'))
  .join('\n');

function numberOf(key: number): string {
  const local = key % 65_536;
  const number = local > 0xff ? `${Math.floor(local / 256)}.${local % 256}` : String(local);
  const vendor = VENDORS.get(vendorOf(key));
  return vendor === undefined ? number : `${vendor} ${number}`;
}

describe('the conformance table', () => {
  it('gives each row a status, and a test unless there is nothing to show', () => {
    expect(clauses.length).toBeGreaterThan(50);
    const wrong = clauses.filter((cells) => {
      const status = cells[1] ?? '';
      const isKnown = ['supported', 'partly', 'not'].includes(status);
      return !isKnown || (status === 'not') !== (testOf(cells) === null);
    });
    expect(wrong).toEqual([]);
  });

  it('names only tests that exist', () => {
    const missing = clauses
      .map(testOf)
      .filter((test) => test !== null)
      .filter((test) => !isThere(test));
    expect(missing).toEqual([]);
  });

  it('has a row for every attribute of the dictionaries, used where code names it', () => {
    const expected = [...ATTRIBUTES.values()]
      .sort((one, other) => one.key - other.key)
      .map(({ key, name }) => {
        const isUsed = new RegExp(`\\b${constantName(name)}\\b`).test(code);
        return [name, numberOf(key), isUsed ? 'used' : 'named'];
      });
    expect(attributes).toEqual(expected);
  });
});
