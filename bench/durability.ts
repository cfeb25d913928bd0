/**
 * What does it cost that no answer leaves before its fsync? The same charges through one Node
 * process, so many at once, over a Redis under strict (appendfsync always) and one under relaxed
 * (everysec), in alternating rounds.
 */
import { parseArgs } from 'node:util';
import { checkBooks } from './charge-books.js';
import { UNITS_PER_REQUEST, type Seeded } from './charge-workload.js';
import { Findings, openBench, seed, type Bench } from './engine-rounds.js';
import { measureFaceRound, openFace, type FaceRound, type OpenFace } from './face-rounds.js';
import { median, percentile } from './median.js';
import { startRedisProcess } from './redis-process.js';

const HELP = `usage: npm run bench -- durability [flags]
  --concurrency a,b   requests at once (default 64,512)
  --connections a,b   to each Redis (default 4)
  --rounds N          rounds of each level, after one that warms up (default 5)
  --requests N        requests per round (default 20000)
  --accounts N        accounts (default 10000)`;

/** What strict is to keep of the throughput of relaxed, by requests at once. */
const GOALS: Readonly<Record<number, number>> = { 64: 0.6, 512: 0.9 };

interface Side {
  readonly bench: Bench;
  /** By how many connections it has. */
  readonly faces: ReadonlyMap<number, OpenFace>;
  readonly seeded: Seeded;
  /** Requests so far. */
  charged: number;
  close(): Promise<void>;
}

interface Measured {
  readonly concurrency: number;
  readonly connections: number;
  readonly strict: FaceRound[];
  readonly relaxed: FaceRound[];
  /** Of the requests under strict, in ms. */
  readonly latencies: number[];
}

export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      concurrency: { type: 'string', default: '64,512' },
      connections: { type: 'string', default: '4' },
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
  const connections = values.connections.split(',').map(Number);
  const findings = new Findings();
  const options = { accounts, requests, connections, findings };
  const strict = await openSide('always', options);
  const relaxed = await openSide('everysec', options);
  try {
    const measured: Measured[] = [];
    for (const concurrency of values.concurrency.split(',').map(Number)) {
      measured.push(...(await compare({ strict, relaxed }, { concurrency, connections, rounds })));
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
  options: {
    readonly accounts: number;
    readonly requests: number;
    readonly connections: readonly number[];
    readonly findings: Findings;
  },
): Promise<Side> {
  const { accounts, requests, connections, findings } = options;
  const server = await startRedisProcess({ persistence });
  const settings = { accounts, requests, rounds: 1, accountsMax: accounts };
  const bench = await openBench(server, { ...settings, pipeline: 32, concurrency: 64 }, findings);
  const seeded = await seed(bench, {});
  const faces = new Map<number, OpenFace>();
  for (const count of connections) faces.set(count, await openFace(bench, { connections: count }));
  const close = async (): Promise<void> => {
    for (const face of faces.values()) await face.close();
    await server.stop();
  };
  return { bench, faces, seeded, charged: 0, close };
}

async function compare(
  { strict, relaxed }: { readonly strict: Side; readonly relaxed: Side },
  options: {
    readonly concurrency: number;
    readonly connections: readonly number[];
    readonly rounds: number;
  },
): Promise<readonly Measured[]> {
  const { concurrency, rounds } = options;
  const measured = options.connections.map((connections): Measured => ({
    ...{ concurrency, connections },
    ...{ strict: [], relaxed: [], latencies: [] },
  }));
  for (let round = 0; round <= rounds; round += 1) {
    for (const each of measured) {
      const latencies = round === 0 ? null : each.latencies;
      const always = await measureRound(strict, each, latencies);
      const everysec = await measureRound(relaxed, each, null);
      if (round === 0) continue;
      each.strict.push(always);
      each.relaxed.push(everysec);
    }
  }
  return measured;
}

async function measureRound(
  side: Side,
  { concurrency, connections }: Measured,
  latencies: number[] | null,
): Promise<FaceRound> {
  const { bench, faces } = side;
  const face = faces.get(connections);
  if (face === undefined) throw new Error(`no face with ${connections} connections`);
  const first = side.charged;
  side.charged += bench.settings.requests;
  return measureFaceRound(bench, face.engine, { first, concurrency, latencies });
}

function report(measured: readonly Measured[], findings: Findings): void {
  const middle = (rounds: readonly FaceRound[], field: keyof FaceRound): number =>
    median(rounds.map((round) => round[field]));
  const levels = measured.map(({ concurrency, connections, strict, relaxed, latencies }) => ({
    concurrency,
    connections,
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
  for (const { concurrency, connections, value, reference, ratio, goal } of levels) {
    console.log(
      `${concurrency} at once, ${connections} connections: strict ${value}/s, relaxed ${reference}/s, ratio ` +
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
