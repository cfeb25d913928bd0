/**
 * Brings the schema up to this version: numbered SQL files, each in a transaction of its own, one
 * process at a time. A file that has been applied never changes; its checksum says whether it did.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import pg from 'pg';
import { checkDatabase } from './database.js';

const MIGRATIONS = new URL('../../schema/migrations/', import.meta.url);
const FILE_NAME = /^(\d{4})-([a-z0-9-]+)\.sql$/;
/**
 * Checksums of files as they once were, by number, where a later file makes what they made into what
 * they make now. 0005: an owner that is no superuser could not apply it; 0019.
 */
const REPLACED: ReadonlyMap<number, string> = new Map([
  [5, 'e5982b71cb9ed56235cfb41b91d8a8696f340bbb4d38592979956424b6d614bc'],
]);
const FLUSHER_ROLE = 'tolld_flusher';
const ROLES = [FLUSHER_ROLE, 'tolld_manager', 'tolld_reader'];
/** "toll" in ASCII: the lock is of this database, and ours alone. */
const LOCK_KEY = 0x746f6c6c;
const LOCK_WAIT_MS = 600_000;

export interface Migration {
  readonly number: number;
  readonly name: string;
  readonly sql: string;
  readonly checksum: string;
}

export type MigrationStep =
  /** Another process migrates. */
  | { readonly step: 'waiting' }
  | { readonly step: 'applying'; readonly migration: Migration; readonly left: number }
  | { readonly step: 'applied'; readonly migration: Migration; readonly durationMs: number };

export interface MigrationReport {
  /** Names of what this run applied. */
  readonly applied: readonly string[];
  /** Number of the newest one in the database. */
  readonly current: number;
  /** Numbers in the database that this version does not know: a newer one has been here. */
  readonly newer: readonly number[];
  /** What an administrator could still do, a sentence each. */
  readonly notes: readonly string[];
}

/** The schema could not be brought up to date; nothing of the failed step remains. */
export class MigrationError extends Error {
  readonly code = 'TOLLD_MIGRATION';

  constructor(reason: string, cause?: unknown) {
    super(reason, { cause });
    this.name = 'MigrationError';
  }
}

/** Reads the files in their order. @throws MigrationError for a name or number out of line. */
export async function readMigrations(directory: URL = MIGRATIONS): Promise<readonly Migration[]> {
  const names = (await readdir(directory)).filter((name) => name.endsWith('.sql')).sort();
  return Promise.all(
    names.map(async (file, index) => {
      const [, digits = '', name = ''] = FILE_NAME.exec(file) ?? [];
      if (Number(digits) !== index + 1) {
        throw new MigrationError(
          `${file}: migrations are named NNNN-what-it-does.sql and numbered from 0001 without a gap`,
        );
      }
      const sql = (await readFile(new URL(file, directory), 'utf8')).replaceAll('\r\n', '\n');
      const checksum = createHash('sha256').update(sql).digest('hex');
      return { number: index + 1, name, sql, checksum };
    }),
  );
}

export interface MigrateOptions {
  /** Of a login that may create in the database: its owner. */
  readonly url: string;
  readonly directory?: URL;
}

export interface MigrateDependencies {
  readonly report?: (step: MigrationStep) => void;
}

/**
 * Applies what is missing, then renews the rights of the roles.
 * @throws MigrationError, DatabaseVersionError, or the driver's error when it can't connect.
 */
