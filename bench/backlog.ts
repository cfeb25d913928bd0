/**
 * What do those who charge notice while a backlog is written to Postgres?
 * `npm run bench -- backlog [--events N] [--rate N] [--before SECONDS] [--accounts N] [--fresh-log]`
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
/** After this the drain counts as failed. */
const DRAIN_MAX_MS = 660_000;
const POLL_MS = 250;
/** As docs/operations.md advises where Postgres shares a disk with Redis. */
const POSTGRES_SETTINGS = ['min_wal_size=3GB', 'max_wal_size=6GB'];
/** Of 16 MiB each: as many as a backlog of a million events fills. */
const LOG_SEGMENTS = 170;
const WARM_UP_SECONDS = 15;

interface Settings {
  readonly events: number;
  /** Charges per second, whatever becomes of the ones before. */
  readonly rate: number;
  /** Seconds of charging without a flusher, to compare with. */
  readonly before: number;
  readonly accounts: number;
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

async function fill({ settings, redis, engine }: World): Promise<void> {
  const workload = new FlushWorkload({ accounts: BACKLOG_ACCOUNTS, partitions: PARTITIONS });
  const opened = await workload.writeOpenings(redis.client, engine.keys);
  await workload.writeUsage(settings.events - opened, redis.client, engine.keys);
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

/** Charges for a while, and some seconds before that do not count. */
async function latenciesOf(
  charging: SteadyCharging,
  { before }: Settings,
): Promise<readonly number[]> {
  await sleep(WARM_UP_SECONDS * 1_000);
  charging.takeLatencies();
  await sleep(before * 1_000);
  return charging.takeLatencies();
}

/** Charges with a flusher that writes what comes, and nothing behind: an ordinary day. */
async function chargeOrdinarily(
  world: World,
  charging: SteadyCharging,
): Promise<readonly number[]> {
  const outbox = await startFlusher(world);
  charging.start();
  const latencies = await latenciesOf(charging, world.settings);
  await charging.stop();
  await outbox.close();
  return latencies;
}

function startFlusher({ config }: World): Promise<OutboxRunner> {
  return startOutbox(
    { config, partitions: PARTITIONS },
    { logger: createLogger({ level: 'warn' }) },
  );
}

interface Drained {
  readonly entries: number;
  readonly seconds: number;
  readonly latencies: readonly number[];
  readonly postgresUs: number;
  /** Write-ahead log that Postgres wrote meanwhile. */
  readonly logBytes: number;
}

/** Starts a flusher as the daemon does, and waits until what stood in the streams is in Postgres. */
async function drain(world: World, charging: SteadyCharging): Promise<Drained> {
  const { pool, engine, postgres } = world;
  const goal = await addedEntries(world);
  const entries = goal - (await recordedEntries(pool));
  const postgresBefore = cpuOfServerUs(postgres.pid);
  const logBefore = await logPosition(pool);
  charging.takeLatencies();
  const startedAt = performance.now();
  const outbox = await startFlusher(world);
  while ((await recordedEntries(pool)) < goal) {
    if (performance.now() - startedAt > DRAIN_MAX_MS) throw new Error('the backlog does not drain');
    await sleep(POLL_MS);
  }
  const seconds = (performance.now() - startedAt) / 1_000;
  const latencies = charging.takeLatencies();
  const postgresUs = (cpuOfServerUs(postgres.pid) - postgresBefore) / entries;
  const logBytes = (await logPosition(pool)) - logBefore;
  await charging.stop();
  const streams = createOutboxStreams(engine);
  await untilRecorded({ partitions: PARTITIONS, timeoutMs: DRAIN_MAX_MS }, { streams });
  await outbox.close();
  return { entries, seconds, latencies, postgresUs, logBytes };
}

async function measure(world: World): Promise<void> {
  const { settings, engine } = world;
  await openAccounts(world);
  const charging = new SteadyCharging(settings, { engine });
  const ordinary = await chargeOrdinarily(world, charging);
  await fill(world);
  console.log(`${settings.events} entries stand in the streams`);
  charging.start();
  const before = await latenciesOf(charging, settings);
  const drained = await drain(world, charging);
  const whole = await isRecordWhole(world.pool, {
    entries: await addedEntries(world),
    usage: settings.events - BACKLOG_ACCOUNTS + charging.answered,
    charged: charging.answered,
  });
  const p99Before = percentile(before, 99);
  const p99Ordinary = percentile(ordinary, 99);
  const p99During = percentile(drained.latencies, 99);
  if (!whole || charging.errors > 0) process.exitCode = 1;
  console.log(
    JSON.stringify({
      bench: 'backlog',
      value: Number(p99During.toFixed(2)),
      unit: 'ms, p99 of a charge while a backlog drains',
      reference: Number(p99Before.toFixed(2)),
      ratio: Number((p99During / p99Before).toFixed(2)),
      ordinaryMs: Number(p99Ordinary.toFixed(2)),
      ratioOfOrdinary: Number((p99During / p99Ordinary).toFixed(2)),
      p50Ms: Number(percentile(drained.latencies, 50).toFixed(2)),
      p50BeforeMs: Number(percentile(before, 50).toFixed(2)),
      drainedPerSecond: Math.round(drained.entries / drained.seconds),
      drainSeconds: Number(drained.seconds.toFixed(1)),
      charged: charging.answered,
      logMb: Math.round(drained.logBytes / 1e6),
      postgresUs: Number(drained.postgresUs.toFixed(1)),
      errors: charging.errors,
      balanced: whole,
      ...settings,
    }),
  );
}

export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      events: { type: 'string', default: '1000000' },
      rate: { type: 'string', default: '1000' },
      before: { type: 'string', default: '20' },
      accounts: { type: 'string', default: '2000' },
      'fresh-log': { type: 'boolean', default: false },
    },
  });
  const { 'fresh-log': isLogFresh, ...numbers } = values;
  const settings: Settings = wholeNumbers(numbers);
  if (settings.events < BACKLOG_ACCOUNTS) throw new Error(`at least ${BACKLOG_ACCOUNTS} events`);
  const redis = await startRedisProcess({ persistence: 'always' });
  const postgres = await startPostgresProcess({ durable: true, settings: POSTGRES_SETTINGS });
  const url = postgres.databaseUrl('postgres');
  const { config } = loadConfig({
    environment: { TOLLD_REDIS_URL: redis.url, TOLLD_POSTGRES_URL: url },
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
