/**
 * A login: who it is, whether the proof holds, and then one script that decides and reserves. What
 * was remembered of a profile is only a hint: before anybody is turned away it is read again.
 */
import { admit, type Admission, type AdmissionRequest } from '../../charging/admission.js';
import { leaseAddress } from '../../charging/address-pools.js';
import type { ChargePolicy } from '../../charging/charge-request.js';
import type { Engine } from '../../charging/engine.js';
import type { LoginFailures } from '../../charging/login-failures.js';
import type { NetworkSession } from '../../charging/network-sessions.js';
import { logRejection } from '../../charging/reject-log.js';
import type {
  AccessDecision,
  AccessRequest,
  Ipv4Assignment,
  RejectReason,
} from '../../domain/access.js';
import type { AccessPlan } from '../../domain/access-plan.js';
import type { AccessProfile } from '../../domain/access-profile.js';
import type { SubscriberProfile } from '../../domain/profile.js';
import type { Logger } from '../../observability/logger.js';
import type { CompiledCatalog } from '../../rating/catalog.js';
import type { ChargingPolicy } from '../../rating/charging-policy.js';
import type { SecretBox } from '../../secret-box.js';
import type { CatalogHolder } from '../catalog-holder.js';
import { acceptedTerms, addressWish, sessionsMaxOf } from './access-terms.js';
import type { AccessSubjects } from './access-subject.js';
import { createCredentialOpener } from './credential.js';
import { accessStamp, keptContext } from './event-stamp.js';
import { fairUseCaps } from './fair-use.js';
import { gaugeRates, meterServices, type MeteredServices } from './metered-services.js';
import { newNonce } from './session-nonce.js';

/** A NAS that does not report a session by then did not begin it. */
export const PROVISIONAL_MS = 90_000;
/** A NAS resends for less than that [RFC 5080 2.2.2]. */
const ANSWER_MS = 30_000;
/** Totals of an ended session are kept for its late reports. */
const RETENTION_MS = 24 * 3_600_000;

/** Ids of sessions that we admitted. */
export function sessionIdOf(nonce: string): string {
  return `radius:${nonce}`;
}

export interface AdmissionDependencies {
  readonly engine: Engine;
  readonly catalog: CatalogHolder;
  readonly subjects: AccessSubjects;
  readonly secrets: SecretBox;
  readonly failures: LoginFailures;
  readonly logger: Logger;
  /** Milliseconds since 1970; picks the rates sent along. */
  readonly clock: () => number;
  /** Why new sessions are refused for now; null where they are not. */
  readonly refusesSessions: () => string | null;
  /** Ends a session that was admitted and gets no address after all. */
  readonly cancel: (partition: number, sessionId: string) => Promise<void>;
}

/** A subscriber with a plan, ready to be admitted. */
interface Candidate {
  readonly profile: SubscriberProfile;
  readonly access: AccessProfile;
  readonly plan: AccessPlan;
}

interface Attempt {
  /** The profile is not a stale copy, so whoever is turned away now is turned away. */
  readonly last: boolean;
  /** Who is not to have failed before; absent where that was looked at. */
  readonly unfailed?: readonly string[];
}

type Turn = AccessDecision | 'read-again';

