/**
 * How fast is the charging engine, and where does its time go? The charge script against the bare
 * one in alternating rounds; then its growth with buckets, services and accounts, its kinds of
 * request, a hot account, and the whole way through one Node process.
 */
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { charge } from '../src/charging/charge.js';
import type { Engine } from '../src/charging/engine.js';
import { createKeys } from '../src/charging/keys.js';
import { createRedisClient } from '../src/charging/redis-client.js';
import { readScripts, type ScriptName } from '../src/charging/script-loader.js';
import { createLogger } from '../src/observability/logger.js';
import { checkBooks, type Books } from './charge-books.js';
import {
  bareAccounts,
  createBareFeed,
  createChargeFeed,
  createCreditFeed,
  createRepeatFeed,
  createUpdateFeed,
  type Feed,
} from './charge-feed.js';
import {
  chargeRequest,
  KEY_PREFIX,
  seedAccounts,
  sessionIdOf,
  STANDARD_SHAPE,
  UNITS_PER_REQUEST,
  type Seeded,
  type WorkloadShape,
} from './charge-workload.js';
import { median, percentile } from './median.js';
import { drive } from './pipeline-driver.js';
import {
  microsecondsPerCall,
  persistenceOf,
  serverCpuUs,
  startRedisProcess,
  type Persistence,
  type RedisProcess,
} from './redis-process.js';

const SECTIONS = ['ratio', 'kinds', 'buckets', 'services', 'accounts', 'hot', 'face'] as const;
type Section = (typeof SECTIONS)[number];

const HELP = `usage: npm run bench -- engine [flags]
  --only a,b          of ${SECTIONS.join(', ')} (default: all)
  --aof a,b           of none, everysec, always: the ratio under each, the rest under the first
                      (default: none,always)
  --rounds N          rounds of each script, after one that warms up (default 5)
  --requests N        requests per round (default 20000)
  --accounts N        accounts of the ratio (default 10000)
  --accounts-max N    largest number of accounts in the section of that name (default 100000)
  --pipeline N        commands in one write; four writes are on their way (default 32)
  --concurrency N     requests at once through the Node process (default 64)`;

interface Settings {
  readonly rounds: number;
  readonly requests: number;
  readonly accounts: number;
  readonly accountsMax: number;
  readonly pipeline: number;
  readonly concurrency: number;
}

interface Bench {
  readonly settings: Settings;
  readonly server: RedisProcess;
  readonly engine: Engine;
  readonly functionOf: (script: ScriptName) => string;
  readonly bareSha: string;
}

interface Row {
  readonly section: Section;
  readonly name: string;
  readonly perSecond: number;
  /** Microseconds of Redis per call (INFO commandstats). */
  readonly microseconds: number;
}

interface Sample {
  readonly perSecond: number;
  readonly microseconds: number;
  readonly errors: number;
  readonly redisCpuUs: number;
  readonly driverCpuUs: number;
}

/** What all sections add to. */
class Findings {
  readonly rows: Row[] = [];
  errors = 0;
  readonly differences: string[] = [];

  add(row: Row): void {
    this.rows.push(row);
    const speed = `${Math.round(row.perSecond)}/s`.padStart(9);
    const time = `${row.microseconds.toFixed(1)} us`.padStart(9);
    console.log(`${row.section.padEnd(9)} ${row.name.padEnd(34)} ${speed} ${time}`);
  }

  judge(books: Books): void {
    this.differences.push(...books.differences);
    const verdict = books.differences.length === 0 ? 'balance' : 'DO NOT BALANCE';
    console.log(`          books ${verdict}: ${books.entries} entries, ${books.accounts} accounts`);
    for (const difference of books.differences) console.log(`          ${difference}`);
  }
}

export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string', default: SECTIONS.join(',') },
      aof: { type: 'string', default: 'none,always' },
      rounds: { type: 'string', default: '5' },
      requests: { type: 'string', default: '20000' },
      accounts: { type: 'string', default: '10000' },
      'accounts-max': { type: 'string', default: '100000' },
      pipeline: { type: 'string', default: '32' },
      concurrency: { type: 'string', default: '64' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return;
  }
  const settings: Settings = {
    rounds: Number(values.rounds),
    requests: Number(values.requests),
    accounts: Number(values.accounts),
    accountsMax: Number(values['accounts-max']),
    pipeline: Number(values.pipeline),
    concurrency: Number(values.concurrency),
  };
  const sections = new Set(values.only.split(','));
  const findings = new Findings();
  const ratios: Ratio[] = [];
  let face: Face | null = null;
  for (const [place, persistence] of values.aof.split(',').map(persistenceOf).entries()) {
    const server = await startRedisProcess({ persistence });
    try {
      const bench = await openBench(server, settings);
      console.log(`-- AOF ${persistence}`);
      if (sections.has('ratio')) ratios.push(await measureRatio(bench, findings, persistence));
      if (place > 0) continue;
      if (sections.has('kinds')) await measureKinds(bench, findings);
      if (sections.has('buckets')) await measureBuckets(bench, findings);
      if (sections.has('services')) await measureServices(bench, findings);
      if (sections.has('accounts')) await measureAccounts(bench, findings);
      if (sections.has('hot')) await measureHotAccount(bench, findings);
      if (sections.has('face')) face = await measureFace(bench, findings);
    } finally {
      await server.stop();
    }
  }
  report({ findings, ratios, face });
}

