/** The nodes that share this Redis: each says that it lives, so that the others answer for it. */
import type { Engine } from './engine.js';

/** A host that was not seen for so long is no node any more. */
const FORGET_AFTER_MS = 24 * 3_600_000;

/**
 * Says that this node lives, and returns the hosts of all that lately did, its own among them.
 * `host` is the node's Diameter identity, `now` in milliseconds since 1970.
 */
export async function announceNode(
  engine: Engine,
  host: string,
  now: number,
): Promise<readonly string[]> {
  const key = engine.keys.nodes;
  await engine.redis.hset(key, host, now);
  const seen = Object.entries(await engine.redis.hgetall(key));
  const gone = seen.filter(([, at]) => Number(at) < now - FORGET_AFTER_MS).map(([name]) => name);
  if (gone.length > 0) await engine.redis.hdel(key, ...gone);
  return seen.map(([name]) => name).filter((name) => !gone.includes(name));
}
