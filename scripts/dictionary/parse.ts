/**
 * Reads the dictionary text of src/diameter/dictionary: sections `@name`, `@vendor`, `@avps`,
 * `@grouped`, `@messages`, `@enum NAME` and `@values NAME`; `;` begins a comment. Grammars have the
 * shape of RFC 6733 section 3.2: `< fixed >`, `{ required }`, `[ optional ]`, `*` and `1 *` before.
 */
export interface AvpDefinition {
  readonly name: string;
  readonly code: number;
  readonly vendor: number;
  readonly type: string;
  readonly mandatory: boolean;
}

export interface GrammarMember {
  readonly name: string;
  readonly required: boolean;
  /** 0 stands for any number of times. */
  readonly max: number;
}

export interface Grammar {
  readonly name: string;
  /** Null for a grouped AVP. */
  readonly command: {
    readonly code: number;
    readonly request: boolean;
    readonly proxiable: boolean;
    readonly shortName: string;
  } | null;
  readonly members: readonly GrammarMember[];
  /** Whether it ends in `* [ AVP ]`: AVPs that it does not name are welcome. */
  readonly open: boolean;
}

export interface Enumeration {
  readonly name: string;
  readonly values: readonly (readonly [string, number])[];
}

export interface Dictionary {
  readonly avps: AvpDefinition[];
  readonly grammars: Grammar[];
  readonly enumerations: Enumeration[];
}

const AVP_LINE = /^(\S+)\s+(\d+)\s+(\w+)\s+(M?V?|-)$/;
const VALUE_LINE = /^(\S+)\s+(\d+)$/;
const GROUP_LINE = /^(\S+)\s*::=$/;
const MESSAGE_LINE = /^(\S+)\s+(\w+)\s*::=\s*<\s*Diameter Header:\s*(\d+)((?:,\s*\w+)*)\s*>$/;
const MEMBER_LINE = /^(?:(\d+)?\s*(\*)\s*)?([<{[])\s*(\S+)\s*([>}\]])$/;

/** Parses the texts in order as one dictionary. @throws Error naming file and line. */
export function parseDictionary(
  files: readonly { readonly path: string; readonly text: string }[],
): Dictionary {
  const dictionary: Dictionary = { avps: [], grammars: [], enumerations: [] };
  for (const file of files) parseFile(file, dictionary);
  checkNames(dictionary);
  return dictionary;
}

function parseFile(
  file: { readonly path: string; readonly text: string },
  dictionary: Dictionary,
): void {
  let section = '';
  let vendor = 0;
  let grammar: GrammarDraft | null = null;
  let values: [string, number][] = [];
  file.text.split('\n').forEach((raw, index) => {
    const line = (raw.split(';')[0] ?? '').trim();
    const fail = (): never => {
      throw new Error(
        `${file.path}:${index + 1}: cannot read "${line}" in ${section || 'no'} section`,
      );
    };
    if (line === '') return;
    if (line.startsWith('@')) {
      const [word = '', argument = ''] = line.split(/\s+/);
      section = word;
      if (word === '@vendor') vendor = Number(argument);
      if (word === '@enum' || word === '@values') {
        values = [];
        dictionary.enumerations.push({ name: argument, values });
      }
      return;
    }
    if (section === '@avps') {
      const match = AVP_LINE.exec(line) ?? fail();
      const [, name = '', code, type = '', flags = ''] = match;
      const mandatory = flags.includes('M');
      if (flags.includes('V') !== vendor > 0) fail();
      dictionary.avps.push({ name, code: Number(code), vendor, type, mandatory });
    } else if (section === '@enum' || section === '@values') {
      const match = VALUE_LINE.exec(line) ?? fail();
      values.push([match[1] ?? '', Number(match[2])]);
    } else if (section === '@grouped' || section === '@messages') {
      const started = startGrammar(line);
      if (started !== null) {
        grammar = started;
        dictionary.grammars.push(started);
        return;
      }
      const member = MEMBER_LINE.exec(line) ?? fail();
      if (grammar === null) return fail();
      addMember(grammar, member);
    } else {
      fail();
    }
  });
}

type GrammarDraft = Omit<Grammar, 'members' | 'open'> & { members: GrammarMember[]; open: boolean };

function startGrammar(line: string): GrammarDraft | null {
  const message = MESSAGE_LINE.exec(line);
  if (message !== null) {
    const [, name = '', shortName = '', code, words = ''] = message;
    const command = {
      code: Number(code),
      request: words.includes('REQ'),
      proxiable: words.includes('PXY'),
      shortName,
    };
    return { name, command, members: [], open: false };
  }
  const group = GROUP_LINE.exec(line);
  return group === null ? null : { name: group[1] ?? '', command: null, members: [], open: false };
}

function addMember(grammar: GrammarDraft, match: RegExpExecArray): void {
  const [, least, star, bracket, name = ''] = match;
  if (name === 'AVP') {
    grammar.open = true;
    return;
  }
  const required = bracket !== '[' || Number(least ?? 0) > 0;
  grammar.members.push({ name, required, max: star === undefined ? 1 : 0 });
}

function checkNames({ avps, grammars }: Dictionary): void {
  const names = new Set<string>();
  const codes = new Set<string>();
  for (const { name, code, vendor } of avps) {
    if (names.has(name)) throw new Error(`AVP ${name} is defined twice`);
    if (codes.has(`${vendor}/${code}`))
      throw new Error(`AVP code ${vendor}/${code} is defined twice`);
    names.add(name);
    codes.add(`${vendor}/${code}`);
  }
  for (const grammar of grammars) {
    if (grammar.command === null && !names.has(grammar.name)) {
      throw new Error(`group ${grammar.name} has a grammar and no AVP`);
    }
    for (const member of grammar.members) {
      if (!names.has(member.name)) throw new Error(`${grammar.name} names unknown ${member.name}`);
    }
  }
}
