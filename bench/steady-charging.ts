/** Accounts with a bucket and a session each, and charges of them that come whatever the answers do. */
import { setTimeout as sleep } from 'node:timers/promises';
import { charge } from '../src/charging/charge.js';
import type { Engine } from '../src/charging/engine.js';
import { partitionOf } from '../src/charging/keys.js';
import { creditAccount, provisionAccount } from '../src/charging/provisioning.js';
import { newBucket } from '../test/support/charge-requests.js';
import {
  accountIdOf,
  chargeRequest,
  PARTITIONS,
  sessionIdOf,
  STAMP,
  UNITS_PER_REQUEST,
} from './charge-workload.js';

/** Charges at a steady rate; a charge's time counts from when it was due. */
export class SteadyCharging {
  readonly #engine: Engine;
  readonly #accounts: number;
  readonly #intervalMs: number;
  readonly #pending = new Set<Promise<void>>();
  #latencies: number[] = [];
  #sent = 0;
  #isStopping = false;
  #loop: Promise<void> | null = null;
  /** Charges that had their effect. */
  answered = 0;
  /** Those that had another outcome than an answer of their own, or none. */
  errors = 0;

  /** @param options.rate charges per second, whatever becomes of the ones before. */
  constructor(
    options: { readonly accounts: number; readonly rate: number },
    { engine }: { readonly engine: Engine },
  ) {
    this.#engine = engine;
    this.#accounts = options.accounts;
    this.#intervalMs = 1_000 / options.rate;
  }

  /** Also after it was stopped: it goes on with the next charge. */
  start(): void {
    this.#isStopping = false;
    this.#loop = this.#run();
  }

  /** Latencies of the charges answered since the last call, in ms. */
  takeLatencies(): readonly number[] {
    const taken = this.#latencies;
    this.#latencies = [];
    return taken;
  }

  /** Waits for all that are under way. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#loop;
    await Promise.all(this.#pending);
  }

  async #run(): Promise<void> {
    const startedAt = performance.now() - this.#sent * this.#intervalMs;
    while (!this.#isStopping) {
      for (;;) {
        const dueAt = startedAt + this.#sent * this.#intervalMs;
        if (dueAt > performance.now()) break;
        const pending = this.#charge(this.#sent, dueAt);
        this.#pending.add(pending);
        void pending.finally(() => this.#pending.delete(pending));
        this.#sent += 1;
      }
      await sleep(1);
    }
  }

  async #charge(cursor: number, dueAt: number): Promise<void> {
    const account = cursor % this.#accounts;
    const number = 1 + Math.floor(cursor / this.#accounts);
    try {
      const request = requestOf(account, { number, phase: 'update', used: UNITS_PER_REQUEST });
      const outcome = await charge(this.#engine, request);
      if (outcome.kind === 'answered' && !outcome.repeated) this.answered += 1;
      else this.errors += 1;
    } catch {
      this.errors += 1;
    }
    this.#latencies.push(performance.now() - dueAt);
  }
}

function requestOf(
  account: number,
  options: { readonly number: number; readonly phase: 'initial' | 'update'; readonly used: number },
): ReturnType<typeof chargeRequest> {
  const sessionId = sessionIdOf(account);
  return chargeRequest({ account, sessionId, services: 1, want: UNITS_PER_REQUEST, ...options });
}

/** Brings an account with one bucket and a session into being, all of which the record will hear of. */
export async function openAccount(engine: Engine, index: number): Promise<void> {
  const accountId = accountIdOf(index);
  const account = { partition: partitionOf(accountId, PARTITIONS), accountId, stamp: STAMP };
  await provisionAccount(engine, { ...account, standing: 'active', profileVersion: 1 });
  const bucket = newBucket('data', 'octets', 1e14, { createdAt: Date.now() });
  await creditAccount(engine, {
    ...account,
    intentNumber: 1,
    intentId: `grant of ${accountId}`,
    kind: 'grant',
    reason: null,
    operations: [{ operation: 'grant', bucket }],
  });
  const opened = await charge(engine, requestOf(index, { number: 0, phase: 'initial', used: 0 }));
  if (opened.kind !== 'answered') throw new Error(`no session was opened: ${opened.kind}`);
}
