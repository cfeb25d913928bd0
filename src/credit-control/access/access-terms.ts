/** What an admission lets a session do, in the words of the fronts. */
import type { Admission, AccessLevel, Gauge } from '../../charging/admission.js';
import type {
  AccessTerms,
  ConnectionKind,
  Ipv4Assignment,
  Speed,
  TermName,
} from '../../domain/access.js';
import type { AccessPlan, AddressSource, LadderStep } from '../../domain/access-plan.js';
import type { AccessProfile } from '../../domain/access-profile.js';
import type { Amount } from '../../domain/amounts.js';
import type { SubscriberProfile } from '../../domain/profile.js';

/** Where a session gets its address; a pool of ours must be asked for one. */
export type AddressWish =
  /** Null: nothing is said about it. */
  | { readonly kind: 'assigned'; readonly assignment: Ipv4Assignment | null }
  | { readonly kind: 'pool'; readonly code: string };

export function addressWish(
  profile: AccessProfile,
  plan: AccessPlan,
  connection: ConnectionKind,
  level: AccessLevel,
): AddressWish {
  if (profile.ipv4 !== undefined) return { kind: 'assigned', assignment: profile.ipv4 };
  const own = plan.services[connection]?.address;
  const source: AddressSource | undefined =
    level.kind === 'garden' ? (plan.garden?.address ?? own) : own;
  if (source === undefined) return { kind: 'assigned', assignment: null };
  return source.kind === 'pool'
    ? { kind: 'pool', code: source.code }
    : { kind: 'assigned', assignment: { kind: 'pool', name: source.name } };
}

export interface TermsContext {
  readonly plan: AccessPlan;
  readonly profile: AccessProfile;
  readonly connection: ConnectionKind;
  readonly gauges: readonly Gauge[];
  readonly ipv4: Ipv4Assignment | null;
}

/** The terms of an admitted session. */
export function acceptedTerms(admission: Admission, context: TermsContext): AccessTerms {
  const { plan, profile, connection, ipv4 } = context;
  const service = plan.services[connection];
  const isGarden = admission.level.kind === 'garden';
  return withoutUndefined({
    speed: speedAt(plan, admission.level),
    idleSecondsMax: plan.idleSecondsMax,
    interimSeconds: admission.interimSeconds,
    devicesMax: plan.devicesMax,
    dnsServers: plan.dnsServers,
    profile: (isGarden ? plan.garden?.profile : undefined) ?? service?.profile,
    filters: (isGarden ? plan.garden?.filters : undefined) ?? service?.filters,
    addressList: isGarden ? plan.garden?.addressList : service?.addressList,
    redirectUrl: isGarden ? plan.garden?.redirectUrl : undefined,
    ipv4: ipv4 ?? undefined,
    ipv6: profile.ipv6,
    routes: profile.routes,
    vlan: profile.vlan,
    ...limitsOf(admission, context),
  });
}

/** The speed of a session at a level; undefined where the NAS' own rule holds. */
export function speedAt(plan: AccessPlan, level: AccessLevel): Speed | undefined {
  switch (level.kind) {
    case 'full':
      return plan.speed;
    case 'fair-use':
      return plan.fairUse[level.step - 1]?.speed ?? plan.speed;
    case 'garden':
      return plan.garden?.speed ?? plan.speed;
    case 'anew':
      return plan.speed;
    case 'ladder': {
      const rung = plan.ladder[level.rung - 1];
      if (rung?.kind === 'speed') return rung.speed;
      return rung?.kind === 'garden' ? (plan.garden?.speed ?? plan.speed) : plan.speed;
    }
  }
}

function limitsOf(admission: Admission, { plan, gauges }: TermsContext): LimitTerms {
  const { limits, endsAt, at: startedAt, level } = admission;
  const sessionSecondsMax =
    level.kind === 'garden' ? plan.garden?.sessionSecondsMax : plan.sessionSecondsMax;
  return limitTerms({ gauges, limits, endsAt, startedAt, sessionSecondsMax });
}

/** By what is counted, the limit that a NAS can be told of it. */
export const LIMIT_TERMS = {
  total: 'totalOctetsMax',
  download: 'downloadOctetsMax',
  upload: 'uploadOctetsMax',
  seconds: 'sessionSecondsMax',
} as const satisfies Readonly<Record<Gauge, TermName>>;

export type LimitTerms = Pick<AccessTerms, (typeof LIMIT_TERMS)[Gauge]>;

export interface SessionBounds {
  readonly gauges: readonly Gauge[];
  /** By gauge, from the session's start; null for none. */
  readonly limits: readonly (Amount | null)[];
  /** Milliseconds since 1970; null where nothing ends the session. */
  readonly endsAt: number | null;
  readonly startedAt: number;
  /** By its plan. */
  readonly sessionSecondsMax: number | undefined;
}

/** Hard limits at the NAS: what the session may use even if nobody answers it any more. */
export function limitTerms(bounds: SessionBounds): LimitTerms {
  const { gauges, limits, endsAt, startedAt, sessionSecondsMax } = bounds;
  let seconds = sessionSecondsMax ?? Infinity;
  if (endsAt !== null) seconds = Math.min(seconds, secondsUntil(endsAt, startedAt));
  const terms: { -readonly [Name in keyof LimitTerms]: LimitTerms[Name] } = {};
  for (const [index, gauge] of gauges.entries()) {
    const limit = limits[index] ?? null;
    if (limit === null) continue;
    if (gauge === 'seconds') seconds = Math.min(seconds, limit);
    else terms[LIMIT_TERMS[gauge]] = limit;
  }
  if (seconds !== Infinity) terms.sessionSecondsMax = seconds;
  return terms;
}

/** Whole seconds, never past the end and never 0, which would mean no limit. */
function secondsUntil(endsAt: number, at: number): number {
  return Math.max(1, Math.floor((endsAt - at) / 1000));
}

function withoutUndefined(terms: {
  readonly [Name in keyof AccessTerms]: AccessTerms[Name] | undefined;
}): AccessTerms {
  const known: Partial<Record<TermName, unknown>> = {};
  for (const name of Object.keys(terms) as TermName[]) {
    if (terms[name] !== undefined) known[name] = terms[name];
  }
  return known as AccessTerms;
}

/** The ladder of a plan; whatever it says, the end is its last step. */
export function ladderOf(plan: AccessPlan): readonly LadderStep[] {
  const { ladder } = plan;
  return ladder.at(-1)?.kind === 'disconnect' ? ladder : [...ladder, { kind: 'disconnect' }];
}

/** Sessions that a subscriber may have at one time; null for any number. */
export function sessionsMaxOf(
  { access }: Pick<SubscriberProfile, 'access'>,
  plan: AccessPlan,
): number | null {
  return access?.sessionsMax ?? plan.sessionsMax;
}
