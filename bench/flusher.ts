/**
 * How fast does the outbox drain into Postgres, against bare COPY of the same rows into the same
 * table? `npm run bench -- flusher [--events N] [--accounts N] [--batch N] [--rounds N]`
 */
import pg from 'pg';
import { decodeEntry } from '../src/charging/event-codec.js';
import { createKeys } from '../src/charging/keys.js';
import { createOutboxStreams } from '../src/charging/stream.js';
import type { RecordSink } from '../src/domain/flush.js';
import { createLogger } from '../src/observability/logger.js';
import { createMetrics } from '../src/observability/metrics.js';
import { createFlusher } from '../src/outbox/flusher.js';
import { createOutboxMetrics } from '../src/outbox/metrics.js';
import { untilRecorded } from '../src/outbox/recorded.js';
import { createFlushLeases } from '../src/records/flush-leases.js';
import { createFlushSink } from '../src/records/flush-sink.js';
import { migrate } from '../src/records/migrate.js';
import { copyBatches, readBatches, readTextBatches, unnestBatches } from './bare-copy.js';
import { readNumbers } from './flags.js';
import { FlushWorkload } from './flush-workload.js';
import { median, percentile } from './median.js';
import { startPostgresProcess, type PostgresProcess } from './postgres-process.js';
import { cpuOfServerUs } from './process-cpu.js';
import { startRedisProcess, type RedisProcess } from './redis-process.js';

const PARTITIONS = 64;
const TIMEOUT_MS = 600_000;
const PREPARED = 'prepared';

interface Settings {
  readonly events: number;
  readonly accounts: number;
  readonly batch: number;
  readonly rounds: number;
}

interface Servers {
  readonly redis: RedisProcess;
  readonly postgres: PostgresProcess;
}

interface Sample {
  readonly perSecond: number;
  readonly postgresUs: number;
  readonly nodeUs: number;
}

/** Times `work` of `rows` rows. */
async function measure(
  rows: number,
  { postgres }: Servers,
  work: () => Promise<void>,
): Promise<Sample> {
  const postgresBefore = cpuOfServerUs(postgres.pid);
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  await work();
  const seconds = (performance.now() - startedAt) / 1_000;
  const { user, system } = process.cpuUsage(cpuBefore);
  return {
    perSecond: rows / seconds,
    postgresUs: (cpuOfServerUs(postgres.pid) - postgresBefore) / rows,
    nodeUs: (user + system) / rows,
  };
}

async function withPool<T>(
  { postgres }: Servers,
  database: string,
  work: (pool: pg.Pool) => Promise<T>,
): Promise<T> {
  const pool = new pg.Pool({ connectionString: postgres.databaseUrl(database), max: 3 });
  try {
    return await work(pool);
  } finally {
    await pool.end();
  }
}

async function administer(servers: Servers, ...statements: readonly string[]): Promise<void> {
  await withPool(servers, 'postgres', async (pool) => {
    for (const statement of statements) await pool.query(statement);
  });
}

/** Runs a flusher until Postgres has all that is in the streams; collects how long batches took. */
async function flush(
  { redis }: Servers,
  pool: pg.Pool,
  { batch, batchMs }: { readonly batch: number; readonly batchMs: number[] },
): Promise<void> {
  const streams = createOutboxStreams({ redis: redis.client, keys: createKeys('bench') });
  const sink = createFlushSink({ pool });
  const timed: RecordSink = {
    offsets: (partitions) => sink.offsets(partitions),
    prepare: async (batches) => {
      const write = await sink.prepare(batches);
      return async () => {
        const startedAt = performance.now();
        const outcome = await write();
        batchMs.push(performance.now() - startedAt);
        return outcome;
      };
    },
  };
  const leaseMs = 10_000;
  const flusher = createFlusher(
    { intervalMs: 5, batchEntriesMax: batch, leaseMs, trimAfterSeconds: 900 },
    {
      streams,
      sink: timed,
      leases: createFlushLeases({ holder: 'bench', partitions: PARTITIONS, leaseMs }, { pool }),
      decode: decodeEntry,
      logger: createLogger({ level: 'warn' }),
      metrics: createOutboxMetrics(createMetrics({ processMetrics: false })),
    },
  );
  flusher.start();
  await untilRecorded({ partitions: PARTITIONS, timeoutMs: TIMEOUT_MS }, { streams });
  await flusher.stop();
}

/** Whether every event is there once and every bucket holds what its events say. */
async function isBalanced(pool: pg.Pool, events: number): Promise<boolean> {
  const { rows } = await pool.query<{ events: string; runs: boolean; buckets: boolean }>(`
    SELECT (SELECT count(*) FROM tolld.rated_events) AS events,
      NOT EXISTS (
        SELECT FROM tolld.account_states s JOIN (
          SELECT account_id, count(*) AS n, max(sequence) AS last FROM tolld.rated_events
          GROUP BY account_id
        ) r USING (account_id) WHERE r.n <> s.last_sequence - 4 OR r.last <> s.last_sequence
      ) AS runs,
      NOT EXISTS (
        SELECT FROM tolld.bucket_balances b JOIN (
          SELECT account_id, i ->> 0 AS bucket_id, sum((i ->> 2)::bigint) AS used
          FROM tolld.rated_events, jsonb_array_elements(impacts) i GROUP BY 1, 2
        ) u USING (account_id, bucket_id) WHERE b.remaining <> b.granted + u.used
      ) AS buckets`);
  const [row] = rows;
  return Number(row?.events) === events && row?.runs === true && row.buckets;
}

interface Round {
  readonly flushed: Sample;
  readonly copied: Sample;
  readonly balanced: boolean;
}

