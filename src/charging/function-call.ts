/**
 * FCALL as a command of the client that writes its own octets: the client measures and writes each
 * argument by itself, several times over, which for the hundred arguments of a batch is most of what
 * sending one costs.
 */
import { Command } from 'ioredis';
import { characterCode } from '../domain/character-code.js';
import type { RedisClient } from './redis-client.js';

type Text = string | Buffer;

/** Calls a function of Redis by its name. Strings of the reply come as octets. */
export function callFunction(
  redis: RedisClient,
  name: string,
  keys: readonly string[],
  args: readonly Text[],
): Promise<unknown> {
  return redis.sendCommand(new FunctionCall(name, keys, args)) as Promise<unknown>;
}

class FunctionCall extends Command {
  readonly #octets: Buffer;

  constructor(name: string, keys: readonly string[], args: readonly Text[]) {
    // The client itself only wants to know which server of a cluster the first key is on.
    super('fcall', [name, '1', keys[0] ?? ''], { replyEncoding: null });
    this.#octets = writer.write(name, keys, args);
  }

  override toWritable(): Buffer {
    return this.#octets;
  }
}

/** Longer texts, and those that are not ASCII, are written by Node. */
const ASCII_WRITTEN_MAX = 64;
/** Of a head: its sign, ten digits, and the end of its line. */
const HEAD_OCTETS_MAX = 13;
/** Of one UTF-16 unit. */
const UTF8_OCTETS_MAX = 3;
const [DOLLAR, STAR, ZERO, CR, LF] = [0x24, 0x2a, 0x30, 0x0d, 0x0a];

/** Writes commands of RESP into one growing buffer; each result is a copy of its own. */
class Writer {
  #buffer = Buffer.allocUnsafe(16_384);
  #at = 0;

  write(name: string, keys: readonly string[], args: readonly Text[]): Buffer {
    this.#at = 0;
    this.#head(STAR, 3 + keys.length + args.length);
    this.#text('FCALL');
    this.#text(name);
    this.#text(String(keys.length));
    for (let index = 0; index < keys.length; index += 1) this.#text(keys[index] ?? '');
    for (let index = 0; index < args.length; index += 1) {
      const argument = args[index] ?? '';
      if (typeof argument === 'string') this.#text(argument);
      else this.#bytes(argument);
    }
    const octets = Buffer.allocUnsafe(this.#at);
    this.#buffer.copy(octets, 0, 0, this.#at);
    return octets;
  }

  #reserve(octets: number): void {
    if (this.#at + octets <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#at + octets));
    this.#buffer.copy(larger, 0, 0, this.#at);
    this.#buffer = larger;
  }

  /** What comes, and how many of it. */
  #head(sign: number, count: number): void {
    this.#reserve(HEAD_OCTETS_MAX);
    this.#buffer[this.#at++] = sign;
    let digits = 1;
    for (let rest = count; rest >= 10; rest = Math.floor(rest / 10)) digits += 1;
    let rest = count;
    for (let at = this.#at + digits - 1; at >= this.#at; at -= 1) {
      this.#buffer[at] = ZERO + (rest % 10);
      rest = Math.floor(rest / 10);
    }
    this.#at += digits;
    this.#endLine();
  }

  #endLine(): void {
    this.#buffer[this.#at++] = CR;
    this.#buffer[this.#at++] = LF;
  }

  #bytes(bytes: Buffer): void {
    this.#head(DOLLAR, bytes.length);
    this.#reserve(bytes.length + 2);
    bytes.copy(this.#buffer, this.#at);
    this.#at += bytes.length;
    this.#endLine();
  }

  #text(text: string): void {
    const { length } = text;
    if (length <= ASCII_WRITTEN_MAX && this.#ascii(text)) return;
    this.#head(DOLLAR, Buffer.byteLength(text));
    this.#reserve(UTF8_OCTETS_MAX * length + 2);
    this.#at += this.#buffer.write(text, this.#at, 'utf8');
    this.#endLine();
  }

  /** Nearly all texts are short and ASCII: written octet by octet. @returns whether this one was. */
  #ascii(text: string): boolean {
    const start = this.#at;
    const { length } = text;
    this.#head(DOLLAR, length);
    this.#reserve(length + 2);
    const buffer = this.#buffer;
    let at = this.#at;
    for (let index = 0; index < length; index += 1) {
      const code = characterCode(text, index);
      if (code >= 0x80) {
        this.#at = start;
        return false;
      }
      buffer[at++] = code;
    }
    this.#at = at;
    this.#endLine();
    return true;
  }
}

const writer = new Writer();
