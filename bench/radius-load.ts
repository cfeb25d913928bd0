/**
 * Drives a RADIUS server with requests that were encoded before the clock started: so many at a time,
 * each slot with an identifier of its own, the next as soon as the one before is answered.
 */
import { createSocket, type Socket } from 'node:dgram';
import { percentile } from './median.js';

export interface LoadOptions {
  readonly port: number;
  /** Requests of each slot, in their order. Their identifier is the slot's number. */
  readonly slots: readonly (readonly Buffer[])[];
  /** The code that every reply must have. */
  readonly expectedCode: number;
}

export interface LoadResult {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly resent: number;
  /** Replies with another code. */
  readonly unexpected: number;
  /** The last reply of each slot. */
  readonly replies: readonly Buffer[];
}

export const SLOTS_MAX = 256;
/** A datagram may be lost where the machine is busy; the measured server pays for it. */
const RESEND_MS = 2_000;
const TRIES_MAX = 5;

/** @throws Error when a request was never answered. */
export async function runLoad({ port, slots, expectedCode }: LoadOptions): Promise<LoadResult> {
  if (slots.length > SLOTS_MAX) throw new RangeError(`at most ${SLOTS_MAX} slots`);
  const socket = await openSocket(port);
  const latencies: number[] = [];
  const replies = slots.map(() => Buffer.alloc(0));
  let resent = 0;
  let unexpected = 0;
  try {
    const startedAt = performance.now();
    await new Promise<void>((resolve, reject) => {
      const states = slots.map(() => ({ next: 0, sentAt: 0, tries: 0 }));
      let open = slots.length;
      const send = (slot: number): void => {
        const request = slots[slot]?.[states[slot]?.next ?? 0];
        if (request !== undefined) socket.send(request);
        else if ((open -= 1) === 0) finish();
      };
      const timer = setInterval(() => {
        const now = performance.now();
        for (const [slot, state] of states.entries()) {
          if (state.next >= (slots[slot]?.length ?? 0)) continue;
          if (now - state.sentAt < RESEND_MS * (state.tries + 1)) continue;
          state.tries += 1;
          resent += 1;
          if (state.tries >= TRIES_MAX) return finish(new Error(`slot ${slot} got no answer`));
          send(slot);
        }
      }, RESEND_MS / 4);
      const finish = (error?: Error): void => {
        clearInterval(timer);
        if (error === undefined) resolve();
        else reject(error);
      };
      socket.on('message', (reply) => {
        const slot = reply[1] ?? 0;
        const state = states[slot];
        if (state === undefined || state.next >= (slots[slot]?.length ?? 0)) return;
        const now = performance.now();
        latencies.push(now - state.sentAt);
        if (reply[0] !== expectedCode) unexpected += 1;
        replies[slot] = reply;
        state.next += 1;
        state.tries = 0;
        state.sentAt = now;
        send(slot);
      });
      for (const [slot, state] of states.entries()) {
        state.sentAt = performance.now();
        send(slot);
      }
    });
    const seconds = (performance.now() - startedAt) / 1_000;
    return {
      perSecond: latencies.length / seconds,
      p50Ms: percentile(latencies, 50),
      p99Ms: percentile(latencies, 99),
      resent,
      unexpected,
      replies,
    };
  } finally {
    await new Promise<void>((resolve) => socket.close(() => resolve()));
  }
}

/** Connected, with room for what a busy machine reads late. */
export async function openSocket(port: number): Promise<Socket> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 1 << 22, sendBufferSize: 1 << 22 });
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.connect(port, '127.0.0.1', resolve);
  });
  return socket;
}
