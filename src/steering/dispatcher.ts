/**
 * Finds tasks of steering that are due and has them sent by whoever reaches the gateway: this
 * process, another one, or for now nobody (docs/steering.md).
 */
import { setTimeout } from 'node:timers/promises';
import { announceReach, withdrawReach } from '../charging/reach-registry.js';
import { findNetworkRoute } from '../charging/network-sessions.js';
import { findRoute } from '../charging/routing.js';
import {
  claimSteering,
  concludeSteering,
  dropSteering,
  dueSteering,
  raiseSteering,
  subjectOf,
  type DueSteering,
  type SteeringSubject,
} from '../charging/steering.js';
import type { Engine } from '../charging/engine.js';
import type { SteeringResult, SteeringSender, SteeringSenders } from '../domain/steering.js';
import type { Logger } from '../observability/logger.js';
import type { Metrics } from '../observability/metrics.js';
import { conclusionOf, type RetryOptions } from './conclusion.js';
import { createSteeringMetrics } from './metrics.js';

export interface SteeringOptions extends RetryOptions {
  /** Name of this process among those that share the Redis. */
  readonly node: string;
  readonly partitions: number;
  /** How often tasks are looked for that no signal told of, and the others are told of our ways. */
  readonly intervalMs: number;
  /** How long a claimed task is this process' own: longer than any attempt takes. */
  readonly leaseMs: number;
  /** Attempts under way at one time. */
  readonly inFlightMax: number;
}

/** An account's open sessions as the record has them, and up to which of its events. */
export interface LiveSessions {
  readonly sequence: number;
  readonly sessionIds: readonly string[];
}

export interface SteeringDependencies {
  readonly engine: Engine;
  readonly senders: SteeringSenders;
  readonly liveSessions: (accountId: string) => Promise<LiveSessions>;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly clock: () => number;
}

export interface SteeringDispatcher {
  start(): void;
  /** Looks at a partition at once. */
  wake(partition: number): void;
  /** One round over all partitions; resolves when all that was due then is done. */
  runOnce(): Promise<void>;
  /** Claims nothing more; resolves when what is under way is done, or after `graceMs`. */
  stop(options: { readonly graceMs: number }): Promise<void>;
}

const PAGE = 200;
/** A process says its ways once an interval; three missed ones are silence. */
const SILENT_INTERVALS = 3;
/** How long an account's task waits for the record to know all sessions, at first and at most. */
const RECORD_WAIT_MS = 100;
const RECORD_WAIT_MAX_MS = 5_000;

