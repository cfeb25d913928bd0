/**
 * What does the record pay for a login and for a report: octets of write-ahead log by table and index,
 * CPU of Postgres and of the flusher? `npm run bench -- record-cost [--users N] [--batch N] [--detail]`
 */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import type { Redis } from 'ioredis';
import pg from 'pg';
import type { Engine } from '../src/charging/engine.js';
import { decodeEntry } from '../src/charging/event-codec.js';
import { createKeys } from '../src/charging/keys.js';
import { createRedisClient } from '../src/charging/redis-client.js';
import { readScripts } from '../src/charging/script-loader.js';
import { createOutboxStreams, type OutboxStreams } from '../src/charging/stream.js';
import type { AccessControl } from '../src/credit-control/access/access-control.js';
import type { RecordSink } from '../src/domain/flush.js';
import { startPostgresServer, type PostgresServer } from '../src/local/postgres-server.js';
import { createLogger } from '../src/observability/logger.js';
import { gather } from '../src/outbox/batch.js';
import type { Cursor } from '../src/outbox/cursor.js';
import { createFlushLeases } from '../src/records/flush-leases.js';
import { createFlushSink } from '../src/records/flush-sink.js';
import { migrate } from '../src/records/migrate.js';
import { atOnce, openUsers, sessionSteps, startAccess } from './access-workload.js';
import { median } from './median.js';
import { PARTITIONS } from './charge-workload.js';
import { startRedisProcess } from './redis-process.js';

const KEY_PREFIX = 'bench';
const SLOTS = 64;
const DATABASE = 'postgres';

interface Settings {
  readonly users: number;
  /** Entries of a transaction. */
  readonly batch: number;
  /** Octets by table and index, time by statement. */
  readonly detail: boolean;
}

/** Of one entry; times are medians of the batches. */
interface Cost {
  readonly walOctets: number;
  readonly postgresUs: number;
  readonly nodeUs: number;
}

