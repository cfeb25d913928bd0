/**
 * Drives Redis over one connection with commands that were encoded beforehand. redis-benchmark
 * repeats one command for ever; a charge must be a new request each time, or all but the first
 * would be duplicates.
 */
import { connect, type Socket } from 'node:net';

export type CommandPart = string | Buffer;

/** A command as the wire wants it. */
export function encodeCommand(parts: readonly CommandPart[]): Buffer {
  const pieces: Buffer[] = [];
  let text = `*${parts.length}\r\n`;
  for (const part of parts) {
    if (typeof part === 'string') {
      text += `$${Buffer.byteLength(part)}\r\n${part}\r\n`;
    } else {
      pieces.push(Buffer.from(`${text}$${part.length}\r\n`), part);
      text = '\r\n';
    }
  }
  pieces.push(Buffer.from(text));
  return Buffer.concat(pieces);
}

export interface DriveOptions {
  readonly port: number;
  readonly commands: readonly Buffer[];
  /** What every reply must begin with; any other is counted as an error. */
  readonly expect: string;
  /** Commands sent in one write. */
  readonly pipeline: number;
  /** Writes on their way at once, so that Redis is never without work. */
  readonly writesInFlight?: number;
}

export interface DriveResult {
  readonly seconds: number;
  readonly perSecond: number;
  readonly errors: number;
  /** The first reply that was not as expected. */
  readonly firstError: string | null;
}

/** Sends every command and waits for every reply. */
export async function drive(options: DriveOptions): Promise<DriveResult> {
  const { commands, pipeline, writesInFlight = 4 } = options;
  const chunks: Buffer[] = [];
  for (let at = 0; at < commands.length; at += pipeline) {
    chunks.push(Buffer.concat(commands.slice(at, at + pipeline)));
  }
  const socket = await open(options.port);
  const replies = new ReplyCounter(Buffer.from(options.expect));
  let sent = 0;
  const started = process.hrtime.bigint();
  await new Promise<void>((resolve, reject) => {
    const send = (): void => {
      while (sent < chunks.length && sent * pipeline < replies.count + writesInFlight * pipeline) {
        socket.write(chunks[sent++] ?? Buffer.alloc(0));
      }
    };
    socket.on('data', (data: Buffer) => {
      replies.take(data);
      if (replies.count === commands.length) resolve();
      else send();
    });
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('Redis closed the connection')));
    if (commands.length === 0) resolve();
    else send();
  });
  const seconds = Number(process.hrtime.bigint() - started) / 1e9;
  socket.removeAllListeners('close');
  socket.destroy();
  return {
    seconds,
    perSecond: commands.length / seconds,
    errors: replies.errors,
    firstError: replies.firstError,
  };
}

function open(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.removeListener('error', reject);
      resolve(socket);
    });
  });
}

/** Counts whole replies [RESP2] in a stream of chunks. */
class ReplyCounter {
  count = 0;
  errors = 0;
  firstError: string | null = null;
  readonly #expected: Buffer;
  #rest: Buffer = Buffer.alloc(0);

  constructor(expected: Buffer) {
    this.#expected = expected;
  }

  take(data: Buffer): void {
    const buffer = this.#rest.length === 0 ? data : Buffer.concat([this.#rest, data]);
    let at = 0;
    for (;;) {
      const end = endOfReply(buffer, at);
      if (end < 0) break;
      this.#judge(buffer, at, end);
      at = end;
    }
    this.#rest = buffer.subarray(at);
  }

  #judge(buffer: Buffer, start: number, end: number): void {
    this.count += 1;
    const expected = this.#expected;
    if (buffer.compare(expected, 0, expected.length, start, start + expected.length) === 0) return;
    this.errors += 1;
    this.firstError ??= buffer.toString('latin1', start, Math.min(end, start + 200));
  }
}

const LF = 0x0a;
const ARRAY = 0x2a;
const BULK = 0x24;

/** Where the reply that starts at `at` ends; -1 while it isn't whole. */
function endOfReply(buffer: Buffer, at: number): number {
  const line = buffer.indexOf(LF, at);
  if (line < 0) return -1;
  const type = buffer[at];
  if (type !== ARRAY && type !== BULK) return line + 1;
  const length = Number(buffer.toString('latin1', at + 1, line - 1));
  if (type === BULK) {
    const end = length < 0 ? line + 1 : line + 1 + length + 2;
    return end <= buffer.length ? end : -1;
  }
  let end = line + 1;
  for (let element = 0; element < length; element += 1) {
    if (end >= buffer.length) return -1;
    end = endOfReply(buffer, end);
    if (end < 0) return -1;
  }
  return end;
}
