/**
 * Turns the text dictionaries of `src/radius/dictionary/` into typed constants in
 * `src/radius/generated/`: one file for the attributes of the RFCs, one per vendor, and a register
 * of all by number.
 *
 * Usage: tsx scripts/generate-radius-dictionary.ts [--check]
 * With --check nothing is written; the exit code says whether the files agree with the text.
 */
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const ROOT = path.resolve(import.meta.dirname, '..');
const DICTIONARY = path.join(ROOT, 'src/radius/dictionary');
const GENERATED = path.join(ROOT, 'src/radius/generated');
const COMMAND = 'npx tsx scripts/generate-radius-dictionary.ts';

/** Data types of RFC 8044 and the functions of attribute.ts that read and write them. */
const DATA_TYPES = {
  integer: 'integer',
  enum: 'enumerated',
  time: 'time',
  text: 'text',
  string: 'string',
  concat: 'concat',
  ifid: 'ifid',
  ipv4addr: 'ipv4addr',
  ipv6addr: 'ipv6addr',
  ipv6prefix: 'ipv6prefix',
  ipv4prefix: 'ipv4prefix',
  integer64: 'integer64',
  vsa: 'vsa',
} as const;
const TAGGED_TYPES: Readonly<Record<string, string>> = {
  integer: 'taggedInteger',
  enum: 'taggedEnumerated',
  text: 'taggedText',
  string: 'taggedString',
};

export interface DictionaryAttribute {
  readonly key: number;
  readonly name: string;
  readonly type: keyof typeof DATA_TYPES;
  readonly tagged: boolean;
  readonly values: Map<string, number>;
}

export interface Dictionary {
  readonly vendor: { readonly number: number; readonly name: string } | null;
  readonly attributes: DictionaryAttribute[];
}

