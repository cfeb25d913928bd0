/** A Redis server of a test's own, which may be killed, restarted, filled or emptied. */
import { rm } from 'node:fs/promises';
import { findRedisCommand } from '../../src/local/redis-command.js';
import {
  startRedisServer,
  type AppendFsync,
  type RedisServer,
} from '../../src/local/redis-server.js';
import { makeScratchDirectory } from './scratch-directory.js';

export interface StartRedisOptions {
  /** Default `always`, as the daemon's default durability wants it. */
  readonly appendFsync?: AppendFsync;
  /** Default 256. */
  readonly maxMemoryMb?: number;
  /** A command, with its arguments, that runs the server's. */
  readonly wrapper?: readonly string[];
  /** Lines of its configuration file behind ours. */
  readonly moreSettings?: readonly string[];
}

export interface OwnRedis {
  readonly url: string;
  readonly port: number;
  /** Holds `appendonlydir/`, for tests that cut it. */
  readonly directory: string;
  /** Process id of the running server. */
  pid(): number;
  /** kill -9. */
  kill(): Promise<void>;
  /** Ends it in an orderly way and keeps its data. */
  stop(): Promise<void>;
  /** Starts it again on the same port with the same data. */
  start(): Promise<void>;
  /** Ends it and removes its data. Happens by itself when the test file ends. */
  remove(): Promise<void>;
}

/** Starts a server on a random loopback port. Whoever starts it removes it. */
export async function startRedisInstance(options: StartRedisOptions = {}): Promise<OwnRedis> {
  const found = findRedisCommand();
  if (found === null) {
    throw new Error('no Redis 7 or newer on the search path: `npm test` installs one on Debian');
  }
  const directory = makeScratchDirectory('redis');
  const settings = {
    command: [...(options.wrapper ?? []), ...found.command],
    ...(options.moreSettings !== undefined && { moreSettings: options.moreSettings }),
    directory,
    disposable: directory,
    appendFsync: options.appendFsync ?? 'always',
    maxMemoryMb: options.maxMemoryMb ?? 256,
  } as const;
  let server: RedisServer = await startRedisServer(settings);
  const { url, port } = server;
  return {
    url,
    port,
    directory,
    pid: () => server.pid,
    kill: () => server.kill(),
    stop: () => server.stop(),
    start: async () => {
      server = await startRedisServer({ ...settings, choosePort: async () => port });
    },
    remove: async () => {
      await server.kill();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
