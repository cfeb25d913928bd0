/**
 * A NAS that isn't there: real RADIUS packets, PPPoE and hotspot sessions over many subscribers,
 * the faults that equipment is known for, a network that loses and doubles. It tells what happens
 * as it happens, counts what was used, and measures how long answers take.
 */
import { setMaxListeners } from 'node:events';
import { createHistogram, performance, type RecordableHistogram } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { packetCodeName } from '../../radius/packet-code.js';
import { SharedSecret } from '../../radius/shared-secret.js';
import { createRandomChoices, type RandomChoices } from '../gy-simulator/random-choices.js';
import { createDynamicPort, type DynamicPort } from './dynamic-port.js';
import { NasConnections } from './nas-connection.js';
import { NasPort, type NasReply, type NasRequest, type NasTransport } from './nas-port.js';
import { createNetwork } from './network.js';
import {
  SimulatedSession,
  type RequestKind,
  type SessionEnd,
  type SessionSurroundings,
  type SessionUsage,
} from './session.js';
import type { SimulatedTerms } from './session-terms.js';
import { createTakenOrders } from './taken-orders.js';
import {
  resolveTraffic,
  type RadiusSimulatorOptions,
  type ResolvedTraffic,
  type SimulatedSubscriber,
} from './traffic.js';

/** What happens, as it happens. */
export type RadiusSimulatorEvent =
  | {
      readonly type: 'answer';
      readonly acctSessionId: string;
      readonly request: RequestKind;
      readonly code: string;
      readonly latencyMs: number;
      readonly tries: number;
    }
  | {
      readonly type: 'unanswered';
      readonly acctSessionId: string;
      readonly request: RequestKind;
    }
  | {
      readonly type: 'session-started';
      readonly acctSessionId: string;
      readonly subscriber: SimulatedSubscriber;
    }
  | {
      readonly type: 'session-ended';
      readonly acctSessionId: string;
      readonly end: SessionEnd;
      readonly usage: SessionUsage;
      readonly terms: SimulatedTerms;
      readonly rejectMessage: string | null;
    }
  | {
      readonly type: 'steered';
      readonly acctSessionId: string;
      readonly kind: 'change' | 'disconnect';
      readonly refused: string | null;
    }
  | { readonly type: 'rebooted'; readonly bootMark: string };

export interface RadiusSimulatorDependencies {
  readonly onEvent?: (event: RadiusSimulatorEvent) => void;
}

/** What one session used, as the router counted it. */
export interface RadiusTallySession {
  readonly acctSessionId: string;
  readonly userName: string;
  readonly end: SessionEnd;
  /** False when nobody can say whether the last of the usage was told. */
  readonly certain: boolean;
  /** Totals that an answered report told. */
  readonly reported: SessionUsage;
  readonly used: SessionUsage;
}

export interface RadiusStatistics {
  readonly sessionsStarted: number;
  readonly sessionsEnded: Readonly<Record<string, number>>;
  readonly answers: Readonly<Record<string, number>>;
  readonly unanswered: number;
  readonly resent: number;
  /** Replies that were not genuine. */
  readonly badReplies: number;
  readonly latencyMs: {
    readonly p50: number;
    readonly p95: number;
    readonly p99: number;
    readonly max: number;
  };
}

export interface RadiusSimulation {
  readonly statistics: RadiusStatistics;
  readonly tally: readonly RadiusTallySession[];
}

export interface RadiusSimulator {
  /**
   * Takes steering requests from here on; resolves with where, or null where it takes none.
   * @throws the operating system's error.
   */
  listen(): Promise<{ readonly address: string; readonly port: number } | null>;
  /** Plays the sessions and closes. Listens first where that was not done. */
  run(): Promise<RadiusSimulation>;
  /** Ends: sessions stop, nothing new begins. `run` then resolves. */
  stop(): void;
  statistics(): RadiusStatistics;
}

/** Longest latency that is told apart: a minute, in microseconds. */
const LATENCY_US_MAX = 60_000_000;
const SERVICE_DIGITS = { pppoe: '81', hotspot: '80' } as const;

export function createRadiusSimulator(
  options: RadiusSimulatorOptions,
  dependencies: RadiusSimulatorDependencies = {},
): RadiusSimulator {
  return new Simulator(resolveTraffic(options), dependencies);
}

