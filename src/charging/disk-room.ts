/**
 * How much room Redis has left for its append-only files. Redis ends itself when it can't append, and
 * says nothing of its disk: on this machine we ask the disk, elsewhere we go by what the files take.
 */
import { statfs } from 'node:fs/promises';
import { isIP } from 'node:net';
import type { Redis } from 'ioredis';
import { mastersOf, type RedisClient } from './redis-client.js';

export interface DiskRoomOptions {
  /** Size of each server's disk, where Redis is on another machine; 0 where nobody knows. */
  readonly diskMb: number;
}

const MB = 1_000_000;

/**
 * Free space over the memory that Redis may use, of the server that has least: a rewrite of the files
 * of a full server needs 1. Null where it can't be known. @throws the client's error
 */
export async function readDiskRoom(
  redis: RedisClient,
  options: DiskRoomOptions,
): Promise<number | null> {
  const rooms = await Promise.all(mastersOf(redis).map((server) => roomOf(server, options)));
  const known = rooms.filter((room) => room !== null);
  return known.length === 0 ? null : Math.min(...known);
}

async function roomOf(server: Redis, { diskMb }: DiskRoomOptions): Promise<number | null> {
  const info = await server.info('memory', 'persistence');
  const number = (name: string): number =>
    Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? 0);
  if (number('aof_enabled') === 0) return null;
  const memoryBytes = number('maxmemory') || number('used_memory');
  const freeBytes =
    diskMb > 0 ? diskMb * MB - number('aof_current_size') : await freeOnThisMachine(server);
  return freeBytes === null ? null : Math.max(0, freeBytes) / memoryBytes;
}

async function freeOnThisMachine(server: Redis): Promise<number | null> {
  const { host, path } = server.options;
  if (path === undefined && !isThisMachine(host ?? '')) return null;
  try {
    const { bavail, bsize } = await statfs(await dataDirectoryOf(server));
    return bavail * bsize;
  } catch {
    // Behind a port that only seems to be here, as of a container, or CONFIG is not ours to use.
    return null;
  }
}

function isThisMachine(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

/** RESP2 answers with a flat list, RESP3 with a map. */
async function dataDirectoryOf(server: Redis): Promise<string> {
  const reply = (await server.config('GET', 'dir')) as unknown;
  if (Array.isArray(reply)) return String(reply[1]);
  return String((reply as Readonly<Record<string, unknown>>)['dir']);
}
