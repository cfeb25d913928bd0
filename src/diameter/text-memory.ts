/**
 * Remembers text that comes again and again (hosts, realms, access points, networks): comparing
 * 30 octets takes 20 ns, making a string of them 60-90 ns. Bounded: one text per place, a newer
 * one takes it over.
 */
const PLACES = 256;
const LENGTH_MAX = 64;

interface Memory {
  readonly bytes: Uint8Array;
  readonly text: string;
}

export class TextMemory {
  readonly #places = new Array<Memory | undefined>(PLACES).fill(undefined);
  readonly #make: (text: string) => string;

  constructor(make: (text: string) => string) {
    this.#make = make;
  }

  /** The text of the bytes, if it was kept. */
  recall(bytes: Uint8Array, start: number, end: number): string | undefined {
    const memory = this.#places[placeOf(bytes, start, end)];
    if (memory === undefined || memory.bytes.length !== end - start) return undefined;
    const kept = memory.bytes;
    for (let index = 0; index < kept.length; index += 1) {
      if (kept[index] !== bytes[start + index]) return undefined;
    }
    return memory.text;
  }

  /** Keeps what the memory makes of a text. @returns that. */
  keep(bytes: Uint8Array, start: number, end: number, text: string): string {
    const made = this.#make(text);
    if (end - start <= LENGTH_MAX) {
      this.#places[placeOf(bytes, start, end)] = { bytes: bytes.slice(start, end), text: made };
    }
    return made;
  }
}

function placeOf(bytes: Uint8Array, start: number, end: number): number {
  if (end === start) return 0;
  const middle = bytes[(start + end) >> 1] as number;
  const last = bytes[end - 1] as number;
  return ((end - start) * 31 + (bytes[start] as number) * 7 + middle * 13 + last) & (PLACES - 1);
}
