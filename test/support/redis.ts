/** Redis for tests: one server for the run with a key prefix per file, or a server of one's own. */
import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterAll, inject, vi } from 'vitest';
import { startRedisInstance, type OwnRedis, type StartRedisOptions } from './redis-instance.js';

export interface TestRedis {
  readonly url: string;
  /** Every key of the file under test begins with this and a colon; they go when the file ends. */
  readonly prefix: string;
  readonly client: Redis;
}

/** The run's server with a prefix of the calling file's own. Call it at the top of a test file. */
export function testRedis(): TestRedis {
  const url = inject('redisUrl');
  const prefix = `t${randomBytes(4).toString('hex')}`;
  const client = new Redis(url, { lazyConnect: true });
  afterAll(async () => {
    client.disconnect();
    // The tests may have left theirs in any state.
    const cleaner = new Redis(url);
    await removeKeys(cleaner, `${prefix}:*`);
    cleaner.disconnect();
  });
  return { url, prefix, client };
}

async function removeKeys(client: Redis, pattern: string): Promise<void> {
  let cursor = '0';
  do {
    const [next, keys] = await client.scan(cursor, 'MATCH', pattern, 'COUNT', 1000);
    if (keys.length > 0) await client.unlink(...keys);
    cursor = next;
  } while (cursor !== '0');
}

/** Servers of this file; a hook can't be registered any more once the tests run. */
const STARTED = new Set<OwnRedis>();
afterAll(async () => {
  for (const own of STARTED) await own.remove();
  STARTED.clear();
});

/** A server of one's own, removed when the test file ends. Loopback, random port. */
export async function startRedis(options: StartRedisOptions = {}): Promise<OwnRedis> {
  const own = await startRedisInstance(options);
  STARTED.add(own);
  return own;
}

/** The URL of a cluster of one master that has every slot; it goes when the test file ends. */
export async function startLoneCluster(): Promise<string> {
  const moreSettings = ['cluster-enabled yes', 'cluster-announce-ip 127.0.0.1'];
  const { url } = await startRedis({ moreSettings });
  const redis = new Redis(url);
  await redis.call('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
  await vi.waitUntil(
    async () => String(await redis.call('CLUSTER', 'INFO')).includes('cluster_state:ok'),
    { timeout: 20_000 },
  );
  redis.disconnect();
  return url;
}
