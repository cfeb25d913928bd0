import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Redis } from 'ioredis';
import { findRedisCommand } from '../src/local/redis-command.js';
import { startRedisServer } from '../src/local/redis-server.js';

/** `none`: no append-only file; `everysec` and `always` name appendfsync. */
export type Persistence = 'none' | 'everysec' | 'always';

/** @throws Error for anything but a persistence. */
export function persistenceOf(text: string): Persistence {
  if (text === 'none' || text === 'everysec' || text === 'always') return text;
  throw new Error(`"${text}" is no persistence: none, everysec or always`);
}

export interface RedisProcess {
  readonly port: number;
  readonly url: string;
  readonly client: Redis;
  readonly stop: () => Promise<void>;
}

/**
 * Starts a Redis of its own on a free loopback port, with its files in a fresh folder under the
 * system's temporary directory, which goes with it.
 * @param options.config further settings, as CONFIG SET takes them.
 */
export async function startRedisProcess(options: {
  readonly persistence: Persistence;
  readonly config?: Readonly<Record<string, string>>;
}): Promise<RedisProcess> {
  const found = findRedisCommand();
  if (found === null) throw new Error('no Redis 7 or newer on the search path');
  const directory = await mkdtemp(path.join(tmpdir(), 'tolld-bench-'));
  const server = await startRedisServer({
    command: found.command,
    directory,
    disposable: directory,
    appendFsync: options.persistence === 'none' ? 'off' : options.persistence,
    maxMemoryMb: 12_288,
  });
  const client = new Redis(server.url);
  // A rewrite in the middle of a round would be measured with it.
  const config = { 'auto-aof-rewrite-percentage': '0', ...options.config };
  for (const [name, value] of Object.entries(config)) await client.config('SET', name, value);
  return {
    port: server.port,
    url: server.url,
    client,
    stop: async () => {
      client.disconnect();
      await server.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** Microseconds of Redis per call of a command since the last CONFIG RESETSTAT. */
export async function microsecondsPerCall(client: Redis, command: string): Promise<number> {
  return statOf(client, command, 'usec_per_call');
}

/** Microseconds of Redis in all calls of a command since the last CONFIG RESETSTAT. */
export async function microsecondsIn(client: Redis, command: string): Promise<number> {
  return statOf(client, command, 'usec');
}

async function statOf(
  client: Redis,
  command: string,
  field: 'usec' | 'usec_per_call',
): Promise<number> {
  const info = await client.info('commandstats');
  const match = new RegExp(`^cmdstat_(?:${command}):.*\\b${field}=([\\d.]+)`, 'm').exec(info);
  if (match?.[1] === undefined) throw new Error(`no commandstats for ${command}`);
  return Number(match[1]);
}

/** Microseconds of CPU that the server has used. */
export async function serverCpuUs(client: Redis): Promise<number> {
  const info = await client.info('cpu');
  const seconds = (field: string): number =>
    Number(new RegExp(`^${field}:([\\d.]+)`, 'm').exec(info)?.[1] ?? NaN);
  return (seconds('used_cpu_user') + seconds('used_cpu_sys')) * 1e6;
}

/** Bytes of the append-only file; 0 without one. */
export async function aofBytes(client: Redis): Promise<number> {
  const info = await client.info('persistence');
  return Number(/^aof_current_size:(\d+)/m.exec(info)?.[1] ?? 0);
}
