/** Floods a server of the test from a process of its own (flooder.ts). */
import { fork } from 'node:child_process';
import path from 'node:path';

export interface FloodDatagram {
  /** Hex digits. */
  readonly octets: string;
  readonly port: number;
  /** Which of the sources sends it; by turns when absent. */
  readonly source?: number;
}

export interface FloodOrder {
  /** Addresses of loopback to send from. */
  readonly sources: readonly string[];
  readonly datagrams: readonly FloodDatagram[];
  /** Datagrams in a row, before the server's process is asked for leave. */
  readonly burst: number;
}

export interface FloodRun {
  /** Datagrams sent. */
  readonly sent: number;
  /** Answers that came back. */
  readonly heard: number;
}

interface Message {
  readonly sent?: number;
  readonly heard?: true;
}

const FLOODER = path.resolve(import.meta.dirname, 'flooder.ts');

/** Floods for as long as `work` lasts, and until `sentMin` datagrams were sent. */
export async function underFlood<T>(
  order: FloodOrder,
  sentMin: number,
  work: () => Promise<T>,
): Promise<{ readonly result: T; readonly flood: FloodRun }> {
  const child = fork(FLOODER, { execArgv: ['--import', 'tsx'] });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const run = { sent: 0, heard: 0 };
  let isOver = false;
  let onSent = (): void => undefined;
  let onExit = (_error: Error): void => undefined;
  /** Resolves with the next burst of which that holds. */
  const burst = (holds: () => boolean): Promise<void> =>
    new Promise((resolve, reject) => {
      if (!child.connected) reject(new Error('the flooder is gone'));
      onSent = () => {
        if (holds()) resolve();
      };
      onExit = reject;
    });
  child.once('exit', (code) => onExit(new Error(`the flooder ended with ${code}`)));
  child.on('message', ({ sent = 0, heard }: Message) => {
    run.sent += sent;
    if (heard === true) run.heard += 1;
    if (sent === 0) return;
    onSent();
    if (!isOver || run.sent < sentMin) child.send({ more: true });
  });
  const began = burst(() => true);
  child.send(order);
  try {
    await began;
    const result = await work();
    const ended = burst(() => run.sent >= sentMin);
    isOver = true;
    await ended;
    return { result, flood: run };
  } finally {
    if (child.connected) child.disconnect();
    await exited;
  }
}
