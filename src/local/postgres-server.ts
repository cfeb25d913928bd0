/** A Postgres server of our own on loopback, made from the binaries that npm brought along. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chown, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { findFreePort } from './port-choice.js';
import { canReach, findServerUser, preparePostgresBinaries } from './postgres-binaries.js';
import {
  awaitPredecessor,
  startServerProcess,
  type ServerProcess,
  type ServerUser,
} from './server-process.js';

export interface PostgresServerOptions {
  /** Where the cluster lives; made when missing. */
  readonly directory: string;
  /** Asked when the directory is free of an earlier server. Default: any free port. */
  readonly choosePort?: () => Promise<number>;
  /** Password of the superuser `postgres`, set when the cluster is made. */
  readonly password: string;
  /** False gives up safety against a power cut for speed; only for data that may be lost. */
  readonly durable: boolean;
  readonly maxConnections: number;
  /** Settings as "name=value" that follow ours. */
  readonly moreSettings?: readonly string[];
  /** Words before the server's command. */
  readonly launcher?: readonly string[];
  /** Removed with everything in it, should this process be killed. */
  readonly disposable?: string;
}

export interface PostgresServer extends ServerProcess {
  readonly port: number;
  /** URL of a database of this server, with the superuser's name and password. */
  readonly databaseUrl: (database: string) => string;
}

const run = promisify(execFile);

/**
 * The builtin locale sorts by code point on every platform alike, whatever the operating system's
 * library thinks of it.
 */
const INITDB_ARGS = [
  '--username=postgres',
  '--auth=scram-sha-256',
  '--encoding=UTF8',
  '--locale=C',
  '--locale-provider=builtin',
  '--builtin-locale=C.UTF-8',
];

/**
 * Makes the cluster beside its place and moves it there when it is whole: a start that was broken
 * off leaves nothing that could be taken for one.
 */
async function makeCluster(options: {
  readonly binaries: string;
  readonly cluster: string;
  readonly password: string;
  readonly durable: boolean;
  readonly user: ServerUser;
}): Promise<void> {
  const unfinished = `${options.cluster}.new`;
  await rm(unfinished, { recursive: true, force: true });
  const passwordPath = `${options.cluster}.password`;
  await writeFile(passwordPath, `${options.password}\n`, { mode: 0o600 });
  try {
    if (options.user !== null) await chown(passwordPath, options.user.uid, options.user.gid);
    const args = [
      ...INITDB_ARGS,
      `--pgdata=${unfinished}`,
      `--pwfile=${passwordPath}`,
      ...(options.durable ? [] : ['--no-sync']),
    ];
    await run(path.join(options.binaries, 'initdb'), args, {
      cwd: path.dirname(options.cluster),
      ...(options.user ?? {}),
    });
    await rename(unfinished, options.cluster);
  } finally {
    await rm(passwordPath, { force: true });
  }
}

function serverArgs(options: PostgresServerOptions, cluster: string, port: number): string[] {
  const settings = [
    'listen_addresses=127.0.0.1',
    'unix_socket_directories=',
    `max_connections=${options.maxConnections}`,
    // The ready line is recognised by its English text.
    'lc_messages=C',
    'timezone=UTC',
    'log_timezone=UTC',
    ...(options.durable ? [] : ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off']),
    ...(options.moreSettings ?? []),
  ];
  return ['-D', cluster, '-p', String(port), ...settings.flatMap((setting) => ['-c', setting])];
}

/**
 * Starts a server, making its cluster the first time.
 * @throws PostgresMissingError where npm has brought no binaries for the platform.
 * @throws ServerStartError with the server's last lines.
 */
export async function startPostgresServer(options: PostgresServerOptions): Promise<PostgresServer> {
  const user = findServerUser();
  await mkdir(options.directory, { recursive: true });
  if (user !== null) await chown(options.directory, user.uid, user.gid);
  if (!canReach(options.directory, user, 'write')) {
    throw new Error(`the user that runs Postgres cannot write to ${options.directory}`);
  }
  const binaries = await preparePostgresBinaries({
    user,
    copyTo: path.join(options.directory, 'programs'),
  });
  const cluster = path.join(options.directory, 'cluster');
  if (!existsSync(cluster)) {
    await makeCluster({ binaries, cluster, user, ...options });
  }
  await awaitPredecessor({
    name: 'Postgres',
    pidFile: path.join(cluster, 'postmaster.pid'),
    program: 'postgres',
  });
  const port = await (options.choosePort ?? findFreePort)();
  const [command, ...args] = [
    ...(options.launcher ?? []),
    path.join(binaries, 'postgres'),
    ...serverArgs(options, cluster, port),
  ];
  const server = await startServerProcess({
    name: 'Postgres',
    command: command ?? 'postgres',
    args,
    directory: options.directory,
    user,
    readyText: 'database system is ready to accept connections',
    readyTimeoutMs: 60_000,
    // Fast shutdown: ends connections and writes a checkpoint.
    stopSignal: 'SIGINT',
    ...(options.disposable === undefined ? {} : { disposable: options.disposable }),
  });
  const credentials = `postgres:${encodeURIComponent(options.password)}`;
  return {
    ...server,
    port,
    databaseUrl: (database) => `postgres://${credentials}@127.0.0.1:${port}/${database}`,
  };
}
