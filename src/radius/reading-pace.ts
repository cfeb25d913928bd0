/**
 * How fast datagrams are read that begin no request: those of strangers, forged ones, the same one again
 * and again. A queue that brings more of them is left alone for a moment, in which the kernel drops what
 * it has no room for; what the other queues bring is read meanwhile by a process that isn't out of breath.
 */
import type { Socket } from 'node:dgram';

export interface ReadingPaceOptions {
  /** Datagrams that begin no request, of all queues together. */
  readonly vainPerSecondMax: number;
}

/** What a queue is read by. */
export interface Reading {
  pause(): void;
  resume(): void;
}

/** Short beside the time in which a NAS expects its answer: so long a genuine packet may wait. */
const WINDOW_MS = 10;

export class ReadingPace {
  readonly #vainMax: number;
  readonly #paused = new Set<Reading>();
  #vain = 0;
  #window: NodeJS.Timeout | undefined;

  constructor({ vainPerSecondMax }: ReadingPaceOptions) {
    this.#vainMax = Math.ceil((vainPerSecondMax * WINDOW_MS) / 1000);
  }

  /** Says that a queue brought a datagram in vain. */
  noteVain(reading: Reading): void {
    this.#vain += 1;
    this.#window ??= setTimeout(() => this.#begin(), WINDOW_MS);
    if (this.#vain < this.#vainMax) return;
    reading.pause();
    this.#paused.add(reading);
  }

  close(): void {
    clearTimeout(this.#window);
    this.#paused.clear();
  }

  #begin(): void {
    this.#window = undefined;
    this.#vain = 0;
    for (const reading of this.#paused) reading.resume();
    this.#paused.clear();
  }
}

/** The part of a socket's inside that is asked for: node:dgram has no word of its own for it. */
interface SocketHandle {
  recvStart(): unknown;
  recvStop(): unknown;
}

/**
 * The reading of a socket; null where there is none now. Where its handle isn't found as Node keeps it today,
 * the socket is read as ever.
 */
export function readingOf(socket: () => Socket | null): Reading {
  return {
    pause: () => handleOf(socket())?.recvStop(),
    resume: () => handleOf(socket())?.recvStart(),
  };
}

/** Null for a closed one too. */
function handleOf(socket: Socket | null): SocketHandle | null {
  if (socket === null) return null;
  const inside = Object.getOwnPropertySymbols(socket).find(
    ({ description }) => description === 'state symbol',
  );
  const state: unknown = inside === undefined ? null : Reflect.get(socket, inside);
  const handle: unknown = hasKey(state, 'handle') ? state.handle : null;
  return hasKey(handle, 'recvStart') && hasKey(handle, 'recvStop')
    ? (handle as SocketHandle)
    : null;
}

function hasKey<Key extends string>(value: unknown, key: Key): value is Record<Key, unknown> {
  return typeof value === 'object' && value !== null && key in value;
}
