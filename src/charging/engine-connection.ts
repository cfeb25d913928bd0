import { Cluster } from 'ioredis';
import type { Logger } from '../observability/logger.js';
import { EngineUnavailableError, isTransientReply, type Engine } from './engine.js';
import type { FenceGate } from './fence-gate.js';
import { createKeys, type Keys } from './keys.js';
import {
  connected,
  createRedisClient,
  type RedisClient,
  type RedisClientOptions,
  type RedisPlace,
} from './redis-client.js';
import { createReplication, type ReplicationOptions } from './replication.js';
import { readScripts } from './script-loader.js';

export interface EngineConnectionOptions
  extends RedisPlace, Pick<RedisClientOptions, 'slotsRefreshMs'> {
  readonly keyPrefix: string;
  /** Shown by CLIENT LIST. */
  readonly name: string;
  readonly commandTimeoutMs: number;
  readonly requestTimeoutMs: number;
  /** Connections that scripts are called by (docs/adr/0008); 1 by default. */
  readonly connections?: number;
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
  /**
   * Connects and loads the scripts.
   * @param inspect looks at the servers before anything is loaded into them.
   * @throws EngineUnavailableError when Redis can't be reached, the error that it answers with, or
   * what inspecting throws.
   */
  open(inspect?: (engine: Engine) => Promise<void>): Promise<void>;
  /** Resolves when Redis answers on every one of the connections. @throws the client's error. */
  ping(): Promise<void>;
  /** Ends the connections after what is under way has been answered. */
  close(): Promise<void>;
}

/** With `appendfsync everysec` a sync that is under way may put the next one off for two seconds. */
const SYNC_MS = 2_500;

/** Makes an engine with connections of its own; nothing connects before {@link open}. */
export function createEngineConnection(
  options: EngineConnectionOptions,
  dependencies: EngineConnectionDependencies,
): EngineConnection {
  const { name, connections: count = 1 } = options;
  const redis = createRedisClient(options, dependencies);
  const others = Array.from({ length: count - 1 }, (_, index) =>
    createRedisClient({ ...options, name: `${name} ${index + 2}` }, dependencies),
  );
  const connections = [redis, ...others];
  const scripts = readScripts();
  const keys = createKeys(options.keyPrefix);
  const witness =
    options.durability === 'replicated'
      ? createRedisClient({ ...options, name: `${name} replication` }, dependencies)
      : null;
  const engine: Engine = {
    redis,
    ...(count > 1 && { connections }),
    scripts,
    keys,
    limits: { requestTimeoutMs: options.requestTimeoutMs },
    ...(dependencies.gate !== undefined && { gate: dependencies.gate }),
    ...(options.durability === 'relaxed' && redis instanceof Cluster && { syncMs: SYNC_MS }),
    ...(witness !== null && {
      replication: createReplication(replicationOptions(options, keys), {
        redis: witness,
        scripts,
        ...dependencies,
      }),
    }),
  };
  const clients = witness === null ? connections : [...connections, witness];
  return {
    engine,
    open: async (inspect) => {
      await Promise.all(clients.map(connectClient));
      await inspect?.(engine);
      await scripts.load(redis);
    },
    ping: async () => {
      await Promise.all(clients.map((client) => client.ping()));
    },
    close: async () => {
      await Promise.all(clients.map(closeClient));
    },
  };
}

/** As long as the client waits for a server that says nothing at all. */
const CONNECT_MS = 10_000;

/** The client says why in its events alone: what it rejects with is that the connection is closed. */
async function connectClient(redis: RedisClient): Promise<void> {
  let heard: unknown;
  const hear = (error: unknown): void => {
    heard = error;
  };
  redis.on('error', hear);
  try {
    await connected(redis, { timeoutMs: CONNECT_MS });
  } catch (error) {
    const cause = heard ?? error;
    if (cause instanceof Error && cause.name === 'ReplyError' && !isTransientReply(cause)) {
      throw cause;
    }
    throw new EngineUnavailableError(cause);
  } finally {
    redis.off('error', hear);
  }
}

async function closeClient(redis: RedisClient): Promise<void> {
  // What was called in this turn of the event loop goes before.
  await new Promise((resolve) => setImmediate(resolve));
  // QUIT waits for the replies before it; a connection that is down has none to wait for.
  if (redis.status === 'ready') await redis.quit().catch(() => undefined);
  // Also what listens to the sentinels, which QUIT leaves open.
  redis.disconnect();
}

/** A replica that takes longer is asked again, as long as the request has time. */
const REPLICA_TIMEOUT_MS = 250;

/** One confirmation serves a whole server; of a cluster, whose servers we don't tell apart, a slot. */
function replicationOptions(
  { commandTimeoutMs, topology }: EngineConnectionOptions,
  keys: Keys,
): ReplicationOptions {
  const whole = keys.waited(keys.control(0));
  return {
    timeoutMs: Math.min(REPLICA_TIMEOUT_MS, Math.ceil(commandTimeoutMs / 2)),
    waitedKey: topology === 'cluster' ? (key) => keys.waited(key) : () => whole,
  };
}
