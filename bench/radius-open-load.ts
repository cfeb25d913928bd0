/**
 * Drives a RADIUS server with requests that leave on schedule, answered or not: a latency counts from
 * the moment at which its request was to leave, so that a server which stands still pays for all that
 * came meanwhile.
 */
import { percentile } from './median.js';
import { openSocket } from './radius-load.js';

/** Identifiers of one socket. */
export const LANES_PER_SOCKET = 256;

export interface OpenLoadOptions {
  readonly port: number;
  readonly perSecond: number;
  /**
   * The requests of each lane, in their order; a lane has one on its way at a time, and they take turns.
   * The identifier of lane n is n modulo {@link LANES_PER_SOCKET}.
   */
  readonly lanes: readonly (readonly Buffer[])[];
  /** The code that every reply must have. */
  readonly expectedCode: number;
}

export interface OpenLoadResult {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  readonly resent: number;
  /** Replies with another code. */
  readonly unexpected: number;
}

/** How often the schedule is looked at. */
const TICK_MS = 1;
/** As long as a NAS waits, about. */
const RESEND_MS = 2_000;
/** A server that has answered nothing for so long has given up. */
const SILENT_MS = 15_000;

interface Lane {
  /** Requests that were answered. */
  answered: number;
  /** When each request that waits was to leave, the one on its way first. */
  readonly due: number[];
  sentAt: number;
}

/** @throws Error when a request was never answered. */
export async function runOpenLoad(options: OpenLoadOptions): Promise<OpenLoadResult> {
  const { port, perSecond, expectedCode } = options;
  const count = options.lanes.length;
  const sockets = await Promise.all(
    Array.from({ length: Math.ceil(count / LANES_PER_SOCKET) }, () => openSocket(port)),
  );
  const total = options.lanes.reduce((sum, requests) => sum + requests.length, 0);
  const lanes = options.lanes.map((): Lane => ({ answered: 0, due: [], sentAt: 0 }));
  const latencies: number[] = [];
  let [resent, unexpected, scheduled] = [0, 0, 0];

  const send = (index: number): void => {
    const lane = lanes[index];
    const request = lane === undefined ? undefined : options.lanes[index]?.[lane.answered];
    if (lane === undefined || request === undefined) return;
    lane.sentAt = performance.now();
    sockets[Math.floor(index / LANES_PER_SOCKET)]?.send(request);
  };
  try {
    const startedAt = performance.now();
    let answeredAt = startedAt;
    await new Promise<void>((resolve, reject) => {
      const schedule = setInterval(() => {
        const until = Math.min(total, ((performance.now() - startedAt) * perSecond) / 1_000);
        for (; scheduled < until; scheduled += 1) {
          const lane = lanes[scheduled % count];
          if (lane?.due.push(startedAt + (scheduled * 1_000) / perSecond) === 1) {
            send(scheduled % count);
          }
        }
      }, TICK_MS);
      const resends = setInterval(() => {
        const now = performance.now();
        if (now - answeredAt > SILENT_MS) return finish(new Error('no answers any more'));
        for (const [index, lane] of lanes.entries()) {
          if (lane.due.length === 0 || now - lane.sentAt < RESEND_MS) continue;
          resent += 1;
          send(index);
        }
      }, RESEND_MS / 10);
      const finish = (error?: Error): void => {
        clearInterval(schedule);
        clearInterval(resends);
        if (error === undefined) resolve();
        else reject(error);
      };
      for (const [at, socket] of sockets.entries()) {
        socket.on('message', (reply) => {
          const index = at * LANES_PER_SOCKET + (reply[1] ?? 0);
          const lane = lanes[index];
          const due = lane?.due.shift();
          if (lane === undefined || due === undefined) return;
          answeredAt = performance.now();
          latencies.push(answeredAt - due);
          if (reply[0] !== expectedCode) unexpected += 1;
          lane.answered += 1;
          if (lane.due.length > 0) send(index);
          else if (latencies.length === total) finish();
        });
      }
    });
    return {
      perSecond: (latencies.length * 1_000) / (performance.now() - startedAt),
      p50Ms: percentile(latencies, 50),
      p95Ms: percentile(latencies, 95),
      p99Ms: percentile(latencies, 99),
      maxMs: percentile(latencies, 100),
      resent,
      unexpected,
    };
  } finally {
    await Promise.all(
      sockets.map((socket) => new Promise<void>((resolve) => socket.close(() => resolve()))),
    );
  }
}
