import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  constantName,
  generate,
  parseDictionary,
} from '../../../scripts/generate-radius-dictionary.js';

const GENERATED = new URL('../../../src/radius/generated/', import.meta.url);

it.each([...generate()])('the text dictionaries make %s as it is committed', (name, source) => {
  expect(readFileSync(new URL(name, GENERATED), 'utf8')).toBe(source);
});

it.each([
  ['User-Name', 'UserName'],
  ['NAS-IP-Address', 'NasIpAddress'],
  ['MS-CHAP2-Response', 'MsChap2Response'],
  ['Framed-IPv6-Prefix', 'FramedIPv6Prefix'],
])('%s becomes the constant %s', (name, constant) => {
  expect(constantName(name)).toBe(constant);
});

describe('a dictionary that cannot be read names file, line and fault', () => {
  it.each([
    ['attribute 6 Service-Type number', 'x.txt:1: unknown data type number'],
    ['attribute 256 Too-High integer', 'x.txt:1: 256 is no attribute number'],
    ['attribute six Service-Type integer', 'x.txt:1: six is no attribute number'],
    ['attribute 6 Service-Type enum secret', 'x.txt:1: unknown flag secret'],
    ['attribute 8 Address ipv4addr tagged', 'x.txt:1: ipv4addr cannot be tagged'],
    ['\nvalue Login 1', 'x.txt:2: a value needs an enum above it'],
    ['attribute 6 Service-Type enum\nvalue Login one', 'x.txt:2: one is no number'],
    ['begin 1', 'x.txt:1: unknown word begin'],
  ])('%j', (source, message) => {
    expect(() => parseDictionary('x.txt', source)).toThrow(message);
  });
});
