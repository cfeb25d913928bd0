import { Redis } from 'ioredis';
import type { Logger } from '../observability/logger.js';

export interface RedisClientOptions {
  readonly url: string;
  /** After this long without a reply a command fails; the caller repeats it, since it may have run. */
  readonly commandTimeoutMs: number;
  /** Name shown by CLIENT LIST. */
  readonly name: string;
}

/**
 * A connection whose failures are seen at once. ioredis would by default send a command again when
 * the connection died before its reply, which charges twice without the idempotency of the scripts;
 * with that off, 6.0.0 leaves the promise pending, so the command timeout settles it. Nothing is
 * queued while disconnected: a caller with a deadline repeats the call itself.
 */
export function createRedisClient(
  options: RedisClientOptions,
  dependencies: { readonly logger: Logger },
): Redis {
  const redis = new Redis(options.url, {
    connectionName: options.name,
    autoResendUnfulfilledCommands: false,
    commandTimeout: options.commandTimeoutMs,
    // A connection on which nothing comes any more is given up, so that the repeated call finds
    // another: without this every repetition would wait on the dead one.
    socketTimeout: options.commandTimeoutMs,
    enableOfflineQueue: false,
    enableAutoPipelining: true,
    maxRetriesPerRequest: null,
    lazyConnect: true,
    noDelay: true,
    retryStrategy: (attempt) => Math.min(50 * attempt, 1_000),
  });
  redis.on('error', (error: Error) => {
    dependencies.logger.warn({ err: error, client: options.name }, 'redis connection failed');
  });
  return redis;
}
