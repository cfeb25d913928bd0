/** `tolld load FILE`: makes the record what an operator file declares, and brings it to Redis. */
import { readFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { Command } from 'commander';
import type pg from 'pg';
import { createEngineConnection, type EngineConnection } from '../charging/engine-connection.js';
import { partitionOf } from '../charging/keys.js';
import { openKeySpace } from '../charging/partitions.js';
import { createEngineFace } from '../management/engine-face.js';
import { loadOperatorFile, type LoadReport } from '../management/operator-file/load.js';
import { CHANGE_KINDS } from '../management/operator-file/plan/findings.js';
import { formatFault, OperatorFileError } from '../management/operator-file/reading/file-fault.js';
import { createSynchroniser, SYNCHRONISER_DEFAULTS } from '../management/synchroniser.js';
import type { Transact } from '../management/transaction.js';
import { createLogger } from '../observability/logger.js';
import { createMetrics } from '../observability/metrics.js';
import { asTenant, createDatabase, EVERY_TENANT } from '../records/database.js';
import { readInstallation, recordInstallation } from '../records/installation.js';
import { missingMigrations } from '../records/migrate.js';
import { createSecretBox } from '../secret-box.js';
import type { Config } from '../settings.js';
import { EXIT, type CommandContext } from './context.js';
import { formatJson, formatTable, progressNotes, type Terminal } from './output.js';

interface LoadFlags {
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** The load cannot begin; the message says what to do first. */
class LoadCommandError extends Error {
  readonly code = 'TOLLD_LOAD';
}

const SILENT = createLogger({ level: 'silent' });

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new LoadCommandError(`${file} can't be read: ${reason}`);
  }
}

/** A connection to Redis, opened; null where it can't be reached. */
async function connect({ redis, engine }: Config): Promise<EngineConnection | null> {
  const connection = createEngineConnection(
    {
      ...redis,
      name: 'tolld load',
      requestTimeoutMs: engine.requestTimeoutMs,
      durability: engine.durability,
    },
    { logger: SILENT },
  );
  try {
    await connection.open();
    return connection;
  } catch {
    await connection.close();
    return null;
  }
}

/** Cuts the key space where no process has done so yet: accounts are put into its partitions. */
async function openInstallation(
  pool: pg.Pool,
  connection: EngineConnection,
  config: Config,
): Promise<void> {
  if ((await readInstallation(pool)) !== null) return;
  const space = await openKeySpace(connection.engine, config.engine.partitions, null);
  await recordInstallation(pool, { instanceId: space.instance, partitions: space.partitions });
}

/** Brings what was written to Redis; says why where it could not. */
async function bringOver(
  transact: Transact,
  connection: EngineConnection | null,
  onProgress: LoadProgress = () => undefined,
): Promise<string | null> {
  const later = 'written, and a running daemon will bring it to Redis';
  if (connection === null) return `Redis can't be reached: everything is ${later}.`;
  const synchroniser = createSynchroniser(SYNCHRONISER_DEFAULTS, {
    transact,
    engine: createEngineFace(connection.engine),
    logger: SILENT,
    metrics: createMetrics({ processMetrics: false }),
    clock: Date.now,
  });
  try {
    const { failed } = await synchroniser.runOnce({
      onProgress: ({ accounts }) => onProgress(`${accounts} accounts brought to Redis`),
    });
    return failed === 0 ? null : `${failed} accounts did not reach Redis yet: they are ${later}.`;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return `Redis was not brought up to date (${reason}): everything is ${later}.`;
  }
}

/** Told how far it has come; often. */
export type LoadProgress = (line: string) => void;

export interface Loaded {
  readonly report: LoadReport;
  /** What remains to be done, or null. */
  readonly remains: string | null;
}

