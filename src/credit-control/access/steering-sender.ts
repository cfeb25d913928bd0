/**
 * Steers RADIUS sessions: tells their NAS what they are to be given now, or that they have to end. A
 * step that the NAS can't take, or won't, is passed over for the next one; one that it says it took
 * is believed until its next report (lua/include/record_report.lua).
 */
import type { AccessLevel } from '../../charging/admission.js';
import type { Engine } from '../../charging/engine.js';
import { readTrackedSession, type TrackedSession } from '../../charging/network-sessions.js';
import { setLevel } from '../../charging/session-report.js';
import type {
  AccessTerms,
  SessionPointer,
  SteeringOrder,
  SteeringOutcome,
} from '../../domain/access.js';
import type { AccessPlan } from '../../domain/access-plan.js';
import type { SteeringAttempt, SteeringResult, SteeringSender } from '../../domain/steering.js';
import type { CatalogHolder } from '../catalog-holder.js';
import { ladderOf, speedAt } from './access-terms.js';

export interface SteeringSenderDependencies {
  readonly engine: Engine;
  readonly catalog: CatalogHolder;
  /** Sends an order to the NAS of a session. */
  readonly steer: (session: SessionPointer, order: SteeringOrder) => Promise<SteeringOutcome>;
}

const DISCONNECT: SteeringOrder = { kind: 'disconnect' };

/** What to try, best first; the level that a session is at once its NAS has taken it. */
interface Step {
  readonly order: SteeringOrder;
  readonly level: AccessLevel;
}

export function createAccessSteering(dependencies: SteeringSenderDependencies): SteeringSender {
  const { engine, catalog, steer } = dependencies;

  async function send({
    kind,
    reason,
    sessionId,
    route,
  }: SteeringAttempt): Promise<SteeringResult> {
    const { partition } = route;
    const session = await readTrackedSession(engine, partition, sessionId);
    if (session?.network === undefined || session.network === null || session.state === 'ended') {
      return { outcome: 'unknown-session', detail: null };
    }
    // Its NAS may not know it yet under a name of its own.
    if (session.state === 'provisional') return { outcome: 'unanswered' };
    const { tenant, plan: code, pointer } = session.network;
    const plan = catalog.current().accessPlan(tenant, code);
    const steps: readonly Step[] =
      kind === 'abort' || plan === undefined
        ? [{ order: DISCONNECT, level: session.level }]
        : stepsTo(targetOf(session, reason), session, plan);
    let result: SteeringResult = { outcome: 'not-supported' };
    for (const { order, level } of steps) {
      const outcome = await steer(pointer, order);
      result = resultOf(outcome);
      if (isTaken(outcome, order)) {
        await setLevel(engine, { partition, sessionId }, { level, taken: true });
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
        .nas.filter(({ dynamicAuthorization }) => dynamicAuthorization !== undefined)
        .map(({ name }) => wayTo(name)),
    ways: ({ peer }) => [wayTo(peer)],
    send,
  };
}

function wayTo(nas: string): string {
  return `nas:${nas}`;
}

/** Where a session is to be: as its last report said, or up again where credit is back. */
function targetOf(session: TrackedSession, reason: SteeringAttempt['reason']): AccessLevel {
  const isBack = reason === 'credit' || reason === 'release';
  const isDown = session.level.kind === 'ladder' || session.level.kind === 'garden';
  if (isBack && (isDown || session.wanted.kind === 'ladder')) return { kind: 'full' };
  return session.wanted;
}

function stepsTo(target: AccessLevel, session: TrackedSession, plan: AccessPlan): readonly Step[] {
  if (target.kind === 'ladder') {
    return ladderOf(plan)
      .map((step, index): Step => {
        const level = { kind: 'ladder', rung: index + 1 } as const;
        if (step.kind === 'disconnect') return { order: DISCONNECT, level };
        const terms = step.kind === 'speed' ? { speed: step.speed } : gardenTerms(plan);
        return { order: { kind: 'change', terms }, level };
      })
      .slice(target.rung - 1);
  }
  const speed = speedAt(plan, target);
  const whole: Step = { order: DISCONNECT, level: session.level };
  // Nothing takes an address off a list: who leaves the garden logs in again.
  if (isInGarden(session.level, plan)) return [whole];
  const change: readonly Step[] =
    speed === undefined ? [] : [{ order: { kind: 'change', terms: { speed } }, level: target }];
  // Only who was slowed down for want of credit gains by logging in again.
  return session.level.kind === 'ladder' ? [...change, whole] : change;
}

function isInGarden(level: AccessLevel, plan: AccessPlan): boolean {
  return (
    level.kind === 'garden' ||
    (level.kind === 'ladder' && ladderOf(plan)[level.rung - 1]?.kind === 'garden')
  );
}

function gardenTerms({ garden }: AccessPlan): AccessTerms {
  return {
    ...(garden?.addressList !== undefined && { addressList: garden.addressList }),
    ...(garden?.speed !== undefined && { speed: garden.speed }),
    ...(garden?.filters !== undefined && { filters: garden.filters }),
    ...(garden?.profile !== undefined && { profile: garden.profile }),
    ...(garden?.redirectUrl !== undefined && { redirectUrl: garden.redirectUrl }),
  };
}

/** What a step is for: a change without it changes nothing that matters. */
const ESSENTIAL = ['addressList', 'filters', 'profile', 'speed'] as const;

function isTaken(outcome: SteeringOutcome, order: SteeringOrder): boolean {
  if (outcome.kind !== 'acknowledged') return false;
  if (order.kind === 'disconnect') return true;
  const essential = ESSENTIAL.find((name) => order.terms[name] !== undefined);
  return essential === undefined || !outcome.unchanged.includes(essential);
}

function resultOf(outcome: SteeringOutcome): SteeringResult {
  switch (outcome.kind) {
    case 'acknowledged':
      return { outcome: 'accepted', detail: null };
    case 'refused':
      return outcome.sessionGone
        ? { outcome: 'unknown-session', detail: outcome.cause }
        : { outcome: 'refused', detail: outcome.cause, again: false };
    case 'unanswered':
      return { outcome: 'unanswered' };
    case 'impossible':
      return outcome.why === 'overloaded' || outcome.why === 'closed'
        ? { outcome: 'unanswered' }
        : { outcome: outcome.why === 'unknown-nas' ? 'unreachable' : 'not-supported' };
  }
}
