/** Charging subjects one after the other, each over an empty key space, on a Redis of their own. */
import { createEngineConnection } from '../../src/charging/engine-connection.js';
import type { Engine } from '../../src/charging/engine.js';
import { createKeys } from '../../src/charging/keys.js';
import { openKeySpace } from '../../src/charging/partitions.js';
import type { RedisClient } from '../../src/charging/redis-client.js';
import type { Scripts } from '../../src/charging/script-loader.js';
import { createLogger } from '../../src/observability/logger.js';
import type { ChargingSubject } from './charging-subject.js';
import { createEngineSubject } from './engine-subject.js';
import { startRedisInstance } from './redis-instance.js';

export interface EmptySubjectsOptions {
  /** Default: the scripts as they are. */
  readonly scripts?: Scripts;
  readonly timeoutMs?: number;
}

export interface EmptySubjects {
  /** Of the server, for what is asked of it besides. */
  readonly redis: RedisClient;
  fresh(): Promise<ChargingSubject>;
  /** An empty key space without a subject over it. */
  engine(): Promise<Engine>;
  close(): Promise<void>;
}

const TIMEOUT_MS = 60_000;

/** Starts a server that writes nothing to disk, for runs that ask nothing of a restart. */
export async function openEmptySubjects({
  scripts,
  timeoutMs = TIMEOUT_MS,
}: EmptySubjectsOptions = {}): Promise<EmptySubjects> {
  const own = await startRedisInstance({ appendFsync: 'off', maxMemoryMb: 512 });
  const connection = createEngineConnection(
    {
      url: own.url,
      keyPrefix: 'w',
      name: 'workload',
      commandTimeoutMs: timeoutMs,
      requestTimeoutMs: timeoutMs,
    },
    { logger: createLogger({ level: 'silent' }) },
  );
  await connection.open();
  const charging = { ...connection.engine, scripts: scripts ?? connection.engine.scripts };
  await charging.scripts.load(charging.redis);
  let count = 0;
  const open = async (): Promise<Engine> => {
    const engine = { ...charging, keys: createKeys(`w:${count}`) };
    count += 1;
    await openKeySpace(engine, 1, null);
    return engine;
  };
  return {
    redis: charging.redis,
    fresh: async () => createEngineSubject(await open()),
    engine: open,
    close: async () => {
      await connection.close();
      await own.remove();
    },
  };
}
