/** tolld and FreeRADIUS with SQL beside each other, on one Postgres, as measurements drive them. */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type pg from 'pg';
import { startPostgresServer } from '../src/local/postgres-server.js';
import { sessionKeyOf } from '../src/radius/session-key.js';
import { readNetworkUsage } from '../src/records/network-usage.js';
import { startFreeradiusSql } from './freeradius-sql.js';
import { cpuOfServerUs, cpuOfThreadsUs } from './process-cpu.js';
import { acctSessionId, NAS_NAME } from './radius-requests.js';
import { octetsOf, sideOf, type Side } from './radius-rounds.js';
import { serverCpuUs, startRedisProcess } from './redis-process.js';
import { startTolldRadius } from './tolld-radius.js';

const RECORDED_MS = 120_000;

export interface RivalsOptions {
  readonly users: number;
  readonly secret: string;
  /** Without FreeRADIUS: for a profile, or for a look at where the time goes. */
  readonly alone: boolean;
  /** Where Node leaves a CPU profile of each thread of tolld; null for none. */
  readonly cpuProfile: string | null;
  /** Where it leaves what its first thread allocated, by function; null for none. */
  readonly heapProfile: string | null;
}

export interface Rivals {
  readonly ours: Side;
  readonly ourPool: pg.Pool;
  readonly theirs: {
    readonly recording: Side;
    readonly unrecorded: Side;
    readonly pool: pg.Pool;
  } | null;
}

/** Starts both, has them measured, and stops them. */
export async function withRivals(
  options: RivalsOptions,
  measure: (rivals: Rivals) => Promise<void>,
): Promise<void> {
  const { users, secret, alone } = options;
  const directory = await mkdtemp(path.join(tmpdir(), 'tolld-bench-'));
  await chmod(directory, 0o755);
  const closers: (() => Promise<void>)[] = [() => rm(directory, { recursive: true, force: true })];
  try {
    const postgres = await startPostgresServer({
      directory: path.join(directory, 'postgres'),
      password: 'bench',
      durable: true,
      maxConnections: 150,
      disposable: directory,
    });
    closers.push(() => postgres.stop());
    const redis = await startRedisProcess({ persistence: 'always' });
    closers.push(() => redis.stop());
    const freeradius = alone ? null : await startFreeradiusSql(postgres, { users, secret });
    if (freeradius !== null) closers.push(() => freeradius.stop());
    const nodeArguments = profilersOf(options);
    const tolld = await startTolldRadius({ postgres, redis }, { users, secret, nodeArguments });
    closers.push(() => tolld.stop());
    const postgresUs = (): number => cpuOfServerUs(postgres.pid);
    const ours = sideOf(tolld, async () => ({
      ...threadsOf(tolld.pid),
      redis: await serverCpuUs(redis.client),
      // The record is written behind the answers, and is paid for here all the same.
      postgres: postgresUs(),
    }));
    const theirsOf = (server: { readonly pid: number } & Side['server']): Side =>
      sideOf(server, () =>
        Promise.resolve({ freeradius: cpuOfServerUs(server.pid), postgres: postgresUs() }),
      );
    const theirs =
      freeradius === null
        ? null
        : {
            recording: theirsOf(freeradius.recording),
            unrecorded: theirsOf(freeradius.unrecorded),
            pool: freeradius.pool,
          };
    await measure({ ours, ourPool: tolld.pool, theirs });
  } finally {
    for (const close of closers.reverse()) await close();
  }
}

function profilersOf({ cpuProfile, heapProfile }: RivalsOptions): readonly string[] {
  const nodeArguments: string[] = [];
  if (cpuProfile !== null) {
    nodeArguments.push('--cpu-prof', `--cpu-prof-dir=${path.resolve(cpuProfile)}`);
  }
  if (heapProfile !== null) {
    const sampler = new URL('allocation-sampler.js', import.meta.url);
    sampler.searchParams.set('directory', path.resolve(heapProfile));
    nodeArguments.push(`--import=${sampler.href}`);
  }
  return nodeArguments;
}

/** The thread that answers is the process' first; of the others the one that flushes is by far the busiest. */
function threadsOf(pid: number): Readonly<Record<'main' | 'flusher' | 'helpers', number>> {
  const threads = cpuOfThreadsUs(pid);
  const others = [...threads].filter(([id]) => id !== pid).map(([, us]) => us);
  const flusher = Math.max(0, ...others);
  const helpers = others.reduce((sum, us) => sum + us, 0) - flusher;
  return { main: threads.get(pid) ?? 0, flusher, helpers };
}

/** Whether both books hold what was reported, or by how many octets each does not. */
export async function compareBooks({
  ours,
  ourPool,
  theirs,
}: Rivals): Promise<'balanced' | Readonly<Record<string, string>>> {
  const differences = {
    tolld: String((await octetsOfTolld(ourPool, ours)) - octetsOf(ours)),
    ...(theirs !== null && {
      freeradius: String((await octetsOfFreeradius(theirs.pool)) - octetsOf(theirs.recording)),
    }),
  };
  const balanced = Object.values(differences).every((difference) => difference === '0');
  return balanced ? 'balanced' : differences;
}

async function octetsOfTolld(pool: pg.Pool, side: Side): Promise<bigint> {
  const expected = octetsOf(side);
  const sessionKeys = [...side.sessions.keys()].map((session) =>
    sessionKeyOf({ nas: NAS_NAME, device: null }, Buffer.from(acctSessionId(session))),
  );
  const deadline = Date.now() + RECORDED_MS;
  for (;;) {
    const usage = await readNetworkUsage(pool, {
      sessionKeys,
      since: new Date(0),
      unit: 'octets',
    });
    const sum = [...usage.values()].reduce((total, { used }) => total + used, 0n);
    if (sum >= expected || Date.now() > deadline) return sum;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

async function octetsOfFreeradius(pool: pg.Pool): Promise<bigint> {
  const { rows } = await pool.query<{ octets: string }>(
    `SELECT coalesce(sum(acctinputoctets + acctoutputoctets), 0)::text AS octets FROM radacct`,
  );
  return BigInt(rows[0]?.octets ?? 0);
}
