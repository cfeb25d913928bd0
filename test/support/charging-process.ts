/** Another process that charges over the same Redis. */
import { fork } from 'node:child_process';
import path from 'node:path';
import { afterAll } from 'vitest';
import type { ChargeOutcome } from '../../src/charging/charge-outcome.js';
import type { ChargeRequest } from '../../src/charging/charge-request.js';

const WORKER = path.resolve(import.meta.dirname, 'engine-worker.ts');

export interface ChargingProcess {
  charge(request: ChargeRequest): Promise<ChargeOutcome>;
}

interface Message {
  readonly ready?: true;
  readonly id?: number;
  readonly outcome?: ChargeOutcome;
  readonly error?: string;
}

const STOPS = new Set<() => Promise<void>>();
afterAll(async () => {
  await Promise.all([...STOPS].map((stop) => stop()));
  STOPS.clear();
});

/** Starts it and waits until it is connected; it ends with the test file. */
export async function startChargingProcess(
  url: string,
  keyPrefix: string,
): Promise<ChargingProcess> {
  const child = fork(WORKER, [url, keyPrefix], { execArgv: ['--import', 'tsx'] });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  STOPS.add(async () => {
    child.disconnect();
    await exited;
  });
  const waiting = new Map<number, (message: Message) => void>();
  const ready = new Promise<void>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the charging process ended with ${code}`)));
    child.on('message', (message: Message) => {
      if (message.ready === true) resolve();
      else waiting.get(message.id ?? -1)?.(message);
    });
  });
  await ready;
  let count = 0;
  return {
    charge: async (request) => {
      const id = (count += 1);
      const message = await new Promise<Message>((resolve) => {
        waiting.set(id, resolve);
        child.send({ id, request });
      });
      waiting.delete(id);
      if (message.outcome === undefined) throw new Error(message.error);
      return message.outcome;
    },
  };
}
