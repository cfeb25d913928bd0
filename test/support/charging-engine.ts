/** Engines on a Redis of the tests, each with a key space of its own. */
import { randomBytes } from 'node:crypto';
import { afterAll, inject } from 'vitest';
import {
  createEngineConnection,
  type EngineConnection,
} from '../../src/charging/engine-connection.js';
import type { Engine } from '../../src/charging/engine.js';
import { createFenceGate } from '../../src/charging/fence-gate.js';
import { createKeys } from '../../src/charging/keys.js';
import { openPartition, readFence } from '../../src/charging/partition-fence.js';
import { openKeySpace } from '../../src/charging/partitions.js';
import { createLogger, type Logger } from '../../src/observability/logger.js';

export const silentLogger: Logger = createLogger({ level: 'silent' });

export interface TestEngineOptions {
  /** Default: the run's server. */
  readonly url?: string;
  /** Default: one of its own. */
  readonly keyPrefix?: string;
  readonly commandTimeoutMs?: number;
  readonly requestTimeoutMs?: number;
  /** Default 3. */
  readonly connections?: number;
  readonly topology?: 'single' | 'cluster';
  /** Default 1. */
  readonly partitions?: number;
  /** Opens what a restart of Redis has closed, as recovery does where nothing was lost. */
  readonly reopens?: boolean;
}

/** Connections of this file; a hook can't be registered any more once the tests run. */
const OPENED = new Set<EngineConnection>();
afterAll(async () => {
  await Promise.all([...OPENED].map((connection) => connection.close()));
  OPENED.clear();
});

/** A connection of its own to a key space that is laid out; closed when the test file ends. */
export async function openEngine(options: TestEngineOptions = {}): Promise<Engine> {
  const gate = createFenceGate();
  const connection = createEngineConnection(
    {
      url: options.url ?? inject('redisUrl'),
      keyPrefix: options.keyPrefix ?? `c${randomBytes(4).toString('hex')}`,
      name: 'test',
      commandTimeoutMs: options.commandTimeoutMs ?? 20_000,
      requestTimeoutMs: options.requestTimeoutMs ?? 20_000,
      connections: options.connections ?? 3,
      topology: options.topology ?? 'single',
    },
    { logger: silentLogger, ...(options.reopens === true && { gate }) },
  );
  OPENED.add(connection);
  await connection.open();
  gate.onClosed((partition) => {
    void readFence(connection.engine, partition)
      .then(({ epoch }) => openPartition(connection.engine, partition, epoch + 1))
      .then(() => gate.letThrough(partition));
  });
  await openKeySpace(connection.engine, options.partitions ?? 1, null);
  return connection.engine;
}

export interface TestEngines {
  /** An engine of an empty key space of its own; all share one connection. */
  fresh(): Promise<Engine>;
}

/** Key spaces one after the other on one connection, for files with many small tests. */
export function testEngines(): TestEngines {
  let shared: Promise<Engine> | null = null;
  let count = 0;
  return {
    fresh: async () => {
      const first = await (shared ??= openEngine());
      count += 1;
      const engine = { ...first, keys: createKeys(`${first.keys.meta}:${count}`) };
      await openKeySpace(engine, 1, null);
      return engine;
    },
  };
}
