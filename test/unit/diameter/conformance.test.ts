import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { pascalName } from '../../../scripts/dictionary/emit.js';
import { parseDictionary } from '../../../scripts/dictionary/parse.js';
import { readVectors } from '../../support/diameter-vectors.js';

const ROOT = path.resolve(import.meta.dirname, '../../..');
const SOURCE = path.join(ROOT, 'src/diameter');

interface Row {
  readonly subject: string;
  readonly status: string;
  /** File and title; null where the row names no test. */
  readonly test: { readonly file: string; readonly title: string } | null;
}

/** Rows of the document's tables: the first cell, the status wherever it stands, the last cell. */
const rows: readonly Row[] = readFileSync(path.join(ROOT, 'docs/conformance-diameter.md'), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| ') && !/^\| (Section|AVP) \|/.test(line))
  .map((line) => {
    const cells = line.split('|').map((cell) => cell.trim());
    const named = /^`([^`]+)`: (.+)$/.exec(cells.at(-2) ?? '');
    return {
      subject: cells[1] ?? '',
      status: cells.find((cell) => /^(supported|partly|not)$/.test(cell)) ?? '',
      test: named === null ? null : { file: named[1] ?? '', title: named[2] ?? '' },
    };
  });

const vectorTitles = new Set(
  ['base.txt', 'errors.txt']
    .flatMap((file) => readVectors(file))
    .map(({ name, result }) => `answers ${name} with ${result}`),
);

function isThere({ file, title }: { readonly file: string; readonly title: string }): boolean {
  const place = path.join(ROOT, file.includes('/') ? file : `test/unit/diameter/${file}`);
  if (!existsSync(place)) return false;
  const text = readFileSync(place, 'utf8');
  return text.includes(`'${title}'`) || (file === 'server.test.ts' && vectorTitles.has(title));
}

function filesBelow(folder: string, end: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(end) && !name.startsWith('generated'))
    .map((name) => path.join(folder, name));
}

const dictionary = parseDictionary(
  filesBelow(path.join(SOURCE, 'dictionary'), '.dia')
    // The base comes first: the others use its AVPs.
    .sort()
    .map((file) => ({ path: file, text: readFileSync(file, 'utf8') })),
);
const members = [...new Set(dictionary.grammars.flatMap((grammar) => grammar.members))].map(
  ({ name }) => name,
);

/** AVPs that the code writes (`Avp.Name`) or reads by their slot (`Table.name`). */
const named = new Set(
  filesBelow(SOURCE, '.ts')
    .flatMap((file) => [
      ...readFileSync(file, 'utf8').matchAll(
        /\b(?:Avp|slots|Ccr|Mscc|Rsu|Usu|Ps|Ims|Sms|Info|Arp|Qos|Equipment|EventType|Originator|RecipientAddress|RecipientInfo|CcMoney|UnitValue|Extension|SubscriptionId|ServiceInformation|Vsai|Cer|Cea|Dpr|Raa|Asa|Rar|Asr)\.(\w+)/g,
      ),
    ])
    .map((match) => (match[1] ?? '').toLowerCase()),
);

describe('the conformance table', () => {
  it('gives each row a status, and each supported row a test', () => {
    expect(rows.length).toBeGreaterThan(members.length / 4);
    expect(rows.filter(({ status }) => status === '')).toEqual([]);
    expect(rows.filter(({ status, test }) => status === 'supported' && test === null)).toEqual([]);
  });

  it('names only tests that exist', () => {
    expect(rows.filter(({ test }) => test !== null && !isThere(test))).toEqual([]);
  });

  it('has one row for every AVP of a grammar', () => {
    const subjects = rows.map(({ subject }) => subject);
    for (const name of new Set(members)) {
      expect(
        subjects.filter((subject) => subject === name),
        name,
      ).toHaveLength(1);
    }
  });

  it('says "not" of an AVP exactly when no code names it', () => {
    const handled = new Set(members.filter((name) => named.has(pascalName(name).toLowerCase())));
    // What comes back inside a group as a whole.
    for (const name of ['Proxy-Host', 'Proxy-State']) handled.add(name);
    for (const { subject, status } of rows.filter((row) => members.includes(row.subject))) {
      expect(status === 'not', subject).toBe(!handled.has(subject));
    }
  });
});
