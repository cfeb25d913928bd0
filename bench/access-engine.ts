/**
 * What do a login and a report cost in Redis: commands, octets appended, and with `--instructions`
 * the instructions of the server (valgrind's callgrind), which no other work on the machine moves?
 * `npm run bench -- access-engine [--users N] [--slots N] [--instructions] [--persistence P]`
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { Redis } from 'ioredis';
import type { Engine } from '../src/charging/engine.js';
import { createKeys } from '../src/charging/keys.js';
import { createRedisClient } from '../src/charging/redis-client.js';
import { readScripts } from '../src/charging/script-loader.js';
import { createLogger } from '../src/observability/logger.js';
import { atOnce, openUsers, sessionSteps, startAccess } from './access-workload.js';
import { COUNTED_TIMEOUT_MS, createMeter, startServer, type Figures } from './counted-server.js';
import { persistenceOf } from './redis-process.js';

const KEY_PREFIX = 'bench';

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
    { url: server.url, commandTimeoutMs: COUNTED_TIMEOUT_MS, name: 'bench' },
    { logger: createLogger({ level: 'silent' }) },
  );
  const watcher = new Redis(server.url);
  try {
    await redis.connect();
    const engine: Engine = {
      redis,
      scripts: readScripts(),
      keys: createKeys(KEY_PREFIX),
      limits: { requestTimeoutMs: COUNTED_TIMEOUT_MS },
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

function lineOf(name: string, { scriptUs, instructions, commands, octets }: Figures): string {
  const shown = Object.entries(commands)
    .map(([command, count]) => `${command} ${count}`)
    .join(', ');
  const counted = instructions === null ? '' : `${Math.round(instructions)} instructions, `;
  return `${name.padEnd(20)} ${scriptUs} us in scripts, ${counted}${octets} octets: ${shown}`;
}
