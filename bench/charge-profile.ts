/**
 * Where does a charge spend its time? The charge script is cut off before each statement of one
 * function in turn; what a statement costs is the difference between two neighbouring cuts.
 */
import { parseArgs } from 'node:util';
import type { Engine } from '../src/charging/engine.js';
import { createKeys } from '../src/charging/keys.js';
import { readScripts } from '../src/charging/script-loader.js';
import { cutSource, type Cut } from './cut-source.js';
import { createUpdateFeed } from './charge-feed.js';
import {
  KEY_PREFIX,
  nameTerms,
  seedAccounts,
  STANDARD_SHAPE,
  type WorkloadShape,
} from './charge-workload.js';
import { drive } from './pipeline-driver.js';
import { microsecondsPerCall, startRedisProcess } from './redis-process.js';

const CUT = "do return { 1, '' } end\n";

interface TimedCut extends Cut {
  microseconds: number;
}

export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      function: { type: 'string', default: 'charge_plainly' },
      rounds: { type: 'string', default: '8' },
      accounts: { type: 'string', default: '3000' },
      buckets: { type: 'string', default: String(STANDARD_SHAPE.buckets) },
      services: { type: 'string', default: String(STANDARD_SHAPE.services) },
      'used-up': { type: 'string', default: String(STANDARD_SHAPE.usedUp) },
    },
  });
  const shape: WorkloadShape = {
    accounts: Number(values.accounts),
    buckets: Number(values.buckets),
    services: Number(values.services),
    usedUp: Number(values['used-up']),
    shared: false,
  };
  const scripts = readScripts();
  const cuts: TimedCut[] = cutSource(scripts.library.source, values.function, CUT).map((cut) => ({
    ...cut,
    microseconds: Infinity,
  }));
  const server = await startRedisProcess({ persistence: 'none' });
  let errors = 0;
  try {
    const engine: Engine = {
      redis: server.client,
      scripts,
      keys: createKeys(KEY_PREFIX),
      limits: { requestTimeoutMs: 10_000 },
    };
    for (let round = 0; round < Number(values.rounds); round += 1) {
      for (const cut of cuts) {
        await server.client.function('LOAD', 'REPLACE', scripts.library.source);
        await seedAccounts(engine, server.port, shape);
        await server.client.function('LOAD', 'REPLACE', cut.source);
        await nameTerms(engine, shape.accounts);
        const feed = createUpdateFeed(scripts.functionName, shape);
        const commands = await feed.commands(shape.accounts);
        await server.client.config('RESETSTAT');
        const driven = await drive({
          port: server.port,
          commands,
          expect: feed.expect,
          pipeline: 32,
        });
        errors += driven.errors;
        // Other work on the machine only ever adds: the least of several rounds is the nearest.
        const microseconds = await microsecondsPerCall(server.client, 'fcall');
        cut.microseconds = Math.min(cut.microseconds, microseconds);
      }
    }
  } finally {
    await server.stop();
  }
  report(cuts, values.function, errors);
}

function report(cuts: readonly TimedCut[], profiled: string, errors: number): void {
  const [entry] = cuts;
  const whole = cuts.at(-1);
  if (entry === undefined || whole === undefined) throw new Error('nothing was measured');
  const costs = cuts.slice(0, -1).map((cut, place) => ({
    statement: cut.statement,
    microseconds: (cuts[place + 1]?.microseconds ?? 0) - cut.microseconds,
  }));
  console.log(`${entry.microseconds.toFixed(1).padStart(6)} us  before ${profiled} begins`);
  let reached = entry.microseconds;
  for (const { statement, microseconds } of costs) {
    reached += microseconds;
    const columns = [microseconds, reached].map((value) => value.toFixed(1).padStart(6));
    console.log(`${columns.join(' us ')} us  ${statement.slice(0, 80)}`);
  }
  const dearest = costs.reduce((a, b) => (b.microseconds > a.microseconds ? b : a));
  if (errors > 0) process.exitCode = 1;
  console.log(
    JSON.stringify({
      bench: 'charge-profile',
      value: Number(whole.microseconds.toFixed(2)),
      unit: 'us of Redis per charge',
      entryUs: Number(entry.microseconds.toFixed(2)),
      dearest: dearest.statement,
      dearestUs: Number(dearest.microseconds.toFixed(2)),
      errors,
    }),
  );
}