export async function migrate(
  { url, directory = MIGRATIONS }: MigrateOptions,
  { report = () => undefined }: MigrateDependencies = {},
): Promise<MigrationReport> {
  const migrations = await readMigrations(directory);
  const client = new pg.Client({ connectionString: url, application_name: 'tolld migrate' });
  let lost: Error | undefined;
  client.on('error', (error) => {
    lost = error;
  });
  await client.connect();
  try {
    await checkDatabase(client);
    await takeLock(client, report);
    await prepareBook(client);
    const known = await checkApplied(client, migrations);
    const missing = migrations.filter(({ number }) => !known.has(number));
    for (const [index, migration] of missing.entries()) {
      report({ step: 'applying', migration, left: missing.length - index });
      const durationMs = await applyMigration(client, migration);
      report({ step: 'applied', migration, durationMs });
    }
    return {
      applied: missing.map(({ name }) => name),
      current: Math.max(migrations.length, ...known),
      newer: [...known].filter((number) => number > migrations.length),
      notes: await renewRights(client),
    };
  } catch (error) {
    throw lost ?? error;
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function takeLock(client: pg.Client, report: (step: MigrationStep) => void): Promise<void> {
  const { rows } = await client.query<{ taken: boolean }>(
    'SELECT pg_try_advisory_lock($1) AS taken',
    [LOCK_KEY],
  );
  if (rows[0]?.taken === true) return;
  report({ step: 'waiting' });
  await client.query(`SET lock_timeout = ${LOCK_WAIT_MS}`);
  try {
    await client.query('SELECT pg_advisory_lock($1)', [LOCK_KEY]);
  } catch (error) {
    throw new MigrationError(
      `another process has been migrating this database for ${LOCK_WAIT_MS / 60_000} minutes; ` +
        "look for 'tolld migrate' in pg_stat_activity",
      error,
    );
  }
  await client.query('RESET lock_timeout');
}

/** The book of what was applied, made first of all. */
async function prepareBook(client: pg.Client): Promise<void> {
  try {
    await client.query(`
      CREATE SCHEMA IF NOT EXISTS tolld;
      CREATE TABLE IF NOT EXISTS tolld.migrations (
        number smallint PRIMARY KEY,
        name text NOT NULL,
        checksum text NOT NULL,
        applied_at timestamptz NOT NULL DEFAULT now(),
        duration_ms bigint NOT NULL
      )`);
  } catch (error) {
    const denied = error instanceof pg.DatabaseError && error.code === '42501';
    throw new MigrationError(
      denied
        ? `the login may not create in this database; as an administrator: ` +
            `GRANT CREATE ON DATABASE ${client.database ?? '…'} TO ${client.user ?? '…'}`
        : `the book of migrations could not be made: ${messageOf(error)}`,
      error,
    );
  }
}

/** Numbers in the book. @throws MigrationError when one was applied with other content. */
async function checkApplied(
  client: pg.Client,
  migrations: readonly Migration[],
): Promise<ReadonlySet<number>> {
  const { rows } = await client.query<{ number: number; name: string; checksum: string }>(
    'SELECT number, name, checksum FROM tolld.migrations ORDER BY number',
  );
  for (const { number, name, checksum } of rows) {
    const migration = migrations[number - 1];
    if (migration === undefined || REPLACED.get(number) === checksum) continue;
    if (migration.checksum !== checksum) {
      throw new MigrationError(
        `migration ${fileOf(migration)} was applied with other content (as "${name}"): the ` +
          'database belongs to another build of tolld; run that one, or use another database',
      );
    }
  }
  return new Set(rows.map(({ number }) => number));
}

async function applyMigration(client: pg.Client, migration: Migration): Promise<number> {
  const startedAt = performance.now();
  try {
    await client.query('BEGIN');
    await client.query(migration.sql);
    const durationMs = Math.round(performance.now() - startedAt);
    await client.query('INSERT INTO tolld.migrations VALUES ($1, $2, $3, now(), $4)', [
      migration.number,
      migration.name,
      migration.checksum,
      durationMs,
    ]);
    await client.query('COMMIT');
    return durationMs;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    throw new MigrationError(
      `migration ${fileOf(migration)} failed and was undone: ${messageOf(error)}`,
      error,
    );
  }
}

async function renewRights(client: pg.Client): Promise<readonly string[]> {
  const { rows } = await client.query<{ note: string }>(
    'SELECT note FROM tolld.grant_rights() AS note',
  );
  const wanted = rows.length === 0 ? [] : await missingRoles(client);
  if (wanted.length === 0) return rows.map(({ note }) => note);
  return [
    [
      'every part of tolld works with all rights of its login, until an administrator of Postgres ' +
        'has run these lines, and `tolld migrate` has run again:',
      ...wanted,
    ].join('\n  '),
  ];
}

/** Statements that give the login its roles, all at once: the database asks for one at a time. */
async function missingRoles(client: pg.Client): Promise<readonly string[]> {
  const { rows } = await client.query<{
    name: string;
    grantee: string;
    is_made: boolean;
    is_held: boolean;
    passes_policies: boolean;
  }>(
    `SELECT name, quote_ident(current_user) AS grantee, oid IS NOT NULL AS is_made,
       coalesce(pg_has_role(current_user, oid, 'USAGE'), false) AS is_held,
       coalesce(rolbypassrls, false) AS passes_policies
     FROM unnest($1::text[]) WITH ORDINALITY AS role (name, place)
       LEFT JOIN pg_roles ON rolname = name
     ORDER BY place`,
    [ROLES],
  );
  const absent = rows.filter(({ is_made }) => !is_made);
  const foreign = rows.filter(({ is_held }) => !is_held).map(({ name }) => name);
  // COPY goes past row-level security or not at all.
  const passing = rows.some((role) => role.name === FLUSHER_ROLE && role.passes_policies);
  return [
    ...absent.map(({ name }) => `CREATE ROLE ${name} NOLOGIN;`),
    ...(foreign.length === 0 ? [] : [`GRANT ${foreign.join(', ')} TO ${rows[0]?.grantee};`]),
    ...(passing ? [] : [`ALTER ROLE ${FLUSHER_ROLE} BYPASSRLS;`]),
  ];
}

/** Names of the migrations that the database lacks; empty when it is up to date. */
export async function missingMigrations(
  pool: pg.Pool,
  directory: URL = MIGRATIONS,
): Promise<readonly string[]> {
  const migrations = await readMigrations(directory);
  const { rows } = await pool.query<{ made: boolean }>(
    `SELECT to_regclass('tolld.migrations') IS NOT NULL AS made`,
  );
  if (rows[0]?.made !== true) return migrations.map(({ name }) => name);
  const applied = await pool.query<{ number: number }>('SELECT number FROM tolld.migrations');
  const known = new Set(applied.rows.map(({ number }) => number));
  return migrations.filter(({ number }) => !known.has(number)).map(({ name }) => name);
}

function fileOf({ number, name }: Migration): string {
  return `${String(number).padStart(4, '0')}-${name}.sql`;
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // Where in the file: Postgres counts characters from its start.
  const position = error instanceof pg.DatabaseError ? error.position : undefined;
  return position === undefined ? error.message : `${error.message} (at character ${position})`;
}
