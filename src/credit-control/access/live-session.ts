/**
 * A live session as it is and as it should be: what it may use from now on, and the limits that its
 * NAS is to be told for it.
 */
import { measureSession, type MeasureOutcome } from '../../charging/session-measure.js';
import type { SessionMeasure } from '../../charging/session-measure.js';
import type { Engine } from '../../charging/engine.js';
import type { Gauge } from '../../charging/admission.js';
import type { NetworkSession, TrackedSession } from '../../charging/network-sessions.js';
import { findProfile } from '../../charging/routing.js';
import { readAccount } from '../../charging/snapshot.js';
import type { TermName } from '../../domain/access.js';
import type { AccessPlan } from '../../domain/access-plan.js';
import { toAmount, type Amount } from '../../domain/amounts.js';
import type { SubscriberProfile } from '../../domain/profile.js';
import type { SessionRoute } from '../../domain/session-route.js';
import type { CatalogHolder } from '../catalog-holder.js';
import { limitTerms, LIMIT_TERMS, sessionsMaxOf, type LimitTerms } from './access-terms.js';
import { accessPolicy } from './admission.js';
import { fairUseCaps } from './fair-use.js';
import { meterServices } from './metered-services.js';

export interface LiveSession {
  readonly tracked: TrackedSession;
  readonly network: NetworkSession;
  readonly plan: AccessPlan;
  readonly gauges: readonly Gauge[];
  readonly measure: SessionMeasure;
  /** What was bought is over. */
  readonly expired: boolean;
}

export interface LiveSessionDependencies {
  readonly engine: Engine;
  readonly catalog: CatalogHolder;
  /** Milliseconds since 1970; picks the rates sent along. */
  readonly clock: () => number;
}

/**
 * Measures a session.
 * @returns null where it cannot be measured now, or its account may use nothing.
 * @throws EngineUnavailableError
 */
export async function readLiveSession(
  {
    tracked,
    network,
    plan,
    route,
  }: {
    readonly tracked: TrackedSession;
    readonly network: NetworkSession;
    readonly plan: AccessPlan;
    readonly route: SessionRoute;
  },
  { engine, catalog, clock }: LiveSessionDependencies,
): Promise<LiveSession | null> {
  const version = catalog.current();
  const profile = await payerOf(engine, { tracked, network, route });
  if (profile === null) return null;
  const at = clock();
  const metered = meterServices({ catalog: version, profile, plan, network: {}, at });
  const { gauges } = metered;
  const expiresAt = profile.access?.expiresAt ?? null;
  const outcome: MeasureOutcome = await measureSession(engine, {
    charge: {
      partition: profile.partition,
      accountId: profile.accountId,
      profileVersion: profile.version,
      sessionId: tracked.sessionId,
      requestNumber: 0,
      phase: 'update',
      stamp: { ...EMPTY_STAMP, tenant: profile.tenant, configVersion: version.version },
      policy: accessPolicy(version.policy(profile.tenant, profile.plan ?? null), plan),
      services: metered.services,
      cause: null,
      sharing: profile.sharing,
    },
    gauges,
    expiresAt,
    sessionsMax: sessionsMaxOf(profile, plan),
    caps: fairUseCaps(plan, profile, { catalog: version, at }),
  });
  if (outcome.kind === 'refused') return null;
  const expired = expiresAt !== null && expiresAt <= outcome.at;
  return { tracked, network, plan, gauges, measure: outcome, expired };
}

/** The profile that the session came in by, or what was kept with it where that is another's now. */
async function payerOf(
  engine: Engine,
  {
    tracked,
    network,
    route,
  }: {
    readonly tracked: TrackedSession;
    readonly network: NetworkSession;
    readonly route: SessionRoute;
  },
): Promise<SubscriberProfile | null> {
  const found = await findProfile(engine, route.networkScope, route.identity);
  if (found?.accountId === tracked.accountId) return found;
  const { partition } = route;
  const account = await readAccount(engine, partition, tracked.accountId);
  if (account === null) return null;
  const { tenant, customer, subscription, tariff, chargingPlan } = network;
  return {
    ...{ accountId: tracked.accountId, partition, tenant, customer, subscription, tariff },
    version: account.profileVersion,
    sharing: null,
    ...(chargingPlan !== null && { plan: chargingPlan }),
  };
}

const EMPTY_STAMP = {
  tenant: '',
  customer: null,
  subscription: null,
  protocol: 'radius',
  peer: null,
  serviceContext: null,
  personal: {},
  network: {},
  eventTimestamp: null,
  configVersion: 0,
} as const;

/** Instead of a limit that is no more: an attribute that is left out would leave the old one. */
const UNBOUNDED_SECONDS = 2 ** 31 - 1;
const UNBOUNDED_OCTETS = toAmount(Number.MAX_SAFE_INTEGER);

/**
 * The limits that the NAS is to be told anew: those that are wider now than what it was told, and an
 * end that is another. Narrower ones are left: what a session uses meanwhile is seen as it reports.
 */
export function changedLimits({ tracked, plan, gauges, measure }: LiveSession): LimitTerms {
  const { limits, toldEndsAt, eventAt, seconds } = tracked;
  const bounds = {
    gauges,
    // As the NAS counts: a login is decided a little before its session begins.
    startedAt: seconds > 0 ? eventAt - seconds * 1000 : tracked.openedAt,
    sessionSecondsMax: plan.sessionSecondsMax,
  };
  const told = limitTerms({ ...bounds, limits, endsAt: toldEndsAt });
  const wanted = limitTerms({
    ...bounds,
    // What it was never told it is not told now: it is not counted there, or was not ours to admit.
    limits: measure.limits.map((limit, index) => ((limits[index] ?? null) === null ? null : limit)),
    endsAt: measure.endsAt,
  });
  const changed: { -readonly [Name in keyof LimitTerms]: LimitTerms[Name] } = {};
  for (const name of ['totalOctetsMax', 'downloadOctetsMax', 'uploadOctetsMax'] as const) {
    const before = told[name];
    const after = wanted[name] ?? UNBOUNDED_OCTETS;
    if (before !== undefined && after > before) changed[name] = after;
  }
  const before = told.sessionSecondsMax ?? UNBOUNDED_SECONDS;
  const after = wanted.sessionSecondsMax ?? UNBOUNDED_SECONDS;
  if (after > before || (after < before && measure.endsAt !== toldEndsAt)) {
    changed.sessionSecondsMax = after;
  }
  return changed;
}

/** What the NAS of a session has been told once it took `sent`, all but what it could not be told. */
export function toldAfter(
  { tracked, gauges, measure }: LiveSession,
  sent: LimitTerms,
  unchanged: readonly TermName[],
): { readonly limits: readonly (Amount | null)[]; readonly endsAt: number | null } {
  const isTaken = (name: keyof LimitTerms): boolean =>
    sent[name] !== undefined && !unchanged.includes(name);
  return {
    limits: tracked.limits.map((limit, index) => {
      const gauge = gauges[index];
      return gauge !== undefined && isTaken(LIMIT_TERMS[gauge])
        ? (measure.limits[index] ?? null)
        : limit;
    }),
    endsAt: isTaken('sessionSecondsMax') ? measure.endsAt : tracked.toldEndsAt,
  };
}
