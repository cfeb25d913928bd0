/** Reads the wire vectors of test/vectors/radius: blocks of `word rest of line`. */
import { readFileSync } from 'node:fs';
import path from 'node:path';

const FOLDER = path.resolve(import.meta.dirname, '../vectors/radius');

export interface WireVector {
  readonly name: string;
  readonly octets: Buffer;
  /** Everything else by its word, in order. */
  readonly lines: ReadonlyMap<string, readonly string[]>;
}

/** The first line of a word. @throws Error when the vector has none. */
export function lineOf(vector: WireVector, word: string): string {
  const line = vector.lines.get(word)?.[0];
  if (line === undefined) throw new Error(`vector ${vector.name} has no ${word}`);
  return line;
}

export function readWireVectors(file: string): WireVector[] {
  const blocks = readFileSync(path.join(FOLDER, file), 'utf8')
    .split(/\n(?=vector )/)
    .filter((block) => block.startsWith('vector '));
  return blocks.map((block) => {
    const lines = new Map<string, string[]>();
    for (const line of block.split('\n')) {
      if (line === '' || line.startsWith('#')) continue;
      const at = line.indexOf(' ');
      const word = at < 0 ? line : line.slice(0, at);
      lines.set(word, [...(lines.get(word) ?? []), at < 0 ? '' : line.slice(at + 1)]);
    }
    const octets = Buffer.from((lines.get('octets') ?? []).join('').replace(/\s/g, ''), 'hex');
    return { name: lines.get('vector')?.[0] ?? '', octets, lines };
  });
}
