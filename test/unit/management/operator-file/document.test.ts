import { describe, expect, test } from 'vitest';
import {
  FILE_CHARACTERS_MAX,
  parseFile,
  type FileDocument,
} from '../../../../src/management/operator-file/reading/document.js';

function parsed(text: string): FileDocument {
  const { document, faults } = parseFile(text);
  expect(faults).toEqual([]);
  if (document === null) throw new Error('no document');
  return document;
}

function placeOf(document: FileDocument, path: (string | number)[], key?: string): string {
  const { line, column } = document.place({ path, message: '', remedy: '' }, key);
  return `${line}:${column}`;
}

describe('a document', () => {
  test('reads JSON as well as YAML', () => {
    const text = '{ "version": 1, "tenants": [{ "code": "t" }] }';
    expect(parsed(text).value).toEqual({ version: 1, tenants: [{ code: 't' }] });
    expect(placeOf(parsed(text), ['tenants', 0, 'code'])).toBe('1:39');
  });

  test('keeps words that older YAML took for something else', () => {
    expect(parsed('a: yes\nb: no\nc: 2027-01-01\nd: 12:30\n').value).toEqual({
      a: 'yes',
      b: 'no',
      c: '2027-01-01',
      d: '12:30',
    });
  });

  test('places a value, its key, and what is not there at the nearest parent', () => {
    const document = parsed('a:\n  b:\n    - x: 1\n    - y: 2\n');
    expect(placeOf(document, ['a', 'b', 1, 'y'])).toBe('4:10');
    expect(placeOf(document, ['a', 'b', 1], 'y')).toBe('4:7');
    expect(placeOf(document, ['a', 'b', 1, 'z'])).toBe('4:7');
    expect(placeOf(document, ['a', 'b', 7])).toBe('3:5');
    expect(placeOf(document, [])).toBe('1:1');
  });

  test('follows an alias to what it stands for', () => {
    const document = parsed('a: &one { x: 0.10 }\nb: *one\n');
    expect(document.value).toEqual({ a: { x: 0.1 }, b: { x: 0.1 } });
    expect(placeOf(document, ['b', 'x'])).toBe('1:14');
    expect(document.source(['b', 'x'])).toBe('0.10');
  });

  test('gives the text of a scalar as it was written, and of nothing else', () => {
    const document = parsed('a: 007\nb: [1]\n');
    expect(document.source(['a'])).toBe('007');
    expect(document.source(['b'])).toBeNull();
    expect(document.source(['c'])).toBeNull();
  });

  test('says all that is wrong with the text', () => {
    const { document, faults } = parseFile('a: 1\na: 2\nb: 1\nb: 2\n');
    expect(document).toBeNull();
    expect(faults.map(({ line, column }) => [line, column])).toEqual([
      [2, 1],
      [4, 1],
    ]);
  });

  test('refuses aliases that stand for gigabytes', () => {
    const levels = Array.from({ length: 12 }, (_, level) => {
      const of = level === 0 ? 'x' : `*a${level - 1}`;
      return `a${level}: &a${level} [${Array.from({ length: 10 }, () => of).join(', ')}]`;
    });
    expect(parseFile(levels.join('\n')).faults).toMatchObject([
      { message: 'its aliases stand for more than can be read' },
    ]);
  });

  test('refuses a file beyond its limit', () => {
    expect(parseFile(' '.repeat(FILE_CHARACTERS_MAX + 1)).faults).toHaveLength(1);
  });
});
