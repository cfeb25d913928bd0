/**
 * A gateway that isn't there: real Diameter connections, sessions with think time over many
 * subscribers, retransmissions, answers to RAR and ASR. It tells what happens as it happens, for a
 * person to watch, counts what it used, and measures how long answers take.
 */
import { setMaxListeners } from 'node:events';
import { createHistogram, performance, type RecordableHistogram } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { ResultCode } from '../../diameter/generated/enumerations.js';
import type { ReceivedServerRequest } from '../../diameter/messages/server-initiated.js';
import type { Logger } from '../../observability/logger.js';
import type { SimulatedAnswer } from './answers.js';
import { Gateway, isTurnedAway, UnansweredError } from './gateway.js';
import { createRandomChoices, type RandomChoices } from './random-choices.js';
import type { SimulatedRequest } from './requests.js';
import { SimulatedSession, type SessionEnd, type SessionSurroundings } from './session.js';
import { Tally, type TallyPrice, type TallySession } from './tally.js';
import {
  resolveTraffic,
  type GySimulatorOptions,
  type ResolvedTraffic,
  type SimulatedSubscriber,
  type SimulatedTraffic,
} from './traffic.js';

/** What happens, as it happens. */
export type SimulatorEvent =
  | { readonly type: 'connected'; readonly node: string }
  | { readonly type: 'disconnected'; readonly node: string; readonly reason: string }
  | {
      readonly type: 'session-started';
      readonly sessionId: string;
      readonly kind: SimulatedTraffic['kind'];
      readonly subscriber: SimulatedSubscriber;
    }
  | { readonly type: 'request'; readonly request: SimulatedRequest }
  | {
      readonly type: 'answer';
      readonly request: SimulatedRequest;
      readonly answer: SimulatedAnswer;
      readonly latencyMs: number;
      readonly tries: number;
    }
  | { readonly type: 'unanswered'; readonly request: SimulatedRequest }
  /** The same request, sent again, was answered differently. */
  | {
      readonly type: 'repeat-mismatch';
      readonly request: SimulatedRequest;
      readonly first: SimulatedAnswer;
      readonly second: SimulatedAnswer;
    }
  | {
      readonly type: 'server-request';
      readonly command: 're-auth' | 'abort-session';
      readonly sessionId: string;
      readonly known: boolean;
    }
  | { readonly type: 'session-ended'; readonly sessionId: string; readonly end: SessionEnd };

export interface GySimulatorDependencies {
  readonly logger: Logger;
  readonly onEvent?: (event: SimulatorEvent) => void;
  /** Prices for the tally: what the sessions must have cost. */
  readonly prices?: readonly TallyPrice[];
  /** Called before a session begins, with the subscriber's number: a place for top-ups. */
  readonly beforeSession?: (subscriber: SimulatedSubscriber, index: number) => Promise<void>;
}

export interface SimulatorStatistics {
  readonly sessionsStarted: number;
  readonly sessionsEnded: Readonly<Record<SessionEnd, number>>;
  readonly requests: number;
  readonly answers: number;
  readonly unanswered: number;
  readonly retransmitted: number;
  readonly repeatMismatches: number;
  /** Answers that were not well formed. */
  readonly malformed: number;
  /** Answers by Result-Code of the command. */
  readonly results: Readonly<Record<string, number>>;
  readonly latencyMs: {
    readonly p50: number;
    readonly p95: number;
    readonly p99: number;
    readonly max: number;
  };
}

export interface SimulationResult {
  readonly statistics: SimulatorStatistics;
  readonly tally: readonly TallySession[];
}

export interface GySimulator {
  /**
   * Connects, plays the sessions, disconnects.
   * @throws ConnectionError when a node can't be connected to at the start.
   */
  run(): Promise<SimulationResult>;
  /** Ends: sessions report and terminate, nothing new begins. `run` then resolves. */
  stop(): void;
  statistics(): SimulatorStatistics;
  tally(): readonly TallySession[];
}

/** Every way in which a session ends. */
export const SESSION_ENDS: readonly SessionEnd[] = [
  'finished',
  'refused',
  'out-of-credit',
  'final-units',
  'aborted',
  'stopped',
  'unanswered',
];

/** Longest latency that is told apart: a minute, in microseconds. */
const LATENCY_US_MAX = 60_000_000;

