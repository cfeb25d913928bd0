/**
 * `npm start`: a fresh machine to a running tolld, in steps that a person can follow. The steps are
 * the functions below, in their order.
 */
import path from 'node:path';
import { Command, CommanderError } from 'commander';
import { destination } from 'pino';
import { loadFile } from '../cli/load.js';
import { listenForStop } from '../cli/stop-signal.js';
import { loadConfig, maskUrl, processEnvironment, type LoadedConfig } from '../config.js';
import { startNode, type TolldNode } from '../node.js';
import { createLogger, type Logger } from '../observability/logger.js';
import { migrate } from '../records/migrate.js';
import type { Config } from '../settings.js';
import {
  awaitRecord,
  createDemo,
  DEMO_SUBSCRIBERS,
  proveBooks,
  proveUsage,
  watchRatedEvents,
  type DemoDependencies,
} from './demo.js';
import { choosePort } from './port-choice.js';
import { createProgress, type Progress } from './progress.js';
import { startLocalStack, type LocalStack } from './stack.js';

const STATE_DIRECTORY = path.resolve(import.meta.dirname, '..', '..', '.tolld');
const LOG_FILE = path.join(STATE_DIRECTORY, 'tolld.log');
const OPERATOR_FILE = path.resolve(import.meta.dirname, '..', '..', 'examples', 'operator.yaml');

export interface StartFlags {
  /** Play one simulated session to its rated events, prove that the books balance, and end. */
  readonly once: boolean;
  /** Remove the data of earlier starts first. */
  readonly reset: boolean;
}

const HELP_AFTER = `
Uses REDIS_URL and DATABASE_URL where they are set; else starts its own Redis and Postgres and keeps
their data in .tolld/. Every setting of docs/configuration.md works here too.`;

