import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { generateDictionary } from '../../../scripts/generate-dictionary.js';
import { parseDictionary } from '../../../scripts/dictionary/parse.js';

describe('the Diameter dictionary', () => {
  it('generates the tables that are checked in', () => {
    for (const [path, text] of generateDictionary()) {
      expect(readFileSync(path, 'utf8'), path).toBe(text);
    }
  });

  it.each([
    ['a line that is no definition', '@avps\n  Name 1', 'x.dia:2'],
    ['a member that nobody defined', '@avps\nA 1 Grouped M\n@grouped\nA ::=\n[ B ]', 'unknown B'],
    ['one name twice', '@avps\nA 1 Grouped M\nA 2 Grouped M', 'A is defined twice'],
    ['one code twice', '@avps\nA 1 Grouped M\nB 1 Grouped M', '0/1 is defined twice'],
    ['a vendor AVP without the V flag', '@vendor 9\n@avps\nA 1 Grouped M', 'x.dia:3'],
  ])('refuses %s and says where', (_, text, message) => {
    expect(() => parseDictionary([{ path: 'x.dia', text }])).toThrow(message);
  });
});
