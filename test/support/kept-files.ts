/** Redis as it stands now, to be put back to it: what was done meanwhile is as if a crash had cut it off. */
import { cp, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Engine } from '../../src/charging/engine.js';
import type { OwnRedis } from './redis-instance.js';

/** Keeps the append-only files of a Redis; what it returns kills Redis and starts it with these. */
export async function keepFiles(
  own: OwnRedis,
  { redis }: Pick<Engine, 'redis'>,
): Promise<() => Promise<void>> {
  const files = path.join(own.directory, 'appendonlydir');
  const kept = path.join(own.directory, 'kept');
  await rm(kept, { recursive: true, force: true });
  await cp(files, kept, { recursive: true });
  return async () => {
    const closed = new Promise((resolve) => redis.once('close', resolve));
    await own.kill();
    await closed;
    await rm(files, { recursive: true });
    await cp(kept, files, { recursive: true });
    const ready = new Promise((resolve) => redis.once('ready', resolve));
    await own.start();
    await ready;
  };
}
