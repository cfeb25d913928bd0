/** Redis and Postgres of one installation, for a command that looks at both. */
import type pg from 'pg';
import { createEngineConnection } from '../charging/engine-connection.js';
import type { Engine } from '../charging/engine.js';
import { readKeySpace } from '../charging/partitions.js';
import { createOutboxStreams, type OutboxStreams } from '../charging/stream.js';
import { createLogger, type Logger } from '../observability/logger.js';
import { createDatabase, type DatabaseRole } from '../records/database.js';
import { readInstallation } from '../records/installation.js';
import type { Config } from '../settings.js';

export interface BothStores {
  readonly engine: Engine;
  readonly streams: OutboxStreams;
  readonly pool: pg.Pool;
  /** Of the whole key space. */
  readonly partitions: number;
}

/** Redis and Postgres don't belong together, or one of them was never used. */
export class StoresError extends Error {
  readonly code = 'TOLLD_STORES';
}

export interface OpenStoresOptions {
  /** Shown by both servers. */
  readonly name: string;
  readonly role: DatabaseRole;
  readonly logger?: Logger;
}

const SILENT = createLogger({ level: 'silent' });
/** A stream is read in large pieces, and a proof is in no hurry. */
const COMMAND_TIMEOUT_MS = 30_000;

/**
 * Runs `work` over both. @throws StoresError, or the error of the one that can't be reached.
 */
export async function withBothStores<Result>(
  config: Config,
  { name, role, logger = SILENT }: OpenStoresOptions,
  work: (stores: BothStores) => Promise<Result>,
): Promise<Result> {
  const connection = createEngineConnection(
    {
      ...config.redis,
      name,
      commandTimeoutMs: COMMAND_TIMEOUT_MS,
      requestTimeoutMs: COMMAND_TIMEOUT_MS,
    },
    { logger },
  );
  const pool = createDatabase(
    { url: config.postgres.url, name, connectionsMax: 4, role },
    { logger },
  );
  try {
    await connection.open();
    const { engine } = connection;
    const partitions = await agreedPartitions(engine, pool);
    return await work({ engine, streams: createOutboxStreams(engine), pool, partitions });
  } finally {
    await connection.close();
    await pool.end();
  }
}

async function agreedPartitions(engine: Engine, pool: pg.Pool): Promise<number> {
  const installation = await readInstallation(pool);
  if (installation === null) {
    throw new StoresError('Postgres knows no Redis yet: start `tolld serve` once over both');
  }
  const space = await readKeySpace(engine);
  if (space === null) {
    throw new StoresError(
      'Redis is empty: point REDIS_URL at the right one, or run `tolld rebuild`',
    );
  }
  if (space.instance !== installation.instanceId) {
    throw new StoresError(
      `Redis belongs to instance ${space.instance}, Postgres to ${installation.instanceId}`,
    );
  }
  return space.partitions;
}
