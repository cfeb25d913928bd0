/**
 * A whole installation that can be broken part by part: Redis, Postgres, two fronts, one flusher, each
 * with a clock of its own, the servers on disks of their own, proxies between all of them.
 */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { loadConfig } from '../../src/config.js';
import { findFreePort } from '../../src/local/port-choice.js';
import { startPostgresServer } from '../../src/local/postgres-server.js';
import { findRedisCommand } from '../../src/local/redis-command.js';
import { startRedisServer } from '../../src/local/redis-server.js';
import {
  ServerStartError,
  startServerProcess,
  type ServerProcess,
} from '../../src/local/server-process.js';
import { migrate } from '../../src/records/migrate.js';
import type { Config, Role } from '../../src/settings.js';
import { findFreeUdpPort } from '../support/free-udp-port.js';
import type { TestNode } from '../support/redis-cluster.js';
import { makeScratchDirectory } from '../support/scratch-directory.js';
import { startRedisGroup, type RedisGroup, type Topology } from './redis-group.js';
import { makeShiftedClocks, type ShiftedClock } from './shifted-clock.js';
import { makeSmallDisk, type SmallDisk } from './small-disk.js';
import { startWire, type Wire } from './wire.js';

const ROOT = path.resolve(import.meta.dirname, '..', '..');
const OPERATOR = path.join(import.meta.dirname, 'operator.yaml');
const DATABASE = 'tolld';
export const REALM = 'tolld.test';

/** The servers first: what is started together starts in this order. */
export const PARTS = ['redis', 'postgres', 'front-1', 'front-2', 'flusher'] as const;
export type Part = (typeof PARTS)[number];
const SERVERS = ['redis', 'postgres'] as const;
export type Server = (typeof SERVERS)[number];
const FRONTS = ['front-1', 'front-2'] as const;

const LINES_KEPT = 12;
const REDIS_DISK_MB = 512;
/** As a supervisor does, with what could not start since Redis or Postgres was not there yet. */
const STARTS_MAX = 5;
const POSTGRES_DISK_MB = 512;
/** A little more than the files of its write-ahead log may take, so that its disk can stay small. */
const POSTGRES_SETTINGS = ['max_wal_size=64MB', 'min_wal_size=32MB'];

export interface Installation {
  readonly config: Config;
  /** Of the superuser, straight to the server. */
  readonly postgresUrl: string;
  /** Where gateways and routers reach the fronts. */
  readonly fronts: readonly {
    readonly diameterPort: number;
    readonly authenticationPort: number;
    readonly accountingPort: number;
  }[];
  /** Redis where it is several servers. */
  readonly redisGroup: RedisGroup | null;
  /** What lies before a part; the flusher is asked by nobody, a group of servers by their names. */
  readonly wires: ReadonlyMap<Part, Wire>;
  /** Empty where this machine cannot have them. */
  readonly disks: ReadonlyMap<Server, SmallDisk>;
  readonly clocks: ReadonlyMap<Part, ShiftedClock>;
  /** kill -9 of all of these at once. */
  kill(parts: readonly Part[]): Promise<void>;
  /** Stops a part for a while: it answers nothing and keeps every connection (SIGSTOP). */
  pause(part: Part, ms: number): Promise<void>;
  /** Starts again what was killed, servers before daemons. */
  restart(parts: readonly Part[]): Promise<void>;
  /** The last lines that a part said. */
  lastWords(part: Part): readonly string[];
  /** Parts that have ended and were not started again. */
  fallen(): readonly Part[];
  /** Has Postgres begin a new piece of its write-ahead log, if it can. */
  switchLog(): Promise<void>;
  /** Resolves when a part has ended, or the time is over. */
  untilFallen(part: Part, timeoutMs: number): Promise<void>;
  remove(): Promise<void>;
}

export interface InstallationOptions {
  readonly topology: Topology;
  /** The command line of tolld. */
  readonly program: string;
}

