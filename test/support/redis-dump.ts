import type { Engine } from '../../src/charging/engine.js';

/** Everything that is under an engine's prefix, as Redis would dump it, by key. */
export async function dumpOf({ redis, keys }: Engine): Promise<ReadonlyMap<string, string>> {
  const prefix = keys.meta.slice(0, -':meta'.length);
  const names = (await redis.keys(`${prefix}:*`)).toSorted();
  const dumps = await Promise.all(names.map((name) => redis.dumpBuffer(name)));
  return new Map(names.map((name, index) => [name, dumps[index]?.toString('hex') ?? '']));
}
