/** The words of a line of a charging scenario, read one after the other; times and amounts in them. */
import { formatDecimal, parseDecimal, toAmount, type Amount } from '../../src/domain/amounts.js';
import { UNIT_KINDS } from '../../src/domain/units.js';

/** Decimals of every currency of a scenario. */
export const MONEY_SCALE = 6;

export class Words {
  readonly #words: string[];

  constructor(text: string) {
    // A semicolon ends a part: it is a word of its own.
    this.#words = text
      .replaceAll(';', ' ; ')
      .split(/\s+/)
      .filter((word) => word !== '');
  }

  get empty(): boolean {
    return this.#words.length === 0;
  }

  peek(): string {
    return this.#words[0] ?? '';
  }

  next(what: string): string {
    const word = this.#words.shift();
    if (word === undefined) throw new Error(`${what} is missing`);
    return word;
  }

  /** Takes the word where it comes next. */
  take(word: string): boolean {
    if (this.#words[0] !== word) return false;
    this.#words.shift();
    return true;
  }

  /** The value behind a word, where that comes next. */
  after<T>(word: string, read: (text: string) => T): T | undefined {
    return this.take(word) ? read(this.next(`what follows "${word}"`)) : undefined;
  }

  oneOf<T extends string>(choices: readonly T[], what: string): T {
    const word = this.next(what);
    const found = choices.find((choice) => choice === word);
    if (found === undefined) throw new Error(`${what} is "${word}", not ${choices.join(' or ')}`);
    return found;
  }

  end(): void {
    if (!this.empty) throw new Error(`"${this.#words.join(' ')}" is not understood`);
  }
}

const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** "90s", "10m", "1h30m": milliseconds. */
export function parseDuration(text: string): number {
  if (!/^-?(\d+(ms|[smhd]))+$/.test(text)) throw new Error(`"${text}" is no time such as 10m`);
  const sum = [...text.matchAll(/(\d+)(ms|[smhd])/g)].reduce(
    (total, [, count, unit]) => total + Number(count) * UNIT_MS[unit as keyof typeof UNIT_MS],
    0,
  );
  return text.startsWith('-') ? -sum : sum;
}

export function formatDuration(ms: number): string {
  if (ms === 0) return '0s';
  if (ms < 0) return `-${formatDuration(-ms)}`;
  let rest = ms;
  let text = '';
  for (const unit of ['d', 'h', 'm', 's', 'ms'] as const) {
    const count = Math.floor(rest / UNIT_MS[unit]);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * UNIT_MS[unit];
  }
  return text;
}

/** "6,000,000". */
export function parseUnits(text: string): Amount {
  if (!/^[+-]?\d[\d,]*$/.test(text)) throw new Error(`"${text}" is no whole number of units`);
  return toAmount(BigInt(text.replace(/[,+]/g, '')));
}

/** "0.1152". */
function parseMoney(text: string): Amount {
  return parseDecimal(text.replace(/[,+]/g, ''), MONEY_SCALE);
}

export function formatUnits(amount: number): string {
  return String(amount).replace(/\B(?=(\d{3})+$)/g, ',');
}

function isUnits(resource: string): boolean {
  return UNIT_KINDS.some((kind) => kind === resource);
}

/** An amount of a resource: a whole number of units, or decimal money. */
export function parseAmount(text: string, resource: string): Amount {
  return isUnits(resource) ? parseUnits(text) : parseMoney(text);
}

export function formatAmount(amount: Amount, resource: string): string {
  return isUnits(resource) ? formatUnits(amount) : formatDecimal(amount, MONEY_SCALE);
}

export function parseList(text: string): readonly string[] {
  return text.split(',');
}
