/**
 * How many durable accounting requests and logins does tolld answer, against FreeRADIUS with its SQL
 * module on the same Postgres? `npm run bench -- radius-accounting [--requests N] [--logins N]
 * [--rounds N] [--slots N,…] [--users N] [--alone] [--cpu-profile DIRECTORY]`
 */
import { mkdtemp, rm, chmod } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import type pg from 'pg';
import { startPostgresServer } from '../src/local/postgres-server.js';
import { sessionKeyOf } from '../src/radius/session-key.js';
import { readNetworkUsage } from '../src/records/network-usage.js';
import { startFreeradiusSql } from './freeradius-sql.js';
import { cpuOfServerUs, cpuOfThreadsUs } from './process-cpu.js';
import { SLOTS_MAX } from './radius-load.js';
import { acctSessionId, NAS_NAME } from './radius-requests.js';
import {
  compared,
  comparedAtBest,
  figuresOf,
  measureLogins,
  measureReports,
  octetsOf,
  roundLine,
  sideOf,
  type Side,
} from './radius-rounds.js';
import { serverCpuUs, startRedisProcess } from './redis-process.js';
import { startTolldRadius } from './tolld-radius.js';

const SECRET = 'a secret of the measurement';
const RECORDED_MS = 120_000;

interface Settings {
  /** Reports of a round. */
  readonly requests: number;
  /** Fewer than reports: each is another session, and a user should not have dozens. */
  readonly logins: number;
  readonly rounds: number;
  /** How many requests are under way at a time: rounds of each number. */
  readonly slots: readonly number[];
  readonly users: number;
  /** Without FreeRADIUS: for a profile, or for a look at where the time goes. */
  readonly alone: boolean;
  /** Where Node leaves a CPU profile of each thread of tolld; null for none. */
  readonly cpuProfile: string | null;
}

function readSettings(args: readonly string[]): Settings {
  const number = (fallback: number) => ({ type: 'string', default: String(fallback) }) as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      requests: number(19_200),
      logins: number(9_600),
      rounds: number(4),
      slots: { type: 'string', default: '64,256' },
      users: number(8_000),
      alone: { type: 'boolean', default: false },
      'cpu-profile': { type: 'string' },
    },
  });
  const settings = {
    requests: Number(values.requests),
    logins: Number(values.logins),
    rounds: Number(values.rounds),
    slots: values.slots.split(',').map(Number),
    users: Number(values.users),
    alone: values.alone,
    cpuProfile: values['cpu-profile'] ?? null,
  };
  if (Math.max(...settings.slots) > SLOTS_MAX) throw new RangeError(`at most ${SLOTS_MAX} slots`);
  return settings;
}

export async function run(args: readonly string[]): Promise<void> {
  const settings = readSettings(args);
  const { users, cpuProfile } = settings;
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
    const freeradius = settings.alone
      ? null
      : await startFreeradiusSql(postgres, { users, secret: SECRET });
    if (freeradius !== null) closers.push(() => freeradius.stop());
    const nodeArguments =
      cpuProfile === null ? [] : ['--cpu-prof', `--cpu-prof-dir=${path.resolve(cpuProfile)}`];
    const tolld = await startTolldRadius(
      { postgres, redis },
      { users, secret: SECRET, nodeArguments },
    );
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
    await measure(settings, {
      ours,
      ourPool: tolld.pool,
      theirs:
        freeradius === null
          ? null
          : {
              recording: theirsOf(freeradius.recording),
              unrecorded: theirsOf(freeradius.unrecorded),
              pool: freeradius.pool,
            },
    });
  } finally {
    for (const close of closers.reverse()) await close();
  }
}

/** The thread that answers is the process' first; of the others the one that flushes is by far the busiest. */
function threadsOf(pid: number): Readonly<Record<'main' | 'flusher' | 'helpers', number>> {
  const threads = cpuOfThreadsUs(pid);
  const others = [...threads].filter(([id]) => id !== pid).map(([, us]) => us);
  const flusher = Math.max(0, ...others);
  const helpers = others.reduce((sum, us) => sum + us, 0) - flusher;
  return { main: threads.get(pid) ?? 0, flusher, helpers };
}

interface Sides {
  readonly ours: Side;
  readonly ourPool: pg.Pool;
  readonly theirs: {
    readonly recording: Side;
    readonly unrecorded: Side;
    readonly pool: pg.Pool;
  } | null;
}

async function measure(settings: Settings, { ours, ourPool, theirs }: Sides): Promise<void> {
  for (let round = 0; round < settings.rounds; round += 1) {
    for (const slots of settings.slots) {
      const load = { ...settings, slots, secret: SECRET };
      const sides = theirs === null ? [ours] : [ours, theirs.recording];
      for (const side of sides) await measureReports(side, load);
      for (const side of sides) await measureLogins(side, load);
      if (theirs !== null) await measureLogins(theirs.unrecorded, load);
      const name = `round ${round + 1}, ${slots} at a time`;
      console.error(roundLine(name, ours, theirs?.recording ?? null));
    }
  }
  const sides = theirs === null ? [ours] : [ours, theirs.recording, theirs.unrecorded];
  const all = sides.flatMap(({ reports, logins }) => [...reports, ...logins]);
  const errors = all.reduce((sum, { unexpected }) => sum + unexpected, 0);
  const differences = {
    tolld: String((await octetsOfTolld(ourPool, ours)) - octetsOf(ours)),
    ...(theirs !== null && {
      freeradius: String((await octetsOfFreeradius(theirs.pool)) - octetsOf(theirs.recording)),
    }),
  };
  const balanced = Object.values(differences).every((difference) => difference === '0');
  console.log(
    JSON.stringify({
      bench: 'radius-accounting',
      unit: 'durable accounting requests per second',
      ...(theirs === null ? figuresAlone(settings, ours) : figuresBeside(settings, ours, theirs)),
      resent: all.reduce((sum, { resent }) => sum + resent, 0),
      errors,
      books: balanced ? 'balanced' : differences,
    }),
  );
  if (errors > 0 || !balanced) process.exitCode = 1;
}

function figuresAlone({ slots }: Settings, { reports, logins }: Side): object {
  const levels = slots.map((count) => ({
    slots: count,
    accounting: figuresOf(reports, count),
    authentication: figuresOf(logins, count),
  }));
  return { value: Math.max(...levels.map(({ accounting }) => accounting.perSecond)), levels };
}

function figuresBeside(
  { slots }: Settings,
  ours: Side,
  theirs: NonNullable<Sides['theirs']>,
): object {
  const levels = slots.map((count) => ({
    slots: count,
    accounting: compared(ours.reports, theirs.recording.reports, count),
    authentication: compared(ours.logins, theirs.recording.logins, count),
    authenticationUnrecorded: compared(ours.logins, theirs.unrecorded.logins, count),
  }));
  return {
    ...comparedAtBest(levels.map(({ accounting }) => accounting)),
    authentication: comparedAtBest(levels.map(({ authentication }) => authentication)),
    levels,
  };
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