export function createGySimulator(
  options: GySimulatorOptions,
  { logger, onEvent = () => {}, prices, beforeSession }: GySimulatorDependencies,
): GySimulator {
  const traffic: ResolvedTraffic = resolveTraffic(options);
  const random = createRandomChoices(traffic.seed);
  const tally = new Tally(prices);
  const counters = createCounters();
  const sessions = new Map<string, { session: SimulatedSession; wake: () => void }>();
  const stopSignal = new AbortController();
  // Every session that thinks listens to it.
  setMaxListeners(0, stopSignal.signal);
  // Session-Ids of two runs never meet [RFC 6733 8.8].
  const startedAt = Math.floor(Date.now() / 1000);
  const gateway = new Gateway(traffic, {
    identity: {
      host: traffic.originHost,
      realm: traffic.originRealm,
      originStateId: startedAt,
    },
    logger,
    serverRequest,
    changed: (node, open, reason) =>
      onEvent(
        open
          ? { type: 'connected', node }
          : { type: 'disconnected', node, reason: reason ?? 'closed' },
      ),
  });

  function serverRequest({ command, sessionId }: ReceivedServerRequest): number {
    const running = sessions.get(sessionId);
    onEvent({ type: 'server-request', command, sessionId, known: running !== undefined });
    if (running === undefined) return ResultCode.DIAMETER_UNKNOWN_SESSION_ID;
    if (command === 're-auth') running.session.reAuthorise();
    else running.session.abort();
    running.wake();
    return ResultCode.DIAMETER_SUCCESS;
  }

  async function run(): Promise<SimulationResult> {
    await gateway.open();
    if (traffic.sessionsPerSecond === null) await playConcurrently();
    else await playOnSchedule(traffic.sessionsPerSecond);
    await gateway.close();
    return { statistics: counters.statistics(), tally: tally.sessions() };
  }

  /** So many sessions at once: the next begins where one ends. */
  async function playConcurrently(): Promise<void> {
    let next = 0;
    const lane = async (): Promise<void> => {
      while (!stopSignal.signal.aborted && (traffic.sessions === null || next < traffic.sessions)) {
        const index = next;
        next += 1;
        await play(index, performance.now());
      }
    };
    await Promise.all(Array.from({ length: traffic.concurrent }, lane));
  }

  /** Sessions begin on time, however late the answers to others are. */
  async function playOnSchedule(perSecond: number): Promise<void> {
    const begunMs = performance.now();
    const playing: Promise<void>[] = [];
    for (let index = 0; traffic.sessions === null || index < traffic.sessions; index += 1) {
      const dueMs = begunMs + (index * 1000) / perSecond;
      const waitMs = dueMs - performance.now();
      if (waitMs > 1) await pause(waitMs);
      if (stopSignal.signal.aborted) break;
      playing.push(play(index, dueMs));
      if (playing.length > 10_000) await Promise.race([playing.shift(), pause(0)]);
    }
    await Promise.all(playing);
  }

  /** Sleeps, or returns at once when the simulator stops. */
  async function pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: stopSignal.signal }).catch(() => {});
  }

  async function play(index: number, dueMs: number): Promise<void> {
    const choices = random.fork(index);
    const kind = choices.weighted(traffic.traffic);
    const subscriber = traffic.subscribers[Math.floor(choices.next() * traffic.subscribers.length)];
    if (subscriber === undefined) throw new RangeError('the simulator has no subscribers');
    await beforeSession?.(subscriber, index);
    const sessionId = `${traffic.originHost};${startedAt};${index};${traffic.seed}`;
    counters.started();
    tally.open(sessionId, subscriber.imsi);
    onEvent({ type: 'session-started', sessionId, kind: kind.kind, subscriber });
    const surroundings = createSurroundings(index, choices, dueMs);
    const end =
      kind.kind === 'sms'
        ? await sendMessage(sessionId, subscriber, kind, surroundings)
        : await playSession(
            new SimulatedSession(sessionId, subscriber, kind, surroundings),
            surroundings,
          );
    counters.ended(end);
    onEvent({ type: 'session-ended', sessionId, end });
  }

  async function playSession(
    session: SimulatedSession,
    surroundings: Surroundings,
  ): Promise<SessionEnd> {
    sessions.set(session.sessionId, { session, wake: surroundings.wake });
    const end = await session.run();
    sessions.delete(session.sessionId);
    return end;
  }

  /** A text message: one event, paid at once. */
  async function sendMessage(
    sessionId: string,
    subscriber: SimulatedSubscriber,
    kind: Extract<SimulatedTraffic, { kind: 'sms' }>,
    surroundings: Surroundings,
  ): Promise<SessionEnd> {
    const answer = await surroundings.send({
      kind: 'sms',
      phase: 'event',
      sessionId,
      number: 0,
      subscriber,
      services: [
        {
          ratingGroup: null,
          serviceIdentifier: kind.serviceIdentifier ?? null,
          unit: 'events',
          requested: 1,
        },
      ],
      apn: null,
      calledParty: kind.calledParty,
      destinationRealm: traffic.destinationRealm,
      retransmitted: false,
    });
    if (answer === null) return 'unanswered';
    return answer.resultCode === ResultCode.DIAMETER_SUCCESS ? 'finished' : 'refused';
  }

  interface Surroundings extends SessionSurroundings {
    readonly wake: () => void;
  }

  function createSurroundings(
    line: number,
    choices: RandomChoices,
    firstDueMs: number,
  ): Surroundings {
    let dueMs = firstDueMs;
    let destinationHost: string | null = null;
    let wake: () => void = () => {};
    return {
      random: choices,
      destinationRealm: traffic.destinationRealm,
      stopping: () => stopSignal.signal.aborted,
      wake: () => wake(),
      async think() {
        const thinkMs = choices.within(traffic.thinkMs);
        // On schedule, the next request is due a think time after the last was, not after its answer.
        dueMs = traffic.sessionsPerSecond === null ? performance.now() : dueMs;
        dueMs += thinkMs;
        const waitMs = dueMs - performance.now();
        if (waitMs < 1) return;
        const woken = new Promise<void>((resolve) => {
          wake = resolve;
        });
        await Promise.race([pause(waitMs), woken]);
        dueMs = Math.min(dueMs, performance.now());
      },
      async send(asked) {
        const request: SimulatedRequest = { ...asked, destinationHost, at: Date.now() };
        const answer = await exchange(request, line, dueMs, choices);
        destinationHost = answer?.originHost ?? destinationHost;
        return answer;
      },
    };
  }

  async function exchange(
    request: SimulatedRequest,
    line: number,
    dueMs: number,
    choices: RandomChoices,
  ): Promise<SimulatedAnswer | null> {
    onEvent({ type: 'request', request });
    counters.requested();
    const again = choices.next() < traffic.retransmitShare;
    try {
      const { answer, endToEnd, tries } = await gateway.exchange(request, { line });
      const latencyMs = performance.now() - Math.min(dueMs, performance.now());
      counters.answered(answer, latencyMs, tries);
      count(request, answer);
      onEvent({ type: 'answer', request, answer, latencyMs, tries });
      if (again) await repeat(request, answer, { line, endToEnd });
      return answer;
    } catch (error) {
      if (!(error instanceof UnansweredError)) throw error;
      counters.unanswered();
      tally.doubt(request.sessionId);
      onEvent({ type: 'unanswered', request });
      return null;
    }
  }

  /** A report counts when it was taken: an answer of success says so. */
  function count(request: SimulatedRequest, answer: SimulatedAnswer): void {
    // "Too busy" and the like end a try, and an earlier one may have been charged unheard.
    if (isTurnedAway(answer)) tally.doubt(request.sessionId);
    if (answer.resultCode !== ResultCode.DIAMETER_SUCCESS) return;
    for (const service of request.services) {
      const used = request.phase === 'event' ? (service.requested ?? 0) : (service.used ?? 0);
      if (used > 0) tally.add(request.sessionId, service, used);
    }
  }

  /** The same request once more must be answered the same. */
  async function repeat(
    request: SimulatedRequest,
    first: SimulatedAnswer,
    options: { readonly line: number; readonly endToEnd: number },
  ): Promise<void> {
    counters.retransmitted();
    const again = { ...request, retransmitted: true };
    const { answer: second } = await gateway.exchange(again, options);
    const same = (one: SimulatedAnswer): string => JSON.stringify({ ...one, originHost: '' });
    if (same(first) === same(second)) return;
    counters.mismatched();
    onEvent({ type: 'repeat-mismatch', request, first, second });
  }

  return {
    run,
    stop: () => stopSignal.abort(),
    statistics: counters.statistics,
    tally: () => tally.sessions(),
  };
}