export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      users: { type: 'string', default: '4000' },
      batch: { type: 'string', default: '500' },
      detail: { type: 'boolean', default: false },
    },
  });
  const settings: Settings = {
    users: Number(values.users),
    batch: Number(values.batch),
    detail: values.detail,
  };
  const directory = await mkdtemp(path.join(tmpdir(), 'tolld-bench-'));
  await chmod(directory, 0o755);
  const redis = await startRedisProcess({ persistence: 'none' });
  const postgres = await startPostgresServer({
    directory,
    disposable: directory,
    password: randomBytes(12).toString('hex'),
    durable: true,
    maxConnections: 20,
    // Whole pages are logged after each checkpoint, how many depends on how often one comes: left out.
    moreSettings: [
      'full_page_writes=off',
      'checkpoint_timeout=1h',
      'max_wal_size=8GB',
      'autovacuum=off',
      'shared_preload_libraries=pg_stat_statements',
      'pg_stat_statements.track=all',
    ],
  });
  try {
    await measure({ redis: redis.client, url: redis.url, postgres }, settings);
  } finally {
    await redis.stop();
    await postgres.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

interface Servers {
  readonly redis: Redis;
  readonly url: string;
  readonly postgres: PostgresServer;
}

async function measure({ redis, url, postgres }: Servers, settings: Settings): Promise<void> {
  const { users } = settings;
  const client = createRedisClient(
    { url, commandTimeoutMs: 60_000, name: 'bench' },
    { logger: createLogger({ level: 'silent' }) },
  );
  const pool = new pg.Pool({
    connectionString: postgres.databaseUrl(DATABASE),
    max: 1,
    idleTimeoutMillis: 0,
  });
  // A server that stops ends idle connections.
  pool.on('error', () => undefined);
  try {
    await migrate({ url: postgres.databaseUrl(DATABASE) });
    await pool.query('CREATE EXTENSION pg_walinspect; CREATE EXTENSION pg_stat_statements');
    await pool.query('SELECT tolld.create_months(1)');
    await client.connect();
    const keys = createKeys(KEY_PREFIX);
    const engine: Engine = {
      redis: client,
      scripts: readScripts(),
      keys,
      limits: { requestTimeoutMs: 60_000 },
    };
    await openUsers(engine, users);
    const access = await startAccess(engine);
    const record = await startRecord(pool, createOutboxStreams({ redis, keys }), settings);
    await record.flush();
    const costs: Record<string, Cost> = {};
    for (const { name, work } of sessionSteps(users)) {
      await actOut(access, { users, work });
      const cost = await record.flush();
      if (cost === null) continue;
      costs[name] = cost;
      const { walOctets, postgresUs, nodeUs } = cost;
      console.error(
        `${name.padEnd(20)} ${walOctets} octets of log, Postgres ${postgresUs} us, Node ${nodeUs} us`,
      );
    }
    console.log(
      JSON.stringify({
        bench: 'record-cost',
        value: costs['login, the third']?.walOctets,
        unit: 'octets of write-ahead log per login',
        costs,
        errors: 0,
        ...settings,
      }),
    );
  } finally {
    client.disconnect();
    await pool.end();
  }
}

async function actOut(
  access: AccessControl,
  {
    users,
    work,
  }: {
    readonly users: number;
    readonly work: (access: AccessControl, user: number) => Promise<void>;
  },
): Promise<void> {
  await atOnce({ count: users, slots: SLOTS }, (user) => work(access, user));
}

/** Writes what the streams hold, batch by batch, on the meter. */
async function startRecord(
  pool: pg.Pool,
  streams: OutboxStreams,
  { batch, detail }: Settings,
): Promise<{ readonly flush: () => Promise<Cost | null> }> {
  const sink = createFlushSink({ pool });
  const leases = createFlushLeases(
    { holder: 'bench', partitions: PARTITIONS, leaseMs: 3_600_000 },
    { pool },
  );
  const fences = await leases.renew();
  const { rows } = await pool.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  const pid = rows[0]?.pid ?? 0;
  return {
    flush: async () => {
      let entries = 0;
      let octets = 0;
      const postgresUs: number[] = [];
      const nodeUs: number[] = [];
      const from = await logPosition(pool);
      if (detail) await pool.query('SELECT pg_stat_statements_reset()');
      for (;;) {
        const offsets = await sink.offsets([...fences.keys()]);
        const cursors = [...offsets].map(([partition, offset]): Cursor => {
          return { partition, offset, fence: fences.get(partition) ?? 0 };
        });
        const gathered = await gather(
          cursors,
          { entriesMax: batch },
          { streams, decode: decodeEntry },
        );
        if (gathered.entries === 0) break;
        entries += gathered.entries;
        const [logBefore, postgresBefore] = [await logPosition(pool), cpuUsOf(pid)];
        const nodeBefore = process.cpuUsage();
        const write = await sink.prepare(gathered.batches);
        const outcome = await write();
        const { user, system } = process.cpuUsage(nodeBefore);
        nodeUs.push((user + system) / gathered.entries);
        postgresUs.push((cpuUsOf(pid) - postgresBefore) / gathered.entries);
        octets += Number((await logPosition(pool)) - logBefore);
        mustBeWhole(outcome);
      }
      if (entries === 0) return null;
      if (detail) await tellDetail(pool, from, entries);
      const rounded = (value: number): number => Number(value.toFixed(1));
      return {
        walOctets: rounded(octets / entries),
        postgresUs: rounded(median(postgresUs)),
        nodeUs: rounded(median(nodeUs)),
      };
    },
  };
}

function mustBeWhole(outcome: Awaited<ReturnType<Awaited<ReturnType<RecordSink['prepare']>>>>) {
  if (outcome.kind !== 'written') throw new Error('somebody else wrote the record');
  const { faults, quarantined, unbalanced } = outcome;
  if (faults.length + quarantined.length + unbalanced.length > 0) {
    throw new Error(`not all was recorded: ${JSON.stringify({ faults, quarantined, unbalanced })}`);
  }
}

async function logPosition(pool: pg.Pool): Promise<bigint> {
  const { rows } = await pool.query<{ at: string }>(
    `SELECT (pg_current_wal_insert_lsn() - '0/0')::text AS at`,
  );
  return BigInt(rows[0]?.at ?? 0);
}

/** CPU of a process to the nanosecond, as its scheduler counts it: Linux only. */
function cpuUsOf(pid: number): number {
  const [nanoseconds] = readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ');
  return Number(nanoseconds) / 1_000;
}

async function tellDetail(pool: pg.Pool, from: bigint, entries: number): Promise<void> {
  const { rows: relations } = await pool.query<{ name: string; octets: string; records: string }>(
    `SELECT coalesce(c.relname, b.relfilenode::text) || ' ' || r.record_type AS name,
       round(sum(r.record_length)::numeric / $2, 1) AS octets, round(count(*)::numeric / $2, 2) AS records
     FROM pg_get_wal_records_info('0/0'::pg_lsn + $1::numeric, pg_current_wal_insert_lsn()) r
       LEFT JOIN pg_get_wal_block_info('0/0'::pg_lsn + $1::numeric, pg_current_wal_insert_lsn()) b
         ON b.start_lsn = r.start_lsn AND b.block_id = 0
       LEFT JOIN pg_class c ON c.relfilenode = b.relfilenode
     GROUP BY 1 HAVING sum(r.record_length) >= $2 ORDER BY sum(r.record_length) DESC`,
    [String(from), entries],
  );
  for (const { name, octets, records } of relations) {
    console.error(`  ${(name ?? '?').padEnd(48)} ${octets} octets, ${records} records`);
  }
  const { rows: statements } = await pool.query<{
    text: string;
    us: string;
    calls: string;
    wal: string;
  }>(
    `SELECT regexp_replace(left(query, 90), '\\s+', ' ', 'g') AS text,
       round((total_exec_time * 1000 / $1)::numeric, 2) AS us, calls, round(wal_bytes / $1) AS wal
     FROM pg_stat_statements WHERE total_exec_time * 1000 >= 0.3 * $1 AND query NOT LIKE '%wal_insert%'
     ORDER BY total_exec_time DESC`,
    [entries],
  );
  for (const { text, us, calls, wal } of statements) {
    console.error(`    ${us.padStart(7)} us, ${calls} calls, ${wal} octets: ${text}`);
  }
}
