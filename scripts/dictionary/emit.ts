/** Writes the typed tables of src/diameter/generated from a parsed dictionary. */
import type { AvpDefinition, Dictionary, Grammar } from './parse.js';

/** The order is the number of the type in the tables; `avp-types.ts` gives each its meaning. */
const TYPES = [
  'OctetString',
  'Integer32',
  'Integer64',
  'Unsigned32',
  'Unsigned64',
  'Grouped',
  'Address',
  'Time',
  'UTF8String',
  'DiameterIdentity',
  'DiameterURI',
  'Enumerated',
  'IPFilterRule',
] as const;

/** What a caller of the typed accessors must ask for. */
const KINDS: Readonly<Record<string, string>> = {
  OctetString: 'Octets',
  Integer32: 'Integer32',
  Integer64: 'Integer64',
  Unsigned32: 'Unsigned32',
  Unsigned64: 'Unsigned64',
  Grouped: 'Group',
  Address: 'Address',
  Time: 'Time',
  UTF8String: 'Text',
  DiameterIdentity: 'Text',
  DiameterURI: 'Text',
  Enumerated: 'Integer32',
  IPFilterRule: 'Text',
};

const KIND_NAMES = [...new Set(Object.values(KINDS))].sort();
const HEADING =
  '// Made by `npx tsx scripts/generate-dictionary.ts`: edit src/diameter/dictionary.\n';

/** "CC-Request-Type" as "CcRequestType"; "3GPP-" as "ThreeGpp". */
export function pascalName(name: string): string {
  return name
    .replace(/^3GPP-/, 'Three-Gpp-')
    .replace(/^G-S-U-/, 'Gsu-')
    .split('-')
    .map((word) => {
      const rest = word.slice(1);
      return (
        word.slice(0, 1).toUpperCase() + (rest === rest.toUpperCase() ? rest.toLowerCase() : rest)
      );
    })
    .join('');
}

function camelName(name: string): string {
  const pascal = pascalName(name);
  return pascal.slice(0, 1).toLowerCase() + pascal.slice(1);
}

/** The files to write, by name. */
export function emitDictionary(dictionary: Dictionary): ReadonlyMap<string, string> {
  return new Map([
    ['avps.ts', emitAvps(dictionary)],
    ['grammars.ts', emitGrammars(dictionary)],
    ['enumerations.ts', emitEnumerations(dictionary)],
  ]);
}

function kindOf(avp: AvpDefinition): string {
  const kind = KINDS[avp.type];
  if (kind === undefined) throw new Error(`AVP ${avp.name} has the unknown type ${avp.type}`);
  return kind;
}

function emitAvps({ avps }: Dictionary): string {
  const kinds = KIND_NAMES.map(
    (kind) => `export type ${kind}Avp = number & { readonly avp: '${kind}' };`,
  );
  const constants = avps.map(
    (avp, index) => `  ${pascalName(avp.name)}: ${index} as ${kindOf(avp)}Avp,`,
  );
  const rows = avps.map((avp) => {
    const flags = (avp.vendor > 0 ? 0x80 : 0) | (avp.mandatory ? 0x40 : 0);
    const type = TYPES.indexOf(avp.type as (typeof TYPES)[number]);
    return `  ['${avp.name}', ${avp.code}, ${avp.vendor}, ${flags}, ${type}],`;
  });
  return [
    HEADING,
    ...kinds,
    '\n/** Every AVP of the dictionary: its place in the tables, branded with what it holds. */',
    'export const Avp = {',
    ...constants,
    '} as const;',
    '\n/** Names of the types, in the order of the numbers in the rows below. */',
    `export const AVP_TYPE_NAMES = [${TYPES.map((type) => `'${type}'`).join(', ')}] as const;`,
    '\n/** Name, code, vendor, flags to send, type. */',
    'export const AVP_ROWS: readonly (readonly [string, number, number, number, number])[] = [',
    ...rows,
    '];\n',
  ].join('\n');
}

function emitGrammars({ avps, grammars }: Dictionary): string {
  const byName = new Map(avps.map((avp, index) => [avp.name, { avp, index }]));
  const member = (name: string): { avp: AvpDefinition; index: number } => {
    const found = byName.get(name);
    if (found === undefined) throw new Error(`no AVP ${name}`);
    return found;
  };
  const kinds = KIND_NAMES.map(
    (kind) => `export type ${kind}Slot = number & { readonly slot: '${kind}' };`,
  );
  const slots = grammars.map((grammar) => {
    const lines = grammar.members.map(
      ({ name }, slot) => `  ${camelName(name)}: ${slot} as ${kindOf(member(name).avp)}Slot,`,
    );
    const where =
      grammar.command === null ? `inside ${grammar.name}` : `of ${grammar.command.shortName}`;
    const heading = `\n/** Slots ${where}. */\nexport const ${pascalName(grammar.name)} = {`;
    return [heading, ...lines, '} as const;'].join('\n');
  });
  const rows = grammars.map((grammar) => emitGrammarRow(grammar, (name) => member(name).index));
  return [
    HEADING,
    ...kinds,
    ...slots,
    '\nexport interface GrammarRow {',
    '  readonly name: string;',
    '  /** Command code, or -1 for a group. */',
    '  readonly command: number;',
    '  readonly request: boolean;',
    '  /** Place of the group in the AVP tables, or -1 for a message. */',
    '  readonly avp: number;',
    '  /** Whether AVPs that the grammar does not name are welcome. */',
    '  readonly open: boolean;',
    '  /** By slot: AVP, least number of times (0 or 1), most (0: any). */',
    '  readonly members: readonly (readonly [number, number, number])[];',
    '}\n',
    'export const GRAMMAR_ROWS: readonly GrammarRow[] = [',
    ...rows,
    '];\n',
  ].join('\n');
}

function emitGrammarRow(grammar: Grammar, indexOf: (name: string) => number): string {
  const members = grammar.members.map(
    ({ name, required, max }) => `[${indexOf(name)}, ${required ? 1 : 0}, ${max}]`,
  );
  const command = grammar.command?.code ?? -1;
  const avp = grammar.command === null ? indexOf(grammar.name) : -1;
  return [
    '  {',
    `    name: '${grammar.name}',`,
    `    command: ${command},`,
    `    request: ${grammar.command?.request ?? false},`,
    `    avp: ${avp},`,
    `    open: ${grammar.open},`,
    `    members: [${members.join(', ')}],`,
    '  },',
  ].join('\n');
}

function emitEnumerations({ enumerations, grammars }: Dictionary): string {
  const tables = enumerations.map(({ name, values }) => {
    const lines = values.map(([word, value]) => `  ${identifier(word)}: ${value},`);
    return [`\nexport const ${pascalName(name)} = {`, ...lines, '} as const;'].join('\n');
  });
  const commands = grammars.flatMap(({ name, command }) =>
    command?.request === true
      ? [`  ${pascalName(name.replace(/-Request$/, ''))}: ${command.code},`]
      : [],
  );
  return [HEADING, 'export const CommandCode = {', ...commands, '} as const;', ...tables, ''].join(
    '\n',
  );
}

function identifier(word: string): string {
  const plain = word.replaceAll('-', '_');
  return /^\d/.test(plain) ? `'${plain}'` : plain;
}
