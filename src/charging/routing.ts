/** Where a request's account is: by the identity it names, or by the session it goes on with. */
import type { SubscriberIdentity } from '../domain/identity.js';
import type { SubscriberProfile } from '../domain/profile.js';
import type { SessionRoute } from '../domain/session-route.js';
import { untilAnswered, type Engine } from './engine.js';

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

/** Writes a session's route; done before its first charge, so that no charge is ever unreachable. */
export async function writeRoute(
  engine: Engine,
  sessionId: string,
  route: SessionRoute,
): Promise<void> {
  const text = JSON.stringify(route);
  await untilAnswered(engine, () => engine.redis.set(engine.keys.route(sessionId), text));
}
