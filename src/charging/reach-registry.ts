/** Which process has which ways into the network: each says so again and again while it lives. */
import type { Engine } from './engine.js';

interface Announcement {
  /** Redis' clock, ms since 1970. */
  readonly at: number;
  readonly ways: readonly string[];
}

/** A process that was not heard for so long is forgotten altogether. */
const FORGET_AFTER_MS = 24 * 3_600_000;

/**
 * Says which ways the process `node` has, and returns those of all others that were heard in the last
 * `aliveMs`.
 */
export async function announceReach(
  engine: Engine,
  {
    node,
    ways,
    aliveMs,
  }: { readonly node: string; readonly ways: readonly string[]; readonly aliveMs: number },
): Promise<ReadonlySet<string>> {
  const { redis, keys } = engine;
  // By one clock: those of two hosts may differ by more than a process is silent.
  const [seconds = 0, microseconds = 0] = (await redis.time()).map(Number);
  const now = seconds * 1000 + Math.floor(microseconds / 1000);
  await redis.hset(keys.reach, node, JSON.stringify({ at: now, ways } satisfies Announcement));
  const elsewhere = new Set<string>();
  for (const [other, text] of Object.entries(await redis.hgetall(keys.reach))) {
    const { at, ways: theirs } = JSON.parse(text) as Announcement;
    if (at < now - FORGET_AFTER_MS) await redis.hdel(keys.reach, other);
    else if (other !== node && at >= now - aliveMs) for (const way of theirs) elsewhere.add(way);
  }
  return elsewhere;
}

/** Says that the process has no ways any more. */
export async function withdrawReach(engine: Engine, node: string): Promise<void> {
  await engine.redis.hdel(engine.keys.reach, node);
}
