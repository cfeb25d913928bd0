/** Where a request's account is: by the identity it names, or by the session it goes on with. */
import type { SubscriberIdentity } from '../domain/identity.js';
import type { SubscriberProfile } from '../domain/profile.js';
import type { SessionRoute } from '../domain/session-route.js';
import { connectionOf, EngineOutOfMemoryError, untilAnswered, type Engine } from './engine.js';
import { isCluster } from './redis-client.js';

/** The profile an identity leads to, or null where nobody has it. One read. */
export async function findProfile(
  engine: Engine,
  networkScope: string,
  identity: SubscriberIdentity,
): Promise<SubscriberProfile | null> {
  const key = engine.keys.identity(networkScope, identity);
  const text = await untilAnswered(engine, () => engine.redis.get(key));
  return text === null ? null : (JSON.parse(text) as SubscriberProfile);
}

/** The route of a session, or null where none was written or it was removed. One read. */
export async function findRoute(engine: Engine, sessionId: string): Promise<SessionRoute | null> {
  const key = engine.keys.route(sessionId);
  const text = await untilAnswered(engine, () => engine.redis.get(key));
  return text === null ? null : (JSON.parse(text) as SessionRoute);
}

/**
 * Makes the first charge of a session with its route written before, so that no charge is ever
 * unreachable. Sent by the connection of its partition the route's SET runs before the script, and
 * both cost one round trip; in a cluster, where they may lie on two servers, the route is waited for.
 *
 * Redis refuses a route when memory is out. What reports use is charged all the same and granted
 * nothing, so that nobody has to find the session: the next request that finds no route writes it.
 * @returns what the charge did, and whether the route stands.
 */
export async function chargeRouted<Outcome>(
  engine: Engine,
  { sessionId, route, reports }: RoutedCharge,
  charge: () => Promise<Outcome>,
): Promise<{ readonly outcome: Outcome; readonly isRouted: boolean }> {
  const redis = connectionOf(engine, route.partition);
  const text = JSON.stringify(route);
  const routed = untilAnswered(engine, () => redis.set(engine.keys.route(sessionId), text)).then(
    () => true,
    (error: unknown) => {
      if (reports && error instanceof EngineOutOfMemoryError) return false;
      throw error;
    },
  );
  if (isCluster(redis)) await routed;
  const [outcome, isRouted] = await Promise.all([charge(), routed]);
  return { outcome, isRouted };
}

export interface RoutedCharge {
  readonly sessionId: string;
  readonly route: SessionRoute;
  /** It says what was used of what it was granted: it must not be refused. */
  readonly reports: boolean;
}
