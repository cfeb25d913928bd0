/** A Redis server of our own on loopback, with the settings that charging needs. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { findFreePort } from './port-choice.js';
import { awaitPredecessor, startServerProcess, type ServerProcess } from './server-process.js';

/**
 * When Redis calls fsync: `always` is the durability level strict, `everysec` relaxed. `off` keeps
 * nothing; only for tests that ask nothing of a restart.
 */
export type AppendFsync = 'always' | 'everysec' | 'no' | 'off';

export interface RedisServerOptions {
  /** Command and leading arguments, as found by `findRedisCommand`. */
  readonly command: readonly string[];
  /** Where its append-only file lives; must exist. */
  readonly directory: string;
  /** Asked when the directory is free of an earlier server. Default: any free port. */
  readonly choosePort?: () => Promise<number>;
  readonly password?: string;
  readonly appendFsync: AppendFsync;
  readonly maxMemoryMb: number;
  /** Lines of a Redis configuration file that follow ours. */
  readonly moreSettings?: readonly string[];
  /** Removed with everything in it, should this process be killed. */
  readonly disposable?: string;
}

export interface RedisServer extends ServerProcess {
  readonly port: number;
  /** With the password, for a client. */
  readonly url: string;
}

const CONFIG_FILE = 'redis.conf';
const PID_FILE = 'redis.pid';

/** The configuration is a file, since arguments can be read by every user of the machine. */
function configText(options: RedisServerOptions, port: number): string {
  return [
    'bind 127.0.0.1',
    `port ${port}`,
    ...(options.password === undefined ? [] : [`requirepass ${options.password}`]),
    `dir ${JSON.stringify(options.directory)}`,
    'daemonize no',
    `pidfile ${JSON.stringify(path.join(options.directory, PID_FILE))}`,
    'save ""',
    `appendonly ${options.appendFsync === 'off' ? 'no' : 'yes'}`,
    ...(options.appendFsync === 'off' ? [] : [`appendfsync ${options.appendFsync}`]),
    `maxmemory ${options.maxMemoryMb}mb`,
    // Charging state is never a cache: a full server refuses instead of forgetting.
    'maxmemory-policy noeviction',
    // A session's services stay packed together: half the memory.
    'hash-max-listpack-value 512',
    ...(options.moreSettings ?? []),
    '',
  ].join('\n');
}

/** Starts a server and resolves once it has loaded its data and accepts connections. */
export async function startRedisServer(options: RedisServerOptions): Promise<RedisServer> {
  const [command, ...leading] = options.command;
  if (command === undefined) throw new Error('the Redis command is empty');
  await awaitPredecessor({
    name: 'Redis',
    pidFile: path.join(options.directory, PID_FILE),
    // Redis rewrites its command line to name, address and port.
    program: '-server ',
  });
  const port = await (options.choosePort ?? findFreePort)();
  const configPath = path.join(options.directory, CONFIG_FILE);
  await writeFile(configPath, configText(options, port), { mode: 0o600 });
  const server = await startServerProcess({
    name: 'Redis',
    command,
    args: [...leading, configPath],
    directory: options.directory,
    user: null,
    readyText: 'Ready to accept connections',
    readyTimeoutMs: 60_000,
    stopSignal: 'SIGTERM',
    ...(options.disposable === undefined ? {} : { disposable: options.disposable }),
  });
  const credentials = options.password === undefined ? '' : `:${options.password}@`;
  return { ...server, port, url: `redis://${credentials}127.0.0.1:${port}` };
}
