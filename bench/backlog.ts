/**
 * What do those who charge notice while a backlog is written to Postgres?
 * `npm run bench -- backlog [--events N] [--rate N] [--seconds N] [--accounts N] [--catch-up SECONDS]
 * [--impolite N] [--fresh-log]`
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { createEngineConnection } from '../src/charging/engine-connection.js';
import type { Engine } from '../src/charging/engine.js';
import { openPartition } from '../src/charging/partition-fence.js';
import { createOutboxStreams } from '../src/charging/stream.js';
import { loadConfig } from '../src/config.js';
import { createLogger } from '../src/observability/logger.js';
import { untilRecorded } from '../src/outbox/recorded.js';
import { migrate } from '../src/records/migrate.js';
import type { Config } from '../src/settings.js';
import { startOutbox, type OutboxRunner } from '../src/threads/outbox-runner.js';
import { KEY_PREFIX, PARTITIONS } from './charge-workload.js';
import { wholeNumbers } from './flags.js';
import { FlushWorkload } from './flush-workload.js';
import { percentile } from './median.js';
import { startPostgresProcess, type PostgresProcess } from './postgres-process.js';
import { cpuOfServerUs } from './process-cpu.js';
import { ageLog, isRecordWhole, logPosition, recordedEntries } from './record-state.js';
import { startRedisProcess, type RedisProcess } from './redis-process.js';
import { openAccount, SteadyCharging } from './steady-charging.js';

/** Of the accounts whose usage is the backlog; those that are charged meanwhile are others. */
const BACKLOG_ACCOUNTS = 50_000;
/** A drain that takes so much longer than it may counts as failed. */
const DRAIN_GRACE_MS = 60_000;
const SETTLE_MAX_MS = 300_000;
const POLL_MS = 250;
/** As docs/operations.md advises where Postgres shares disk and cores with Redis. */
const POSTGRES_SETTINGS = [
  'min_wal_size=3GB',
  'max_wal_size=6GB',
  'checkpoint_timeout=30min',
  'autovacuum_naptime=5min',
];
/** Of 16 MiB each: as many as a backlog of a million events fills. */
const LOG_SEGMENTS = 170;
const WARM_UP_SECONDS = 15;

interface Settings {
  readonly events: number;
  /** Charges per second, whatever becomes of the ones before. */
  readonly rate: number;
  /** Of each measure to compare with: twice without a flusher, twice on an ordinary day. */
  readonly seconds: number;
  readonly accounts: number;
  /** Events of another backlog, which is written at full speed; 0: none. */
  readonly impolite: number;
}

interface World {
  readonly settings: Settings;
  readonly redis: RedisProcess;
  readonly postgres: PostgresProcess;
  readonly pool: pg.Pool;
  readonly engine: Engine;
  readonly config: Config;
}

async function openAccounts({ settings, engine }: World): Promise<void> {
  await engine.scripts.load(engine.redis);
  for (let partition = 0; partition < PARTITIONS; partition += 1) {
    await openPartition(engine, partition, 1);
  }
  for (let account = 0; account < settings.accounts; account += 1) {
    await openAccount(engine, account);
  }
}

/** Entries that were ever added to the streams. */
async function addedEntries({ engine }: World): Promise<number> {
  const streams = createOutboxStreams(engine);
  let entries = 0;
  for (let partition = 0; partition < PARTITIONS; partition += 1) {
    entries += ((await streams.lastAdded(partition))?.n ?? -1) + 1;
  }
  return entries;
}

type Latencies = readonly number[];

/** Charges for a while, and some seconds before that do not count. */
async function latenciesOf(charging: SteadyCharging, { seconds }: Settings): Promise<Latencies> {
  await sleep(WARM_UP_SECONDS * 1_000);
  charging.takeLatencies();
  await sleep(seconds * 1_000);
  return charging.takeLatencies();
}

/** What charging is held to. */
interface Reference {
  /** With a flusher that writes what comes. */
  readonly ordinary: Latencies;
  /** Without one, as while Postgres is away. */
  readonly alone: Latencies;
}

