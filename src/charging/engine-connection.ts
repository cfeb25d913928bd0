import type { Logger } from '../observability/logger.js';
import type { Engine } from './engine.js';
import { createKeys } from './keys.js';
import { createRedisClient, type RedisPlace } from './redis-client.js';
import { readScripts } from './script-loader.js';

export interface EngineConnectionOptions extends RedisPlace {
  readonly keyPrefix: string;
  /** Shown by CLIENT LIST. */
  readonly name: string;
  readonly commandTimeoutMs: number;
  readonly requestTimeoutMs: number;
}

export interface EngineConnection {
  readonly engine: Engine;
  /** Connects and loads the scripts. @throws the client's error when Redis can't be reached. */
  open(): Promise<void>;
  /** Ends the connection after what is under way has been answered. */
  close(): Promise<void>;
}

/** Makes an engine with a connection of its own; nothing connects before {@link open}. */
export function createEngineConnection(
  options: EngineConnectionOptions,
  dependencies: { readonly logger: Logger },
): EngineConnection {
  const redis = createRedisClient(options, dependencies);
  const scripts = readScripts();
  const engine: Engine = {
    redis,
    scripts,
    keys: createKeys(options.keyPrefix),
    limits: { requestTimeoutMs: options.requestTimeoutMs },
  };
  return {
    engine,
    open: async () => {
      await redis.connect();
      await scripts.load(redis);
    },
    close: async () => {
      // QUIT waits for the replies before it; a connection that is down has none to wait for.
      if (redis.status === 'ready') await redis.quit().catch(() => undefined);
      // Also what listens to the sentinels, which QUIT leaves open.
      redis.disconnect();
    },
  };
}