async function openBench(server: RedisProcess, settings: Settings): Promise<Bench> {
  const scripts = readScripts();
  const source = await readFile(new URL('./bare-charge.lua', import.meta.url), 'utf8');
  const engine: Engine = {
    redis: server.client,
    scripts,
    keys: createKeys(KEY_PREFIX),
    limits: { requestTimeoutMs: 10_000 },
  };
  return {
    settings,
    server,
    engine,
    functionOf: scripts.functionName,
    bareSha: String(await server.client.script('LOAD', source)),
  };
}

/** One round of a feed. Its commands are encoded before the clock starts. */
async function measureRound(bench: Bench, feed: Feed, findings: Findings): Promise<Sample> {
  const { server, settings } = bench;
  const commands = await feed.commands(settings.requests);
  await server.client.config('RESETSTAT');
  const redisBefore = await serverCpuUs(server.client);
  const driverBefore = process.cpuUsage();
  const run = await drive({
    port: server.port,
    commands,
    expect: feed.expect,
    pipeline: settings.pipeline,
  });
  const driver = process.cpuUsage(driverBefore);
  const redisCpu = (await serverCpuUs(server.client)) - redisBefore;
  findings.errors += run.errors;
  if (run.firstError !== null) console.log(`          ${feed.name} answered: ${run.firstError}`);
  return {
    perSecond: run.perSecond,
    microseconds: await microsecondsPerCall(server.client, 'fcall|evalsha'),
    errors: run.errors,
    redisCpuUs: redisCpu / commands.length,
    driverCpuUs: (driver.user + driver.system) / commands.length,
  };
}

/** Rounds of several feeds by turns; the first of each warms up and does not count. */
async function measureFeeds(
  bench: Bench,
  feeds: readonly Feed[],
  findings: Findings,
  rounds = bench.settings.rounds,
): Promise<readonly (readonly Sample[])[]> {
  const samples: Sample[][] = feeds.map(() => []);
  for (let round = 0; round <= rounds; round += 1) {
    for (const [place, feed] of feeds.entries()) {
      const sample = await measureRound(bench, feed, findings);
      if (round > 0) samples[place]?.push(sample);
    }
  }
  return samples;
}

function addRow(
  findings: Findings,
  section: Section,
  name: string,
  samples: readonly Sample[],
): Row {
  const row: Row = {
    section,
    name,
    perSecond: median(samples.map((s) => s.perSecond)),
    microseconds: median(samples.map((s) => s.microseconds)),
  };
  findings.add(row);
  return row;
}

async function seed(bench: Bench, shape: Partial<WorkloadShape>): Promise<Seeded> {
  return await seedAccounts(bench.engine, bench.server.port, { ...STANDARD_SHAPE, ...shape });
}

interface Ratio {
  readonly persistence: Persistence;
  readonly charge: number;
  readonly bare: number;
  readonly ratio: number;
  readonly ratioOfRedisTime: number;
  readonly chargeUs: number;
  readonly bareUs: number;
  readonly redisCpuUs: number;
  readonly driverCpuUs: number;
}