class FlusherBench {
  readonly #servers: Servers;
  readonly #settings: Settings;
  readonly #workload: FlushWorkload;
  readonly #keys = createKeys('bench');
  readonly batchMs: number[] = [];
  #batches: readonly Buffer[] = [];
  #textBatches: readonly Buffer[] = [];

  constructor(servers: Servers, settings: Settings) {
    this.#servers = servers;
    this.#settings = settings;
    this.#workload = new FlushWorkload({ accounts: settings.accounts, partitions: PARTITIONS });
  }

  /** The accounts, in Postgres; then the backlog, in Redis. */
  async prepare(): Promise<void> {
    const { redis, postgres } = this.#servers;
    const { events, batch } = this.#settings;
    await administer(this.#servers, `CREATE DATABASE ${PREPARED} TEMPLATE template0`);
    await migrate({ url: postgres.databaseUrl(PREPARED) });
    await this.#workload.writeOpenings(redis.client, this.#keys);
    await withPool(this.#servers, PREPARED, async (pool) => {
      await pool.query('SELECT tolld.create_months(1)');
      await flush(this.#servers, pool, { batch, batchMs: [] });
      await pool.query('VACUUM ANALYZE');
    });
    await this.#workload.writeUsage(events, redis.client, this.#keys);
  }

  /** The backlog stays in the streams: each round flushes it into a database of its own. */
  async round(): Promise<Round> {
    const { events, batch } = this.#settings;
    let balanced = false;
    const flushed = await this.#inCopy(async (pool) => {
      const sample = await measure(events, this.#servers, () =>
        flush(this.#servers, pool, { batch, batchMs: this.batchMs }),
      );
      balanced = await isBalanced(pool, events);
      if (this.#batches.length === 0) {
        this.#batches = await readBatches(pool, { rows: events, batch });
        this.#textBatches = await readTextBatches(pool, batch);
      }
      return sample;
    });
    const copied = await this.#inCopy((pool) =>
      measure(events, this.#servers, () => copyBatches(pool, this.#batches)),
    );
    return { flushed, copied, balanced };
  }

  async unnested(): Promise<Sample> {
    return this.#inCopy((pool) =>
      measure(this.#settings.events, this.#servers, () => unnestBatches(pool, this.#textBatches)),
    );
  }

  async #inCopy<T>(work: (pool: pg.Pool) => Promise<T>): Promise<T> {
    await administer(this.#servers, `CREATE DATABASE round TEMPLATE ${PREPARED}`, 'CHECKPOINT');
    try {
      return await withPool(this.#servers, 'round', work);
    } finally {
      await administer(this.#servers, 'DROP DATABASE round WITH (FORCE)');
      await this.#forgetMarks();
    }
  }

  /** Redis was told that all is recorded; for the next round it is not. */
  async #forgetMarks(): Promise<void> {
    const { client } = this.#servers.redis;
    for (let partition = 0; partition < PARTITIONS; partition += 1) {
      await client.xgroup('SETID', this.#keys.outbox(partition), 'record', '0');
    }
  }
}

function report(
  bench: FlusherBench,
  {
    settings,
    rounds,
    unnested,
  }: { settings: Settings; rounds: readonly Round[]; unnested: Sample },
): void {
  const of = (pick: (round: Round) => number): number => median(rounds.map(pick));
  const balanced = rounds.every((round) => round.balanced);
  if (!balanced) process.exitCode = 1;
  console.log(
    JSON.stringify({
      bench: 'flusher',
      value: Math.round(of(({ flushed }) => flushed.perSecond)),
      unit: 'rows of rated_events/s',
      reference: Math.round(of(({ copied }) => copied.perSecond)),
      ratio: Number(of(({ flushed, copied }) => flushed.perSecond / copied.perSecond).toFixed(3)),
      p50Ms: Math.round(percentile(bench.batchMs, 50)),
      p95Ms: Math.round(percentile(bench.batchMs, 95)),
      p99Ms: Math.round(percentile(bench.batchMs, 99)),
      errors: 0,
      balanced,
      cpuUs: {
        node: Number(of(({ flushed }) => flushed.nodeUs).toFixed(1)),
        postgres: Number(of(({ flushed }) => flushed.postgresUs).toFixed(1)),
      },
      referenceCpuUs: {
        node: Number(of(({ copied }) => copied.nodeUs).toFixed(1)),
        postgres: Number(of(({ copied }) => copied.postgresUs).toFixed(1)),
      },
      unnest: Math.round(unnested.perSecond),
      unnestPostgresUs: Number(unnested.postgresUs.toFixed(1)),
      ...settings,
    }),
  );
}

export async function run(args: readonly string[]): Promise<void> {
  const settings: Settings = readNumbers(args, {
    events: 200_000,
    accounts: 20_000,
    batch: 5_000,
    rounds: 5,
  });
  const redis = await startRedisProcess({ persistence: 'none' });
  const postgres = await startPostgresProcess({ durable: true });
  try {
    const bench = new FlusherBench({ redis, postgres }, settings);
    await bench.prepare();
    const rounds: Round[] = [];
    for (let round = 0; round <= settings.rounds; round += 1) {
      const { flushed, copied, balanced } = await bench.round();
      // The first warms up.
      if (round > 0) rounds.push({ flushed, copied, balanced });
      console.log(
        `round ${round}: flushed ${Math.round(flushed.perSecond)}/s, ` +
          `bare COPY ${Math.round(copied.perSecond)}/s`,
      );
    }
    report(bench, { settings, rounds, unnested: await bench.unnested() });
  } finally {
    await redis.stop();
    await postgres.stop();
  }
}
