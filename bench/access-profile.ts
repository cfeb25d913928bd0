/**
 * Where do a login and a report spend their instructions in Redis? A function of the scripts is cut off
 * before each of its statements in turn; what a statement costs is the difference between neighbouring
 * cuts. `npm run bench -- access-profile [--function F] [--step S] [--users N]`
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { Redis } from 'ioredis';
import type { Engine } from '../src/charging/engine.js';
import * as layout from '../src/charging/generated/layout.js';
import { createKeys } from '../src/charging/keys.js';
import { createRedisClient } from '../src/charging/redis-client.js';
import { readScripts, scriptsOf, type Scripts } from '../src/charging/script-loader.js';
import { createLogger } from '../src/observability/logger.js';
import { atOnce, openUsers, sessionSteps, startAccess } from './access-workload.js';
import { COUNTED_TIMEOUT_MS, createMeter, startServer } from './counted-server.js';
import { cutSource } from './cut-source.js';

/** Answers nothing that a caller could mistake for an answer. */
const CUT = "do return { 0, '' } end\n";
/** Of a step, its calls as they reach the scripts. */
type Call = Parameters<Scripts['run']>;

export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      function: { type: 'string', default: 'admit_plainly' },
      step: { type: 'string', default: 'login, the second' },
      users: { type: 'string', default: '64' },
      persistence: { type: 'string', default: 'always' },
    },
  });
  const users = Number(values.users);
  const directory = await mkdtemp(path.join(tmpdir(), 'tolld-bench-'));
  const server = await startServer(directory, true, 'always');
  const redis = createRedisClient(
    { url: server.url, commandTimeoutMs: COUNTED_TIMEOUT_MS, name: 'bench' },
    { logger: createLogger({ level: 'silent' }) },
  );
  const watcher = new Redis(server.url);
  try {
    await redis.connect();
    const whole = readScripts();
    const calls: Call[] = [];
    let kept = false;
    const engine: Engine = {
      redis,
      scripts: {
        ...whole,
        run: (...call) => {
          if (!kept) return whole.run(...call);
          calls.push(call);
          return Promise.resolve([layout.REPLY_FENCED]);
        },
      },
      keys: createKeys('bench'),
      limits: { requestTimeoutMs: COUNTED_TIMEOUT_MS },
    };
    await openUsers(engine, users);
    const access = await startAccess(engine);
    const meter = createMeter(watcher, { server, directory });
    const steps = sessionSteps(users);
    const profiled = steps.findIndex(({ name }) => name === values.step);
    const step = steps[profiled];
    if (step === undefined) throw new Error(`no step ${values.step}`);
    for (const { work } of steps.slice(0, profiled)) {
      await atOnce({ count: users, slots: users }, (user) => work(access, user));
    }
    const measure = async (source: string): Promise<number> => {
      const scripts = scriptsOf({ name: whole.library.name, source });
      const [, ...others] = Array.from({ length: users }, (_, user) => user);
      kept = true;
      for (const user of others) await step.work(access, user).catch(() => undefined);
      kept = false;
      await watcher.function('LOAD', 'REPLACE', source);
      // A library that is new knows no terms: whose call is not measured brings them.
      await step.work(access, 0).catch(() => undefined);
      const again = calls.splice(0);
      await meter.begin();
      await Promise.all(again.map(async (call) => scripts.run(...call)));
      const { instructions } = await meter.end(again.length);
      return instructions ?? 0;
    };
    let before = 0;
    for (const { statement, source } of cutSource(whole.library.source, values.function, CUT)) {
      const reached = await measure(source);
      const shown = [reached - before, reached].map((count) =>
        String(Math.round(count)).padStart(8),
      );
      console.log(`${shown.join(' ')}  before: ${statement.slice(0, 90)}`);
      before = reached;
    }
  } finally {
    watcher.disconnect();
    redis.disconnect();
    await server.stop();
    await rm(directory, { recursive: true, force: true });
  }
}
