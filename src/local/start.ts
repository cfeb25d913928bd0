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
import { createDemoHome, proveHome, type DemoHome } from './demo-home.js';
import { choosePort, chooseUdpPort } from './port-choice.js';
import { createProgress, type Progress } from './progress.js';
import { startLocalStack, type LocalStack } from './stack.js';

const STATE_DIRECTORY = path.resolve(import.meta.dirname, '..', '..', '.tolld');
const LOG_FILE = path.join(STATE_DIRECTORY, 'tolld.log');
const EXAMPLES = path.resolve(import.meta.dirname, '..', '..', 'examples');
const OPERATOR_FILES = ['operator.yaml', 'operator-radius.yaml'];

export interface StartFlags {
  /** Play a session of each protocol to its rated events, prove that the books balance, and end. */
  readonly once: boolean;
  /** Remove the data of earlier starts first. */
  readonly reset: boolean;
}

const HELP_AFTER = `
Uses REDIS_URL and DATABASE_URL where they are set; else starts its own Redis and Postgres and keeps
their data in .tolld/. Every setting of docs/configuration.md works here too.`;

/** @returns null where help was asked for and printed. @throws CommanderError for a wrong flag. */
function parseStartFlags(args: readonly string[]): StartFlags | null {
  const command = new Command('npm start --')
    .description('set up everything that tolld needs, then run it with a demo operator')
    .option(
      '--once',
      'play a session of each protocol, prove that the books balance, and end',
      false,
    )
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

type RadiusAddress = Pick<Config['radius'], 'listenHost' | 'authenticationPort' | 'accountingPort'>;

/** Where RADIUS is served: on ports that are free, on loopback, unless it was given. */
async function chooseRadiusAddress(
  { config: { radius }, sources }: LoadedConfig,
  progress: Progress,
): Promise<RadiusAddress> {
  const isGiven = (setting: string): boolean => sources.get(setting) !== 'default';
  const host = isGiven('radius.listenHost') ? radius.listenHost : '127.0.0.1';
  const choose = async (
    setting: 'authenticationPort' | 'accountingPort',
    name: string,
  ): Promise<number> =>
    isGiven(`radius.${setting}`)
      ? radius[setting]
      : await chooseUdpPort(radius[setting], { name, host }, { progress });
  return {
    listenHost: host,
    authenticationPort: await choose('authenticationPort', 'RADIUS authentication'),
    accountingPort: await choose('accountingPort', 'RADIUS accounting'),
  };
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
  const radius = await chooseRadiusAddress(given, progress);
  return loadConfig({
    environment: {
      ...environment,
      TOLLD_REDIS_URL: stack.redisUrl,
      TOLLD_POSTGRES_URL: stack.postgresUrl,
      TOLLD_DIAMETER_LISTEN_HOST: host,
      TOLLD_DIAMETER_LISTEN_PORT: String(diameterPort),
      TOLLD_OPERATIONS_LISTEN_PORT: String(operationsPort),
      TOLLD_RADIUS_LISTEN_HOST: radius.listenHost,
      TOLLD_RADIUS_AUTHENTICATION_PORT: String(radius.authenticationPort),
      TOLLD_RADIUS_ACCOUNTING_PORT: String(radius.accountingPort),
      ...(!isGiven('radius.enabled') && { TOLLD_RADIUS_ENABLED: 'true' }),
      ...(!isGiven('secrets.keys') && { TOLLD_SECRETS_KEYS: stack.secretsKey }),
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
  let changed = 0;
  const remaining = new Set<string>();
  for (const name of OPERATOR_FILES) {
    const { report, remains } = await loadFile(config, path.join(EXAMPLES, name), {
      dryRun: false,
    });
    changed += report.changes.filter(({ action }) => action !== 'unchanged').length;
    if (remains !== null) remaining.add(remains);
  }
  const news = [changed === 0 ? 'nothing to change' : `${changed} changes`, ...remaining];
  step.done(`${OPERATOR_FILES.join(' and ')} of examples/ loaded, ${news.join('; ')}`);
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
  const { diameter, radius, operations } = node.addresses;
  for (const { host, port } of diameter) progress.note(`  Diameter   ${host}:${port}`);
  if (radius !== null) {
    const places = [...radius.authentication, ...radius.accounting];
    const text = places.map(({ address, port }) => `${address}:${port}`).join(' ');
    progress.note(`  RADIUS     ${text}`);
  }
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

/** The home of the demo operator; null where this daemon serves no RADIUS. */
function createHome(
  { node, progress }: Running,
  traffic: { readonly interims: number; readonly thinkMs: number },
): DemoHome | null {
  const { authentication = [], accounting = [] } = node.addresses.radius ?? {};
  const [logins] = authentication;
  const [reports] = accounting;
  if (logins === undefined || reports === undefined) return null;
  const server = {
    address: '127.0.0.1',
    authenticationPort: logins.port,
    accountingPort: reports.port,
  };
  return createDemoHome(
    { server, ...traffic, seed: Date.now() % 1_000_000 },
    { print: (line) => progress.note(line) },
  );
}

/**
 * A session of each protocol from its first request to the books.
 * @throws BooksError when they do not balance, or DemoSessionError.
 */
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
  const home = createHome(running, { interims: 1, thinkMs: 200 });
  if (home !== null) {
    progress.note('');
    progress.note("One simulated session of erin's home:");
  }
  const homeSession = await home?.play();
  await awaitRecord(config, dependencies);
  await stopWatching();
  progress.note('');
  await proveUsage(config, tally, dependencies);
  if (homeSession !== undefined) await proveHome(config, homeSession, dependencies);
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
  const home = createHome(running, { interims: 4, thinkMs: 2_000 });
  // What fails here does not end the daemon: that one can still be tried by hand.
  const playing = Promise.all([
    demo.play().catch((error: unknown) => {
      progress.note(`the simulated gateway ended: ${String(error)}`);
    }),
    (home?.play() ?? Promise.resolve()).catch((error: unknown) => {
      progress.note(`the simulated router ended: ${String(error)}`);
    }),
  ]);
  try {
    return await awaitEnd(stack, progress);
  } finally {
    demo.stop();
    home?.stop();
    await playing;
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
