/** Rounds of the engine's scripts against rounds of the bare script, by turns in one run. */
import { readFile } from 'node:fs/promises';
import type { Engine } from '../src/charging/engine.js';
import { createKeys } from '../src/charging/keys.js';
import { readScripts, type ScriptName } from '../src/charging/script-loader.js';
import { checkBooks, type Books } from './charge-books.js';
import { bareAccount, createBareFeed, type Feed } from './charge-feed.js';
import {
  KEY_PREFIX,
  seedAccounts,
  STANDARD_SHAPE,
  type Seeded,
  type WorkloadShape,
} from './charge-workload.js';
import { median } from './median.js';
import { drive } from './pipeline-driver.js';
import { microsecondsPerCall, serverCpuUs, type RedisProcess } from './redis-process.js';

export interface Settings {
  readonly rounds: number;
  readonly requests: number;
  readonly accounts: number;
  readonly accountsMax: number;
  readonly pipeline: number;
  readonly concurrency: number;
}

export interface Bench {
  readonly settings: Settings;
  readonly server: RedisProcess;
  readonly engine: Engine;
  readonly functionOf: (script: ScriptName) => string;
  readonly bareSha: string;
  readonly findings: Findings;
}

export interface Row {
  readonly section: string;
  readonly name: string;
  readonly perSecond: number;
  /** Microseconds of Redis per call (INFO commandstats). */
  readonly microseconds: number;
  /** The server's CPU per request: steadier than time where other work shares the machine. */
  readonly redisCpuUs: number;
  /** The server's CPU per request of the bare script over that of this one, round by round. */
  readonly ratioOfRedisCpu: number;
}

/** What all sections add to. */
export class Findings {
  readonly rows: Row[] = [];
  readonly differences: string[] = [];
  errors = 0;

  add(row: Row): void {
    this.rows.push(row);
    const columns = [
      row.section.padEnd(9),
      row.name.padEnd(36),
      `${Math.round(row.perSecond)}/s`.padStart(9),
      `${row.microseconds.toFixed(1)} us`.padStart(9),
      `${row.redisCpuUs.toFixed(1)} us CPU`.padStart(13),
      `x ${row.ratioOfRedisCpu.toFixed(2)}`.padStart(7),
    ];
    console.log(columns.join(' '));
  }

  judge(books: Books): void {
    this.differences.push(...books.differences);
    if (books.differences.length === 0) return;
    console.log(`the books DO NOT BALANCE: ${books.entries} entries, ${books.accounts} accounts`);
    for (const difference of books.differences) console.log(`  ${difference}`);
  }
}

export interface Sample {
  readonly perSecond: number;
  readonly microseconds: number;
  readonly redisCpuUs: number;
  readonly driverCpuUs: number;
}

export async function openBench(
  server: RedisProcess,
  settings: Settings,
  findings: Findings,
): Promise<Bench> {
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
    findings,
  };
}

const BARE_ACCOUNTS_PER_BATCH = 10_000;

/** Empties Redis and fills it with accounts of a shape, and as many of the bare script. */
export async function seed(bench: Bench, shape: Partial<WorkloadShape>): Promise<Seeded> {
  const { port } = bench.server;
  const { accounts } = bench.settings;
  const seeded = await seedAccounts(bench.engine, port, { ...STANDARD_SHAPE, accounts, ...shape });
  const count = seeded.shape.accounts;
  for (let first = 0; first < count; first += BARE_ACCOUNTS_PER_BATCH) {
    const commands: Buffer[] = [];
    const end = Math.min(first + BARE_ACCOUNTS_PER_BATCH, count);
    for (let index = first; index < end; index += 1) commands.push(...bareAccount(index));
    await drive({ port, commands, expect: ':', pipeline: 300 });
  }
  return seeded;
}

/** One round of a feed. Its commands are encoded before the clock starts. */
export async function measureRound(bench: Bench, feed: Feed): Promise<Sample> {
  const { server, settings, findings } = bench;
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
  if (run.firstError !== null) console.log(`${feed.name} was answered: ${run.firstError}`);
  return {
    perSecond: run.perSecond,
    microseconds: await microsecondsPerCall(server.client, 'fcall|evalsha'),
    redisCpuUs: redisCpu / commands.length,
    driverCpuUs: (driver.user + driver.system) / commands.length,
  };
}

export interface Comparison {
  readonly ours: readonly Sample[];
  readonly bare: readonly Sample[];
}

/**
 * Rounds of a feed and of the bare script by turns; a first round of each warms up unless there is
 * only one.
 */
export async function measureAgainstBare(
  bench: Bench,
  options: { readonly feed: Feed; readonly seeded: Seeded; readonly rounds: number } & {
    readonly stride?: number;
  },
): Promise<Comparison> {
  const { feed, seeded, rounds, stride } = options;
  const bareFeed = createBareFeed(bench.bareSha, seeded.shape.accounts, stride);
  const ours: Sample[] = [];
  const bare: Sample[] = [];
  for (let round = rounds === 1 ? 1 : 0; round <= rounds; round += 1) {
    const sample = await measureRound(bench, feed);
    const bareSample = await measureRound(bench, bareFeed);
    if (round === 0) continue;
    ours.push(sample);
    bare.push(bareSample);
  }
  return { ours, bare };
}

/** The median over the rounds of one side's figure over the other's. */
export function medianRatio(
  over: readonly Sample[],
  under: readonly Sample[],
  figure: keyof Sample,
): number {
  return median(over.map((sample, place) => sample[figure] / (under[place]?.[figure] ?? NaN)));
}

/** The row of a comparison: medians over its rounds. */
export function rowOf(section: string, name: string, { ours, bare }: Comparison): Row {
  return {
    section,
    name,
    perSecond: median(ours.map((sample) => sample.perSecond)),
    microseconds: median(ours.map((sample) => sample.microseconds)),
    redisCpuUs: median(ours.map((sample) => sample.redisCpuUs)),
    ratioOfRedisCpu: medianRatio(bare, ours, 'redisCpuUs'),
  };
}

const ROUNDS_MAX = 3;

/** Seeds, compares, checks the books: a row of its own for each shape or kind. */
export async function measureRow(
  bench: Bench,
  options: {
    readonly section: string;
    readonly name: string;
    readonly shape?: Partial<WorkloadShape>;
    readonly feed: (shape: WorkloadShape) => Feed | Promise<Feed>;
    readonly rounds?: number;
    readonly stride?: number;
    /** Units reported before the feed began. */
    readonly reportedBefore?: () => number;
  },
): Promise<void> {
  const { section, name, shape = {}, reportedBefore = () => 0, stride = 1 } = options;
  const seeded = await seed(bench, shape);
  const feed = await options.feed(seeded.shape);
  const rounds = options.rounds ?? Math.min(bench.settings.rounds, ROUNDS_MAX);
  const comparison = await measureAgainstBare(bench, { feed, seeded, rounds, stride });
  bench.findings.add(rowOf(section, name, comparison));
  const reported = reportedBefore() + feed.reported();
  bench.findings.judge(await checkBooks(bench.engine, seeded, reported));
}
