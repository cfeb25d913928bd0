/**
 * A Redis whose work is counted: commands, octets appended, and under valgrind's callgrind the
 * instructions of the whole server, which no other work on the machine moves.
 */
import { execFile } from 'node:child_process';
import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Redis } from 'ioredis';
import { findRedisCommand } from '../src/local/redis-command.js';
import { startRedisServer, type RedisServer } from '../src/local/redis-server.js';
import type { Persistence } from './redis-process.js';

/** Of valgrind, which runs the server some fifty times slower. */
export const COUNTED_TIMEOUT_MS = 120_000;
const execute = promisify(execFile);

/** @param counted whether instructions are counted */
export async function startServer(
  directory: string,
  counted: boolean,
  persistence: Persistence,
): Promise<RedisServer> {
  const found = findRedisCommand();
  if (found === null) throw new Error('no Redis 7 or newer on the search path');
  const valgrind = [
    'valgrind',
    '--tool=callgrind',
    '--instr-atstart=no',
    `--callgrind-out-file=${path.join(directory, 'callgrind')}`,
  ];
  return startRedisServer({
    command: counted ? [...valgrind, ...found.command] : found.command,
    directory,
    disposable: directory,
    appendFsync: persistence === 'none' ? 'off' : persistence,
    maxMemoryMb: 4_096,
  });
}

/** Of one request. */
export interface Figures {
  /** Of the server's CPU in scripts; of no meaning under valgrind. */
  readonly scriptUs: number;
  readonly instructions: number | null;
  /** By script or command from outside, and by command from a script. */
  readonly commands: Readonly<Record<string, number>>;
  /** Appended to the file that a restart reads. */
  readonly octets: number;
}

export function createMeter(
  redis: Redis,
  counted: { readonly server: RedisServer; readonly directory: string } | null,
) {
  const control = async (...args: string[]): Promise<void> => {
    if (counted === null) return;
    await execute('callgrind_control', [...args, String(counted.server.pid)]);
  };
  const appended = async (): Promise<number> =>
    Number(/^aof_current_size:(\d+)/m.exec(await redis.info('persistence'))?.[1] ?? 0);
  let octetsBefore = 0;
  return {
    begin: async (): Promise<void> => {
      octetsBefore = await appended();
      await redis.config('RESETSTAT');
      await control('-z');
      await control('-i', 'on');
    },
    end: async (requests: number): Promise<Figures> => {
      await control('-i', 'off');
      await control('-d');
      const info = await redis.info('commandstats');
      const stats = [...info.matchAll(/^cmdstat_([^:]+):calls=(\d+),usec=(\d+)/gm)].map(
        ([, name = '', calls, usec]) => ({ name, calls: Number(calls), usec: Number(usec) }),
      );
      const rounded = (sum: number): number => Number((sum / requests).toFixed(2));
      return {
        scriptUs: rounded(
          stats.filter(({ name }) => name === 'fcall').reduce((sum, { usec }) => sum + usec, 0),
        ),
        instructions: counted === null ? null : rounded(await instructionsIn(counted.directory)),
        commands: Object.fromEntries(
          stats
            .filter(({ name }) => !/^(info|config|client)/.test(name))
            .map(({ name, calls }) => [name, rounded(calls)]),
        ),
        octets: rounded((await appended()) - octetsBefore),
      };
    },
  };
}

/** Of the latest dump. */
async function instructionsIn(directory: string): Promise<number> {
  const dumps = (await readdir(directory)).flatMap((name) => {
    const number = /^callgrind\.(\d+)$/.exec(name)?.[1];
    return number === undefined ? [] : [Number(number)];
  });
  const latest = path.join(directory, `callgrind.${Math.max(...dumps)}`);
  return Number(/^totals: (\d+)/m.exec(await readFile(latest, 'utf8'))?.[1]);
}
