/** Starts the run's own Redis and Postgres before the first test file and ends them after the last. */
import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { startPostgresServer, type PostgresServer } from '../../src/local/postgres-server.js';
import { migrate } from '../../src/records/migrate.js';
import { makeScratchDirectory } from './scratch-directory.js';
import { startRedisInstance } from './redis-instance.js';

declare module 'vitest' {
  interface ProvidedContext {
    redisUrl: string;
    /** Of the maintenance database; each file makes its own beside it. */
    postgresUrl: string;
    /** Database with all migrations applied, to be copied. */
    postgresTemplate: string;
  }
}

const TEMPLATE = 'tolld_template';

async function makeTemplate(postgres: PostgresServer): Promise<void> {
  const client = new pg.Client({ connectionString: postgres.databaseUrl('postgres') });
  await client.connect();
  await client.query(`CREATE DATABASE ${TEMPLATE} TEMPLATE template0`);
  await client.end();
  await migrate({ url: postgres.databaseUrl(TEMPLATE) });
}

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const directory = makeScratchDirectory('postgres');
  const [redis, postgres] = await Promise.all([
    startRedisInstance(),
    startPostgresServer({
      directory,
      disposable: directory,
      password: randomBytes(12).toString('hex'),
      durable: false,
      maxConnections: 200,
    }),
  ]);
  await makeTemplate(postgres);
  project.provide('redisUrl', redis.url);
  project.provide('postgresUrl', postgres.databaseUrl('postgres'));
  project.provide('postgresTemplate', TEMPLATE);
  return async () => {
    await Promise.all([redis.remove(), postgres.stop()]);
    await rm(directory, { recursive: true, force: true });
  };
}