export function createAdmission(
  dependencies: AdmissionDependencies,
): (request: AccessRequest) => Promise<AccessDecision> {
  const { engine, catalog, subjects, failures, logger } = dependencies;
  const openCredential = createCredentialOpener(dependencies.secrets);

  async function decide(request: AccessRequest): Promise<AccessDecision> {
    if (dependencies.refusesSessions() !== null) return UNAVAILABLE;
    const suspects = suspectsOf(request);
    const { networkScope, identities } = request;
    const known = subjects.recall(networkScope, identities);
    // Nearly every login is decided here, in one round trip.
    if (known !== null && request.step === 'admit' && failures.seemUnfailed(suspects)) {
      const turn = await decideFor(request, known, { last: false, unfailed: suspects });
      if (turn !== 'read-again') return turn;
    }
    const [{ locked, failed }, first] =
      known === null
        ? await Promise.all([
            failures.read(suspects),
            subjects.find(networkScope, identities, false),
          ])
        : [await failures.read(suspects), { profile: known, fresh: false }];
    if (locked) return turnAway(request, 'locked-out', first?.profile ?? null, null);
    let found = first;
    for (let attempt = 0; attempt < 2; attempt += 1) {
      const last = attempt === 1 || found === null || found.fresh;
      const turn = await decideFor(request, found?.profile ?? null, { last });
      if (turn !== 'read-again') {
        if (turn.kind === 'accepted' && failed.length > 0) await forgive(request, failed);
        return turn;
      }
      found = await subjects.find(request.networkScope, request.identities, true);
    }
    // The profile changed twice while one login was decided.
    return UNAVAILABLE;
  }

  /** Ends the count of who came in, where there is one: a command less for nearly everybody. */
  async function forgive(request: AccessRequest, failed: readonly string[]): Promise<void> {
    const user = userOf(request);
    if (user !== null && failed.includes(user)) await failures.clear(user);
  }

  async function decideFor(
    request: AccessRequest,
    profile: SubscriberProfile | null,
    attempt: Attempt,
  ): Promise<Turn> {
    const { last } = attempt;
    if (profile?.access === undefined) {
      if (!last) return 'read-again';
      await failures.note(suspectsOf(request), request.requestKey);
      return turnAway(request, 'unknown-subscriber', profile, null);
    }
    const access = profile.access;
    const plan = catalog.current().accessPlan(profile.tenant, access.plan);
    const secret = openCredential(access.credential, profile.subscription ?? '');
    const proof = await request.proof.verify(secret);
    if (proof !== 'proven') {
      if (!last) return 'read-again';
      // Nothing was guessed: what is set up wrong is to be seen as that.
      if (proof === 'unsupported') {
        return turnAway(request, 'method-unsupported', profile, plan ?? null);
      }
      await failures.note(suspectsOf(request), request.requestKey);
      return turnAway(request, 'wrong-password', profile, plan ?? null);
    }
    if (request.step === 'prove') return { kind: 'proven' };
    if (plan === undefined) {
      if (!last) return 'read-again';
      logger.error({ tenant: profile.tenant, plan: access.plan }, 'no such access plan');
      return UNAVAILABLE;
    }
    const wrong = misplaced(request, access, plan);
    if (wrong !== null) {
      return last ? turnAway(request, wrong, profile, plan) : 'read-again';
    }
    return admitCandidate(request, { profile, access, plan }, attempt);
  }

  async function admitCandidate(
    request: AccessRequest,
    candidate: Candidate,
    { last, unfailed }: Attempt,
  ): Promise<Turn> {
    const { profile, plan } = candidate;
    const version = catalog.current();
    const at = dependencies.clock();
    const { context: network } = request;
    const metered = meterServices({ catalog: version, profile, plan, network, at });
    if (metered.barred) return last ? turnAway(request, 'barred', profile, plan) : 'read-again';
    const nonce = newNonce();
    const made = { metered, nonce, version, at, unfailed };
    const outcome = await admit(engine, admissionRequest(request, candidate, made));
    if (outcome.kind === 'refused') {
      return AGAIN.has(outcome.refusal) && !last ? 'read-again' : UNAVAILABLE;
    }
    if (isRefusal(outcome)) return turnAway(request, outcome.verdict, profile, plan);
    return accept(request, candidate, outcome, metered);
  }

  async function accept(
    request: AccessRequest,
    candidate: Candidate,
    admission: Admission,
    metered: MeteredServices,
  ): Promise<AccessDecision> {
    const { profile, access, plan } = candidate;
    const { connection } = request;
    const wish = addressWish(access, plan, connection, admission.level);
    const ipv4 =
      wish.kind === 'pool'
        ? await addressFrom(wish.code, request, { profile, admission })
        : wish.assignment;
    if (ipv4 === 'none-left') {
      await dependencies.cancel(profile.partition, admission.sessionId);
      return turnAway(request, 'no-address', profile, plan);
    }
    const { gauges } = metered;
    return {
      kind: 'accepted',
      session: {
        partition: profile.partition,
        accountId: profile.accountId,
        nonce: admission.sessionId.replace(/^radius:/, ''),
      },
      terms: acceptedTerms(admission, { plan, profile: access, connection, gauges, ipv4 }),
      message: null,
    };
  }

  /** An address of a pool of ours, leased beyond its first interim report: its start may be lost. */
  async function addressFrom(
    pooled: string,
    request: AccessRequest,
    { profile, admission }: { readonly profile: SubscriberProfile; readonly admission: Admission },
  ): Promise<Ipv4Assignment | 'none-left'> {
    const pool = catalog.current().addressPools.find(({ code }) => code === pooled);
    if (pool === undefined) {
      logger.error({ pool: pooled }, 'no such address pool');
      return 'none-left';
    }
    const address = await leaseAddress(engine, {
      pool,
      sessionId: admission.sessionId,
      owner: `${profile.accountId} ${request.station ?? ''}`,
      isDevice: request.station !== null,
      leaseMs: 2 * PROVISIONAL_MS + admission.interimSeconds * 1000,
    });
    return address === null ? 'none-left' : { kind: 'fixed', address };
  }

  async function turnAway(
    request: AccessRequest,
    reason: RejectReason,
    profile: SubscriberProfile | null,
    plan: AccessPlan | null,
  ): Promise<AccessDecision> {
    const code = profile?.access?.plan;
    const words =
      plan ??
      (profile === null || code === undefined
        ? undefined
        : catalog.current().accessPlan(profile.tenant, code));
    await logRejection(engine, {
      at: request.receivedAt,
      reason,
      nas: request.nas,
      networkScope: request.networkScope,
      userName: request.identities[0]?.value ?? null,
      station: request.station,
      method: request.proof.method,
      connection: request.connection,
      tenant: profile?.tenant ?? null,
      subscription: profile?.subscription ?? null,
    });
    return { kind: 'rejected', reason, message: words?.messages[reason] ?? null };
  }

  return decide;
}

