/** A whole installation that can be killed part by part: Redis, Postgres, two fronts, one flusher. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { loadConfig } from '../../src/config.js';
import { findFreePort } from '../../src/local/port-choice.js';
import { startPostgresServer } from '../../src/local/postgres-server.js';
import { findRedisCommand } from '../../src/local/redis-command.js';
import { startRedisServer } from '../../src/local/redis-server.js';
import { startServerProcess, type ServerProcess } from '../../src/local/server-process.js';
import { migrate } from '../../src/records/migrate.js';
import type { Config, Role } from '../../src/settings.js';
import { makeScratchDirectory } from '../support/scratch-directory.js';

const ROOT = path.resolve(import.meta.dirname, '..', '..');
const SOURCE = path.join(ROOT, 'test', 'support', 'tolld-source.ts');
const OPERATOR = path.join(ROOT, 'examples', 'operator.yaml');
const DATABASE = 'tolld';
export const REALM = 'tolld.test';

export const PARTS = ['redis', 'postgres', 'front-1', 'front-2', 'flusher'] as const;
export type Part = (typeof PARTS)[number];

export interface Installation {
  readonly config: Config;
  /** Where the fronts take Diameter connections. */
  readonly nodes: readonly { readonly host: string; readonly port: number }[];
  /** kill -9 of all of these at once. */
  kill(parts: readonly Part[]): Promise<void>;
  /** Stops a part's clock for a while: it answers nothing and keeps every connection (SIGSTOP). */
  freeze(part: Part, ms: number): Promise<void>;
  /** Starts again what was killed, servers before daemons. */
  restart(parts: readonly Part[]): Promise<void>;
  remove(): Promise<void>;
}

/** Starts everything with the example operator loaded. */
export async function startInstallation(): Promise<Installation> {
  const directory = makeScratchDirectory('chaos');
  const password = randomBytes(12).toString('hex');
  const ports = {
    redis: await findFreePort(),
    postgres: await findFreePort(),
    'front-1': await findFreePort(),
    'front-2': await findFreePort(),
  };
  const redisUrl = `redis://127.0.0.1:${ports.redis}`;
  const postgresUrl = `postgres://postgres:${password}@127.0.0.1:${ports.postgres}/${DATABASE}`;
  const environment = {
    TOLLD_REDIS_URL: redisUrl,
    TOLLD_POSTGRES_URL: postgresUrl,
    TOLLD_ENGINE_PARTITIONS: '8',
    // Long enough for a start of Redis: what it is asked meanwhile waits.
    TOLLD_ENGINE_REQUEST_TIMEOUT_MS: '3000',
    TOLLD_FLUSHER_LEASE_MS: '1000',
    TOLLD_RADIUS_ENABLED: 'false',
    TOLLD_DIAMETER_ORIGIN_REALM: REALM,
    TOLLD_DIAMETER_LISTEN_HOST: '127.0.0.1',
    TOLLD_OPERATIONS_LISTEN_PORT: '0',
  };
  const running = new Map<Part, ServerProcess>();

  function startTolld(part: Part, roles: readonly Role[], port: number): Promise<ServerProcess> {
    return startServerProcess({
      name: part,
      command: 'env',
      args: [
        ...Object.entries(environment).map(([name, value]) => `${name}=${value}`),
        ...[`TOLLD_NODE_NAME=${part}`, `TOLLD_DIAMETER_LISTEN_PORT=${port}`],
        ...[process.execPath, '--import', 'tsx', SOURCE, 'serve', '--roles', roles.join(',')],
      ],
      directory: ROOT,
      user: null,
      readyText: '"msg":"ready"',
      readyTimeoutMs: 120_000,
      stopSignal: 'SIGTERM',
    });
  }

  const start: Readonly<Record<Part, () => Promise<ServerProcess>>> = {
    redis: () =>
      startRedisServer({
        command: findRedisCommand()?.command ?? ['redis-server'],
        directory,
        choosePort: async () => ports.redis,
        appendFsync: 'always',
        maxMemoryMb: 256,
      }),
    postgres: () =>
      startPostgresServer({
        directory,
        choosePort: async () => ports.postgres,
        password,
        // What was committed survives a kill: only a power cut would ask for more.
        durable: true,
        maxConnections: 100,
      }),
    'front-1': () => startTolld('front-1', ['diameter', 'sweeper', 'management'], ports['front-1']),
    'front-2': () => startTolld('front-2', ['diameter', 'sweeper'], ports['front-2']),
    flusher: () => startTolld('flusher', ['flusher'], 0),
  };

  async function restart(parts: readonly Part[]): Promise<void> {
    const started = async (some: readonly Part[]): Promise<void> => {
      await Promise.all(some.map(async (part) => running.set(part, await start[part]())));
    };
    const isServer = (part: Part): boolean => part === 'redis' || part === 'postgres';
    await started(parts.filter(isServer));
    await started(parts.filter((part) => !isServer(part)));
  }

  async function kill(parts: readonly Part[]): Promise<void> {
    await Promise.all(parts.map(async (part) => running.get(part)?.kill()));
  }

  await restart(['redis', 'postgres']);
  await createDatabase(postgresUrl);
  await migrate({ url: postgresUrl });
  await load(environment);
  await restart(['front-1', 'front-2', 'flusher']);
  return {
    config: loadConfig({ environment }).config,
    nodes: [ports['front-1'], ports['front-2']].map((port) => ({ host: '127.0.0.1', port })),
    kill,
    freeze: async (part, ms) => {
      const pid = running.get(part)?.pid ?? 0;
      process.kill(pid, 'SIGSTOP');
      await new Promise((resolve) => setTimeout(resolve, ms));
      process.kill(pid, 'SIGCONT');
    },
    restart,
    remove: async () => {
      await kill(PARTS);
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function createDatabase(url: string): Promise<void> {
  const maintenance = new URL(url);
  maintenance.pathname = '/postgres';
  const client = new pg.Client({ connectionString: maintenance.href });
  await client.connect();
  await client.query(`CREATE DATABASE ${DATABASE}`);
  await client.end();
}

async function load(environment: Readonly<Record<string, string>>): Promise<void> {
  const settings = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  const command = [process.execPath, '--import', 'tsx', SOURCE, 'load', OPERATOR];
  await promisify(execFile)('env', [...settings, ...command], { cwd: ROOT });
}
