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

describe('the log of a connection', () => {
  function told(work: (redis: ReturnType<typeof createRedisClient>) => void): readonly string[] {
    const lines: string[] = [];
    const redis = createRedisClient(
      { url: 'redis://127.0.0.1:1', commandTimeoutMs: 500, name: 'test' },
      {
        logger: createLogger({ level: 'info' }, { destination: { write: (l) => lines.push(l) } }),
      },
    );
    work(redis);
    redis.disconnect();
    return lines.map((line) => {
      const { level, msg, node, err } = JSON.parse(line) as {
        readonly [name in 'level' | 'msg' | 'node']?: string;
      } & { readonly err?: { readonly message: string } };
      return [level, msg, node, err?.message].filter((word) => word !== undefined).join(': ');
    });
  }

  it('says once why it is down, and that it is back', () => {
    const refused = new Error('connect ECONNREFUSED');
    expect(
      told((redis) => {
        for (let attempt = 0; attempt < 5; attempt += 1) redis.emit('error', refused);
        redis.emit('ready');
        redis.emit('error', refused);
      }),
    ).toEqual([
      'warn: redis connection failed: connect ECONNREFUSED',
      'info: redis connection is back',
      'warn: redis connection failed: connect ECONNREFUSED',
    ]);
  });

  it('names the node of a cluster that cannot be reached', () => {
    expect(
      told((redis) => redis.emit('node error', new Error('connect ECONNREFUSED'), '127.0.0.1:2')),
    ).toEqual(['warn: redis connection failed: 127.0.0.1:2: connect ECONNREFUSED']);
  });
});
