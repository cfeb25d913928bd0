/** Connections to Postgres: with the least rights for the work, and a tenant's rows only. */
import pg from 'pg';
import type { Logger } from '../observability/logger.js';

/** The oldest major version with all that the schema asks for (security-invoker views). */
export const POSTGRES_VERSION_MIN = 15;

/** What a connection is for; each has a role of its name in Postgres (`tolld_<role>`). */
export type DatabaseRole = 'flusher' | 'manager' | 'reader';

/** Row-level security lets the system's own work see every tenant. */
export const EVERY_TENANT = '*';

export interface DatabaseOptions {
  readonly url: string;
  /** Shown by pg_stat_activity. */
  readonly name: string;
  readonly connectionsMax: number;
  readonly connectTimeoutMs?: number;
  /**
   * The role that each connection takes on. Where the login may not (an installation whose
   * administrator made no roles) it works with the login's own rights. Absent: the login's.
   */
  readonly role?: DatabaseRole;
}

const CONNECT_TIMEOUT_MS = 5_000;

/** Postgres is older than the schema needs. */
export class DatabaseVersionError extends Error {
  readonly code = 'TOLLD_DATABASE_VERSION';

  constructor(version: string) {
    super(`Postgres ${version} is too old: tolld needs ${POSTGRES_VERSION_MIN} or newer`);
    this.name = 'DatabaseVersionError';
  }
}

/** Makes a pool; nothing connects before the first query. */
export function createDatabase(
  { url, name, connectionsMax, connectTimeoutMs = CONNECT_TIMEOUT_MS, role }: DatabaseOptions,
  { logger }: { readonly logger: Logger },
): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    application_name: name,
    max: connectionsMax,
    connectionTimeoutMillis: connectTimeoutMs,
    keepAlive: true,
    ...(role === undefined ? {} : { onConnect: roleHook(role) }),
  });
  // An idle connection that ends is replaced by the next query; unheard, the event ends the process.
  pool.on('error', (error) => logger.warn({ err: error, pool: name }, 'postgres connection ended'));
  return pool;
}

/** The pool waits for the hook's promise before it lends the connection; its types don't say so. */
function roleHook(role: DatabaseRole): (client: pg.ClientBase) => void {
  const hook: (client: pg.ClientBase) => unknown = (client) => takeRole(client, role);
  return hook;
}

/** COPY is refused where row-level security holds, so the flusher's role must pass it. */
async function takeRole(client: pg.ClientBase, role: DatabaseRole): Promise<void> {
  await client.query(
    `SELECT set_config('role', rolname, false) FROM pg_roles
     WHERE rolname = $1 AND pg_has_role(session_user, oid, 'MEMBER') AND (rolbypassrls OR NOT $2)`,
    [`tolld_${role}`, role === 'flusher'],
  );
}

/** @returns the server's version. @throws DatabaseVersionError, or the driver's error. */
export async function checkDatabase(database: pg.Pool | pg.ClientBase): Promise<string> {
  const { rows } = await database.query<{ server_version: string }>('SHOW server_version');
  const version = rows[0]?.server_version ?? '0';
  if (Number.parseInt(version, 10) < POSTGRES_VERSION_MIN) throw new DatabaseVersionError(version);
  return version;
}

const RISKS: Readonly<Record<string, string>> = {
  fsync:
    'Postgres has fsync off: a power cut of its host may destroy the record, and Redis keeps only ' +
    'its last minutes; set fsync = on',
  full_page_writes:
    'Postgres has full_page_writes off: a power cut of its host may leave half-written pages in the ' +
    'record; set full_page_writes = on',
  synchronous_commit:
    'Postgres has synchronous_commit off: a power cut of its host forgets changes that staff were ' +
    'told are made; set synchronous_commit = on',
};

/**
 * What a power cut of its host may do to the record, as Postgres is set, one sentence each with what to
 * change. At no durability level is it a reason not to start: those speak of Redis.
 */
export async function readRisks(database: pg.Pool | pg.ClientBase): Promise<readonly string[]> {
  const { rows } = await database.query<{ name: string }>(
    `SELECT name FROM pg_settings WHERE name = ANY ($1) AND setting = 'off' ORDER BY name`,
    [Object.keys(RISKS)],
  );
  return rows.map(({ name }) => RISKS[name] ?? name);
}

/** Runs `work` in one transaction; what it throws rolls back. */
export async function inTransaction<T>(
  pool: pg.Pool,
  work: (client: pg.PoolClient) => Promise<T>,
): Promise<T> {
  return withConnection(pool, async (client) => {
    await client.query('BEGIN');
    const result = await work(client);
    await client.query('COMMIT');
    return result;
  });
}

/**
 * Lends `work` a connection, on which it begins and ends its transaction by itself; what it throws
 * rolls back. A connection that fails on the way is not used again.
 */
export async function withConnection<T>(
  pool: pg.Pool,
  work: (client: pg.PoolClient) => Promise<T>,
): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  // A client in use that loses its connection says so here too, and unheard ends the process.
  const hear = (error: Error): void => {
    broken = error;
  };
  client.on('error', hear);
  try {
    return await work(client);
  } catch (error) {
    try {
      await client.query('ROLLBACK');
    } catch (failure) {
      broken = failure instanceof Error ? failure : new Error(String(failure));
    }
    throw error;
  } finally {
    client.off('error', hear);
    client.release(broken ?? false);
  }
}

/** Runs `work` in a transaction that sees the rows of one tenant, or of {@link EVERY_TENANT}. */
export async function asTenant<T>(
  pool: pg.Pool,
  tenant: string,
  work: (client: pg.PoolClient) => Promise<T>,
): Promise<T> {
  return inTransaction(pool, async (client) => {
    await client.query(`SELECT set_config('app.tenant', $1, true)`, [tenant]);
    return work(client);
  });
}
