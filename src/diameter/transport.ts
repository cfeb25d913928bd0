/**
 * Messages over a socket, both ways, within limits: whole messages come in one at a time and only
 * while there is room for their answers, and what is written in one turn leaves in one write.
 */
import type { Socket } from 'node:net';
import { Framer } from './framing.js';
import type { DiameterLimits } from './limits.js';
import { MessageWriter } from './message-writer.js';

export interface TransportEvents {
  readonly message: (message: Buffer) => void;
  /** The stream can't be followed any more; `header` is what stands where a message would. */
  readonly broken: (header: Buffer, resultCode: number) => void;
  /** The peer has taken nothing for too long. */
  readonly stalled: () => void;
  readonly closed: () => void;
}

export class Transport {
  readonly #limits: DiameterLimits;
  readonly #socket: Socket;
  readonly #events: TransportEvents;
  readonly #framer: Framer;
  readonly #writer = new MessageWriter();
  #heardAtMs = performance.now();
  #inFlight = 0;
  #held = false;
  #pumping = false;
  #ended = false;
  #flushScheduled = false;
  #failure: Error | null = null;
  #stallTimer: NodeJS.Timeout | undefined;

  constructor(limits: DiameterLimits, socket: Socket, events: TransportEvents) {
    this.#limits = limits;
    this.#socket = socket;
    this.#events = events;
    this.#framer = new Framer(limits);
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('drain', () => this.#drained());
    socket.on('error', (error) => {
      this.#failure = error;
    });
    socket.on('close', () => {
      clearTimeout(this.#stallTimer);
      this.#ended = true;
      events.closed();
    });
  }

  /**
   * When a whole message was read last, by the process' monotonic clock: octets that never become
   * one are no sign of life. Or when reading went on after it was held.
   */
  get heardAtMs(): number {
    return this.#heardAtMs;
  }

  /** Nothing is read at present: too much waits to be answered, or to be taken. */
  get held(): boolean {
    return this.#held;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** What broke the connection; null while nothing has. */
  get failure(): Error | null {
    return this.#failure;
  }

  get remoteAddress(): string {
    return plainAddress(this.#socket.remoteAddress);
  }

  get localAddress(): string {
    return plainAddress(this.#socket.localAddress);
  }

  /** Calls back when the other side has accepted the connection, over TLS if it is one. */
  whenReady(ready: () => void): void {
    this.#socket.once('ready', ready);
  }

  /** Writes messages; they leave together at the end of this turn. */
  send(write: (writer: MessageWriter) => void): void {
    if (this.#ended) return;
    write(this.#writer);
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    // After the microtasks of this turn: every answer that they bring leaves in the same write.
    process.nextTick(() => this.#flush());
  }

  /** A request was taken whose answer comes later. */
  requestStarted(): void {
    this.#inFlight += 1;
  }

  /** It was answered, or given up. Reading goes on when half of the room is free again. */
  requestFinished(): void {
    this.#inFlight -= 1;
    if (this.#inFlight * 2 <= this.#limits.inFlightPerConnectionMax) this.#release();
  }

  /** Sends what is written and closes our side; the rest is cut off after `lingerMs`. */
  end(lingerMs: number): void {
    if (this.#ended) return;
    this.#flush();
    this.#ended = true;
    // Reading on, to no purpose but to see the other side close.
    this.#socket.resume();
    this.#socket.end();
    const timer = setTimeout(() => this.#socket.destroy(), lingerMs);
    this.#socket.once('close', () => clearTimeout(timer));
  }

  /** Cuts the connection. */
  destroy(): void {
    this.#ended = true;
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    if (this.#ended) return;
    this.#framer.push(chunk);
    this.#pump();
  }

  /** Hands out messages as long as their answers have room. */
  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    while (!this.#ended && !this.#isFull()) {
      const frame = this.#framer.next();
      if (frame === null) break;
      this.#heardAtMs = performance.now();
      if (frame.kind === 'message') this.#events.message(frame.message);
      else this.#events.broken(frame.header, frame.resultCode);
    }
    this.#pumping = false;
    if (this.#ended) return;
    if (this.#held) this.#socket.pause();
    else if (this.#socket.isPaused()) this.#socket.resume();
  }

  #isFull(): boolean {
    const { inFlightPerConnectionMax, outputBufferedMax } = this.#limits;
    const full =
      this.#inFlight >= inFlightPerConnectionMax || this.#socket.writableLength > outputBufferedMax;
    if (full) this.#held = true;
    return full;
  }

  #release(): void {
    if (!this.#held) return;
    this.#held = false;
    this.#heardAtMs = performance.now();
    this.#pump();
  }

  #flush(): void {
    this.#flushScheduled = false;
    if (this.#writer.pending === 0 || this.#socket.destroyed) return;
    const taken = this.#socket.write(this.#writer.take());
    // Answers to a peer that doesn't take them would only pile up.
    if (!taken && this.#stallTimer === undefined) {
      this.#stallTimer = setTimeout(() => this.#events.stalled(), this.#limits.outputStalledMs);
    }
  }

  #drained(): void {
    clearTimeout(this.#stallTimer);
    this.#stallTimer = undefined;
    if (this.#inFlight < this.#limits.inFlightPerConnectionMax) this.#release();
  }
}

/** IPv4 as it is written, also where a socket of both families says "::ffff:192.0.2.1". */
function plainAddress(address: string | undefined): string {
  return (address ?? '').replace(/^::ffff:/, '');
}
