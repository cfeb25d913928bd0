/** Reads test/vectors/diameter: `[name]`, `meaning:`, what must come of it, bytes in hexadecimal. */
import { readFileSync } from 'node:fs';

export interface DiameterVector {
  readonly name: string;
  readonly meaning: string;
  readonly bytes: Buffer;
  /** Result-Code of the answer. */
  readonly result: number | null;
  /** Content of Failed-AVP in the answer, in hexadecimal. */
  readonly failed: string | null;
  /** Whether the connection is closed after the answer. */
  readonly closes: boolean;
}

const DIRECTORY = new URL('../vectors/diameter/', import.meta.url);

/** The vectors of a file, in its order. */
export function readVectors(file: string): DiameterVector[] {
  const text = readFileSync(new URL(file, DIRECTORY), 'utf8');
  return text.split(/^(?=\[)/m).flatMap((part) => (part.startsWith('[') ? [parse(part)] : []));
}

/** One vector of a file. @throws Error when it isn't there. */
export function readVector(file: string, name: string): DiameterVector {
  const vector = readVectors(file).find((each) => each.name === name);
  if (vector === undefined) throw new Error(`no vector ${name} in ${file}`);
  return vector;
}

function parse(part: string): DiameterVector {
  const name = /^\[(.+)\]$/m.exec(part)?.[1] ?? '';
  const field = (key: string): string | null =>
    new RegExp(`^${key}: (.*)$`, 'm').exec(part)?.[1] ?? null;
  const hex = [...part.matchAll(/^\s*((?:[0-9a-f]{2,8}\s+)+);/gm)].map((match) => match[1] ?? '');
  return {
    name,
    meaning: field('meaning') ?? '',
    bytes: Buffer.from(hex.join('').replace(/\s/g, ''), 'hex'),
    result: field('result') === null ? null : Number(field('result')),
    failed: field('failed')?.replace(/\s/g, '') ?? null,
    closes: field('closes') === 'yes',
  };
}
