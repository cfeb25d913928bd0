/** How often gateways have started, as they say themselves, for all processes to know. */
import type { Engine } from './engine.js';

/**
 * Takes note of the Origin-State-Id of a host. Returns whether it has grown, which is to say that
 * the host has lost its sessions since [RFC 6733 8.16]; an id of 0, or the first one, says nothing.
 * Where two processes note it at once both may be told, or each of two growths once.
 */
export async function noteOriginState(
  engine: Engine,
  host: string,
  stateId: number,
): Promise<boolean> {
  if (stateId === 0) return false;
  const field = host.toLowerCase();
  const known = Number((await engine.redis.hget(engine.keys.originStates, field)) ?? 0);
  if (stateId <= known) return false;
  await engine.redis.hset(engine.keys.originStates, field, stateId);
  return known !== 0;
}

/** The clock that the scripts go by, in ms since 1970. */
export async function engineTime(engine: Engine): Promise<number> {
  const [seconds, microseconds] = await engine.redis.time();
  return Number(seconds) * 1000 + Math.floor(Number(microseconds) / 1000);
}
