/** `tolld rebuild`: fills an empty Redis from Postgres, before any process starts over it. */
import { Command } from 'commander';
import { createEngineConnection } from '../charging/engine-connection.js';
import type { Engine } from '../charging/engine.js';
import { republishAll } from '../management/balances/profile-audit.js';
import { createEngineFace } from '../management/engine-face.js';
import { createSynchroniser, SYNCHRONISER_DEFAULTS } from '../management/synchroniser.js';
import type { Transact } from '../management/transaction.js';
import { createLogger } from '../observability/logger.js';
import { createMetrics } from '../observability/metrics.js';
import { asTenant, createDatabase, EVERY_TENANT } from '../records/database.js';
import { readInstallation } from '../records/installation.js';
import { rebuild, type RebuildProgress, type RebuildReport } from '../recovery/rebuild.js';
import type { Config } from '../settings.js';
import { StoresError } from './both-stores.js';
import type { CommandContext } from './context.js';
import { formatJson, progressNotes } from './output.js';

interface RebuildFlags {
  readonly json?: boolean;
}

const SILENT = createLogger({ level: 'silent' });
const COMMAND_TIMEOUT_MS = 30_000;
/** Has configuration, profiles and pending changes brought over, all of them. */
async function publishAll(config: Config, engine: Engine): Promise<void> {
  const pool = createDatabase(
    { url: config.postgres.url, name: 'tolld rebuild', connectionsMax: 2, role: 'manager' },
    { logger: SILENT },
  );
  const transact: Transact = (work) => asTenant(pool, EVERY_TENANT, work);
  try {
    await republishAll(transact);
    const synchroniser = createSynchroniser(SYNCHRONISER_DEFAULTS, {
      transact,
      engine: createEngineFace(engine),
      logger: SILENT,
      metrics: createMetrics({ processMetrics: false }),
      clock: Date.now,
    });
    const { failed } = await synchroniser.runOnce();
    if (failed > 0) {
      throw new StoresError(`${failed} accounts were not published; run \`tolld rebuild\` again`);
    }
  } finally {
    await pool.end();
  }
}

async function run(
  config: Config,
  onProgress: (progress: RebuildProgress) => void,
): Promise<RebuildReport> {
  const connection = createEngineConnection(
    {
      ...config.redis,
      name: 'tolld rebuild',
      commandTimeoutMs: COMMAND_TIMEOUT_MS,
      requestTimeoutMs: COMMAND_TIMEOUT_MS,
    },
    { logger: SILENT },
  );
  const pool = createDatabase(
    { url: config.postgres.url, name: 'tolld rebuild', connectionsMax: 3, role: 'flusher' },
    { logger: SILENT },
  );
  try {
    await connection.open();
    const installation = await readInstallation(pool);
    if (installation === null) {
      throw new StoresError('Postgres knows no Redis yet, so there is nothing to rebuild');
    }
    const { engine } = connection;
    return await rebuild(
      { installation, missedReportsMax: config.radius.missedReportsMax },
      { engine, pool, publish: () => publishAll(config, engine), clock: Date.now, onProgress },
    );
  } finally {
    await connection.close();
    await pool.end();
  }
}

export function rebuildCommand({ terminal, readConfig }: CommandContext): Command {
  return new Command('rebuild')
    .description('fill an empty Redis from Postgres; refuses over one that is in use')
    .option('--json', 'print JSON')
    .action(async ({ json = false }: RebuildFlags) => {
      const { config } = readConfig();
      const tell = progressNotes(terminal);
      const report = await run(config, ({ partition, partitions, accounts }) =>
        tell(`partition ${partition + 1} of ${partitions}, ${accounts} accounts`),
      );
      if (json) {
        terminal.out(formatJson(report));
        return;
      }
      const { accounts, buckets, sessions, sessionsForgotten, epoch } = report;
      terminal.out(
        `Rebuilt ${accounts} accounts with ${buckets} buckets and ${sessions} RADIUS sessions; ` +
          `${sessionsForgotten} other sessions are unknown from now on. Epoch ${epoch}.`,
      );
      for (const { sessionId, accountId, kind } of report.ordersAgain) {
        terminal.out(`Asked for again: ${kind} session ${sessionId} of account ${accountId}.`);
      }
      terminal.out('Start the daemons, then run `tolld verify`.');
    });
}