async function measureRatio(
  bench: Bench,
  findings: Findings,
  persistence: Persistence,
): Promise<Ratio> {
  const { accounts, pipeline } = bench.settings;
  const seeded = await seed(bench, { accounts });
  const update = createUpdateFeed(bench.functionOf, { accounts, services: 1 });
  const bare = createBareFeed(bench.bareSha, accounts);
  await bench.server.client.script(
    'LOAD',
    await readFile(new URL('./bare-charge.lua', import.meta.url), 'utf8'),
  );
  const port = bench.server.port;
  await drive({ port, commands: bareAccounts(accounts), expect: ':', pipeline });
  const [ours = [], theirs = []] = await measureFeeds(bench, [update, bare], findings);
  const charged = addRow(findings, 'ratio', `charge, AOF ${persistence}`, ours);
  const bared = addRow(findings, 'ratio', `bare, AOF ${persistence}`, theirs);
  findings.judge(await checkBooks(bench.engine, seeded, update.reported()));
  const pairs = ours.map((sample, place) => [sample, theirs[place] ?? sample] as const);
  return {
    persistence,
    charge: charged.perSecond,
    bare: bared.perSecond,
    ratio: median(pairs.map(([a, b]) => a.perSecond / b.perSecond)),
    ratioOfRedisTime: median(pairs.map(([a, b]) => b.microseconds / a.microseconds)),
    chargeUs: charged.microseconds,
    bareUs: bared.microseconds,
    redisCpuUs: median(ours.map((s) => s.redisCpuUs)),
    driverCpuUs: median(ours.map((s) => s.driverCpuUs)),
  };
}

/** Requests of each kind, on accounts of their own seeding. */
async function measureKinds(bench: Bench, findings: Findings): Promise<void> {
  const { accounts, requests, rounds } = bench.settings;
  const once = (name: string): ((account: number, turn: number) => string) => {
    return (account, turn) => sessionIdOf(account, `${name}${turn}`);
  };
  const mib = UNITS_PER_REQUEST;
  const feedOf = (
    name: string,
    request: Parameters<typeof createChargeFeed>[1]['request'],
    script: 'charge' | 'settle' = 'charge',
  ): Feed => createChargeFeed(bench.functionOf, { name, accounts, script, request });
  const initial = once('initial');
  const event = once('event');
  const unknown = once('unknown');
  const update = { phase: 'update', services: 1, used: mib, want: mib } as const;
  const main = (
    account: number,
    turn: number,
  ): { account: number; sessionId: string } & {
    number: number;
  } => ({ account, sessionId: sessionIdOf(account), number: turn + 1 });
  const kinds: readonly (readonly [Partial<WorkloadShape>, Feed])[] = [
    [{}, feedOf('update', (account, turn) => ({ ...update, ...main(account, turn) }))],
    [
      {},
      feedOf('update, uses twice what it holds', (account, turn) => ({
        ...update,
        ...main(account, turn),
        used: 2 * mib,
      })),
    ],
    [{ buckets: 1 }, feedOf('update, paid by money', (a, t) => ({ ...update, ...main(a, t) }))],
    [
      { usedUp: 2 },
      feedOf('update, two buckets used up', (a, t) => ({ ...update, ...main(a, t) })),
    ],
    [
      { usedUp: 3 },
      feedOf('update, units used up, money', (a, t) => ({ ...update, ...main(a, t) })),
    ],
    [{}, feedOf('report only', (a, t) => ({ ...update, ...main(a, t), want: null }))],
    [{}, feedOf('settle (memory is out)', (a, t) => ({ ...update, ...main(a, t) }), 'settle')],
    [
      {},
      feedOf('initial', (account, turn) => ({
        account,
        sessionId: initial(account, turn),
        number: 0,
        phase: 'initial',
        services: 1,
        used: 0,
        want: mib,
      })),
    ],
    [
      {},
      feedOf('update of an unknown session', (account, turn) => ({
        ...update,
        account,
        sessionId: unknown(account, turn),
        number: 1,
      })),
    ],
    [
      {},
      feedOf('event', (account, turn) => ({
        account,
        sessionId: event(account, turn),
        number: 0,
        phase: 'event',
        services: 1,
        used: mib,
        want: null,
      })),
    ],
    [{}, createCreditFeed(bench.functionOf, accounts)],
  ];
  for (const [shape, feed] of kinds) {
    const seeded = await seed(bench, { accounts, ...shape });
    const [samples = []] = await measureFeeds(bench, [feed], findings, Math.min(rounds, 3));
    addRow(findings, 'kinds', feed.name, samples);
    findings.judge(await checkBooks(bench.engine, seeded, feed.reported()));
  }
  await measureRepeats(bench, findings);
  await measureTerminates(bench, findings, requests);
}

async function measureRepeats(bench: Bench, findings: Findings): Promise<void> {
  const { accounts, requests, pipeline } = bench.settings;
  const seeded = await seed(bench, { accounts });
  const update = createUpdateFeed(bench.functionOf, { accounts, services: 1 });
  const commands = await update.commands(Math.min(accounts, requests));
  await drive({ port: bench.server.port, commands, expect: update.expect, pipeline });
  const repeat = createRepeatFeed(commands);
  const [samples = []] = await measureFeeds(bench, [repeat], findings, 3);
  addRow(findings, 'kinds', repeat.name, samples);
  findings.judge(await checkBooks(bench.engine, seeded, update.reported()));
}