/** Where nothing is behind; what is charged without a flusher stands there afterwards. */
async function measureReference(world: World, charging: SteadyCharging): Promise<Reference> {
  const { settings } = world;
  charging.start();
  const outbox = await startFlusher(world);
  const ordinary = await latenciesOf(charging, settings);
  await outbox.close();
  const alone = await latenciesOf(charging, settings);
  await charging.stop();
  return { ordinary, alone };
}

/** Has what stands in the streams written while nobody charges. */
async function settle(world: World): Promise<void> {
  const outbox = await startFlusher(world);
  const streams = createOutboxStreams(world.engine);
  await untilRecorded({ partitions: PARTITIONS, timeoutMs: SETTLE_MAX_MS }, { streams });
  await outbox.close();
}

function startFlusher(
  { config }: World,
  { catchUpSeconds }: { readonly catchUpSeconds: number } = config.flusher,
): Promise<OutboxRunner> {
  const flusher = { ...config.flusher, catchUpSeconds };
  return startOutbox(
    { config: { ...config, flusher }, partitions: PARTITIONS },
    { logger: createLogger({ level: 'warn' }) },
  );
}

interface Drained {
  readonly entries: number;
  readonly seconds: number;
  readonly latencies: Latencies;
  readonly postgresUs: number;
  /** Write-ahead log that Postgres wrote meanwhile. */
  readonly logBytes: number;
}

/**
 * Starts a flusher as the daemon does, and waits until what stood in the streams is in Postgres; what
 * was charged meanwhile may still stand there.
 */
async function drain(
  world: World,
  charging: SteadyCharging,
  { catchUpSeconds }: { readonly catchUpSeconds: number },
): Promise<Drained> {
  const { pool, postgres } = world;
  const goal = await addedEntries(world);
  const entries = goal - (await recordedEntries(pool));
  const postgresBefore = cpuOfServerUs(postgres.pid);
  const logBefore = await logPosition(pool);
  charging.takeLatencies();
  const startedAt = performance.now();
  const outbox = await startFlusher(world, { catchUpSeconds });
  const drainMaxMs = catchUpSeconds * 1_000 + DRAIN_GRACE_MS;
  while ((await recordedEntries(pool)) < goal) {
    if (performance.now() - startedAt > drainMaxMs) throw new Error('the backlog does not drain');
    await sleep(POLL_MS);
  }
  const seconds = (performance.now() - startedAt) / 1_000;
  const latencies = charging.takeLatencies();
  const postgresUs = (cpuOfServerUs(postgres.pid) - postgresBefore) / entries;
  const logBytes = (await logPosition(pool)) - logBefore;
  await charging.stop();
  await outbox.close();
  return { entries, seconds, latencies, postgresUs, logBytes };
}

/** Has so much usage written as a backlog, once charging has gone on beside it for a while. */
async function drainUsage(
  world: World,
  charging: SteadyCharging,
  options: {
    readonly workload: FlushWorkload;
    readonly usage: number;
    readonly catchUpSeconds: number;
  },
): Promise<Drained> {
  const { redis, engine } = world;
  await options.workload.writeUsage(options.usage, redis.client, engine.keys);
  charging.start();
  await sleep(WARM_UP_SECONDS * 1_000);
  return drain(world, charging, options);
}

