/** The record and the working set: opened, checked, and held to one another, before anything is served. */
import type pg from 'pg';
import { createEngineConnection, type EngineConnection } from './charging/engine-connection.js';
import type { Engine } from './charging/engine.js';
import type { FenceGate, GateKeeping } from './charging/fence-gate.js';
import { openKeySpace, type KeySpace } from './charging/partitions.js';
import { checkServer } from './charging/server-checks.js';
import type { Logger } from './observability/logger.js';
import type { Metrics } from './observability/metrics.js';
import { checkDatabase, createDatabase, readRisks } from './records/database.js';
import { readInstallation, recordInstallation } from './records/installation.js';
import { migrate, missingMigrations } from './records/migrate.js';
import { createFenceKeeper } from './recovery/fence-keeper.js';
import { createRecoveryMetrics } from './recovery/metrics.js';
import type { Config } from './settings.js';

/** The process cannot start as things are; the message says what to change. */
export class NodeStartError extends Error {
  readonly code = 'TOLLD_NODE_START';
}

/**
 * Connects to Postgres and brings its schema up to date where the settings say so.
 * @throws NodeStartError where migrations are missing.
 */
export async function openRecord(
  config: Config,
  { logger }: { readonly logger: Logger },
): Promise<pg.Pool> {
  const { url, connectionsMax, migrateAtStart } = config.postgres;
  const database = createDatabase({ url, name: config.node.name, connectionsMax }, { logger });
  try {
    await checkDatabase(database);
    for (const risk of await readRisks(database)) logger.warn({}, risk);
    if (migrateAtStart) {
      const { notes } = await migrate({ url });
      for (const note of notes) logger.warn({}, note);
    }
    const missing = await missingMigrations(database);
    if (missing.length > 0) {
      throw new NodeStartError(
        `Postgres lacks ${missing.length} migrations; run \`tolld migrate\` first`,
      );
    }
    return database;
  } catch (error) {
    await database.end();
    throw error;
  }
}

/** The connection to Redis, not opened yet. */
export function createEngine(
  config: Config,
  dependencies: { readonly gate: FenceGate; readonly logger: Logger },
): EngineConnection {
  return createEngineConnection(
    {
      ...config.redis,
      name: `${config.node.name} charging`,
      connections: config.engine.connections,
      requestTimeoutMs: config.engine.requestTimeoutMs,
      durability: config.engine.durability,
    },
    dependencies,
  );
}

/** Connects, refuses a Redis that may forget balances, and opens the key space of this record. */
export async function openEngine(
  config: Config,
  {
    connection,
    database,
    logger,
  }: {
    readonly connection: EngineConnection;
    readonly database: pg.Pool;
    readonly logger: Logger;
  },
): Promise<KeySpace> {
  const { engine } = connection;
  await connection.open(() => refuseUnfit(engine, config, logger));
  const installation = await readInstallation(database);
  const keySpace = await openKeySpace(
    engine,
    config.engine.partitions,
    installation?.instanceId ?? null,
  );
  const { instance: instanceId, partitions } = keySpace;
  await recordInstallation(database, { instanceId, partitions });
  return keySpace;
}

/** @throws NodeStartError for a Redis that may forget balances, unless told to accept it. */
async function refuseUnfit(engine: Engine, config: Config, logger: Logger): Promise<void> {
  const findings = await checkServer(engine, config.engine.durability);
  for (const { severity, message } of findings) logger.warn({ severity }, message);
  const refusals = findings.filter(({ severity }) => severity === 'refuse');
  if (refusals.length > 0 && !config.redis.acceptUnsafeSettings) {
    throw new NodeStartError(
      [
        'Redis is not fit to hold balances:',
        ...refusals.map(({ message }) => `  - ${message}`),
        'Change its settings, or accept the risk with TOLLD_REDIS_ACCEPT_UNSAFE_SETTINGS=true.',
      ].join('\n'),
    );
  }
}

/** How often each process looks whether a Redis has restarted that nobody has asked anything since. */
const FENCE_INTERVAL_MS = 1_000;

/** Compares Redis with the record before anything is served, and whenever it comes back. */
export async function openRecovery(
  config: Config,
  parts: {
    readonly engine: Engine;
    readonly gate: GateKeeping;
    readonly keySpace: KeySpace;
    readonly logger: Logger;
    readonly metrics: Metrics;
  },
): Promise<{ close(): Promise<void> }> {
  const { engine, gate, logger } = parts;
  const { partitions, instance } = parts.keySpace;
  const pool = createDatabase(
    {
      url: config.postgres.url,
      name: `${config.node.name} recovery`,
      connectionsMax: 3,
      role: 'flusher',
    },
    { logger },
  );
  const metrics = createRecoveryMetrics(parts.metrics);
  const keeper = createFenceKeeper(
    {
      ...{ partitions, instance, intervalMs: FENCE_INTERVAL_MS },
      missedReportsMax: config.radius.missedReportsMax,
    },
    { engine, gate, pool, logger, metrics, clock: Date.now },
  );
  await keeper.start();
  return {
    close: async () => {
      await keeper.stop();
      await pool.end();
    },
  };
}

/** What must answer for a process to be ready. */
export function readinessChecks(
  connection: EngineConnection,
  database: pg.Pool,
): Readonly<Record<string, () => Promise<void>>> {
  return {
    redis: async () => {
      await connection.ping();
    },
    postgres: async () => {
      await database.query('SELECT 1');
    },
    migrations: async () => {
      const missing = await missingMigrations(database);
      if (missing.length > 0) throw new Error(`missing: ${missing.join(', ')}`);
    },
  };
}
