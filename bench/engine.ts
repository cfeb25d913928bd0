/**
 * How fast is the charging engine, and where does its time go? The charge script against the bare
 * one in alternating rounds; then its growth with buckets, services and accounts, its kinds of
 * request, a hot account, and the whole way through one Node process.
 */
import { parseArgs } from 'node:util';
import { checkBooks } from './charge-books.js';
import { createUpdateFeed } from './charge-feed.js';
import { measureDriver, type Calibration } from './engine-calibration.js';
import { measureFace, type Face } from './engine-face.js';
import {
  measureAccounts,
  measureBuckets,
  measureHotAccount,
  measureServices,
} from './engine-growth.js';
import { measureKinds } from './engine-kinds.js';
import {
  Findings,
  measureAgainstBare,
  medianRatio,
  openBench,
  rowOf,
  seed,
  type Bench,
  type Settings,
} from './engine-rounds.js';
import { median } from './median.js';
import { persistenceOf, startRedisProcess, type Persistence } from './redis-process.js';

const SECTIONS = [
  'ratio',
  'driver',
  'kinds',
  'buckets',
  'services',
  'accounts',
  'hot',
  'face',
] as const;

const HELP = `usage: npm run bench -- engine [flags]
  --only a,b          of ${SECTIONS.join(', ')} (default: all)
  --aof a,b           of none, everysec, always: the ratio under each, the rest under the first
                      (default: none,always)
  --rounds N          rounds of each script, after one that warms up (default 5)
  --requests N        requests per round (default 20000)
  --accounts N        accounts (default 10000)
  --accounts-max N    largest number in the section accounts (default 1000000)
  --pipeline N        commands in one write; four writes are on their way (default 32)
  --concurrency N     requests at once through the Node process (default 64)`;

export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string', default: SECTIONS.join(',') },
      aof: { type: 'string', default: 'none,always' },
      rounds: { type: 'string', default: '5' },
      requests: { type: 'string', default: '20000' },
      accounts: { type: 'string', default: '10000' },
      'accounts-max': { type: 'string', default: '1000000' },
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
  let calibration: readonly Calibration[] = [];
  let face: Face | null = null;
  for (const [place, persistence] of values.aof.split(',').map(persistenceOf).entries()) {
    const server = await startRedisProcess({ persistence });
    try {
      const bench = await openBench(server, settings, findings);
      if (sections.has('ratio')) ratios.push(await measureRatio(bench, persistence));
      if (place > 0) continue;
      if (sections.has('driver')) calibration = await measureDriver(bench);
      if (sections.has('kinds')) await measureKinds(bench);
      if (sections.has('buckets')) await measureBuckets(bench);
      if (sections.has('services')) await measureServices(bench);
      if (sections.has('accounts')) await measureAccounts(bench);
      if (sections.has('hot')) await measureHotAccount(bench);
      if (sections.has('face')) face = await measureFace(bench);
    } finally {
      await server.stop();
    }
  }
  report({ findings, ratios, calibration, face });
}

interface Ratio {
  readonly persistence: Persistence;
  readonly charge: number;
  readonly bare: number;
  /** Charges per second over those of the bare script: the median over the rounds. */
  readonly ratio: number;
  readonly ratioOfRedisTime: number;
  /** The same of the server's CPU, which other work on the machine moves less. */
  readonly ratioOfRedisCpu: number;
  readonly chargeUs: number;
  readonly bareUs: number;
  readonly redisCpuUs: number;
  readonly driverCpuUs: number;
}

async function measureRatio(bench: Bench, persistence: Persistence): Promise<Ratio> {
  const { accounts, rounds } = bench.settings;
  const seeded = await seed(bench, {});
  const feed = createUpdateFeed(bench.functionOf, { accounts, services: 1 });
  const comparison = await measureAgainstBare(bench, { feed, seeded, rounds });
  const { ours, bare } = comparison;
  const charged = rowOf('ratio', `charge, AOF ${persistence}`, comparison);
  const bared = rowOf('ratio', `bare, AOF ${persistence}`, { ours: bare, bare });
  bench.findings.add(charged);
  bench.findings.add(bared);
  bench.findings.judge(await checkBooks(bench.engine, seeded, feed.reported()));
  return {
    persistence,
    charge: charged.perSecond,
    bare: bared.perSecond,
    ratio: medianRatio(ours, bare, 'perSecond'),
    ratioOfRedisTime: medianRatio(bare, ours, 'microseconds'),
    ratioOfRedisCpu: charged.ratioOfRedisCpu,
    chargeUs: charged.microseconds,
    bareUs: bared.microseconds,
    redisCpuUs: charged.redisCpuUs,
    driverCpuUs: median(ours.map((sample) => sample.driverCpuUs)),
  };
}

function rounded(value: number | undefined, digits = 2): number | null {
  return value === undefined ? null : Number(value.toFixed(digits));
}

/** The line that other programs read: the last one of the output. */
function report(results: {
  readonly findings: Findings;
  readonly ratios: readonly Ratio[];
  readonly calibration: readonly Calibration[];
  readonly face: Face | null;
}): void {
  const { findings, ratios, calibration, face } = results;
  const [first] = ratios;
  const balanced = findings.differences.length === 0;
  if (findings.errors > 0 || !balanced) process.exitCode = 1;
  console.log(
    JSON.stringify({
      bench: 'engine',
      value: rounded(first?.charge, 0),
      unit: 'charges/s of the script alone, pipelined',
      reference: rounded(first?.bare, 0),
      ratio: rounded(first?.ratio, 3),
      p50Ms: rounded(face?.p50Ms),
      p95Ms: rounded(face?.p95Ms),
      p99Ms: rounded(face?.p99Ms),
      errors: findings.errors,
      balanced,
      cpuUs: {
        redis: rounded(first?.redisCpuUs, 1),
        driver: rounded(first?.driverCpuUs, 1),
        node: rounded(face?.nodeCpuUs, 1),
      },
      ratios: ratios.map((one) => ({
        persistence: one.persistence,
        charge: rounded(one.charge, 0),
        bare: rounded(one.bare, 0),
        ratio: rounded(one.ratio, 3),
        ratioOfRedisTime: rounded(one.ratioOfRedisTime, 3),
        ratioOfRedisCpu: rounded(one.ratioOfRedisCpu, 3),
        chargeUs: rounded(one.chargeUs),
        bareUs: rounded(one.bareUs),
      })),
      driver: calibration.map((one) => ({
        name: one.name,
        perSecond: rounded(one.driver, 0),
        redisBenchmark: rounded(one.redisBenchmark, 0),
        ratio: rounded(one.ratio, 2),
      })),
      face: face === null ? null : { perSecond: rounded(face.perSecond, 0), ...rest(face) },
      rows: findings.rows.map((row) => ({
        ...row,
        perSecond: rounded(row.perSecond, 0),
        microseconds: rounded(row.microseconds),
        redisCpuUs: rounded(row.redisCpuUs, 1),
        ratioOfRedisCpu: rounded(row.ratioOfRedisCpu, 3),
      })),
    }),
  );
}

function rest(face: Face): Readonly<Record<string, number | null>> {
  return {
    nodeCpuUs: rounded(face.nodeCpuUs, 1),
    redisCpuUs: rounded(face.redisCpuUs, 1),
    scriptUs: rounded(face.scriptUs, 1),
  };
}