class Simulator implements RadiusSimulator {
  readonly #traffic: ResolvedTraffic;
  readonly #onEvent: (event: RadiusSimulatorEvent) => void;
  readonly #random: RandomChoices;
  readonly #secret: SharedSecret;
  readonly #port: NasTransport;
  readonly #dynamic: DynamicPort | null;
  readonly #live = new Map<string, SimulatedSession>();
  readonly #tally: RadiusTallySession[] = [];
  readonly #stop = new AbortController();
  readonly #latency: RecordableHistogram = createHistogram({
    lowest: 1,
    highest: LATENCY_US_MAX,
  });
  readonly #answers = new Map<string, number>();
  readonly #ends = new Map<string, number>();
  #started = 0;
  #unanswered = 0;
  #boot = 1;
  #sessionsSinceBoot = 0;
  #nextAddress = 1;
  #listening: Promise<{ readonly address: string; readonly port: number } | null> | null = null;

  constructor(traffic: ResolvedTraffic, { onEvent = () => {} }: RadiusSimulatorDependencies) {
    this.#traffic = traffic;
    this.#onEvent = onEvent;
    this.#random = createRandomChoices(traffic.seed);
    this.#secret = new SharedSecret(traffic.secret);
    const network = createNetwork(traffic.network, this.#random.fork(-1));
    const { servers, answerMs, tls, dynamicAuthorization, nasIdentifier } = traffic;
    const take = createTakenOrders(
      { nasIdentifier },
      {
        find: (acctSessionId) => this.#live.get(acctSessionId),
        onRequest: (request) => this.#onEvent({ type: 'steered', ...request }),
      },
    );
    this.#port =
      tls === null
        ? new NasPort({ secret: this.#secret, servers, answerMs }, network)
        : new NasConnections({ tls, servers, answerMs }, { take });
    this.#dynamic =
      dynamicAuthorization === null
        ? null
        : createDynamicPort({ ...dynamicAuthorization, secret: this.#secret }, { take });
    // Every session that thinks listens to it.
    setMaxListeners(0, this.#stop.signal);
  }

  listen(): Promise<{ readonly address: string; readonly port: number } | null> {
    this.#listening ??= this.#dynamic?.listen() ?? Promise.resolve(null);
    return this.#listening;
  }

  async run(): Promise<RadiusSimulation> {
    await this.listen();
    try {
      if (this.#traffic.sessionsPerSecond === null) await this.#closedLoop();
      else await this.#openLoop(this.#traffic.sessionsPerSecond);
    } finally {
      await this.#port.close();
      await this.#dynamic?.close();
    }
    return { statistics: this.statistics(), tally: this.#tally };
  }

  stop(): void {
    this.#stop.abort();
    for (const session of this.#live.values()) session.disconnect();
  }

  statistics(): RadiusStatistics {
    const percentile = (percent: number): number =>
      this.#latency.count === 0 ? 0 : this.#latency.percentile(percent) / 1_000;
    return {
      sessionsStarted: this.#started,
      sessionsEnded: Object.fromEntries(this.#ends),
      answers: Object.fromEntries(this.#answers),
      unanswered: this.#unanswered,
      resent: this.#port.resent,
      badReplies: this.#port.badReplies,
      latencyMs: {
        p50: percentile(50),
        p95: percentile(95),
        p99: percentile(99),
        max: this.#latency.count === 0 ? 0 : this.#latency.max / 1_000,
      },
    };
  }

  get #isOver(): boolean {
    const { sessions } = this.#traffic;
    return this.#stop.signal.aborted || (sessions !== null && this.#started >= sessions);
  }

  async #closedLoop(): Promise<void> {
    const worker = async (): Promise<void> => {
      while (!this.#isOver) await this.#play(performance.now());
    };
    await Promise.all(Array.from({ length: this.#traffic.concurrent }, worker));
  }

  /** Logins are due at a steady pace, whatever became of those before. */
  async #openLoop(perSecond: number): Promise<void> {
    const running = new Set<Promise<void>>();
    const beganAt = performance.now();
    for (let n = 0; !this.#isOver; n += 1) {
      const dueAt = beganAt + (n * 1_000) / perSecond;
      const aheadMs = dueAt - performance.now();
      if (aheadMs > 1) await this.#pause(aheadMs);
      if (this.#isOver) break;
      const session = this.#play(dueAt).finally(() => running.delete(session));
      running.add(session);
    }
    await Promise.all(running);
  }

  async #pause(milliseconds: number): Promise<void> {
    if (milliseconds <= 0) return;
    await sleep(milliseconds, undefined, { signal: this.#stop.signal }).catch(() => undefined);
  }

  /** Plays one session, whose login was due at `dueAt`. */
  async #play(dueAt: number): Promise<void> {
    const index = this.#started;
    this.#started += 1;
    this.#rebootIfDue();
    const { subscribers } = this.#traffic;
    const subscriber = subscribers[index % subscribers.length];
    if (subscriber === undefined) throw new RangeError('a NAS without subscribers');
    const acctSessionId = this.#nextSessionId(subscriber);
    const session = this.#createSession(subscriber, acctSessionId, { index, dueAt });
    this.#live.set(acctSessionId, session);
    this.#onEvent({ type: 'session-started', acctSessionId, subscriber });
    const end = await session.run();
    if (this.#live.get(acctSessionId) === session) this.#live.delete(acctSessionId);
    this.#settle(session, end);
  }

  #settle(session: SimulatedSession, end: SessionEnd): void {
    const { acctSessionId, subscriber } = session.place;
    const { usage, terms, rejectMessage, reported, uncertain } = session;
    this.#ends.set(end, (this.#ends.get(end) ?? 0) + 1);
    this.#tally.push({
      acctSessionId,
      userName: subscriber.userName,
      end,
      certain: !uncertain && reported.seconds === usage.seconds,
      reported,
      used: usage,
    });
    this.#onEvent({ type: 'session-ended', acctSessionId, end, usage, terms, rejectMessage });
  }

  #createSession(
    subscriber: SimulatedSubscriber,
    acctSessionId: string,
    { index, dueAt }: { readonly index: number; readonly dueAt: number },
  ): SimulatedSession {
    const random = this.#random.fork(index);
    let from: number | null = dueAt;
    const surroundings: SessionSurroundings = {
      traffic: this.#traffic,
      random,
      takeAddress: () => this.#takeAddress(),
      think: () => this.#pause(random.within(this.#traffic.thinkMs)),
      stopping: () => this.#stop.signal.aborted,
      ask: async (request, kind) => {
        // The first request of a session was due before it could be sent.
        const startedAt = from ?? performance.now();
        from = null;
        return this.#ask(request, { acctSessionId, kind, startedAt });
      },
    };
    const { nasIdentifier, nasAddress } = this.#traffic;
    const place = { subscriber, acctSessionId, nasIdentifier, nasAddress };
    return new SimulatedSession(place, surroundings);
  }

  async #ask(
    request: NasRequest,
    of: { readonly acctSessionId: string; readonly kind: RequestKind; readonly startedAt: number },
  ): Promise<NasReply | null> {
    const reply = await this.#port.ask(request);
    const { acctSessionId, kind } = of;
    if (reply === null) {
      this.#unanswered += 1;
      this.#onEvent({ type: 'unanswered', acctSessionId, request: kind });
      return null;
    }
    const latencyMs = performance.now() - of.startedAt;
    this.#latency.record(Math.min(LATENCY_US_MAX, Math.max(1, Math.round(latencyMs * 1_000))));
    const code = packetCodeName(reply.packet.code);
    this.#answers.set(code, (this.#answers.get(code) ?? 0) + 1);
    const { tries } = reply;
    this.#onEvent({ type: 'answer', acctSessionId, request: kind, code, latencyMs, tries });
    return reply;
  }

  #takeAddress(): string {
    const n = this.#nextAddress;
    this.#nextAddress += 1;
    return `10.${(n >>> 16) & 0xff}.${(n >>> 8) & 0xff}.${n & 0xff}`;
  }

  #nextSessionId({ service }: SimulatedSubscriber): string {
    this.#sessionsSinceBoot += 1;
    const counter = this.#sessionsSinceBoot.toString(16).padStart(5, '0');
    return `${SERVICE_DIGITS[service]}${this.#boot.toString(16)}${counter}`;
  }

  #rebootIfDue(): void {
    const { rebootAfterSessions } = this.#traffic.faults;
    if (rebootAfterSessions === null || this.#sessionsSinceBoot < rebootAfterSessions) return;
    for (const session of this.#live.values()) session.reboot();
    this.#live.clear();
    this.#boot = (this.#boot + 1) % 16;
    this.#sessionsSinceBoot = 0;
    this.#onEvent({ type: 'rebooted', bootMark: this.#boot.toString(16) });
  }
}
