/**
 * At what rate do tolld and FreeRADIUS with SQL answer accounting requests in time? Reports leave on
 * schedule, at rising rates. `npm run bench -- radius-rates [--rates N,…] [--seconds N] [--rounds N]
 * [--sessions N] [--limit-ms N] [--users N] [--alone]`
 */
import { parseArgs } from 'node:util';
import { PACKET_CODES } from '../src/radius/packet-code.js';
import { SharedSecret } from '../src/radius/shared-secret.js';
import { median } from './median.js';
import { LANES_PER_SOCKET, runOpenLoad, type OpenLoadResult } from './radius-open-load.js';
import { compareBooks, withRivals, type Rivals } from './radius-rivals.js';
import {
  interimRequest,
  noteReported,
  openSessions,
  type OpenSession,
  type Side,
} from './radius-rounds.js';

const SECRET = 'a secret of the measurement';

interface Settings {
  /** Reports per second that are offered, rising. */
  readonly rates: readonly number[];
  readonly seconds: number;
  readonly rounds: number;
  /** They report in turns. */
  readonly sessions: number;
  /** A rate holds while its p99, the median of the rounds, is no longer. */
  readonly limitMs: number;
  readonly users: number;
  readonly alone: boolean;
}

function readSettings(args: readonly string[]): Settings {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rates: { type: 'string', default: '1000,2000,3000,4000,5000,6000,8000,10000' },
      seconds: { type: 'string', default: '4' },
      rounds: { type: 'string', default: '3' },
      sessions: { type: 'string', default: '512' },
      'limit-ms': { type: 'string', default: '50' },
      users: { type: 'string', default: '2000' },
      alone: { type: 'boolean', default: false },
    },
  });
  return {
    rates: values.rates.split(',').map(Number),
    seconds: Number(values.seconds),
    rounds: Number(values.rounds),
    sessions: Number(values.sessions),
    limitMs: Number(values['limit-ms']),
    users: Number(values.users),
    alone: values.alone,
  };
}

/** A server, its sessions, and what it did at each rate; it is offered no more once it has not held one. */
interface Runner {
  readonly name: string;
  readonly side: Side;
  readonly sessions: readonly OpenSession[];
  readonly results: Map<number, readonly OpenLoadResult[]>;
  hasFailed: boolean;
}

export async function run(args: readonly string[]): Promise<void> {
  const settings = readSettings(args);
  await withRivals({ ...settings, secret: SECRET, cpuProfile: null, heapProfile: null }, (rivals) =>
    measure(settings, rivals),
  );
}

async function measure(settings: Settings, rivals: Rivals): Promise<void> {
  const sides = { tolld: rivals.ours, freeradius: rivals.theirs?.recording };
  const runners: Runner[] = [];
  for (const [name, side] of Object.entries(sides)) {
    if (side === undefined) continue;
    const { sessions: slots, users } = settings;
    const sessions = await openSessions(side, { slots, users, secret: SECRET });
    runners.push({ name, side, sessions, results: new Map(), hasFailed: false });
  }
  // Warms up.
  for (const runner of runners) await offer(runner, settings.rates[0] ?? 1_000, settings);
  for (const rate of settings.rates) {
    for (let round = 0; round < settings.rounds; round += 1) {
      for (const runner of runners) {
        if (runner.hasFailed) continue;
        const result = await offer(runner, rate, settings);
        runner.results.set(rate, [...(runner.results.get(rate) ?? []), result]);
      }
    }
    console.error(`${rate}/s: ${runners.map((runner) => shown(runner, rate)).join('; ')}`);
    for (const runner of runners) runner.hasFailed ||= !holds(runner, rate, settings);
  }
  for (const { side, sessions } of runners) noteReported(side, sessions);
  report(settings, { runners, books: await compareBooks(rivals) });
}

async function offer(
  { side, sessions }: Runner,
  perSecond: number,
  { seconds }: Settings,
): Promise<OpenLoadResult> {
  const secret = new SharedSecret(SECRET);
  const each = Math.ceil((perSecond * seconds) / sessions.length);
  const lanes = sessions.map((session, lane) =>
    Array.from({ length: each }, () =>
      interimRequest(session, { secret, slot: lane % LANES_PER_SOCKET }),
    ),
  );
  return await runOpenLoad({
    port: side.server.accountingPort,
    perSecond,
    lanes,
    expectedCode: PACKET_CODES['Accounting-Response'],
  });
}

function figuresAt({ results }: Runner, rate: number) {
  const all = results.get(rate);
  if (all === undefined) return null;
  const middle = (of: (one: OpenLoadResult) => number): number =>
    Number(median(all.map(of)).toFixed(2));
  return {
    p50Ms: middle(({ p50Ms }) => p50Ms),
    p95Ms: middle(({ p95Ms }) => p95Ms),
    p99Ms: middle(({ p99Ms }) => p99Ms),
    resent: all.reduce((sum, { resent }) => sum + resent, 0),
  };
}

function holds(runner: Runner, rate: number, { limitMs }: Settings): boolean {
  const figures = figuresAt(runner, rate);
  return figures !== null && figures.p99Ms <= limitMs;
}

function shown(runner: Runner, rate: number): string {
  const figures = figuresAt(runner, rate);
  if (figures === null) return `${runner.name} no more`;
  return `${runner.name} p50 ${figures.p50Ms} ms, p99 ${figures.p99Ms} ms`;
}

function report(
  settings: Settings,
  { runners, books }: { readonly runners: readonly Runner[]; readonly books: unknown },
): void {
  const highest = runners.map((runner) =>
    Math.max(0, ...settings.rates.filter((rate) => holds(runner, rate, settings))),
  );
  const [value = 0, reference] = highest;
  const all = runners.flatMap(({ results }) => [...results.values()].flat());
  const errors = all.reduce((sum, { unexpected }) => sum + unexpected, 0);
  console.log(
    JSON.stringify({
      bench: 'radius-rates',
      unit: `reports per second with a p99 of ${settings.limitMs} ms at the most`,
      value,
      ...(reference !== undefined && {
        reference,
        ratio: Number((value / reference).toFixed(2)),
      }),
      rates: settings.rates.map((rate) => ({
        perSecond: rate,
        ...Object.fromEntries(runners.map((runner) => [runner.name, figuresAt(runner, rate)])),
      })),
      errors,
      books,
    }),
  );
  if (errors > 0 || books !== 'balanced') process.exitCode = 1;
}
