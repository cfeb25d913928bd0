/**
 * What do a login and a report cost in Redis: commands, octets appended, and with `--instructions`
 * the instructions of the server (valgrind's callgrind), which no other work on the machine moves?
 * `npm run bench -- access-engine [--users N] [--slots N] [--instructions] [--persistence P]`
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { Redis } from 'ioredis';
import type { Engine } from '../src/charging/engine.js';
import { createKeys } from '../src/charging/keys.js';
import { createRedisClient } from '../src/charging/redis-client.js';
import { readScripts } from '../src/charging/script-loader.js';
import { findRedisCommand } from '../src/local/redis-command.js';
import { startRedisServer, type RedisServer } from '../src/local/redis-server.js';
import { createLogger } from '../src/observability/logger.js';
import { persistenceOf, type Persistence } from './redis-process.js';
import { atOnce, openUsers, sessionSteps, startAccess } from './access-workload.js';

const KEY_PREFIX = 'bench';
/** Of valgrind, which runs the server some fifty times slower. */
const REQUEST_TIMEOUT_MS = 120_000;
const execute = promisify(execFile);

export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      users: { type: 'string', default: '300' },
      /** Under way at once; what comes in one turn of the event loop travels together. */
      slots: { type: 'string', default: '64' },
      instructions: { type: 'boolean', default: false },
      persistence: { type: 'string', default: 'always' },
    },
  });
  const users = Number(values.users);
  const directory = await mkdtemp(path.join(tmpdir(), 'tolld-bench-'));
  const server = await startServer(
    directory,
    values.instructions,
    persistenceOf(values.persistence),
  );
  const redis = createRedisClient(
    { url: server.url, commandTimeoutMs: REQUEST_TIMEOUT_MS, name: 'bench' },
    { logger: createLogger({ level: 'silent' }) },
  );
  const watcher = new Redis(server.url);
  try {
    await redis.connect();
    const engine: Engine = {
      redis,
      scripts: readScripts(),
      keys: createKeys(KEY_PREFIX),
      limits: { requestTimeoutMs: REQUEST_TIMEOUT_MS },
    };
    await openUsers(engine, users);
    const access = await startAccess(engine);
    const meter = createMeter(watcher, values.instructions ? { server, directory } : null);
    const figures: Record<string, Figures> = {};
    for (const { name, work } of sessionSteps(users)) {
      await meter.begin();
      await atOnce({ count: users, slots: Number(values.slots) }, (user) => work(access, user));
      const measured = await meter.end(users);
      figures[name] = measured;
      console.error(lineOf(name, measured));
    }
    console.log(
      JSON.stringify({
        bench: 'access-engine',
        value: figures['report, the third']?.scriptUs,
        unit: 'us of Redis per report',
        figures,
        errors: 0,
      }),
    );
  } finally {
    watcher.disconnect();
    redis.disconnect();
    await server.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

async function startServer(
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
interface Figures {
  /** Of the server's CPU in scripts; of no meaning under valgrind. */
  readonly scriptUs: number;
  readonly instructions: number | null;
  /** By script or command from outside, and by command from a script. */
  readonly commands: Readonly<Record<string, number>>;
  /** Appended to the file that a restart reads. */
  readonly octets: number;
}

function createMeter(
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

function lineOf(name: string, { scriptUs, instructions, commands, octets }: Figures): string {
  const shown = Object.entries(commands)
    .map(([command, count]) => `${command} ${count}`)
    .join(', ');
  const counted = instructions === null ? '' : `${Math.round(instructions)} instructions, `;
  return `${name.padEnd(20)} ${scriptUs} us in scripts, ${counted}${octets} octets: ${shown}`;
}
