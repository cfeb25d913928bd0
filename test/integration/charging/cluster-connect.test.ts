import { Redis } from 'ioredis';
import { beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { connected, createRedisClient } from '../../../src/charging/redis-client.js';
import { createLogger } from '../../../src/observability/logger.js';
import { startLoneCluster } from '../../support/redis.js';

const PATIENCE_MS = 30_000;

describe('a cluster that serves all slots but one', () => {
  let url: string;
  let node: Redis;
  beforeAll(async () => {
    url = await startLoneCluster();
    node = new Redis(url);
    await node.call('CLUSTER', 'DELSLOTS', '0');
    await vi.waitUntil(
      async () => String(await node.call('CLUSTER', 'INFO')).includes('cluster_state:fail'),
      { timeout: PATIENCE_MS },
    );
    return () => node.disconnect();
  }, PATIENCE_MS);

  function client() {
    const redis = createRedisClient(
      { url, topology: 'cluster', commandTimeoutMs: 5_000, name: 'test' },
      { logger: createLogger({ level: 'silent' }) },
    );
    onTestFinished(() => redis.disconnect());
    return redis;
  }

  test('is given up after a while', async () => {
    const connecting = connected(client(), { timeoutMs: 500 });
    await expect(connecting).rejects.toThrow('not ready within 500 ms');
  });

  test(
    'is connected to as soon as it serves all of them',
    async () => {
      const redis = client();
      let tries = 0;
      redis.on('connect', () => (tries += 1));
      const connecting = connected(redis, { timeoutMs: PATIENCE_MS });
      await vi.waitUntil(() => tries > 1, { timeout: PATIENCE_MS });
      await node.call('CLUSTER', 'ADDSLOTS', '0');
      await connecting;
      expect(redis.status).toBe('ready');
    },
    PATIENCE_MS,
  );
});
