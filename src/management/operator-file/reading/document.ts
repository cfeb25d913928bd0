/** The text of an operator file as plain values, and where in the text each of them stands. */
import {
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
  type Document,
  type Node,
} from 'yaml';
import type { FileFault, FilePath, PathFault } from './file-fault.js';

/** Largest file taken: some hundred thousand subscribers. */
export const FILE_CHARACTERS_MAX = 64 * 2 ** 20;

export interface FileDocument {
  readonly value: unknown;
  /** The text of a scalar as it was written ("0.20" where the value is 0.2), or null. */
  source(path: FilePath): string | null;
  /**
   * A fault with its place. Of a path that leads to nothing, the nearest parent's place; `key`
   * names a member of the path's mapping whose key is meant, not its value.
   */
  place(fault: PathFault, key?: string): FileFault;
}

export interface ParsedDocument {
  /** Null where the text has no meaning at all. */
  readonly document: FileDocument | null;
  /** Faults of the text itself. */
  readonly faults: readonly FileFault[];
}

/** Reads YAML 1.2; JSON is a part of it. */
export function parseFile(text: string): ParsedDocument {
  if (text.length > FILE_CHARACTERS_MAX) {
    const message = `the file is longer than ${FILE_CHARACTERS_MAX} characters`;
    const remedy = 'split it: what a file leaves out stays as it is';
    return { document: null, faults: [{ line: 1, column: 1, message, remedy }] };
  }
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, prettyErrors: false });
  const placed = (offset: number): { line: number; column: number } => {
    const { line, col } = lineCounter.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const faults: FileFault[] = document.errors.map((error) => ({
    ...placed(error.pos[0]),
    message: MESSAGES.get(error.code) ?? sentence(error.message),
    remedy: REMEDIES.get(error.code) ?? 'correct the YAML or JSON there',
  }));
  faults.push(...unknownAliases(document, placed));
  if (faults.length > 0) return { document: null, faults };
  try {
    return { document: createDocument(document, placed), faults: [] };
  } catch {
    // Aliases inside anchors inside aliases: a few lines can stand for gigabytes.
    const message = 'its aliases stand for more than can be read';
    return { document: null, faults: [{ line: 1, column: 1, message, remedy: 'write them out' }] };
  }
}

/** Where the parser speaks to programmers. */
const MESSAGES: ReadonlyMap<string, string> = new Map([
  ['MULTIPLE_DOCS', 'a second document begins'],
]);

const REMEDIES: ReadonlyMap<string, string> = new Map([
  ['DUPLICATE_KEY', 'keep one of the two'],
  ['MULTIPLE_DOCS', 'put each document into a file of its own'],
  ['TAB_AS_INDENT', 'indent with spaces'],
]);

/** The parser's message in our manner: no capital, no full stop. */
function sentence(message: string): string {
  const [first = ''] = message.split('\n');
  return `${first.charAt(0).toLowerCase()}${first.slice(1)}`.replace(/\.$/, '');
}

type Placed = (offset: number) => { line: number; column: number };

/** An alias of nothing would only be found when the values are built, by an exception. */
function unknownAliases(document: Document.Parsed, placed: Placed): readonly FileFault[] {
  const faults: FileFault[] = [];
  visit(document, {
    Alias: (_, alias) => {
      if (alias.resolve(document) !== undefined) return;
      faults.push({
        ...placed(alias.range?.[0] ?? 0),
        message: `"*${alias.source}" refers to an anchor that is not there`,
        remedy: `put "&${alias.source}" before what is meant, or write it out`,
      });
    },
  });
  return faults;
}

function createDocument(document: Document.Parsed, placed: Placed): FileDocument {
  const resolved = (node: unknown): Node | null => {
    if (isAlias(node)) return node.resolve(document) ?? null;
    return isNode(node) ? node : null;
  };

  /** The nodes on the way down the path, as far as it leads. */
  function walk(path: FilePath): readonly Node[] {
    const found: Node[] = [];
    let node: unknown = document.contents;
    for (const step of [...path, null]) {
      if (!isNode(node)) break;
      found.push(node);
      const collection = resolved(node);
      if (step === null) break;
      if (isMap(collection)) node = collection.get(step, true);
      else if (isSeq(collection)) node = collection.items[Number(step)];
      else break;
    }
    return found;
  }

  function offsetOfKey(parent: Node | undefined, key: string): number | null {
    const map = resolved(parent);
    if (!isMap(map)) return null;
    const pair = map.items.find(
      (item) => isPair(item) && isScalar(item.key) && String(item.key.value) === key,
    );
    return isScalar(pair?.key) ? (pair.key.range?.[0] ?? null) : null;
  }

  return {
    value: document.toJS() as unknown,
    source(path) {
      const nodes = walk(path);
      const node = nodes.length === path.length + 1 ? resolved(nodes.at(-1)) : null;
      return isScalar(node) && node.source !== undefined ? node.source : null;
    },
    place({ path, message, remedy }, key) {
      const nodes = walk(path);
      const node = nodes.at(-1);
      const offset = (key === undefined ? null : offsetOfKey(node, key)) ?? node?.range?.[0] ?? 0;
      return { ...placed(offset), message, remedy };
    },
  };
}
