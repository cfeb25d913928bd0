/**
 * What do those who charge notice while a backlog is written to Postgres?
 * `npm run bench -- backlog [--events N] [--rate N] [--before SECONDS] [--accounts N] [--fresh-log]`
 */
import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { charge } from '../src/charging/charge.js';
import { createEngineConnection } from '../src/charging/engine-connection.js';
import type { Engine } from '../src/charging/engine.js';
import { partitionOf } from '../src/charging/keys.js';
import { openPartition } from '../src/charging/partition-fence.js';
import { creditAccount, provisionAccount } from '../src/charging/provisioning.js';
import { createOutboxStreams } from '../src/charging/stream.js';
import { loadConfig } from '../src/config.js';
import { toAmount, ZERO } from '../src/domain/amounts.js';
import { startPostgresServer, type PostgresServer } from '../src/local/postgres-server.js';
import { createLogger } from '../src/observability/logger.js';
import { untilRecorded } from '../src/outbox/recorded.js';
import { migrate } from '../src/records/migrate.js';
import type { Config } from '../src/settings.js';
import { startOutbox, type OutboxRunner } from '../src/threads/outbox-runner.js';
import {
  accountIdOf,
  chargeRequest,
  KEY_PREFIX,
  PARTITIONS,
  sessionIdOf,
  STAMP,
  UNITS_PER_REQUEST,
} from './charge-workload.js';
import { FlushWorkload } from './flush-workload.js';
import { percentile } from './median.js';
import { cpuOfServerUs } from './process-cpu.js';
import { startRedisProcess, type RedisProcess } from './redis-process.js';

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
  readonly postgres: PostgresServer;
  readonly pool: pg.Pool;
  readonly engine: Engine;
  readonly config: Config;
}

/** Charges at a steady rate; a charge's time counts from when it was due. */
class SteadyCharging {
  readonly #engine: Engine;
  readonly #settings: Settings;
  readonly #pending = new Set<Promise<void>>();
  #latencies: number[] = [];
  #sent = 0;
  #isStopping = false;
  #loop: Promise<void> | null = null;
  answered = 0;
  errors = 0;

  constructor(engine: Engine, settings: Settings) {
    this.#engine = engine;
    this.#settings = settings;
  }

  /** Also after it was stopped: it goes on with the next charge. */
  start(): void {
    this.#isStopping = false;
    this.#loop = this.#run();
  }

  /** Latencies of the charges answered since the last call, in ms. */
  takeLatencies(): readonly number[] {
    const taken = this.#latencies;
    this.#latencies = [];
    return taken;
  }

