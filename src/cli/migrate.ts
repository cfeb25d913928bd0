/** `tolld migrate`: brings the schema in Postgres up to this version. */
import { Command } from 'commander';
import { createDatabase } from '../records/database.js';
import { migrate, missingMigrations, type MigrationStep } from '../records/migrate.js';
import { createLogger } from '../observability/logger.js';
import type { CommandContext } from './context.js';
import { formatJson } from './output.js';

interface MigrateFlags {
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

function describeStep(step: MigrationStep): string {
  switch (step.step) {
    case 'waiting':
      return '… another process is migrating, waiting for it';
    case 'applying':
      return `… ${step.migration.name} (${step.left} left)`;
    case 'applied':
      return `✓ ${step.migration.name} (${step.durationMs} ms)`;
  }
}

async function printMissing({ terminal, readConfig }: CommandContext, json: boolean) {
  const { config } = readConfig();
  const pool = createDatabase(
    { url: config.postgres.url, name: 'tolld migrate --dry-run', connectionsMax: 1 },
    { logger: createLogger({ level: 'silent' }) },
  );
  try {
    const missing = await missingMigrations(pool);
    if (json) terminal.out(formatJson({ missing }));
    else if (missing.length === 0) terminal.out('The schema is up to date.');
    else missing.forEach((name) => terminal.out(`would apply ${name}`));
  } finally {
    await pool.end();
  }
}

export function migrateCommand(context: CommandContext): Command {
  const { terminal, readConfig } = context;
  return new Command('migrate')
    .description('apply the migrations that Postgres lacks; one process at a time')
    .option('--dry-run', 'only say which are missing')
    .option('--json', 'print JSON')
    .action(async ({ dryRun = false, json = false }: MigrateFlags) => {
      if (dryRun) {
        await printMissing(context, json);
        return;
      }
      const { config } = readConfig();
      const report = (step: MigrationStep): void => terminal.note(describeStep(step));
      const result = await migrate({ url: config.postgres.url }, { report });
      if (json) {
        terminal.out(formatJson(result));
        return;
      }
      const { applied, current, newer, notes } = result;
      terminal.out(
        applied.length === 0
          ? `The schema is up to date at migration ${current}.`
          : `${applied.length} applied; the schema is at migration ${current}.`,
      );
      if (newer.length > 0) {
        terminal.out(`A newer version of tolld has added migrations ${newer.join(', ')}.`);
      }
      notes.forEach((note) => terminal.out(`Note: ${note}`));
    });
}
