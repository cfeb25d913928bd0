/**
 * How many durable accounting requests and logins does tolld answer, against FreeRADIUS with its SQL
 * module on the same Postgres? `npm run bench -- radius-accounting [--requests N] [--rounds N]
 * [--slots N] [--users N]`
 */
import { mkdtemp, rm, chmod } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { startPostgresServer } from '../src/local/postgres-server.js';
import { PACKET_CODES } from '../src/radius/packet-code.js';
import { SharedSecret } from '../src/radius/shared-secret.js';
import { sessionKeyOf } from '../src/radius/session-key.js';
import { readNetworkUsage } from '../src/records/network-usage.js';
import { startFreeradiusSql, type FreeradiusSql } from './freeradius-sql.js';
import { median } from './median.js';
import { runLoad, SLOTS_MAX, type LoadResult } from './radius-load.js';
import {
  acctSessionId,
  classesOf,
  loginRequest,
  NAS_NAME,
  REPORT,
  reportRequest,
} from './radius-requests.js';
import { cpuOfServerUs } from './process-cpu.js';
import { serverCpuUs, startRedisProcess } from './redis-process.js';
import { startTolldRadius, type TolldRadius } from './tolld-radius.js';

const SECRET = 'a secret of the measurement';
const RECORDED_MS = 120_000;

interface Settings {
  /** Reports of each slot in a round, and logins. */
  readonly requests: number;
  readonly rounds: number;
  readonly slots: number;
  readonly users: number;
}

type Server = Pick<TolldRadius, 'authenticationPort' | 'accountingPort'>;

/** What a server did in all rounds. */
interface Side {
  readonly server: Server;
  /** CPU that everything behind its answers has used, in microseconds. */
  readonly cpuUs: () => Promise<number>;
  readonly reports: Measured[];
  readonly logins: Measured[];
  /** Sessions that were reported, with how many reports each had. */
  readonly sessions: Map<number, number>;
  nextSession: number;
}

/** A round with what it cost. */
type Measured = LoadResult & { readonly cpuUs: number };

const secret = new SharedSecret(SECRET);

/** Runs a round on the clock and on the meter. */
async function measured(side: Side, options: Parameters<typeof runLoad>[0]): Promise<Measured> {
  const before = await side.cpuUs();
  const result = await runLoad(options);
  const count = options.slots.reduce((sum, requests) => sum + requests.length, 0);
  return { ...result, cpuUs: ((await side.cpuUs()) - before) / count };
}

function slotsOf({ slots }: Settings): readonly number[] {
  return Array.from({ length: slots }, (_, slot) => slot);
}

/** A round of logins: each is another session of another user. */
async function measureLogins(side: Side, settings: Settings): Promise<void> {
  const { requests, slots: count, users } = settings;
  const slots = slotsOf(settings).map((slot) =>
    Array.from({ length: requests }, (_, index) => {
      const session = side.nextSession + index * count + slot;
      return loginRequest({ secret, slot, user: session % users, session });
    }),
  );
  side.nextSession += requests * count;
  side.logins.push(
    await measured(side, {
      port: side.server.authenticationPort,
      slots,
      expectedCode: PACKET_CODES['Access-Accept'],
    }),
  );
}

/** A round of reports: each slot has a session that logged in and started before the clock runs. */
async function measureReports(side: Side, settings: Settings): Promise<void> {
  const { requests, users } = settings;
  const first = side.nextSession;
  side.nextSession += settings.slots;
  const partsOf = (slot: number) => {
    const session = first + slot;
    return { secret, slot, user: session % users, session };
  };
  const { authenticationPort, accountingPort } = side.server;
  const expectedCode = PACKET_CODES['Accounting-Response'];
  const { replies } = await runLoad({
    port: authenticationPort,
    slots: slotsOf(settings).map((slot) => [loginRequest(partsOf(slot))]),
    expectedCode: PACKET_CODES['Access-Accept'],
  });
  const classes = replies.map(classesOf);
  const report = (slot: number, number: number, status: 'Start' | 'Interim-Update'): Buffer =>
    reportRequest({ ...partsOf(slot), status, number, classes: classes[slot] ?? [] });
  await runLoad({
    port: accountingPort,
    slots: slotsOf(settings).map((slot) => [report(slot, 0, 'Start')]),
    expectedCode,
  });
  const slots = slotsOf(settings).map((slot) =>
    Array.from({ length: requests }, (_, index) => report(slot, index + 1, 'Interim-Update')),
  );
  side.reports.push(await measured(side, { port: accountingPort, slots, expectedCode }));
  for (const slot of slotsOf(settings)) side.sessions.set(first + slot, requests);
}

/** Octets that the sessions reported. */
function octetsOf({ sessions }: Side): bigint {
  const each = BigInt(REPORT.uploadOctets + REPORT.downloadOctets);
  return [...sessions.values()].reduce((sum, reports) => sum + each * BigInt(reports), 0n);
}