  /** Waits for all that are under way. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#loop;
    await Promise.all(this.#pending);
  }

  async #run(): Promise<void> {
    const intervalMs = 1_000 / this.#settings.rate;
    const startedAt = performance.now() - this.#sent * intervalMs;
    while (!this.#isStopping) {
      for (;;) {
        const dueAt = startedAt + this.#sent * intervalMs;
        if (dueAt > performance.now()) break;
        const pending = this.#charge(this.#sent, dueAt);
        this.#pending.add(pending);
        void pending.finally(() => this.#pending.delete(pending));
        this.#sent += 1;
      }
      await sleep(1);
    }
  }

  async #charge(cursor: number, dueAt: number): Promise<void> {
    const account = cursor % this.#settings.accounts;
    const number = 1 + Math.floor(cursor / this.#settings.accounts);
    try {
      const request = requestOf(account, { number, phase: 'update', used: UNITS_PER_REQUEST });
      const outcome = await charge(this.#engine, request);
      if (outcome.kind === 'answered' && !outcome.repeated) this.answered += 1;
      else this.errors += 1;
    } catch {
      this.errors += 1;
    }
    this.#latencies.push(performance.now() - dueAt);
  }
}

function requestOf(
  account: number,
  options: { readonly number: number; readonly phase: 'initial' | 'update'; readonly used: number },
): ReturnType<typeof chargeRequest> {
  const sessionId = sessionIdOf(account);
  return chargeRequest({ account, sessionId, services: 1, want: UNITS_PER_REQUEST, ...options });
}

/** Brings an account with one bucket and a session into being, all of which the record will hear of. */
async function openAccount(engine: Engine, index: number): Promise<void> {
  const accountId = accountIdOf(index);
  const account = { partition: partitionOf(accountId, PARTITIONS), accountId, stamp: STAMP };
  await provisionAccount(engine, { ...account, standing: 'active', profileVersion: 1 });
  const bucket = {
    bucketId: 'data',
    resource: 'octets',
    kind: 'units',
    priority: 10,
    state: 'active',
    startsAt: null,
    endsAt: null,
    createdAt: Date.now(),
    floor: ZERO,
    granted: toAmount(1e14),
    step: 1,
    blocker: false,
    bundleId: null,
    detail: {},
  } as const;
  await creditAccount(engine, {
    ...account,
    intentNumber: 1,
    intentId: `grant of ${accountId}`,
    kind: 'grant',
    reason: null,
    operations: [{ operation: 'grant', bucket }],
  });
  const opened = await charge(engine, requestOf(index, { number: 0, phase: 'initial', used: 0 }));
  if (opened.kind !== 'answered') throw new Error(`no session was opened: ${opened.kind}`);
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

/**
 * Gives Postgres write-ahead log to use again, as one has that has run for a while: to make a segment
 * takes 16 MiB of zeros and a sync, which a Redis on the same disk waits for.
 */
async function ageLog(pool: pg.Pool): Promise<void> {
  for (let segment = 0; segment < LOG_SEGMENTS; segment += 1) {
    await pool.query("SELECT pg_logical_emit_message(false, 'bench', '')");
    await pool.query('SELECT pg_switch_wal()');
  }
  await pool.query('CHECKPOINT');
}

/** Entries that Postgres has. */
async function recordedEntries(pool: pg.Pool): Promise<number> {
  const { rows } = await pool.query<{ entries: string | null }>(
    'SELECT sum(n + 1) AS entries FROM tolld.flush_offsets',
  );
  return Number(rows[0]?.entries ?? 0);
}

/** How much write-ahead log was ever written, in bytes. */
async function logPosition(pool: pg.Pool): Promise<number> {
  const { rows } = await pool.query<{ bytes: string }>(
    "SELECT pg_current_wal_lsn() - '0/0' AS bytes",
  );
  return Number(rows[0]?.bytes ?? 0);
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

/** Whether each account's events are there from the first to the last, each once, and no other. */
async function isWhole(world: World, charging: SteadyCharging): Promise<boolean> {
  const { rows } = await world.pool.query<{
    broken: string;
    usage: string;
    charged: string;
    entries: string;
    quarantined: string;
  }>(
    `WITH facts AS (
      SELECT account_id, sequence FROM tolld.rated_events
      UNION ALL SELECT account_id, sequence FROM tolld.account_events
      UNION ALL SELECT account_id, sequence FROM tolld.ledger_entries WHERE position = 0
    ), runs AS (
      SELECT account_id, count(*) AS events, count(DISTINCT sequence) AS numbers,
        max(sequence) AS last
      FROM facts GROUP BY account_id
    )
    SELECT
      (SELECT count(*) FROM runs FULL JOIN tolld.account_states s USING (account_id)
        WHERE (events = last AND numbers = last AND s.last_sequence = last) IS NOT TRUE) AS broken,
      (SELECT count(*) FROM tolld.rated_events) AS usage,
      (SELECT count(*) FROM tolld.rated_events WHERE account_id LIKE 'a%') AS charged,
      (SELECT sum(n + 1) FROM tolld.flush_offsets) AS entries,
      (SELECT count(*) FROM tolld.quarantined_events) AS quarantined`,
  );
  const [row] = rows;
  const { events } = world.settings;
  return (
    Number(row?.broken) === 0 &&
    Number(row?.quarantined) === 0 &&
    Number(row?.charged) === charging.answered &&
    Number(row?.usage) === events - BACKLOG_ACCOUNTS + charging.answered &&
    Number(row?.entries) === (await addedEntries(world))
  );
}

async function measure(world: World): Promise<void> {
  const { settings, engine } = world;
  await openAccounts(world);
  const charging = new SteadyCharging(engine, settings);
  const ordinary = await chargeOrdinarily(world, charging);
  await fill(world);
  console.log(`${settings.events} entries stand in the streams`);
  charging.start();
  const before = await latenciesOf(charging, settings);
  const drained = await drain(world, charging);
  const whole = await isWhole(world, charging);
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
  const settings: Settings = {
    events: Number(values.events),
    rate: Number(values.rate),
    before: Number(values.before),
    accounts: Number(values.accounts),
  };
  if (settings.events < BACKLOG_ACCOUNTS) throw new Error(`at least ${BACKLOG_ACCOUNTS} events`);
  const directory = await mkdtemp(path.join(tmpdir(), 'tolld-bench-'));
  await chmod(directory, 0o755);
  const redis = await startRedisProcess({ persistence: 'always' });
  const postgres = await startPostgresServer({
    directory,
    disposable: directory,
    password: randomBytes(12).toString('hex'),
    durable: true,
    maxConnections: 20,
    moreSettings: POSTGRES_SETTINGS,
  });
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
    if (values['fresh-log'] !== true) await ageLog(pool);
    await connection.open();
    await measure({ settings, redis, postgres, pool, engine: connection.engine, config });
  } finally {
    await connection.close();
    await pool.end();
    await redis.stop();
    await postgres.stop();
    await rm(directory, { recursive: true, force: true });
  }
}