/** @returns null where help was asked for and printed. @throws CommanderError for a wrong flag. */
export function parseStartFlags(args: readonly string[]): StartFlags | null {
  const command = new Command('npm start --')
    .description('set up everything that tolld needs, then run it with a demo operator')
    .option('--once', 'play one session, prove that the books balance, and end', false)
    .option('--reset', 'remove the data of earlier starts first', false)
    .addHelpText('after', HELP_AFTER)
    .exitOverride();
  try {
    command.parse(args, { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return null;
    throw error;
  }
  return command.opts<{ once: boolean; reset: boolean }>();
}

async function startStack(flags: StartFlags, progress: Progress): Promise<LocalStack> {
  const { config, sources } = loadConfig({ environment: processEnvironment() });
  const given = (setting: string, url: string): string | undefined =>
    sources.get(setting) === 'default' ? undefined : url;
  return await startLocalStack(
    {
      directory: STATE_DIRECTORY,
      redisUrl: given('redis.url', config.redis.url),
      postgresUrl: given('postgres.url', config.postgres.url),
      reset: flags.reset,
    },
    { progress },
  );
}

async function applyMigrations(stack: LocalStack, progress: Progress): Promise<void> {
  const step = progress.begin('bringing the schema up to date');
  const { applied, current } = await migrate({ url: stack.postgresUrl });
  const news = applied.length === 0 ? 'nothing to do' : `${applied.length} applied`;
  step.done(`schema at migration ${current}, ${news}`);
}

/** The configuration of the daemon: over the stack, on ports that are free, on loopback. */
async function configureDaemon(stack: LocalStack, progress: Progress): Promise<LoadedConfig> {
  const environment = processEnvironment();
  const given = loadConfig({ environment });
  const isGiven = (setting: string): boolean => given.sources.get(setting) !== 'default';
  const { diameter, operations } = given.config;
  const host = isGiven('diameter.listenHost') ? diameter.listenHost : '127.0.0.1';
  const diameterPort = isGiven('diameter.listenPort')
    ? diameter.listenPort
    : await choosePort(diameter.listenPort, { name: 'Diameter', host }, { progress });
  const operationsPort = isGiven('operations.listenPort')
    ? operations.listenPort
    : await choosePort(operations.listenPort, { name: 'metrics' }, { progress });
  return loadConfig({
    environment: {
      ...environment,
      TOLLD_REDIS_URL: stack.redisUrl,
      TOLLD_POSTGRES_URL: stack.postgresUrl,
      TOLLD_DIAMETER_LISTEN_HOST: host,
      TOLLD_DIAMETER_LISTEN_PORT: String(diameterPort),
      TOLLD_OPERATIONS_LISTEN_PORT: String(operationsPort),
    },
  });
}

/** Waits for a signal, or for a server of ours that ended by itself. @returns the exit code. */
async function awaitEnd(stack: LocalStack, progress: Progress): Promise<number> {
  const stop = listenForStop({ onImpatience: () => process.exit(1) });
  try {
    const end = await Promise.race([
      stop.received.then((signal) => ({ text: `${signal}: stopping`, exitCode: 0 })),
      stack.lost.then((name) => ({ text: `${name} ended by itself: stopping`, exitCode: 1 })),
    ]);
    progress.note(end.text);
    return end.exitCode;
  } finally {
    stop.dispose();
  }
}

async function loadDemoOperator(config: Config, progress: Progress): Promise<void> {
  const step = progress.begin('loading the demo operator');
  const { report, remains } = await loadFile(config, OPERATOR_FILE, { dryRun: false });
  const changed = report.changes.filter(({ action }) => action !== 'unchanged').length;
  const news = changed === 0 ? 'nothing to change' : `${changed} changes`;
  step.done(`examples/operator.yaml loaded, ${news}${remains === null ? '' : `; ${remains}`}`);
}

function openLog(config: Config): Logger {
  return createLogger(
    { level: config.log.level, fields: { node: config.node.name } },
    { destination: destination({ dest: LOG_FILE, mkdir: true, sync: true }) },
  );
}

async function startDaemon(
  config: Config,
  { progress, logger }: { readonly progress: Progress; readonly logger: Logger },
): Promise<TolldNode> {
  const step = progress.begin('starting tolld');
  const node = await startNode(config, { logger });
  step.done(`tolld runs, its log is ${LOG_FILE}`);
  return node;
}

function announce(node: TolldNode, config: Config, progress: Progress): void {
  const { diameter, operations } = node.addresses;
  for (const { host, port } of diameter) progress.note(`  Diameter   ${host}:${port}`);
  const base = `http://${operations.host}:${operations.port}`;
  progress.note(`  Operations ${base}/metrics ${base}/healthz ${base}/readyz`);
  progress.note(`  Redis      ${maskUrl(config.redis.url)}`);
  progress.note(`  Postgres   ${maskUrl(config.postgres.url)}`);
}

interface Running {
  readonly node: TolldNode;
  readonly config: Config;
  readonly stack: LocalStack;
  readonly progress: Progress;
}

/** Where the simulated gateway connects to: nothing listens on "any address" itself. */
function gatewayTarget({ node, config }: Running): {
  readonly host: string;
  readonly port: number;
} {
  const port = node.addresses.diameter[0]?.port ?? config.diameter.listenPort;
  return { host: '127.0.0.1', port };
}

/** One session from its first request to the books. @throws BooksError when they do not balance. */
async function playOnce(running: Running, dependencies: DemoDependencies): Promise<number> {
  const { config, progress } = running;
  const stopWatching = await watchRatedEvents(config, dependencies);
  progress.note('');
  progress.note('One simulated session of alice:');
  const demo = createDemo(
    {
      config,
      diameter: gatewayTarget(running),
      sessions: 1,
      subscribers: [DEMO_SUBSCRIBERS['alice'] ?? { imsi: '', msisdn: '' }],
      kinds: ['data'],
      thinkMs: 200,
      seed: Date.now() % 1_000_000,
    },
    dependencies,
  );
  const tally = await demo.play();
  await awaitRecord(config, dependencies);
  await stopWatching();
  progress.note('');
  await proveUsage(config, tally, dependencies);
  await proveBooks(config, dependencies);
  return 0;
}

/** Sessions until somebody ends it. @returns the exit code. */
async function playOn(running: Running, dependencies: DemoDependencies): Promise<number> {
  const { config, stack, progress } = running;
  progress.note('Ctrl-C ends it; the data stays in .tolld/ for the next start.');
  progress.note('');
  const stopWatching = await watchRatedEvents(config, dependencies);
  const demo = createDemo(
    {
      config,
      diameter: gatewayTarget(running),
      sessions: null,
      subscribers: Object.values(DEMO_SUBSCRIBERS),
      kinds: ['data', 'voice', 'sms'],
      thinkMs: 2_000,
      seed: Date.now() % 1_000_000,
    },
    dependencies,
  );
  const playing = demo.play();
  // A gateway that fails does not end the daemon: that one can still be tried by hand.
  playing.catch((error: unknown) => {
    progress.note(`the simulated gateway ended: ${String(error)}`);
  });
  try {
    return await awaitEnd(stack, progress);
  } finally {
    demo.stop();
    await playing.catch(() => undefined);
    await stopWatching();
  }
}

/** Runs until it is asked to end. @returns the exit code. */
async function run(flags: StartFlags, progress: Progress): Promise<number> {
  const stack = await startStack(flags, progress);
  try {
    await applyMigrations(stack, progress);
    const { config } = await configureDaemon(stack, progress);
    await loadDemoOperator(config, progress);
    const logger = openLog(config);
    const node = await startDaemon(config, { progress, logger });
    try {
      announce(node, config, progress);
      const running = { node, config, stack, progress };
      const dependencies = { logger, print: (line: string) => progress.note(line) };
      return flags.once
        ? await playOnce(running, dependencies)
        : await playOn(running, dependencies);
    } finally {
      await node.close();
    }
  } finally {
    await stack.stop();
  }
}

/** @returns the exit code: 0 done, 1 failed with what to do on the terminal, 2 a wrong flag. */
export async function runStart(args: readonly string[]): Promise<number> {
  let flags: StartFlags | null;
  try {
    flags = parseStartFlags(args);
  } catch {
    return 2;
  }
  if (flags === null) return 0;
  const progress = createProgress({ write: (line) => console.log(line) });
  try {
    return await run(flags, progress);
  } catch (error) {
    const expected = error instanceof Error && 'code' in error;
    console.error(expected ? error.message : error);
    return 1;
  }
}