/** Refuses a record that is not ready, and makes it so where it may. */
async function prepare(config: Config, connection: EngineConnection | null): Promise<void> {
  const pool = createDatabase(
    { url: config.postgres.url, name: 'tolld load', connectionsMax: 1 },
    { logger: SILENT },
  );
  try {
    if ((await missingMigrations(pool)).length > 0) {
      throw new LoadCommandError('Postgres lacks migrations; run `tolld migrate` first');
    }
    if (connection !== null) await openInstallation(pool, connection, config);
  } finally {
    await pool.end();
  }
}

/**
 * Loads a file into the record and brings it to Redis.
 * @throws OperatorFileError with every fault of the file, or why the record can't be written.
 */
export async function loadFile(
  config: Config,
  file: string,
  { dryRun, onProgress }: { readonly dryRun: boolean; readonly onProgress?: LoadProgress },
): Promise<Loaded> {
  const text = await readText(file);
  const connection = dryRun ? null : await connect(config);
  const pool = createDatabase(
    { url: config.postgres.url, name: 'tolld load', connectionsMax: 2, role: 'manager' },
    { logger: SILENT },
  );
  const transact: Transact = (work) => asTenant(pool, EVERY_TENANT, work);
  try {
    await prepare(config, connection);
    const actor = `tolld load (${userInfo().username})`;
    const report = await loadOperatorFile(
      { file, text, dryRun, actor },
      {
        transact,
        partitionOf,
        secrets: createSecretBox(config.secrets.keys),
        clock: Date.now,
      },
    );
    return { report, remains: dryRun ? null : await bringOver(transact, connection, onProgress) };
  } finally {
    await connection?.close();
    await pool.end();
  }
}

const SIGNS = { create: '+', change: '~', remove: '-' } as const;

function describe(file: string, { report, remains }: Loaded): readonly string[] {
  const { changes, notes, written, configVersion } = report;
  const changed = changes.flatMap(({ action, kind, name, details }) =>
    action === 'unchanged' ? [] : [[`${SIGNS[action]} ${kind}`, name, details.join(', ')] as const],
  );
  const unchanged = CHANGE_KINDS.flatMap((kind) => {
    const same = changes.filter((change) => change.kind === kind && change.action === 'unchanged');
    return same.length === 0 ? [] : [`${kind} ${same.length}`];
  });
  const rows = changed.length === 0 ? [] : formatTable(['change', 'name', ''], changed);
  return [
    ...rows,
    ...(unchanged.length === 0 ? [] : [`= unchanged: ${unchanged.join(', ')}`]),
    ...notes.map((note) => `Note: ${formatFault(file, note)}`),
    ...(remains === null ? [] : [remains]),
    changed.length === 0
      ? 'Nothing to change: all of it is there.'
      : written
        ? `${changed.length} changes loaded${configVersion === null ? '' : `, configuration ${configVersion}`}.`
        : `${changed.length} changes would be made; nothing was written.`,
  ];
}

function printFaults(terminal: Terminal, { file, faults }: OperatorFileError): void {
  terminal.out(formatJson({ file, written: false, faults }));
}

export function loadCommand({ terminal, readConfig, setExitCode }: CommandContext): Command {
  return new Command('load')
    .description('declare tenants, tariffs, accounts, subscribers, peers and NAS from a file')
    .argument('<file>', 'YAML or JSON; docs/operator-file.md describes it')
    .option('--dry-run', 'only say what would change')
    .option('--json', 'print JSON')
    .action(async (file: string, { dryRun = false, json = false }: LoadFlags) => {
      const { config } = readConfig();
      try {
        const onProgress = progressNotes(terminal);
        const loaded = await loadFile(config, file, { dryRun, onProgress });
        if (json) terminal.out(formatJson({ file, ...loaded.report, remains: loaded.remains }));
        else describe(file, loaded).forEach((line) => terminal.out(line));
      } catch (error) {
        if (!json || !(error instanceof OperatorFileError)) throw error;
        printFaults(terminal, error);
        setExitCode(EXIT.failed);
      }
    });
}
