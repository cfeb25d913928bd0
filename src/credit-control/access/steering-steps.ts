/**
 * What to tell the NAS of a live session: where the session belongs now, and the orders that bring it
 * there, best first.
 */
import type { AccessLevel } from '../../charging/admission.js';
import type { NetworkSession, TrackedSession } from '../../charging/network-sessions.js';
import type { AccessTerms, SteeringOrder } from '../../domain/access.js';
import type { AccessPlan } from '../../domain/access-plan.js';
import type { SteeringReason } from '../../domain/steering.js';
import { ladderOf, speedAt, type LimitTerms } from './access-terms.js';
import { changedLimits, type LiveSession } from './live-session.js';

/** The level that a session is at once its NAS has taken the order, and the limits it knows then. */
export interface Step {
  readonly order: SteeringOrder;
  readonly level: AccessLevel;
  readonly limits: LimitTerms;
}

export const DISCONNECT: SteeringOrder = { kind: 'disconnect' };

/** None where there is nothing to tell. */
export function stepsFor(reason: SteeringReason, live: LiveSession): readonly Step[] {
  const { tracked, plan } = live;
  const { level } = tracked;
  const anew: Step = { order: DISCONNECT, level, limits: {} };
  if (live.expired) return level.kind === 'garden' ? [] : [anew];
  const target = targetOf(reason, live);
  if (target.kind === 'garden') return [];
  if (target.kind === 'anew') return [anew];
  if (target.kind === 'ladder') return downFrom(target.rung, plan);
  return upTo(target, reason, live);
}

/** Where a session is to be: as its last report said, or as its balances say now. */
function targetOf(reason: SteeringReason, { tracked, measure }: LiveSession): AccessLevel {
  const { level, wanted } = tracked;
  const isDown = level.kind === 'ladder' || level.kind === 'garden';
  if (reason === 'quota' && (wanted.kind === 'ladder' || wanted.kind === 'anew')) return wanted;
  if (!measure.spent) return measure.fairUse;
  if (level.kind === 'garden') return level;
  if (wanted.kind === 'ladder') return wanted;
  return isDown ? level : { kind: 'ladder', rung: 1 };
}

/** The rungs from one on; one that a NAS can't take, or won't, is passed over. */
function downFrom(rung: number, plan: AccessPlan): readonly Step[] {
  return ladderOf(plan)
    .map((step, index): Step => {
      const level = { kind: 'ladder', rung: index + 1 } as const;
      if (step.kind === 'disconnect') return { order: DISCONNECT, level, limits: {} };
      const terms = step.kind === 'speed' ? { speed: step.speed } : gardenTerms(plan);
      return { order: { kind: 'change', terms }, level, limits: {} };
    })
    .slice(rung - 1);
}

/** All of the plan, or what fair use leaves of it. */
function upTo(
  target: Extract<AccessLevel, { readonly kind: 'full' | 'fair-use' }>,
  reason: SteeringReason,
  live: LiveSession,
): readonly Step[] {
  const { tracked, network, plan } = live;
  const { level } = tracked;
  const anew: Step = { order: DISCONNECT, level, limits: {} };
  const limits = changedLimits(live);
  const speed = speedAt(plan, target);
  const isSame = step(level) === step(target);
  const isAsked = reason !== 'credit' && reason !== 'release' && reason !== 'quota';
  const garden = isInGarden(level, plan) ? gardenExit(plan, network) : {};
  if (garden === null) return [anew];
  const terms: AccessTerms = {
    ...garden,
    ...(speed !== undefined && (!isSame || isAsked) && { speed }),
    ...limits,
  };
  const change: readonly Step[] =
    Object.keys(terms).length === 0
      ? []
      : [{ order: { kind: 'change', terms }, level: target, limits }];
  // A login gives at once what the NAS can't change: better for who is down, due to who is too fast.
  const isSlower = step(target) > step(level);
  return !isSame && (isDown(level) || isSlower) ? [...change, anew] : change;
}

/** The higher the slower. */
function step(level: AccessLevel): number {
  if (isDown(level)) return Infinity;
  return level.kind === 'fair-use' ? level.step : 0;
}

function isDown(level: AccessLevel): boolean {
  return level.kind === 'ladder' || level.kind === 'garden';
}

function isInGarden(level: AccessLevel, plan: AccessPlan): boolean {
  return (
    level.kind === 'garden' ||
    (level.kind === 'ladder' && ladderOf(plan)[level.rung - 1]?.kind === 'garden')
  );
}

/**
 * What leads out of the garden in a live session; null where only a login does: an address stays, and
 * nothing takes an address off a list, or a page away, but another in its place.
 */
function gardenExit(
  { garden, services }: AccessPlan,
  { pointer }: NetworkSession,
): AccessTerms | null {
  const { addressList, filters, profile } = services[pointer.connection ?? 'other'] ?? {};
  const stays =
    garden === undefined ||
    garden.address !== undefined ||
    garden.redirectUrl !== undefined ||
    (garden.addressList !== undefined && addressList === undefined) ||
    (garden.filters !== undefined && filters === undefined) ||
    (garden.profile !== undefined && profile === undefined);
  if (stays) return null;
  return {
    ...(garden.addressList !== undefined && addressList !== undefined && { addressList }),
    ...(garden.filters !== undefined && filters !== undefined && { filters }),
    ...(garden.profile !== undefined && profile !== undefined && { profile }),
  };
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

/** Whether a session is one that its NAS can be told of. */
export function isSteerable(
  session: TrackedSession | null,
): session is TrackedSession & { readonly network: NetworkSession } {
  return session !== null && session.network !== null && session.state !== 'ended';
}
