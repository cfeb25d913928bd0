/** Who a request is about: the profile to charge and, for a session under way, its route. */
import type { Engine } from '../charging/engine.js';
import { chargeRouted, findProfile, findRoute } from '../charging/routing.js';
import { findAccount } from '../charging/snapshot.js';
import type { CreditControlRequest } from '../domain/credit-control.js';
import type { SubscriberIdentity } from '../domain/identity.js';
import type { SubscriberProfile } from '../domain/profile.js';
import type { SessionRoute } from '../domain/session-route.js';
import { createRecent } from './recent.js';

export interface Subject {
  readonly profile: SubscriberProfile;
  readonly route: SessionRoute;
  /** Whether the route is known to stand in Redis. */
  readonly routed: boolean;
}

export interface SubjectFinder {
  /** `fresh` passes by what is remembered: for a profile that turned out stale. */
  find(request: CreditControlRequest, fresh: boolean): Promise<Subject | null>;
  /** Makes the first charge of a session that has no route yet, which is written before. */
  route<Outcome>(
    request: CreditControlRequest,
    subject: Subject,
    charge: () => Promise<Outcome>,
  ): Promise<Outcome>;
  /** Forgets a session that has ended. */
  forget(sessionId: string): void;
}

const PROFILES_MAX = 200_000;
const ROUTES_MAX = 200_000;

export function createSubjectFinder(dependencies: { readonly engine: Engine }): SubjectFinder {
  const { engine } = dependencies;
  const profiles = createRecent<string, SubscriberProfile>({ entriesMax: PROFILES_MAX });
  const routes = createRecent<string, SessionRoute>({ entriesMax: ROUTES_MAX });

  async function profileOf(
    networkScope: string,
    identity: SubscriberIdentity,
    fresh: boolean,
  ): Promise<SubscriberProfile | null> {
    const key = engine.keys.identity(networkScope, identity);
    const remembered = fresh ? undefined : profiles.get(key);
    if (remembered !== undefined) return remembered;
    const found = await findProfile(engine, networkScope, identity);
    if (found === null) profiles.delete(key);
    else profiles.set(key, found);
    return found;
  }

  async function routeOf(sessionId: string): Promise<SessionRoute | null> {
    const remembered = routes.get(sessionId);
    if (remembered !== undefined) return remembered;
    const found = await findRoute(engine, sessionId);
    if (found !== null) routes.set(sessionId, found);
    return found;
  }

  /**
   * The profile to go on with: where the identity belongs to another account by now, the session
   * still ends on the one it began with. Null where that one is gone.
   */
  async function sessionProfile(
    profile: SubscriberProfile,
    route: SessionRoute,
  ): Promise<SubscriberProfile | null> {
    const { accountId, partition } = route;
    if (profile.accountId === accountId) return profile;
    const account = await findAccount(engine, partition, accountId);
    if (account === null) return null;
    const place = { partition: account.partition, version: account.profileVersion };
    return { ...profile, accountId, ...place, sharing: null };
  }

  async function find(request: CreditControlRequest, fresh: boolean): Promise<Subject | null> {
    // A session goes on with the subscriber it began with, whatever a later request names.
    if (isReport(request)) {
      const route = await routeOf(request.sessionId);
      if (route !== null) {
        const profile = await profileOf(route.networkScope, route.identity, fresh);
        const own = profile === null ? null : await sessionProfile(profile, route);
        if (own !== null) return { profile: own, route, routed: true };
      }
    }
    for (const identity of request.identities) {
      const profile = await profileOf(request.networkScope, identity, fresh);
      if (profile !== null) {
        return { profile, route: newRoute(request, identity, profile), routed: false };
      }
    }
    return null;
  }

  async function route<Outcome>(
    request: CreditControlRequest,
    { route }: Subject,
    charge: () => Promise<Outcome>,
  ): Promise<Outcome> {
    const { sessionId } = request;
    const routed = { sessionId, route, reports: isReport(request) };
    const { outcome, isRouted } = await chargeRouted(engine, routed, charge);
    if (isRouted) routes.set(sessionId, route);
    return outcome;
  }

  return { find, route, forget: (sessionId) => routes.delete(sessionId) };
}

/** Whether a request goes on with a session, and so may say what it has used. */
export function isReport({ phase }: Pick<CreditControlRequest, 'phase'>): boolean {
  return phase === 'update' || phase === 'terminate';
}

function newRoute(
  request: CreditControlRequest,
  identity: SubscriberIdentity,
  profile: SubscriberProfile,
): SessionRoute {
  return {
    partition: profile.partition,
    accountId: profile.accountId,
    networkScope: request.networkScope,
    identity,
    protocol: request.protocol,
    peer: request.peer,
    origin: request.origin,
    serviceContext: request.serviceContext,
  };
}