const UNAVAILABLE: AccessDecision = { kind: 'unavailable' };

/** Refusals that another look may overcome. */
const AGAIN: ReadonlySet<string> = new Set(['stale-profile', 'unknown-account', 'failed-before']);

type RefusedAdmission = Admission & {
  readonly verdict: Exclude<Admission['verdict'], 'admitted' | 'garden'>;
};

function isRefusal(admission: Admission): admission is RefusedAdmission {
  return admission.verdict !== 'admitted' && admission.verdict !== 'garden';
}

/** Who is counted when a login fails: the name that was tried, and the device that tried it. */
function suspectsOf(request: AccessRequest): readonly string[] {
  const { networkScope, station } = request;
  const user = userOf(request);
  const suspects = user === null ? [] : [user];
  if (station !== null) suspects.push(`station:${networkScope}:${station}`);
  return suspects;
}

function userOf({ networkScope, identities }: AccessRequest): string | null {
  const [named] = identities;
  return named === undefined ? null : `user:${networkScope}:${named.value}`;
}

/** Why a subscriber may not come in here or this way; null where it may. */
function misplaced(
  { nas, station, connection }: AccessRequest,
  access: AccessProfile,
  plan: AccessPlan,
): RejectReason | null {
  const offered = Object.keys(plan.services);
  const allowed =
    (access.connections?.includes(connection) ?? true) &&
    (offered.length === 0 || offered.includes(connection));
  if (!allowed) return 'wrong-connection';
  if (access.nas !== undefined && !access.nas.includes(nas)) return 'wrong-nas';
  const { stations } = access;
  const atHome = stations === undefined || (station !== null && stations.includes(station));
  return atHome ? null : 'wrong-station';
}

