import { Ajv2020 } from 'ajv/dist/2020.js';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import {
  renderOperatorFileDocument,
  renderOperatorFileSchema,
} from '../../../scripts/operator-file-document.js';
import { readOperatorFile } from '../../../src/management/operator-file/reading/read-file.js';

const SCHEMA = 'schema/operator-file.schema.json';
const EXAMPLES = readdirSync('examples').filter((name) => name.endsWith('.yaml'));
const REMEDY = 'run `npm run generate:operator-file`';

const validate = new Ajv2020({ allowUnionTypes: true }).compile(
  JSON.parse(readFileSync(SCHEMA, 'utf8')) as object,
);

test(`${SCHEMA} is what the format says`, async () => {
  expect(readFileSync(SCHEMA, 'utf8'), REMEDY).toBe(await renderOperatorFileSchema());
});

test('docs/operator-file.md is what the format says', () => {
  expect(readFileSync('docs/operator-file.md', 'utf8'), REMEDY).toBe(renderOperatorFileDocument());
});

test('the documentation has a meaning for every field', () => {
  const rows = renderOperatorFileDocument()
    .split('\n')
    .filter((line) => line.startsWith('| `'));
  expect(rows.length).toBeGreaterThan(100);
  expect(rows.filter((row) => /\|\s*\|$/.test(row))).toEqual([]);
});

describe('the published schema', () => {
  test.each(EXAMPLES)('accepts examples/%s, as the reader does', (name) => {
    const text = readFileSync(path.join('examples', name), 'utf8');
    expect(readOperatorFile(text).faults).toEqual([]);
    const valid = validate(parse(text));
    expect(validate.errors ?? []).toEqual([]);
    expect(valid).toBe(true);
  });

  test.each([
    ['a field that is not there', 'version: 1\nsurprise: 1\n'],
    ['another version', 'version: 2\n'],
    [
      'money as a number',
      tenant(
        'tariffs: [{ code: a, currency: EUR, flatRates: [{ id: x, unit: octets, price: { amount: 0.1 } }] }]',
      ),
    ],
    ['an identifier with a blank', tenant('accounts: [{ id: "a b" }]')],
    [
      'an unknown kind of identity',
      tenant('subscribers: [{ id: a, account: a, identities: [{ kind: fax, value: "1" }] }]'),
    ],
    [
      'a rating group beyond 32 bits',
      tenant(
        'accounts: [{ id: a, buckets: [{ id: b, resource: octets, amount: 1, scope: { ratingGroups: [4294967296] } }] }]',
      ),
    ],
  ])('refuses %s, as the reader does', (_, text) => {
    expect(readOperatorFile(text).faults).not.toEqual([]);
    expect(validate(parse(text))).toBe(false);
  });
});

function tenant(fields: string): string {
  return `version: 1\ntenants:\n  - code: t\n    ${fields}\n`;
}
