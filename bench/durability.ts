/**
 * What does it cost that no answer leaves before its fsync? The same charges through one Node
 * process, so many at once, over a Redis under strict (appendfsync always) and one under relaxed
 * (everysec), in alternating rounds.
 */
import { parseArgs } from 'node:util';
import { charge } from '../src/charging/charge.js';
import type { Engine } from '../src/charging/engine.js';
import { createRedisClient } from '../src/charging/redis-client.js';
import { createLogger } from '../src/observability/logger.js';
import { checkBooks } from './charge-books.js';
import { chargeRequest, sessionIdOf, UNITS_PER_REQUEST, type Seeded } from './charge-workload.js';
import { Findings, openBench, seed, type Bench } from './engine-rounds.js';
import { median, percentile } from './median.js';
import { serverCpuUs, startRedisProcess } from './redis-process.js';

const HELP = `usage: npm run bench -- durability [flags]
  --concurrency a,b   requests at once (default 64,512)
  --rounds N          rounds of each level, after one that warms up (default 5)
  --requests N        requests per round (default 20000)
  --accounts N        accounts (default 10000)`;

/** What strict is to keep of the throughput of relaxed, by requests at once. */
const GOALS: Readonly<Record<number, number>> = { 64: 0.6, 512: 0.9 };

interface Side {
  readonly bench: Bench;
  readonly engine: Engine;
  readonly seeded: Seeded;
  /** Requests so far. */
  charged: number;
  close(): Promise<void>;
}

interface Round {
  readonly perSecond: number;
  readonly nodeCpuUs: number;
  readonly redisCpuUs: number;
}

interface Measured {
  readonly concurrency: number;
  readonly strict: readonly Round[];
  readonly relaxed: readonly Round[];
  /** Of the requests under strict, in ms. */
  readonly latencies: readonly number[];
}

export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      concurrency: { type: 'string', default: '64,512' },
      rounds: { type: 'string', default: '5' },
      requests: { type: 'string', default: '20000' },
      accounts: { type: 'string', default: '10000' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return;
  }
  const rounds = Number(values.rounds);
  const requests = Number(values.requests);
  const accounts = Number(values.accounts);
  const findings = new Findings();
  const strict = await openSide('always', { accounts, requests, findings });
  const relaxed = await openSide('everysec', { accounts, requests, findings });
  try {
    const measured: Measured[] = [];
    for (const concurrency of values.concurrency.split(',').map(Number)) {
      measured.push(await compare({ strict, relaxed }, { concurrency, rounds }));
    }
    for (const { bench, seeded, charged } of [strict, relaxed]) {
      findings.judge(await checkBooks(bench.engine, seeded, charged * UNITS_PER_REQUEST));
    }
    report(measured, findings);
  } finally {
    await Promise.all([strict.close(), relaxed.close()]);
  }
}

async function openSide(
  persistence: 'always' | 'everysec',
  {
    accounts,
    requests,
    findings,
  }: { readonly accounts: number; readonly requests: number; readonly findings: Findings },
): Promise<Side> {
  const server = await startRedisProcess({ persistence });
  const settings = { accounts, requests, rounds: 1, accountsMax: accounts };
  const bench = await openBench(server, { ...settings, pipeline: 32, concurrency: 64 }, findings);
  const seeded = await seed(bench, {});
  const redis = createRedisClient(
    { url: server.url, commandTimeoutMs: 5_000, name: 'bench' },
    { logger: createLogger({ level: 'silent' }) },
  );
  await redis.connect();
  const close = async (): Promise<void> => {
    redis.disconnect();
    await server.stop();
  };
  return { bench, engine: { ...bench.engine, redis }, seeded, charged: 0, close };
}

async function compare(
  { strict, relaxed }: { readonly strict: Side; readonly relaxed: Side },
  { concurrency, rounds }: { readonly concurrency: number; readonly rounds: number },
): Promise<Measured> {
  const measured = { strict: [] as Round[], relaxed: [] as Round[] };
  const latencies: number[] = [];
  for (let round = 0; round <= rounds; round += 1) {
    const always = await measureRound(strict, concurrency, round === 0 ? null : latencies);
    const everysec = await measureRound(relaxed, concurrency, null);
    if (round === 0) continue;
    measured.strict.push(always);
    measured.relaxed.push(everysec);
  }
  return { concurrency, ...measured, latencies };
}

async function measureRound(
  side: Side,
  concurrency: number,
  latencies: number[] | null,
): Promise<Round> {
  const { bench, engine } = side;
  const { requests, accounts } = bench.settings;
  const { client } = bench.server;
  const end = side.charged + requests;
  const worker = async (): Promise<void> => {
    while (side.charged < end) {
      const cursor = side.charged;
      side.charged += 1;
      const account = cursor % accounts;
      const at = performance.now();
      const outcome = await charge(
        engine,
        chargeRequest({
          account,
          sessionId: sessionIdOf(account),
          number: 1 + Math.floor(cursor / accounts),
          phase: 'update',
          services: 1,
          used: UNITS_PER_REQUEST,
          want: UNITS_PER_REQUEST,
        }),
      );
      latencies?.push(performance.now() - at);
      if (outcome.kind !== 'answered' || outcome.repeated) bench.findings.errors += 1;
    }
  };
  const redisBefore = await serverCpuUs(client);
  const nodeBefore = process.cpuUsage();
  const started = performance.now();
  await Promise.all(Array.from({ length: concurrency }, worker));
  const seconds = (performance.now() - started) / 1_000;
  const node = process.cpuUsage(nodeBefore);
  return {
    perSecond: requests / seconds,
    nodeCpuUs: (node.user + node.system) / requests,
    redisCpuUs: ((await serverCpuUs(client)) - redisBefore) / requests,
  };
}

function report(measured: readonly Measured[], findings: Findings): void {
  const middle = (rounds: readonly Round[], field: keyof Round): number =>
    median(rounds.map((round) => round[field]));
  const levels = measured.map(({ concurrency, strict, relaxed, latencies }) => ({
    concurrency,
    value: Math.round(middle(strict, 'perSecond')),
    reference: Math.round(middle(relaxed, 'perSecond')),
    ratio: median(
      strict.map(({ perSecond }, place) => perSecond / (relaxed[place]?.perSecond ?? NaN)),
    ),
    goal: GOALS[concurrency] ?? null,
    p50Ms: percentile(latencies, 50),
    p95Ms: percentile(latencies, 95),
    p99Ms: percentile(latencies, 99),
    cpuUs: { node: middle(strict, 'nodeCpuUs'), redis: middle(strict, 'redisCpuUs') },
    relaxedCpuUs: { node: middle(relaxed, 'nodeCpuUs'), redis: middle(relaxed, 'redisCpuUs') },
  }));
  for (const { concurrency, value, reference, ratio, goal } of levels) {
    console.log(
      `${concurrency} at once: strict ${value}/s, relaxed ${reference}/s, ratio ` +
        `${ratio.toFixed(2)}${goal === null ? '' : ` (goal ${goal})`}`,
    );
  }
  const [first] = levels;
  if (first === undefined) throw new Error('nothing was measured');
  const { concurrency: _, goal: __, relaxedCpuUs: ___, ...figures } = first;
  const balanced = findings.differences.length === 0;
  console.log(
    JSON.stringify({
      bench: 'durability',
      unit: 'requests/s',
      ...figures,
      errors: findings.errors,
      balanced,
      levels,
    }),
  );
  if (findings.errors > 0 || !balanced) process.exitCode = 1;
}