/** Starts everything with the operator of the chaos runs loaded. */
export async function startInstallation({
  topology,
  program,
}: InstallationOptions): Promise<Installation> {
  const directory = makeScratchDirectory('chaos');
  await chmod(directory, 0o755);
  const isGroup = topology !== 'single';
  const own = PARTS.filter((part) => part !== 'redis' || !isGroup);
  const disks = new Map<Server, SmallDisk>();
  for (const server of SERVERS.filter((each) => own.includes(each))) {
    const sizeMb = server === 'redis' ? REDIS_DISK_MB : POSTGRES_DISK_MB;
    const disk = await makeSmallDisk(path.join(directory, server), sizeMb);
    if (disk !== null) disks.set(server, disk);
  }
  const clocks = await makeShiftedClocks(path.join(directory, 'clocks'), own);
  const ports = new Map<Part, number>();
  const wires = new Map<Part, Wire>();
  for (const part of own.filter((each) => each !== 'flusher')) {
    const port = await findFreePort();
    ports.set(part, port);
    wires.set(part, await startWire(port));
  }
  const radiusPorts = new Map<Part, readonly [number, number]>();
  for (const part of FRONTS) {
    radiusPorts.set(part, [await findFreeUdpPort(), await findFreeUdpPort()]);
  }

  const redisGroup = isGroup ? await startRedisGroup(topology) : null;
  const password = randomBytes(12).toString('hex');
  const urlsOf = (redisPort = 0, postgresPort = 0) => ({
    TOLLD_REDIS_URL: `redis://127.0.0.1:${redisPort}`,
    TOLLD_POSTGRES_URL: `postgres://postgres:${password}@127.0.0.1:${postgresPort}/${DATABASE}`,
  });
  const straight = urlsOf(ports.get('redis'), ports.get('postgres'));
  const settings: Readonly<Record<string, string>> = {
    TOLLD_ENGINE_PARTITIONS: '8',
    // Long enough for a start of Redis: what it is asked meanwhile waits.
    TOLLD_ENGINE_REQUEST_TIMEOUT_MS: '3000',
    TOLLD_FLUSHER_LEASE_MS: '1000',
    ...(isGroup && {
      TOLLD_ENGINE_REQUEST_TIMEOUT_MS: '15000',
      TOLLD_ENGINE_DURABILITY: 'replicated',
    }),
    ...redisGroup?.settings,
    TOLLD_SECRETS_KEYS: 'a key of chaos alone',
    TOLLD_RADIUS_LISTEN_HOST: '127.0.0.1',
    TOLLD_DIAMETER_ORIGIN_REALM: REALM,
    TOLLD_DIAMETER_LISTEN_HOST: '127.0.0.1',
    TOLLD_OPERATIONS_LISTEN_PORT: '0',
  };
  const running = new Map<Part, ServerProcess>();
  const alive = new Set<Part>();
  let deadMaster: TestNode | null = null;
  const words = new Map<Part, readonly string[]>();

  function startTolld(part: Part, roles: readonly Role[]): Promise<ServerProcess> {
    const [authenticationPort = 0, accountingPort = 0] = radiusPorts.get(part) ?? [];
    const environment = {
      ...urlsOf(wires.get('redis')?.port, wires.get('postgres')?.port),
      ...settings,
      TOLLD_NODE_NAME: part,
      TOLLD_DIAMETER_LISTEN_PORT: String(ports.get(part) ?? 0),
      TOLLD_RADIUS_ENABLED: String(roles.includes('radius')),
      TOLLD_RADIUS_AUTHENTICATION_PORT: String(authenticationPort),
      TOLLD_RADIUS_ACCOUNTING_PORT: String(accountingPort),
    };
    const said: string[] = [];
    words.set(part, said);
    const [command = 'env', ...launcher] = clocks.get(part)?.launcher ?? ['env'];
    return startServerProcess({
      name: part,
      command,
      args: [
        ...launcher,
        ...Object.entries(environment).map(([name, value]) => `${name}=${value}`),
        ...[process.execPath, program, 'serve', '--roles', roles.join(',')],
      ],
      directory: ROOT,
      user: null,
      readyText: '"msg":"ready"',
      readyTimeoutMs: 120_000,
      stopSignal: 'SIGTERM',
      onLine: (line) => {
        said.push(line);
        if (said.length > LINES_KEPT) said.shift();
      },
    });
  }

  const start: Readonly<Record<Part, () => Promise<ServerProcess>>> = {
    redis: () =>
      startRedisServer({
        command: [
          ...(clocks.get('redis')?.launcher ?? []),
          ...(findRedisCommand()?.command ?? ['redis-server']),
        ],
        directory: path.join(directory, 'redis'),
        choosePort: async () => ports.get('redis') ?? 0,
        appendFsync: 'always',
        maxMemoryMb: 256,
      }),
    postgres: () =>
      startPostgresServer({
        directory: path.join(directory, 'postgres'),
        choosePort: async () => ports.get('postgres') ?? 0,
        password,
        // What was committed survives a kill: only a power cut would ask for more.
        durable: true,
        maxConnections: 100,
        moreSettings: POSTGRES_SETTINGS,
        launcher: clocks.get('postgres')?.launcher ?? [],
      }),
    'front-1': () => startTolld('front-1', ['diameter', 'radius', 'sweeper', 'management']),
    'front-2': () => startTolld('front-2', ['diameter', 'radius', 'sweeper', 'management']),
    flusher: () => startTolld('flusher', ['flusher']),
  };

  async function startPart(part: Part): Promise<void> {
    if (redisGroup !== null && part === 'redis') {
      await deadMaster?.start();
      deadMaster = null;
      return redisGroup.untilWhole();
    }
    const server = await startAgain(start[part]);
    running.set(part, server);
    alive.add(part);
    void server.exited.then(() => {
      if (running.get(part) === server) alive.delete(part);
    });
  }

  async function restart(parts: readonly Part[]): Promise<void> {
    const isServer = (part: Part): boolean => (SERVERS as readonly Part[]).includes(part);
    for (const some of [parts.filter(isServer), parts.filter((part) => !isServer(part))]) {
      await Promise.all(some.map(startPart));
    }
  }

  async function kill(parts: readonly Part[]): Promise<void> {
    await Promise.all(
      parts.map(async (part) => {
        if (redisGroup === null || part !== 'redis') return running.get(part)?.kill();
        deadMaster = await redisGroup.master();
        return deadMaster.kill();
      }),
    );
  }

  async function remove(): Promise<void> {
    await kill(own);
    await redisGroup?.remove();
    await Promise.all([...wires.values()].map((wire) => wire.close()));
    for (const disk of disks.values()) await disk.remove();
    await rm(directory, { recursive: true, force: true });
  }

  try {
    await mkdir(path.join(directory, 'redis'), { recursive: true });
    await restart(SERVERS);
    await createDatabase(straight.TOLLD_POSTGRES_URL);
    await migrate({ url: straight.TOLLD_POSTGRES_URL });
    await load(program, { ...straight, ...settings });
    await restart([...FRONTS, 'flusher']);
  } catch (error) {
    await remove();
    throw error;
  }
  return {
    config: loadConfig({ environment: { ...straight, ...settings } }).config,
    postgresUrl: straight.TOLLD_POSTGRES_URL,
    fronts: FRONTS.map((front) => {
      const [authenticationPort = 0, accountingPort = 0] = radiusPorts.get(front) ?? [];
      return { diameterPort: wires.get(front)?.port ?? 0, authenticationPort, accountingPort };
    }),
    redisGroup,
    wires,
    disks,
    clocks,
    kill,
    pause: async (part, ms) => {
      const isMaster = redisGroup !== null && part === 'redis';
      const pid = isMaster ? (await redisGroup.master()).pid() : running.get(part)?.pid;
      const pids = await familyOf(pid);
      for (const pid of pids) signal(pid, 'SIGSTOP');
      await sleep(ms);
      for (const pid of pids) signal(pid, 'SIGCONT');
    },
    restart,
    lastWords: (part) => words.get(part) ?? [],
    fallen: () => own.filter((part) => !alive.has(part)),
    switchLog: () => switchLog(straight.TOLLD_POSTGRES_URL),
    untilFallen: async (part, timeoutMs) => {
      await Promise.race([running.get(part)?.exited, sleep(timeoutMs, undefined, { ref: false })]);
    },
    remove,
  };
}