function admissionRequest(
  request: AccessRequest,
  { profile, access, plan }: Candidate,
  made: {
    readonly metered: MeteredServices;
    readonly nonce: string;
    readonly version: CompiledCatalog;
    readonly at: number;
    readonly unfailed: readonly string[] | undefined;
  },
): AdmissionRequest {
  const { metered, version, at } = made;
  const { minSeconds, maxSeconds } = plan.interim;
  const kept = keptContext(request, profile, access.plan);
  return {
    charge: {
      partition: profile.partition,
      accountId: profile.accountId,
      profileVersion: profile.version,
      sessionId: sessionIdOf(made.nonce),
      requestNumber: 0,
      phase: 'initial',
      stamp: accessStamp(request, profile, version.version, kept),
      policy: accessPolicy(version.policy(profile.tenant, profile.plan ?? null), plan),
      services: metered.services,
      cause: null,
      sharing: profile.sharing,
    },
    requestKey: request.requestKey,
    gauges: metered.gauges,
    freeTerms: metered.freeTerms,
    rates: gaugeRates(plan),
    expiresAt: access.expiresAt ?? null,
    sessionsMax: sessionsMaxOf(profile, plan),
    user: profile.subscription ?? profile.accountId,
    nas: request.nas,
    sessionKey: request.sessionKey,
    station: request.station,
    port: null,
    interim: { minSeconds, maxSeconds: Math.max(minSeconds, maxSeconds) },
    provisionalMs: PROVISIONAL_MS,
    answerMs: ANSWER_MS,
    gardens: {
      noCredit: plan.noCredit === 'garden' && plan.garden !== undefined,
      expired: plan.expired === 'garden' && plan.garden !== undefined,
    },
    caps: fairUseCaps(plan, profile, { catalog: version, at }),
    network: JSON.stringify(networkSession(request, profile, access.plan)),
    unfailed: made.unfailed,
  };
}

/** Each made once: a catalog has its own plans and policies. */
const POLICIES = new WeakMap<AccessPlan, WeakMap<ChargingPolicy, ChargePolicy>>();

/** How a session is charged: an end of it keeps its totals, and units held are used past their end. */
export function accessPolicy(policy: ChargingPolicy, plan: AccessPlan): ChargePolicy {
  let ofPlan = POLICIES.get(plan);
  if (ofPlan === undefined) {
    ofPlan = new WeakMap();
    POLICIES.set(plan, ofPlan);
  }
  let kept = ofPlan.get(policy);
  if (kept === undefined) {
    kept = makeAccessPolicy(policy, plan);
    ofPlan.set(policy, kept);
  }
  return kept;
}

function makeAccessPolicy(policy: ChargingPolicy, plan: AccessPlan): ChargePolicy {
  return {
    unknownSession: 'recreate',
    overuse: policy.overuse,
    // The scripts put in how long this session may be silent.
    supervisionMs: PROVISIONAL_MS,
    retentionMs: RETENTION_MS,
    graceMs: Math.max(policy.graceSeconds, 2 * plan.interim.maxSeconds) * 1000,
  };
}

function networkSession(
  request: AccessRequest,
  profile: SubscriberProfile,
  plan: string,
): NetworkSession {
  return {
    pointer: {
      nas: request.nas,
      sessionKey: request.sessionKey ?? '',
      userName: request.identities[0]?.value ?? null,
      address: request.context['address'] ?? null,
      station: request.station,
      connection: request.connection,
    },
    networkScope: request.networkScope,
    tenant: profile.tenant,
    customer: profile.customer,
    subscription: profile.subscription,
    tariff: profile.tariff,
    chargingPlan: profile.plan ?? null,
    plan,
    bootMark: null,
  };
}
