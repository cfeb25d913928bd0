/** Postgres for tests: one server for the run, and a migrated database for each test file. */
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, inject } from 'vitest';

export interface TestDatabase {
  readonly url: string;
  readonly pool: pg.Pool;
}

/** Runs one statement in the maintenance database of the run's server. */
async function runAsMaintainer(statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: urlOf('postgres') });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

function urlOf(database: string): string {
  const url = new URL(inject('postgresUrl'));
  url.pathname = `/${database}`;
  return url.href;
}

/**
 * A database of the calling file's own: with all migrations applied, or empty for `migrated: false`.
 * Call it at the top of a test file: it is made before the first test and goes after the last.
 */
export function testDatabase(options: { readonly migrated?: boolean } = {}): TestDatabase {
  const name = `t${randomBytes(6).toString('hex')}`;
  const template = options.migrated === false ? 'template0' : inject('postgresTemplate');
  const pool = new pg.Pool({ connectionString: urlOf(name), max: 8 });
  // A server that a test stops ends idle connections; that is no fault of the pool's user.
  pool.on('error', () => undefined);
  beforeAll(() => runAsMaintainer(`CREATE DATABASE ${name} TEMPLATE ${template}`));
  afterAll(async () => {
    await pool.end();
    await runAsMaintainer(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
  });
  return { url: urlOf(name), pool };
}