function createCounters() {
  const latency: RecordableHistogram = createHistogram({ highest: LATENCY_US_MAX });
  const ended = Object.fromEntries(SESSION_ENDS.map((end) => [end, 0])) as Record<
    SessionEnd,
    number
  >;
  const results: Record<string, number> = {};
  const counts = {
    sessionsStarted: 0,
    requests: 0,
    answers: 0,
    unanswered: 0,
    retransmitted: 0,
    repeatMismatches: 0,
    malformed: 0,
  };
  const ms = (percentile: number): number =>
    latency.count === 0 ? 0 : latency.percentile(percentile) / 1000;
  return {
    started: () => void (counts.sessionsStarted += 1),
    ended: (end: SessionEnd) => void (ended[end] += 1),
    requested: () => void (counts.requests += 1),
    unanswered: () => void (counts.unanswered += 1),
    retransmitted: () => void (counts.retransmitted += 1),
    mismatched: () => void (counts.repeatMismatches += 1),
    answered(answer: SimulatedAnswer, latencyMs: number, tries: number): void {
      counts.answers += 1;
      counts.retransmitted += tries - 1;
      if (answer.fault !== null) counts.malformed += 1;
      const code = String(answer.resultCode);
      results[code] = (results[code] ?? 0) + 1;
      latency.record(Math.min(LATENCY_US_MAX, Math.max(1, Math.round(latencyMs * 1000))));
    },
    statistics: (): SimulatorStatistics => ({
      ...counts,
      sessionsEnded: { ...ended },
      results: { ...results },
      latencyMs: {
        p50: ms(50),
        p95: ms(95),
        p99: ms(99),
        max: latency.count === 0 ? 0 : latency.max / 1000,
      },
    }),
  };
}
