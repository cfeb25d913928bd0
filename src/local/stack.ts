/** Redis and Postgres for a machine that has neither: found, fetched or made, and kept in `.tolld/`. */
import { createHash } from 'node:crypto';
import { chown, mkdir } from 'node:fs/promises';
import path from 'node:path';
import pg from 'pg';
import { checkGivenPostgres, checkGivenRedis } from './given-servers.js';
import { choosePort } from './port-choice.js';
import { canReach, findServerUser } from './postgres-binaries.js';
import { startPostgresServer } from './postgres-server.js';
import type { Progress } from './progress.js';
import { provideRedisCommand } from './redis-provision.js';
import { startRedisServer } from './redis-server.js';
import {
  clearState,
  lockStateDirectory,
  openStateDirectory,
  readState,
  writeState,
  type StackState,
} from './state-directory.js';

export interface LocalStackOptions {
  /** Where data, passwords and fetched programs are kept: `.tolld` of the project. */
  readonly directory: string;
  /** A server that somebody runs already: used as it is, never stopped or emptied. */
  readonly redisUrl?: string | undefined;
  readonly postgresUrl?: string | undefined;
  /** Begin anew: remove what earlier starts left in the directory. */
  readonly reset: boolean;
}

export interface LocalStack {
  readonly redisUrl: string;
  readonly postgresUrl: string;
  /** Seals secrets where no key is set; the same at every start. */
  readonly secretsKey: string;
  /** Settles with the name of a server of ours that ended without being asked to. */
  readonly lost: Promise<string>;
  /** Ends what was started here, Redis first; data stays. */
  stop(): Promise<void>;
}

const DATABASE = 'tolld';
const REDIS_MEMORY_MB = 512;
const POSTGRES_CONNECTIONS = 50;
/** Where root's Postgres keeps its cluster when its user can't enter the project. */
const POSTGRES_ELSEWHERE = '/var/lib/tolld-local';

interface StartedPart {
  readonly url: string;
  readonly exited: Promise<void>;
  stop(): Promise<void>;
}

async function startRedis(
  directory: string,
  { state, progress }: { readonly state: StackState; readonly progress: Progress },
): Promise<StartedPart> {
  const found = await provideRedisCommand(
    { programsDirectory: path.join(directory, 'programs') },
    { progress },
  );
  const step = progress.begin(`starting ${found.name} ${found.version}`);
  const data = path.join(directory, 'redis');
  await mkdir(data, { recursive: true });
  const server = await startRedisServer({
    command: found.command,
    directory: data,
    choosePort: () => choosePort(state.redisPort, { name: found.name }, { progress }),
    password: state.redisPassword,
    // The daemon's default durability wants an fsync before each answer.
    appendFsync: 'always',
    maxMemoryMb: REDIS_MEMORY_MB,
  });
  step.done(`${found.name} ${found.version} on 127.0.0.1:${server.port}, data in ${data}`);
  return server;
}

/** The project's own directory, or one elsewhere where the server's user can't enter it. */
async function choosePostgresDirectory(directory: string): Promise<string> {
  const user = findServerUser();
  const inside = path.join(directory, 'postgres');
  await mkdir(inside, { recursive: true });
  if (user === null) return inside;
  await chown(inside, user.uid, user.gid);
  if (canReach(inside, user, 'write')) return inside;
  const mark = createHash('sha256').update(directory).digest('hex').slice(0, 8);
  return path.join(POSTGRES_ELSEWHERE, mark);
}

async function ensureDatabase(url: (database: string) => string): Promise<void> {
  const client = new pg.Client({ connectionString: url('postgres') });
  await client.connect();
  try {
    const found = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [DATABASE]);
    if (found.rowCount === 0) await client.query(`CREATE DATABASE ${DATABASE}`);
  } finally {
    await client.end();
  }
}

async function startPostgres(
  directory: string,
  { state, progress }: { readonly state: StackState; readonly progress: Progress },
): Promise<StartedPart> {
  const data = state.postgresDirectory ?? (await choosePostgresDirectory(directory));
  const verb = state.postgresDirectory === null ? 'making and starting' : 'starting';
  const step = progress.begin(`${verb} Postgres`);
  const server = await startPostgresServer({
    directory: data,
    choosePort: () => choosePort(state.postgresPort, { name: 'Postgres' }, { progress }),
    password: state.postgresPassword,
    durable: true,
    maxConnections: POSTGRES_CONNECTIONS,
  });
  await ensureDatabase(server.databaseUrl);
  await writeState(directory, { ...state, postgresDirectory: data });
  step.done(`Postgres on 127.0.0.1:${server.port}, data in ${data}`);
  return { ...server, url: server.databaseUrl(DATABASE) };
}

async function useGiven(
  { name, url }: { readonly name: string; readonly url: string },
  {
    check,
    progress,
  }: {
    readonly check: (url: string) => Promise<string>;
    readonly progress: Progress;
  },
): Promise<StartedPart> {
  const step = progress.begin(`looking at the given ${name}`);
  step.done(`${name} ${await check(url)} as given`);
  return { url, exited: new Promise(() => undefined), stop: async () => undefined };
}

/**
 * Starts what is not given. A second start goes on with the data of the first.
 * @throws StateDirectoryError while another process uses the directory.
 * @throws RedisMissingError, PostgresMissingError or GivenServerError, each saying what to do.
 */
export async function startLocalStack(
  options: LocalStackOptions,
  { progress }: { readonly progress: Progress },
): Promise<LocalStack> {
  const { directory, redisUrl, postgresUrl } = options;
  await openStateDirectory(directory);
  const unlock = await lockStateDirectory(directory);
  const parts: (StartedPart & { readonly name: string })[] = [];
  async function stop(): Promise<void> {
    for (const part of parts.splice(0)) await part.stop();
    await unlock();
  }
  try {
    if (options.reset) {
      await clearState(directory);
      progress.note('✓ data of earlier starts removed');
    }
    const state = await readState(directory);
    const redis =
      redisUrl === undefined
        ? await startRedis(directory, { state, progress })
        : await useGiven({ name: 'Redis', url: redisUrl }, { check: checkGivenRedis, progress });
    parts.push({ ...redis, name: 'Redis' });
    const postgres =
      postgresUrl === undefined
        ? await startPostgres(directory, { state, progress })
        : await useGiven(
            { name: 'Postgres', url: postgresUrl },
            { check: checkGivenPostgres, progress },
          );
    parts.push({ ...postgres, name: 'Postgres' });
    const lost = Promise.race(parts.map(({ name, exited }) => exited.then(() => name)));
    return {
      redisUrl: redis.url,
      postgresUrl: postgres.url,
      secretsKey: state.secretsKey,
      lost,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
