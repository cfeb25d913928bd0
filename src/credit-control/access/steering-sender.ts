/**
 * Steers RADIUS sessions: tells their NAS what they are to be given now, or that they have to end. A
 * step that the NAS can't take, or won't, is passed over for the next one; one that it says it took
 * is believed until its next report (lua/include/record_report.lua).
 */
import type { Engine } from '../../charging/engine.js';
import { readTrackedSession } from '../../charging/network-sessions.js';
import { noteSteered } from '../../charging/session-report.js';
import type { SessionPointer, SteeringOrder, SteeringOutcome } from '../../domain/access.js';
import type { SteeringAttempt, SteeringResult, SteeringSender } from '../../domain/steering.js';
import type { CatalogHolder } from '../catalog-holder.js';
import { readLiveSession, toldAfter, type LiveSession } from './live-session.js';
import { DISCONNECT, isSteerable, stepsFor, type Step } from './steering-steps.js';

export interface SteeringSenderDependencies {
  readonly engine: Engine;
  readonly catalog: CatalogHolder;
  /** Sends an order to the NAS of a session. */
  readonly steer: (session: SessionPointer, order: SteeringOrder) => Promise<SteeringOutcome>;
  /** Whether this process has a way to a NAS now. */
  readonly reaches: (nas: string) => boolean;
  /** Ends a session that its NAS knows no more, so that it stands in nobody's way. */
  readonly end: (partition: number, sessionId: string) => Promise<void>;
  /** Milliseconds since 1970; picks the rates sent along. */
  readonly clock: () => number;
}

export function createAccessSteering(dependencies: SteeringSenderDependencies): SteeringSender {
  const { engine, catalog, steer } = dependencies;

  async function send(attempt: SteeringAttempt): Promise<SteeringResult> {
    const result = await tell(attempt);
    if (result.outcome === 'unknown-session') {
      await dependencies.end(attempt.route.partition, attempt.sessionId);
    }
    return result;
  }

  async function tell(attempt: SteeringAttempt): Promise<SteeringResult> {
    const { kind, reason, sessionId, route } = attempt;
    const tracked = await readTrackedSession(engine, route.partition, sessionId);
    if (!isSteerable(tracked)) return { outcome: 'unknown-session', detail: null };
    // Its NAS may not know it yet under a name of its own.
    if (tracked.state === 'provisional') return { outcome: 'unanswered' };
    const { network } = tracked;
    const pointer = { ...network.pointer, connection: network.pointer.connection ?? 'other' };
    const plan = catalog.current().accessPlan(network.tenant, network.plan);
    if (kind === 'abort' || plan === undefined) return resultOf(await steer(pointer, DISCONNECT));
    const live = await readLiveSession({ tracked, network, plan, route }, dependencies);
    // Nothing can be measured, as its account is moving or is suspended: another task or try will do.
    if (live === null) return { outcome: 'unanswered' };
    await noteSteered(
      engine,
      { partition: route.partition, sessionId },
      { endsAt: live.expired ? null : live.measure.endsAt },
    );
    return take(stepsFor(reason, live), { live, pointer, partition: route.partition });
  }

  /** Takes the first step that the NAS takes. */
  async function take(
    steps: readonly Step[],
    around: {
      readonly live: LiveSession;
      readonly pointer: SessionPointer;
      readonly partition: number;
    },
  ): Promise<SteeringResult> {
    const { live, pointer, partition } = around;
    const { sessionId } = live.tracked;
    let result: SteeringResult = { outcome: 'withdrawn' };
    for (const { order, level, limits } of steps) {
      const outcome = await steer(pointer, order);
      result = resultOf(outcome);
      if (isTaken(outcome, order)) {
        const unchanged = outcome.kind === 'acknowledged' ? outcome.unchanged : [];
        const told = toldAfter(live, limits, unchanged);
        await noteSteered(
          engine,
          { partition, sessionId },
          { level: { at: level, taken: true }, told },
        );
        return result;
      }
      if (outcome.kind === 'refused' && outcome.sessionGone) return result;
    }
    return result;
  }

  return {
    reach: () =>
      catalog
        .current()
        .nas.filter(({ name }) => dependencies.reaches(name))
        .map(({ name }) => wayTo(name)),
    ways: ({ peer }) => [wayTo(peer)],
    send,
  };
}

function wayTo(nas: string): string {
  return `nas:${nas}`;
}

/** What a step is for: a change without it changes nothing that matters. */
const ESSENTIAL = [
  'addressList',
  'filters',
  'profile',
  'speed',
  'totalOctetsMax',
  'downloadOctetsMax',
  'uploadOctetsMax',
  'sessionSecondsMax',
] as const;

function isTaken(outcome: SteeringOutcome, order: SteeringOrder): boolean {
  if (outcome.kind !== 'acknowledged') return false;
  if (order.kind === 'disconnect') return true;
  const essential = ESSENTIAL.find((name) => order.terms[name] !== undefined);
  return essential === undefined || !outcome.unchanged.includes(essential);
}

/** Another try may find it. */
const UNREACHABLE: ReadonlySet<string> = new Set(['unknown-nas', 'not-connected']);

function resultOf(outcome: SteeringOutcome): SteeringResult {
  switch (outcome.kind) {
    case 'acknowledged':
      return {
        outcome: 'accepted',
        detail: outcome.unchanged.length === 0 ? null : `without ${outcome.unchanged.join(', ')}`,
      };
    case 'refused':
      return outcome.sessionGone
        ? { outcome: 'unknown-session', detail: outcome.cause }
        : { outcome: 'refused', detail: outcome.cause, again: false };
    case 'unanswered':
      return { outcome: 'unanswered' };
    case 'impossible':
      return outcome.why === 'overloaded' || outcome.why === 'closed'
        ? { outcome: 'unanswered' }
        : { outcome: UNREACHABLE.has(outcome.why) ? 'unreachable' : 'not-supported' };
  }
}
