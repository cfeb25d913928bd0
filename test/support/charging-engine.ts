/** Engines on the run's Redis, each under a prefix of its own. */
import { afterAll, inject } from 'vitest';
import { createEngineConnection } from '../../src/charging/engine-connection.js';
import type { Engine } from '../../src/charging/engine.js';
import { createKeys } from '../../src/charging/keys.js';
import { openKeySpace } from '../../src/charging/partitions.js';
import { createLogger, type Logger } from '../../src/observability/logger.js';
import { randomBytes } from 'node:crypto';

export const silentLogger: Logger = createLogger({ level: 'silent' });

export interface TestEngines {
  /** An engine of an empty key space of its own; all share one connection. */
  fresh(partitions?: number): Promise<Engine>;
}

export interface TestEngineOptions {
  /** Default: the run's server. */
  readonly url?: string;
  readonly requestTimeoutMs?: number;
  readonly commandTimeoutMs?: number;
}

/** Opens a connection and gives engines on it until the file ends. Call it at the top of a file. */
export function testEngines(options: TestEngineOptions = {}): TestEngines {
  const prefix = `c${randomBytes(4).toString('hex')}`;
  const connection = createEngineConnection(
    {
      url: options.url ?? inject('redisUrl'),
      keyPrefix: prefix,
      name: 'test',
      commandTimeoutMs: options.commandTimeoutMs ?? 20_000,
      requestTimeoutMs: options.requestTimeoutMs ?? 20_000,
    },
    { logger: silentLogger },
  );
  let opened: Promise<void> | null = null;
  let count = 0;
  afterAll(async () => {
    if (opened !== null) await connection.close();
  });
  return {
    fresh: async (partitions = 1) => {
      opened ??= connection.open();
      await opened;
      count += 1;
      const engine = { ...connection.engine, keys: createKeys(`${prefix}:${count}`) };
      await openKeySpace(engine, partitions, null);
      return engine;
    },
  };
}