async function measure(world: World): Promise<void> {
  const { settings, redis, pool, engine, config } = world;
  await openAccounts(world);
  const charging = new SteadyCharging(settings, { engine });
  const before = await measureReference(world, charging);
  const workload = new FlushWorkload({ accounts: BACKLOG_ACCOUNTS, partitions: PARTITIONS });
  const opened = await workload.writeOpenings(redis.client, engine.keys);
  const usage = settings.events - opened;
  const { catchUpSeconds } = config.flusher;
  const drained = await drainUsage(world, charging, { workload, usage, catchUpSeconds });
  await settle(world);
  const after = await measureReference(world, charging);
  let impolite: Drained | null = null;
  if (settings.impolite > 0) {
    const options = { workload, usage: settings.impolite, catchUpSeconds: 0 };
    impolite = await drainUsage(world, charging, options);
  }
  await settle(world);
  const whole = await isRecordWhole(pool, {
    entries: await addedEntries(world),
    usage: usage + settings.impolite + charging.answered,
    charged: charging.answered,
  });
  if (!whole || charging.errors > 0) process.exitCode = 1;
  const ordinary = [...before.ordinary, ...after.ordinary];
  const alone = [...before.alone, ...after.alone];
  const p99 = percentile(drained.latencies, 99);
  console.log(
    JSON.stringify({
      bench: 'backlog',
      value: rounded(p99),
      unit: 'ms, p99 of a charge while a backlog drains',
      reference: rounded(percentile(ordinary, 99)),
      ratio: rounded(p99 / percentile(ordinary, 99)),
      ratioOfAlone: rounded(p99 / percentile(alone, 99)),
      drainMs: percentilesOf(drained.latencies),
      ordinaryMs: percentilesOf(ordinary),
      aloneMs: percentilesOf(alone),
      ordinaryP99Ms: [before, after].map((each) => rounded(percentile(each.ordinary, 99))),
      aloneP99Ms: [before, after].map((each) => rounded(percentile(each.alone, 99))),
      ...(impolite !== null && { impoliteMs: percentilesOf(impolite.latencies) }),
      drainedPerSecond: Math.round(drained.entries / drained.seconds),
      drainSeconds: rounded(drained.seconds),
      charged: charging.answered,
      logMb: Math.round(drained.logBytes / 1e6),
      postgresUs: rounded(drained.postgresUs),
      errors: charging.errors,
      balanced: whole,
      ...settings,
      catchUpSeconds,
    }),
  );
}

function percentilesOf(latencies: Latencies): Readonly<Record<string, number>> {
  const of = (percent: number): number => rounded(percentile(latencies, percent));
  return { p50: of(50), p90: of(90), p99: of(99), p999: of(99.9) };
}

function rounded(value: number): number {
  return Number(value.toFixed(2));
}

export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      events: { type: 'string', default: '1000000' },
      rate: { type: 'string', default: '1000' },
      seconds: { type: 'string', default: '20' },
      accounts: { type: 'string', default: '2000' },
      impolite: { type: 'string', default: '0' },
      'catch-up': { type: 'string' },
      'fresh-log': { type: 'boolean', default: false },
    },
  });
  const { 'fresh-log': isLogFresh, 'catch-up': catchUp, ...numbers } = values;
  const settings: Settings = wholeNumbers(numbers);
  if (settings.events < BACKLOG_ACCOUNTS) throw new Error(`at least ${BACKLOG_ACCOUNTS} events`);
  const redis = await startRedisProcess({ persistence: 'always' });
  const postgres = await startPostgresProcess({ durable: true, settings: POSTGRES_SETTINGS });
  const url = postgres.databaseUrl('postgres');
  const { config } = loadConfig({
    environment: {
      TOLLD_REDIS_URL: redis.url,
      TOLLD_POSTGRES_URL: url,
      ...(catchUp !== undefined && { TOLLD_FLUSHER_CATCH_UP_SECONDS: catchUp }),
    },
  });
  const pool = new pg.Pool({ connectionString: url, max: 2 });
  pool.on('error', () => undefined);
  const logger = createLogger({ level: 'silent' });
  const limits = { commandTimeoutMs: 10_000, requestTimeoutMs: 10_000 };
  const connection = createEngineConnection(
    { url: redis.url, keyPrefix: KEY_PREFIX, name: 'bench', ...limits },
    { logger },
  );
  try {
    await migrate({ url });
    await pool.query('SELECT tolld.create_months(1)');
    if (!isLogFresh) await ageLog(pool, LOG_SEGMENTS);
    await connection.open();
    await measure({ settings, redis, postgres, pool, engine: connection.engine, config });
  } finally {
    await connection.close();
    await pool.end();
    await redis.stop();
    await postgres.stop();
  }
}
