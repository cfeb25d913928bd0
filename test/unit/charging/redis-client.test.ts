import { describe, expect, it, vi } from 'vitest';
import { createRedisClient } from '../../../src/charging/redis-client.js';
import { createLogger } from '../../../src/observability/logger.js';

/** A connection under sentinels that has ended, and how often it was made again since. */
function endedConnection(close: boolean) {
  const redis = createRedisClient(
    {
      ...{ url: 'redis://sentinels', topology: 'sentinel', nodes: ['127.0.0.1:1'] },
      ...{ commandTimeoutMs: 500, name: 'test' },
    },
    { logger: createLogger({ level: 'silent' }) },
  );
  const connect = vi.spyOn(redis, 'connect').mockResolvedValue(undefined);
  if (close) redis.disconnect();
  redis.status = 'end';
  vi.useFakeTimers();
  redis.emit('end');
  vi.advanceTimersByTime(1_000);
  vi.useRealTimers();
  return connect.mock.calls.length;
}

describe('a connection under sentinels that ends', () => {
  it('is made again, since nobody has closed it', () => {
    expect(endedConnection(false)).toBe(1);
  });

  it('stays ended when it was closed', () => {
    expect(endedConnection(true)).toBe(0);
  });
});