/** A session ends once: one round over as many accounts as it has requests. */
async function measureTerminates(
  bench: Bench,
  findings: Findings,
  accounts: number,
): Promise<void> {
  const seeded = await seed(bench, { accounts });
  const terminate = createChargeFeed(bench.functionOf, {
    name: 'terminate',
    accounts,
    request: (account) => ({
      account,
      sessionId: sessionIdOf(account),
      number: 1,
      phase: 'terminate',
      services: 1,
      used: UNITS_PER_REQUEST,
      want: null,
    }),
  });
  addRow(findings, 'kinds', terminate.name, [await measureRound(bench, terminate, findings)]);
  findings.judge(await checkBooks(bench.engine, seeded, terminate.reported()));
}

/** The same request on another shape of accounts. */
async function measureShape(
  bench: Bench,
  findings: Findings,
  options: { section: Section; name: string; shape: Partial<WorkloadShape>; stride?: number },
): Promise<void> {
  const { section, name, stride = 1 } = options;
  const shape: WorkloadShape = {
    ...STANDARD_SHAPE,
    accounts: bench.settings.accounts,
    ...options.shape,
  };
  const seeded = await seed(bench, shape);
  const { accounts, services } = shape;
  const update = createUpdateFeed(bench.functionOf, { accounts, services, stride });
  const [samples = []] = await measureFeeds(bench, [update], findings, 3);
  addRow(findings, section, name, samples);
  findings.judge(await checkBooks(bench.engine, seeded, update.reported()));
}

async function measureBuckets(bench: Bench, findings: Findings): Promise<void> {
  for (const buckets of [2, 4, 10, 50]) {
    await measureShape(bench, findings, {
      section: 'buckets',
      name: `${buckets} buckets, the first pays`,
      shape: { buckets },
    });
    if (buckets < 4) continue;
    await measureShape(bench, findings, {
      section: 'buckets',
      name: `${buckets} buckets, only two hold units`,
      shape: { buckets, usedUp: buckets - 2 },
    });
  }
}

async function measureServices(bench: Bench, findings: Findings): Promise<void> {
  for (const services of [1, 2, 4, 8]) {
    await measureShape(bench, findings, {
      section: 'services',
      name: `${services} services in a request`,
      shape: { services },
    });
  }
}

/** Neighbouring requests are far apart in the order of seeding, so that no cache helps. */
async function measureAccounts(bench: Bench, findings: Findings): Promise<void> {
  for (const accounts of [10_000, 100_000, 1_000_000]) {
    if (accounts > bench.settings.accountsMax) continue;
    await measureShape(bench, findings, {
      section: 'accounts',
      name: `${accounts} accounts`,
      shape: { accounts },
      stride: 7_919,
    });
  }
}

const HOT_SESSIONS = 100;

async function measureHotAccount(bench: Bench, findings: Findings): Promise<void> {
  const { pipeline } = bench.settings;
  const seeded = await seed(bench, { accounts: 1 });
  const sessionOf = (turn: number): string => sessionIdOf(turn % HOT_SESSIONS, 'hot');
  const base = { account: 0, services: 1, want: UNITS_PER_REQUEST } as const;
  const open = createChargeFeed(bench.functionOf, {
    name: 'open',
    accounts: 1,
    request: (_, turn) => ({
      ...base,
      sessionId: sessionOf(turn),
      number: 0,
      phase: 'initial',
      used: 0,
    }),
  });
  const commands = await open.commands(HOT_SESSIONS);
  await drive({ port: bench.server.port, commands, expect: open.expect, pipeline });
  const update = createChargeFeed(bench.functionOf, {
    name: 'hot',
    accounts: 1,
    request: (_, turn) => ({
      ...base,
      sessionId: sessionOf(turn),
      number: 1 + Math.floor(turn / HOT_SESSIONS),
      phase: 'update',
      used: UNITS_PER_REQUEST,
    }),
  });
  const [samples = []] = await measureFeeds(bench, [update], findings, 3);
  addRow(findings, 'hot', `one account, ${HOT_SESSIONS} sessions`, samples);
  findings.judge(await checkBooks(bench.engine, seeded, update.reported()));
}

interface Face {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly nodeCpuUs: number;
  readonly redisCpuUs: number;
}

