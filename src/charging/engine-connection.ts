import type { Logger } from '../observability/logger.js';
import type { Engine } from './engine.js';
import type { FenceGate } from './fence-gate.js';
import { createKeys, partitionOfKey, type Keys } from './keys.js';
import { createRedisClient, type RedisClient, type RedisPlace } from './redis-client.js';
import { createReplication } from './replication.js';
import { readScripts } from './script-loader.js';

export interface EngineConnectionOptions extends RedisPlace {
  readonly keyPrefix: string;
  /** Shown by CLIENT LIST. */
  readonly name: string;
  readonly commandTimeoutMs: number;
  readonly requestTimeoutMs: number;
  /** With `replicated`, a call counts as answered once a replica has it too. */
  readonly durability?: 'strict' | 'relaxed' | 'replicated';
}

export interface EngineConnectionDependencies {
  readonly logger: Logger;
  /** For calls that meet a closed partition; without one they are refused. */
  readonly gate?: FenceGate;
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
  dependencies: EngineConnectionDependencies,
): EngineConnection {
  const redis = createRedisClient(options, dependencies);
  const scripts = readScripts();
  const keys = createKeys(options.keyPrefix);
  const witness =
    options.durability === 'replicated'
      ? createRedisClient({ ...options, name: `${options.name} replication` }, dependencies)
      : null;
  const engine: Engine = {
    redis,
    scripts,
    keys,
    limits: { requestTimeoutMs: options.requestTimeoutMs },
    ...(dependencies.gate !== undefined && { gate: dependencies.gate }),
    ...(witness === null
      ? {}
      : { confirm: confirmation(witness, { keys, options, dependencies }) }),
  };
  return {
    engine,
    open: async () => {
      await Promise.all([redis.connect(), witness?.connect()]);
      await scripts.load(redis);
    },
    close: async () => {
      const clients = witness === null ? [redis] : [redis, witness];
      await Promise.all(clients.map(closeClient));
    },
  };
}

async function closeClient(redis: RedisClient): Promise<void> {
  // QUIT waits for the replies before it; a connection that is down has none to wait for.
  if (redis.status === 'ready') await redis.quit().catch(() => undefined);
  // Also what listens to the sentinels, which QUIT leaves open.
  redis.disconnect();
}

/** A replica that takes longer is asked again, as long as the request has time. */
const REPLICA_TIMEOUT_MS = 250;

/** One confirmation serves a whole server; of a cluster, whose servers we don't tell apart, a slot. */
function confirmation(
  witness: RedisClient,
  {
    keys,
    options,
    dependencies,
  }: {
    readonly keys: Keys;
    readonly options: EngineConnectionOptions;
    readonly dependencies: { readonly logger: Logger };
  },
): NonNullable<Engine['confirm']> {
  const timeoutMs = Math.min(REPLICA_TIMEOUT_MS, Math.ceil(options.commandTimeoutMs / 2));
  const replication = createReplication({ timeoutMs }, { redis: witness, ...dependencies });
  const isCluster = options.topology === 'cluster';
  return (key) => {
    return replication.confirm(keys.waited(isCluster ? partitionOfKey(key) : 0));
  };
}
