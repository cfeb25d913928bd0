/**
 * Our driver against redis-benchmark with the same command. redis-benchmark repeats one for ever, and
 * its arguments end at an octet of 0: only what is text and may be repeated can be asked of both. That
 * is the bare script, which knows no duplicates, and the snapshot of an account.
 */
import { partitionOf } from '../src/charging/keys.js';
import { readAccount } from '../src/charging/snapshot.js';
import { createBareFeed } from './charge-feed.js';
import { accountIdOf, encodeCall, PARTITIONS, UNITS_PER_REQUEST } from './charge-workload.js';
import { seed, type Bench } from './engine-rounds.js';
import { median } from './median.js';
import { drive } from './pipeline-driver.js';
import { redisBenchmark } from './redis-benchmark.js';

export interface Calibration {
  readonly name: string;
  /** Commands per second, medians of the rounds. */
  readonly driver: number;
  readonly redisBenchmark: number;
  /** Ours over that of redis-benchmark, round by round. */
  readonly ratio: number;
}

const WRITES_IN_FLIGHT = 4;

export async function measureDriver(bench: Bench): Promise<Calibration[]> {
  const { accounts } = (await seed(bench, { accounts: 100 })).shape;
  const [bare] = await createBareFeed(bench.bareSha, accounts).commands(1);
  const accountId = accountIdOf(0);
  const home = partitionOf(accountId, PARTITIONS);
  const snapshot = await encodeCall(
    (engine) => readAccount(engine, home, accountId),
    bench.functionOf('snapshot'),
  );
  if (bare === undefined) throw new Error('the feed of the bare script is empty');
  return [
    await compare(bench, { name: 'bare script', command: bare, expect: `:${UNITS_PER_REQUEST}` }),
    await compare(bench, { name: 'snapshot of an account', command: snapshot, expect: '*2' }),
  ];
}

async function compare(
  bench: Bench,
  options: { readonly name: string; readonly command: Buffer; readonly expect: string },
): Promise<Calibration> {
  const { name, command, expect } = options;
  const { requests, rounds, pipeline } = bench.settings;
  const { port } = bench.server;
  const commands = Array.from({ length: requests }, () => command);
  const byDriver: number[] = [];
  const byBenchmark: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const driven = await drive({
      port,
      commands,
      expect,
      pipeline,
      writesInFlight: WRITES_IN_FLIGHT,
    });
    bench.findings.errors += driven.errors;
    byDriver.push(driven.perSecond);
    byBenchmark.push(
      await redisBenchmark({
        port,
        requests,
        randomBelow: 1,
        pipeline,
        connections: WRITES_IN_FLIGHT,
        command: partsOf(command),
      }),
    );
  }
  const calibration = {
    name,
    driver: median(byDriver),
    redisBenchmark: median(byBenchmark),
    ratio: median(byDriver.map((value, round) => value / (byBenchmark[round] ?? NaN))),
  };
  console.log(
    `driver    ${name.padEnd(36)} ${Math.round(calibration.driver)}/s, redis-benchmark ` +
      `${Math.round(calibration.redisBenchmark)}/s, x ${calibration.ratio.toFixed(2)}`,
  );
  return calibration;
}

const LINE_END = '\r\n';

/** The arguments of an encoded command. */
function partsOf(command: Buffer): string[] {
  const parts: string[] = [];
  let at = command.indexOf(LINE_END) + LINE_END.length;
  while (at < command.length) {
    const end = command.indexOf(LINE_END, at);
    const length = Number(command.toString('latin1', at + 1, end));
    const start = end + LINE_END.length;
    parts.push(command.toString('latin1', start, start + length));
    at = start + length + LINE_END.length;
  }
  return parts;
}