export function createSteeringDispatcher(
  options: SteeringOptions,
  dependencies: SteeringDependencies,
): SteeringDispatcher {
  const { engine, senders, liveSessions, logger, clock } = dependencies;
  const metrics = createSteeringMetrics(dependencies.metrics);
  const stopping = new AbortController();
  const underWay = new Map<string, Promise<void>>();
  const woken = new Set<number>();
  /** Partitions with tasks that had to wait for one under way. */
  const skipped = new Set<number>();
  /** Tasks left to other processes: looked at again when all have said anew what they reach. */
  const left = new Set<string>();
  let wakeUp: () => void = () => undefined;
  let elsewhere: ReadonlySet<string> = new Set();
  let running: Promise<void> = Promise.resolve();

  async function announce(): Promise<void> {
    left.clear();
    const ways = Object.values(senders).flatMap((sender: SteeringSender) => sender.reach());
    const aliveMs = SILENT_INTERVALS * options.intervalMs;
    elsewhere = await announceReach(engine, {
      node: options.node,
      ways: [...new Set(ways)],
      aliveMs,
    });
  }

  /** Begins all that is due in a partition, as far as there is room. */
  async function look(partition: number): Promise<void> {
    const now = clock();
    for (let offset = 0; !stopping.signal.aborted; offset += PAGE) {
      const due = await dueSteering(engine, partition, { now, offset, countMax: PAGE });
      for (const task of due) {
        if (underWay.size >= options.inFlightMax) {
          skipped.add(partition);
          return;
        }
        begin(task);
      }
      if (due.length < PAGE) return;
    }
  }

  function begin(task: DueSteering): void {
    const name = nameOf(task);
    if (left.has(name)) return;
    if (underWay.has(name)) {
      skipped.add(task.partition);
      return;
    }
    const done = handle(task)
      .catch((error: unknown) => {
        logger.warn(
          { err: error, partition: task.partition },
          'steering failed; it is tried again',
        );
      })
      .finally(() => {
        underWay.delete(name);
        for (const partition of skipped) wake(partition);
        skipped.clear();
      });
    underWay.set(name, done);
  }

  function wake(partition: number): void {
    woken.add(partition);
    wakeUp();
  }

  async function handle(task: DueSteering): Promise<void> {
    const subject = await subjectOf(engine, task);
    if (subject === null) await dropSteering(engine, task);
    else if (subject.sessionId === null) await spread(subject);
    else if ((await steer(subject, subject.sessionId)) === 'left') left.add(nameOf(task));
  }

  /** Gives an account's task to each of its sessions, once the record knows them all. */
  async function spread(subject: SteeringSubject): Promise<void> {
    const claimed = await claimSteering(engine, subject, options);
    if (claimed === null) return;
    const { kind, reason, attempt } = claimed;
    const waitMs = Math.min(RECORD_WAIT_MS * attempt, RECORD_WAIT_MAX_MS);
    let againMs: number | null = waitMs;
    try {
      const live = await liveSessions(subject.accountId);
      if (live.sequence >= claimed.after) {
        for (const sessionId of live.sessionIds) {
          await raiseSteering(engine, { ...subject, sessionId }, { kind, reason });
        }
        againMs = null;
      }
    } finally {
      await concludeSteering(engine, claimed, { outcome: 'accepted', detail: null, againMs });
    }
  }

  /** Sends what we reach; leaves what another process reaches, or speaks the protocol of. */
  async function steer(subject: SteeringSubject, sessionId: string): Promise<'done' | 'left'> {
    const route =
      (await findRoute(engine, sessionId)) ??
      (await findNetworkRoute(engine, subject.partition, sessionId));
    const sender = route === null ? undefined : senders[route.protocol];
    if (route !== null && sender === undefined) return 'left';
    const ways = route === null ? [] : (sender?.ways(route) ?? []);
    const ours = new Set(sender?.reach());
    const isOurs = ways.some((way) => ours.has(way));
    if (!isOurs && ways.some((way) => elsewhere.has(way))) return 'left';
    const claimed = await claimSteering(engine, subject, options);
    if (claimed === null) return 'done';
    const { kind, reason, attempt } = claimed;
    const result: SteeringResult =
      isOurs && sender !== undefined && route !== null
        ? await sender.send({ kind, reason, attempt, sessionId, route })
        : { outcome: 'unreachable' };
    metrics.attempts.inc({ protocol: route?.protocol ?? 'unknown', kind, outcome: result.outcome });
    await concludeSteering(engine, claimed, conclusionOf(result, attempt, options));
    return 'done';
  }

  async function runOnce(): Promise<void> {
    await announce();
    for (let partition = 0; partition < options.partitions; partition += 1) await look(partition);
    await Promise.all(underWay.values());
  }

  async function loop(): Promise<void> {
    let lookedAt = -Infinity;
    while (!stopping.signal.aborted) {
      try {
        if (clock() - lookedAt >= options.intervalMs) {
          lookedAt = clock();
          await announce();
          for (let each = 0; each < options.partitions; each += 1) woken.add(each);
        }
        for (const partition of [...woken]) {
          woken.delete(partition);
          await look(partition);
        }
      } catch (error) {
        logger.warn({ err: error }, 'steering not looked for; it is tried again');
      }
      if (woken.size === 0) await untilWoken();
    }
  }

  async function untilWoken(): Promise<void> {
    const pause = new AbortController();
    const signal = AbortSignal.any([pause.signal, stopping.signal]);
    const signalled = new Promise<void>((resolve) => (wakeUp = resolve));
    await Promise.race([
      signalled,
      setTimeout(options.intervalMs, undefined, { signal }).catch(() => undefined),
    ]);
    pause.abort();
  }

  return {
    start: () => {
      running = loop();
    },
    wake,
    runOnce,
    stop: async ({ graceMs }) => {
      stopping.abort();
      wakeUp();
      await running;
      const late = new AbortController();
      await Promise.race([
        Promise.all(underWay.values()),
        setTimeout(graceMs, undefined, { signal: late.signal }).catch(() => undefined),
      ]);
      late.abort();
      await withdrawReach(engine, options.node).catch(() => undefined);
    },
  };
}

function nameOf({ partition, member }: DueSteering): string {
  return `${partition} ${member}`;
}