async function startAgain(
  start: () => Promise<ServerProcess>,
  startsLeft = STARTS_MAX,
): Promise<ServerProcess> {
  try {
    return await start();
  } catch (error) {
    if (!(error instanceof ServerStartError) || startsLeft === 1) throw error;
    return startAgain(start, startsLeft - 1);
  }
}

/** A process with its children: Postgres serves each connection by one. */
async function familyOf(pid: number | undefined): Promise<readonly number[]> {
  if (pid === undefined) return [];
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  return [
    pid,
    ...children
      .split(' ')
      .filter((text) => text !== '')
      .map(Number),
  ];
}

/** A child may be gone by itself. */
function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

async function switchLog(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 1_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('SELECT pg_switch_wal()');
  } catch {
    // It is what a full disk does.
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function createDatabase(url: string): Promise<void> {
  const maintenance = new URL(url);
  maintenance.pathname = '/postgres';
  const client = new pg.Client({ connectionString: maintenance.href });
  await client.connect();
  await client.query(`CREATE DATABASE ${DATABASE}`);
  await client.end();
}

async function load(program: string, environment: Readonly<Record<string, string>>): Promise<void> {
  const settings = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  const command = [process.execPath, program, 'load', OPERATOR];
  await promisify(execFile)('env', [...settings, ...command], { cwd: ROOT });
}
