/** Looks at the Redis or Postgres that somebody named, before anything is built on it. */
import { Redis } from 'ioredis';
import pg from 'pg';

const REDIS_VERSION_MIN = 7;
const POSTGRES_VERSION_MIN = 15;
const CONNECT_TIMEOUT_MS = 5_000;

/** A named server that can't be used, and why. */
export class GivenServerError extends Error {
  readonly code = 'TOLLD_LOCAL_SERVER_UNUSABLE';

  constructor(reason: string, cause?: unknown) {
    super(reason, { cause });
    this.name = 'GivenServerError';
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join(', ');
  return error instanceof Error ? error.message : String(error);
}

/** @returns its version. @throws GivenServerError when it doesn't answer or is too old. */
export async function checkGivenRedis(url: string): Promise<string> {
  const client = new Redis(url, {
    lazyConnect: true,
    connectTimeout: CONNECT_TIMEOUT_MS,
    commandTimeout: CONNECT_TIMEOUT_MS,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  });
  let lastError: unknown;
  client.on('error', (error: unknown) => {
    lastError = error;
  });
  try {
    await client.connect();
    const info = await client.info('server');
    const version = /^(?:valkey|redis)_version:(\S+)/m.exec(info)?.[1] ?? '0';
    if (Number(version.split('.')[0]) < REDIS_VERSION_MIN) {
      throw new GivenServerError(`REDIS_URL: Redis ${version} is too old, 7 or newer is needed`);
    }
    return version;
  } catch (error) {
    if (error instanceof GivenServerError) throw error;
    const reason = reasonOf(lastError ?? error);
    throw new GivenServerError(`REDIS_URL names a Redis that doesn't answer: ${reason}`, error);
  } finally {
    client.disconnect();
  }
}

/** @returns its version. @throws GivenServerError when it doesn't answer or is too old. */
export async function checkGivenPostgres(url: string): Promise<string> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
  });
  try {
    await client.connect();
    const result = await client.query<{ server_version: string }>('SHOW server_version');
    const version = result.rows[0]?.server_version ?? '0';
    if (Number(version.split('.')[0]) < POSTGRES_VERSION_MIN) {
      throw new GivenServerError(
        `DATABASE_URL: Postgres ${version} is too old, 15 or newer is needed`,
      );
    }
    return version;
  } catch (error) {
    if (error instanceof GivenServerError) throw error;
    throw new GivenServerError(
      `DATABASE_URL names a Postgres that doesn't answer: ${reasonOf(error)}`,
      error,
    );
  } finally {
    await client.end().catch(() => undefined);
  }
}