async function octetsOfTolld({ pool }: TolldRadius, side: Side): Promise<bigint> {
  const expected = octetsOf(side);
  const sessionKeys = [...side.sessions.keys()].map((session) =>
    sessionKeyOf(NAS_NAME, Buffer.from(acctSessionId(session))),
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

async function octetsOfFreeradius({ pool }: FreeradiusSql): Promise<bigint> {
  const { rows } = await pool.query<{ octets: string }>(
    `SELECT coalesce(sum(acctinputoctets + acctoutputoctets), 0)::text AS octets FROM radacct`,
  );
  return BigInt(rows[0]?.octets ?? 0);
}

interface Figures {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Of one request, over all processes that have to do with it. */
  readonly cpuUs: number;
}

/** The first round warms up. */
function figuresOf(results: readonly Measured[]): Figures {
  const counted = results.length > 1 ? results.slice(1) : results;
  const middle = (field: keyof Figures): number =>
    Number(median(counted.map((one) => one[field])).toFixed(2));
  return {
    perSecond: middle('perSecond'),
    p50Ms: middle('p50Ms'),
    p99Ms: middle('p99Ms'),
    cpuUs: middle('cpuUs'),
  };
}

function compared(ours: readonly Measured[], theirs: readonly Measured[]) {
  const [value, reference] = [figuresOf(ours), figuresOf(theirs)];
  return {
    value,
    reference,
    ratio: Number((value.perSecond / reference.perSecond).toFixed(2)),
    /** Above 1: ours is that many times shorter. */
    p99Ratio: Number((reference.p99Ms / value.p99Ms).toFixed(2)),
    /** The one to trust where other work shares the machine: it is spread over many threads there. */
    cpuRatio: Number((reference.cpuUs / value.cpuUs).toFixed(2)),
  };
}

function readSettings(args: readonly string[]): Settings {
  const number = (fallback: number) => ({ type: 'string', default: String(fallback) }) as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      requests: number(50),
      rounds: number(4),
      slots: number(64),
      users: number(4_000),
    },
  });
  const settings = {
    requests: Number(values.requests),
    rounds: Number(values.rounds),
    slots: Number(values.slots),
    users: Number(values.users),
  };
  if (settings.slots > SLOTS_MAX) throw new RangeError(`at most ${SLOTS_MAX} slots`);
  return settings;
}

export async function run(args: readonly string[]): Promise<void> {
  const settings = readSettings(args);
  const directory = await mkdtemp(path.join(tmpdir(), 'tolld-bench-'));
  await chmod(directory, 0o755);
  const closers: (() => Promise<void>)[] = [() => rm(directory, { recursive: true, force: true })];
  try {
    const postgres = await startPostgresServer({
      directory: path.join(directory, 'postgres'),
      password: 'bench',
      durable: true,
      maxConnections: 100,
      disposable: directory,
    });
    closers.push(() => postgres.stop());
    const redis = await startRedisProcess({ persistence: 'always' });
    closers.push(() => redis.stop());
    const freeradius = await startFreeradiusSql(postgres, {
      users: settings.users,
      secret: SECRET,
    });
    closers.push(() => freeradius.stop());
    const tolld = await startTolldRadius(
      { postgres, redis },
      { users: settings.users, secret: SECRET },
    );
    closers.push(() => tolld.stop());
    const postgresUs = (): number => cpuOfServerUs(postgres.pid);
    await measure(settings, {
      tolld,
      freeradius,
      // The record is written behind the answers, and is paid for here all the same.
      ourCpuUs: async () =>
        cpuOfServerUs(tolld.pid) + (await serverCpuUs(redis.client)) + postgresUs(),
      theirCpuUs: async () => cpuOfServerUs(freeradius.pid) + postgresUs(),
    });
  } finally {
    for (const close of closers.reverse()) await close();
  }
}

async function measure(
  settings: Settings,
  servers: {
    readonly tolld: TolldRadius;
    readonly freeradius: FreeradiusSql;
    readonly ourCpuUs: () => Promise<number>;
    readonly theirCpuUs: () => Promise<number>;
  },
): Promise<void> {
  const sideOf = (server: Server, cpuUs: Side['cpuUs']): Side => {
    return { server, cpuUs, reports: [], logins: [], sessions: new Map(), nextSession: 0 };
  };
  const ours = sideOf(servers.tolld, servers.ourCpuUs);
  const theirs = sideOf(servers.freeradius, servers.theirCpuUs);
  for (let round = 0; round < settings.rounds; round += 1) {
    for (const side of [ours, theirs]) await measureReports(side, settings);
    for (const side of [ours, theirs]) await measureLogins(side, settings);
    console.error(roundLine(round, ours, theirs));
  }
  const all = [ours, theirs].flatMap(({ reports, logins }) => [...reports, ...logins]);
  const errors = all.reduce((sum, { unexpected }) => sum + unexpected, 0);
  const differences = {
    tolld: String((await octetsOfTolld(servers.tolld, ours)) - octetsOf(ours)),
    freeradius: String((await octetsOfFreeradius(servers.freeradius)) - octetsOf(theirs)),
  };
  const balanced = Object.values(differences).every((difference) => difference === '0');
  const accounting = compared(ours.reports, theirs.reports);
  const authentication = compared(ours.logins, theirs.logins);
  console.log(
    JSON.stringify({
      bench: 'radius-accounting',
      value: accounting.value.perSecond,
      unit: 'durable accounting requests per second',
      reference: accounting.reference.perSecond,
      ratio: accounting.ratio,
      p99Ratio: accounting.p99Ratio,
      cpuRatio: accounting.cpuRatio,
      accounting,
      authentication,
      resent: all.reduce((sum, { resent }) => sum + resent, 0),
      errors,
      books: balanced ? 'balanced' : differences,
    }),
  );
  if (errors > 0 || !balanced) process.exitCode = 1;
}

function roundLine(round: number, ours: Side, theirs: Side): string {
  const shown = (results: readonly Measured[]): string => {
    const last = results.at(-1);
    return `${last?.perSecond.toFixed(0)}/s, p99 ${last?.p99Ms.toFixed(1)} ms, ${last?.cpuUs.toFixed(0)} µs`;
  };
  return (
    `round ${round + 1}: reports ${shown(ours.reports)} against ${shown(theirs.reports)}; ` +
    `logins ${shown(ours.logins)} against ${shown(theirs.logins)}`
  );
}