/** Reads one text dictionary. @throws Error that names file and line of what it cannot read. */
export function parseDictionary(file: string, source: string): Dictionary {
  let vendor: Dictionary['vendor'] = null;
  const attributes: DictionaryAttribute[] = [];
  source.split('\n').forEach((line, index) => {
    const words = line.replace(/#.*$/, '').trim().split(/\s+/);
    const [keyword, first = '', second = '', ...rest] = words;
    const fail = (why: string): never => {
      throw new Error(`${file}:${index + 1}: ${why}`);
    };
    if (keyword === '' || keyword === undefined) return;
    if (keyword === 'vendor') vendor = { number: Number(first), name: second };
    else if (keyword === 'attribute') {
      attributes.push(parseAttribute({ number: first, name: second, rest }, vendor, fail));
    } else if (keyword === 'value') {
      const owner = attributes.at(-1);
      if (owner?.type !== 'enum') return fail('a value needs an enum above it');
      if (!/^\d+$/.test(second)) fail(`${second} is no number`);
      owner.values.set(first, Number(second));
    } else fail(`unknown word ${keyword}`);
  });
  return { vendor, attributes };
}

function parseAttribute(
  words: { readonly number: string; readonly name: string; readonly rest: readonly string[] },
  vendor: Dictionary['vendor'],
  fail: (why: string) => never,
): DictionaryAttribute {
  const [typeName = '', ...flags] = words.rest;
  const type = (Object.keys(DATA_TYPES) as (keyof typeof DATA_TYPES)[]).find(
    (known) => known === typeName,
  );
  if (type === undefined) return fail(`unknown data type ${typeName}`);
  for (const flag of flags) {
    if (flag !== 'tagged' && !/^hidden=(password|salted)$/.test(flag)) fail(`unknown flag ${flag}`);
  }
  const tagged = flags.includes('tagged');
  if (tagged && TAGGED_TYPES[type] === undefined) fail(`${type} cannot be tagged`);
  const key = attributeKey(words.number, vendor) ?? fail(`${words.number} is no attribute number`);
  return { key, name: words.name, type, tagged, values: new Map() };
}

/** The key of src/radius/attribute.ts for "6", "241.3" or a vendor's number. */
function attributeKey(text: string, vendor: Dictionary['vendor']): number | undefined {
  const match = /^(\d{1,3})(?:\.(\d{1,3}))?$/.exec(text);
  if (match === null) return undefined;
  const numbers = [Number(match[1]), match[2] === undefined ? undefined : Number(match[2])];
  if (numbers.some((number) => number !== undefined && number > 255)) return undefined;
  const [type = 0, extended] = numbers;
  const local = extended === undefined ? type : type * 256 + extended;
  return vendor === null ? local : vendor.number * 65_536 + local;
}

/** "Acct-Status-Type" as AcctStatusType, "NAS-IP-Address" as NasIpAddress. */
export function constantName(name: string): string {
  return name
    .split('-')
    .map((word) => (word === word.toUpperCase() ? word.toLowerCase() : word))
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');
}

function literal(text: string): string {
  return `'${text.replace(/['\\]/g, '\\$&')}'`;
}

function constantSource(attribute: DictionaryAttribute): string {
  const maker = attribute.tagged ? TAGGED_TYPES[attribute.type] : DATA_TYPES[attribute.type];
  const head = `export const ${constantName(attribute.name)} = ${maker}(${attribute.key}, ${literal(attribute.name)}`;
  if (attribute.type !== 'enum') return `${head});`;
  const values = [...attribute.values].map(([name, number]) => `  ${literal(name)}: ${number},`);
  return `${head}, {\n${values.join('\n')}\n});`;
}

function makersOf(attributes: readonly DictionaryAttribute[]): string[] {
  const makers = attributes.map((attribute) =>
    attribute.tagged ? (TAGGED_TYPES[attribute.type] ?? '') : DATA_TYPES[attribute.type],
  );
  return [...new Set(makers)].sort();
}

const BANNER = `// Generated by: ${COMMAND}\n`;

function fileSource(dictionary: Dictionary): string {
  const { vendor, attributes } = dictionary;
  const sorted = [...attributes].sort((a, b) => a.key - b.key);
  const head = `import { ${makersOf(sorted).join(', ')} } from '../attribute.js';`;
  const number =
    vendor === null
      ? ''
      : `\nexport const ${constantName(vendor.name)}Vendor = ${vendor.number};\n`;
  return `${BANNER}${head}\n${number}\n${sorted.map(constantSource).join('\n')}\n`;
}

function registerSource(files: ReadonlyMap<string, Dictionary>): string {
  const names = [...files.keys()];
  const imports = names.map((name) => `import * as ${name} from './${name}.js';`);
  const vendors = [...files.values()].flatMap(({ vendor }) =>
    vendor === null ? [] : [`  [${vendor.number}, ${literal(vendor.name)}],`],
  );
  return `${BANNER}import type { Attribute } from '../attribute.js';
${imports.join('\n')}

/** Every attribute of the dictionaries by its key. */
export const ATTRIBUTES: ReadonlyMap<number, Attribute<never>> = new Map(
  [${names.join(', ')}]
    .flatMap((file): unknown[] => Object.values(file))
    .filter((entry): entry is Attribute<never> => typeof entry === 'object')
    .map((attribute) => [attribute.key, attribute]),
);

/** Names of the vendors by their private enterprise number. */
export const VENDORS: ReadonlyMap<number, string> = new Map([
${vendors.join('\n')}
]);
`;
}

/** The generated files by name, from the text dictionaries of a folder. */
export function generate(folder: string = DICTIONARY): Map<string, string> {
  const standard: Dictionary = { vendor: null, attributes: [] };
  const files = new Map<string, Dictionary>([['standard', standard]]);
  for (const file of readdirSync(folder).sort()) {
    const dictionary = parseDictionary(file, readFileSync(path.join(folder, file), 'utf8'));
    if (dictionary.vendor === null) standard.attributes.push(...dictionary.attributes);
    else files.set(path.basename(file, '.txt'), dictionary);
  }
  refuseDoubles(files);
  const sources = new Map([...files].map(([name, one]) => [`${name}.ts`, fileSource(one)]));
  return sources.set('register.ts', registerSource(files));
}

function refuseDoubles(files: ReadonlyMap<string, Dictionary>): void {
  const seen = new Map<number, string>();
  for (const { attributes } of files.values()) {
    for (const { key, name } of attributes) {
      const other = seen.get(key);
      if (other !== undefined) throw new Error(`${name} and ${other} have the same number ${key}`);
      seen.set(key, name);
    }
  }
}

function main(check: boolean): number {
  const stale = [...generate()].filter(([name, source]) => {
    const file = path.join(GENERATED, name);
    let current = '';
    try {
      current = readFileSync(file, 'utf8');
    } catch {
      // A file that is not there yet is stale.
    }
    if (!check && current !== source) writeFileSync(file, source);
    return current !== source;
  });
  for (const [name] of stale) console.log(`${check ? 'stale' : 'wrote'} ${name}`);
  return check && stale.length > 0 ? 1 : 0;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  process.exitCode = main(process.argv.includes('--check'));
}
