/** What account-layout and session-layout share: rounds that alternate between scripts. */
import { readFile } from 'node:fs/promises';
import type { Redis } from 'ioredis';
import { median } from './median.js';
import { redisBenchmark } from './redis-benchmark.js';
import {
  aofBytes,
  microsecondsPerCall,
  startRedisProcess,
  type Persistence,
  type RedisProcess,
} from './redis-process.js';

/** Keys of each layout that a measurement spreads its calls over. */
const LAYOUT_KEYS = 1_000;

interface LayoutSetting {
  readonly name: string;
  readonly persistence: Persistence;
  readonly config?: Readonly<Record<string, string>>;
}

const HEADLINE_SETTING = 'AOF always';
const LAYOUT_SETTINGS: readonly LayoutSetting[] = [
  { name: 'no AOF', persistence: 'none' },
  { name: HEADLINE_SETTING, persistence: 'always' },
  // Hashes stay listpacks whatever the size of their values: less memory, linear look-up.
  {
    name: 'listpack',
    persistence: 'none',
    config: { 'hash-max-listpack-value': '65536', 'hash-max-listpack-entries': '512' },
  },
];

interface LayoutRow {
  readonly setting: string;
  readonly size: string;
  readonly layout: string;
  readonly perSecond: number;
  /** Microseconds of Redis per EVALSHA. */
  readonly microseconds: number;
  readonly memoryBytes: number;
  /** Bytes that one call adds to the append-only file. */
  readonly aofBytes: number;
}

/** How large what is kept is, and what a call does with it. */
export interface LayoutSize {
  /** As the rows name it. */
  readonly size: string;
  /** ARGV of every layout's script. */
  readonly args: readonly string[];
  /** ARGV of `seed.lua` for one key. */
  readonly seedArgs: (index: number) => readonly string[];
}

export interface LayoutQuestion<Layout extends string> {
  /** Its name, and the folder of its scripts beside this file: a `<layout>.lua` each. */
  readonly bench: string;
  readonly layouts: readonly Layout[];
  readonly sizes: readonly LayoutSize[];
  readonly rounds: number;
  readonly requests: number;
  /** Whose throughput is compared, at which size, with AOF always. */
  readonly headline: {
    readonly size: string;
    readonly value: Layout;
    readonly reference: Layout;
    readonly unit: string;
  };
}

interface LayoutRounds extends LayoutSize {
  readonly setting: string;
  readonly folder: string;
  readonly layouts: readonly string[];
  readonly rounds: number;
  readonly requests: number;
}

/** Measures every layout at every size, each setting on a Redis of its own, and prints the rows. */
export async function compareLayouts<Layout extends string>({
  bench,
  sizes,
  headline,
  ...rounds
}: LayoutQuestion<Layout>): Promise<void> {
  const rows: LayoutRow[] = [];
  for (const setting of LAYOUT_SETTINGS) {
    const server = await startRedisProcess(setting);
    try {
      for (const size of sizes) {
        const options = { ...rounds, ...size, folder: bench, setting: setting.name };
        const measured = await measureLayouts(server, options);
        printRows(measured);
        rows.push(...measured);
      }
    } finally {
      await server.stop();
    }
  }
  const perSecondOf = (layout: Layout): number =>
    rows.find(
      (row) =>
        row.layout === layout && row.size === headline.size && row.setting === HEADLINE_SETTING,
    )?.perSecond ?? NaN;
  const value = perSecondOf(headline.value);
  const reference = perSecondOf(headline.reference);
  const { unit } = headline;
  console.log(
    JSON.stringify({ bench, value, unit, reference, ratio: value / reference, errors: 0, rows }),
  );
}

/** Seeds every layout, then measures them in turn, round after round; the first one warms up. */
async function measureLayouts(server: RedisProcess, options: LayoutRounds): Promise<LayoutRow[]> {
  const { client } = server;
  await client.flushall();
  const runs = new Map<string, { sha: string; memoryBytes: number; samples: Sample[] }>();
  for (const layout of options.layouts) {
    const sha = await load(client, options.folder, layout);
    await seed(client, layout, options);
    const memory = await client.call('MEMORY', 'USAGE', layoutKey(layout, 0), 'SAMPLES', 0);
    runs.set(layout, { sha, memoryBytes: Number(memory), samples: [] });
  }
  for (let round = 0; round <= options.rounds; round += 1) {
    for (const [layout, { sha, samples }] of runs) {
      const sample = await measureOnce(server, { ...options, layout, sha });
      if (round > 0) samples.push(sample);
    }
  }
  return [...runs].map(([layout, { memoryBytes, samples }]) => ({
    setting: options.setting,
    size: options.size,
    layout,
    perSecond: Math.round(median(samples.map((s) => s.perSecond))),
    microseconds: median(samples.map((s) => s.microseconds)),
    memoryBytes,
    aofBytes: Math.round(median(samples.map((s) => s.aofBytes))),
  }));
}

interface Sample {
  readonly perSecond: number;
  readonly microseconds: number;
  readonly aofBytes: number;
}

async function measureOnce(
  { client, port }: RedisProcess,
  options: LayoutRounds & { readonly layout: string; readonly sha: string },
): Promise<Sample> {
  const before = await aofBytes(client);
  await client.config('RESETSTAT');
  const perSecond = await redisBenchmark({
    port,
    requests: options.requests,
    randomBelow: LAYOUT_KEYS,
    pipeline: 16,
    connections: 1,
    command: ['evalsha', options.sha, '1', `${options.layout}:__rand_int__`, ...options.args],
  });
  const after = await aofBytes(client);
  return {
    perSecond,
    microseconds: await microsecondsPerCall(client, 'evalsha'),
    aofBytes: (after - before) / options.requests,
  };
}

async function load(client: Redis, folder: string, name: string): Promise<string> {
  const source = await readFile(new URL(`./${folder}/${name}.lua`, import.meta.url), 'utf8');
  return String(await client.script('LOAD', source));
}

async function seed(client: Redis, layout: string, options: LayoutRounds): Promise<void> {
  const sha = await load(client, options.folder, 'seed');
  const pipeline = client.pipeline();
  for (let index = 0; index < LAYOUT_KEYS; index += 1) {
    pipeline.evalsha(sha, 1, layoutKey(layout, index), layout, ...options.seedArgs(index));
  }
  for (const [error] of (await pipeline.exec()) ?? []) if (error !== null) throw error;
}

/** The key as redis-benchmark writes it. */
function layoutKey(layout: string, index: number): string {
  return `${layout}:${String(index).padStart(12, '0')}`;
}

function printRows(rows: readonly LayoutRow[]): void {
  for (const row of rows) {
    console.log(
      [
        row.setting.padEnd(10),
        row.size.padStart(6),
        row.layout.padEnd(18),
        `${String(row.perSecond).padStart(7)}/s`,
        `${row.microseconds.toFixed(1).padStart(6)} us`,
        `${String(row.memoryBytes).padStart(6)} B`,
        `${String(row.aofBytes).padStart(6)} B AOF`,
      ].join('  '),
    );
  }
}