/** Through the TypeScript face in this process, a fixed number of requests at once. */
async function measureFace(bench: Bench, findings: Findings): Promise<Face> {
  const { accounts, concurrency, requests, rounds } = bench.settings;
  const seeded = await seed(bench, { accounts });
  const logger = createLogger({ level: 'silent' });
  const redis = createRedisClient(
    { url: bench.server.url, commandTimeoutMs: 5_000, name: 'bench' },
    { logger },
  );
  await redis.connect();
  const engine: Engine = { ...bench.engine, redis };
  const latencies: number[] = [];
  const samples: Sample[] = [];
  let next = 0;
  for (let round = 0; round <= rounds; round += 1) {
    const end = next + requests;
    await bench.server.client.config('RESETSTAT');
    const redisBefore = await serverCpuUs(bench.server.client);
    const nodeBefore = process.cpuUsage();
    const started = performance.now();
    let errors = 0;
    const worker = async (): Promise<void> => {
      while (next < end) {
        const cursor = next;
        next += 1;
        const at = performance.now();
        const outcome = await charge(engine, updateAt(cursor, accounts));
        if (round > 0) latencies.push(performance.now() - at);
        if (outcome.kind !== 'answered' || outcome.repeated) errors += 1;
      }
    };
    await Promise.all(Array.from({ length: concurrency }, worker));
    const seconds = (performance.now() - started) / 1000;
    const node = process.cpuUsage(nodeBefore);
    const redisCpu = (await serverCpuUs(bench.server.client)) - redisBefore;
    findings.errors += errors;
    if (round === 0) continue;
    samples.push({
      perSecond: requests / seconds,
      microseconds: await microsecondsPerCall(bench.server.client, 'fcall'),
      errors,
      redisCpuUs: redisCpu / requests,
      driverCpuUs: (node.user + node.system) / requests,
    });
  }
  redis.disconnect();
  const row = addRow(findings, 'face', `one Node process, ${concurrency} at once`, samples);
  findings.judge(await checkBooks(bench.engine, seeded, next * UNITS_PER_REQUEST));
  return {
    perSecond: row.perSecond,
    p50Ms: percentile(latencies, 50),
    p95Ms: percentile(latencies, 95),
    p99Ms: percentile(latencies, 99),
    nodeCpuUs: median(samples.map((s) => s.driverCpuUs)),
    redisCpuUs: median(samples.map((s) => s.redisCpuUs)),
  };
}

function updateAt(cursor: number, accounts: number): ReturnType<typeof chargeRequest> {
  const account = cursor % accounts;
  return chargeRequest({
    account,
    sessionId: sessionIdOf(account),
    number: 1 + Math.floor(cursor / accounts),
    phase: 'update',
    services: 1,
    used: UNITS_PER_REQUEST,
    want: UNITS_PER_REQUEST,
  });
}

/** The line that other programs read: the last one of the output. */
function report(results: {
  readonly findings: Findings;
  readonly ratios: readonly Ratio[];
  readonly face: Face | null;
}): void {
  const { findings, ratios, face } = results;
  const [first] = ratios;
  const balanced = findings.differences.length === 0;
  if (findings.errors > 0 || !balanced) process.exitCode = 1;
  const round = (value: number, digits = 2): number => Number(value.toFixed(digits));
  console.log(
    JSON.stringify({
      bench: 'engine',
      value: first === undefined ? null : Math.round(first.charge),
      unit: 'charges/s of the script alone, pipelined',
      reference: first === undefined ? null : Math.round(first.bare),
      ratio: first === undefined ? null : round(first.ratio, 3),
      p50Ms: face === null ? null : round(face.p50Ms),
      p95Ms: face === null ? null : round(face.p95Ms),
      p99Ms: face === null ? null : round(face.p99Ms),
      errors: findings.errors,
      balanced,
      cpuUs: {
        redis: first === undefined ? null : round(first.redisCpuUs, 1),
        driver: first === undefined ? null : round(first.driverCpuUs, 1),
        node: face === null ? null : round(face.nodeCpuUs, 1),
      },
      ratios: ratios.map((one) => ({
        persistence: one.persistence,
        charge: Math.round(one.charge),
        bare: Math.round(one.bare),
        ratio: round(one.ratio, 3),
        ratioOfRedisTime: round(one.ratioOfRedisTime, 3),
        chargeUs: round(one.chargeUs),
        bareUs: round(one.bareUs),
      })),
      facePerSecond: face === null ? null : Math.round(face.perSecond),
      rows: findings.rows.map((row) => ({
        ...row,
        perSecond: Math.round(row.perSecond),
        microseconds: round(row.microseconds),
      })),
    }),
  );
}
