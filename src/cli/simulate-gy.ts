/** `tolld simulate gy`: a gateway that isn't there, for trying an installation and for load. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Command, InvalidArgumentError, Option } from 'commander';
import {
  createGySimulator,
  SESSION_ENDS,
  type SimulationResult,
  type SimulatorEvent,
} from '../local/gy-simulator/simulator.js';
import type { SessionEnd } from '../local/gy-simulator/session.js';
import {
  compareTally,
  type TallyDifference,
  type TallySession,
} from '../local/gy-simulator/tally.js';
import type { SimulatedSubscriber, SimulatedUnit } from '../local/gy-simulator/traffic.js';
import { createLogger } from '../observability/logger.js';
import { readSessionUsage } from '../records/session-usage.js';
import { EXIT, type CommandContext } from './context.js';
import { parseCount, parseRate, parseShare } from './flag-values.js';
import { formatJson } from './output.js';
import { withRecord } from './record-access.js';
import {
  describeDifferences,
  describeExchange,
  describeProgress,
  describeResult,
} from './simulation-report.js';
import { openTopUps, type TopUps } from './simulated-top-ups.js';
import { TRAFFIC, TRAFFIC_WORDS, type TrafficWord } from './simulated-traffic.js';
import { listenForStop } from './stop-signal.js';

interface SimulateFlags {
  readonly node?: readonly { readonly host: string; readonly port: number }[];
  readonly originHost: string;
  readonly originRealm: string;
  readonly destinationRealm?: string;
  readonly subscriber?: readonly SimulatedSubscriber[];
  readonly traffic: readonly TrafficWord[];
  readonly sessions: number;
  readonly concurrent: number;
  readonly perSecond?: number;
  readonly thinkMs: number;
  readonly repeatShare: number;
  readonly alternate?: boolean;
  readonly topUp?: string;
  readonly topUpEvery: number;
  readonly compare?: boolean;
  readonly compareSeconds: number;
  readonly expect?: SessionEnd;
  readonly progressSeconds: number;
  readonly seed: number;
  readonly quiet?: boolean;
  readonly json?: boolean;
}

/** Alice of examples/operator.yaml. */
const SUBSCRIBER: SimulatedSubscriber = { imsi: '262420000000001', msisdn: '491700000001' };

type Nodes = NonNullable<SimulateFlags['node']>;

function parseNode(text: string, before: Nodes = []): Nodes {
  const match = /^(?:\[([0-9a-fA-F:]+)\]|([^:\s]+)):(\d{1,5})$/.exec(text);
  if (match === null) throw new InvalidArgumentError('give HOST:PORT');
  return [...before, { host: match[1] ?? match[2] ?? '', port: Number(match[3]) }];
}

function parseSubscriber(
  text: string,
  before: readonly SimulatedSubscriber[] = [],
): readonly SimulatedSubscriber[] {
  const match = /^(\d{5,15}):(\d{5,15})$/.exec(text);
  if (match === null) throw new InvalidArgumentError('give IMSI:MSISDN, digits only');
  return [...before, { imsi: match[1] ?? '', msisdn: match[2] ?? '' }];
}

function options(command: Command): Command {
  return command
    .option('--node <host:port>', 'node to connect to; several times for several', parseNode)
    .option('--origin-host <name>', 'who the gateway says it is', 'gateway.demo.internal')
    .option('--origin-realm <name>', 'realm of the gateway', 'demo.internal')
    .option('--destination-realm <name>', 'realm of tolld (default: diameter.originRealm)')
    .option(
      '--subscriber <imsi:msisdn>',
      'who uses the network; several times for several (default: alice of the example)',
      parseSubscriber,
    )
    .addOption(
      new Option('--traffic <kind...>', 'what they do').choices(TRAFFIC_WORDS).default(['data']),
    )
    .option('--sessions <count>', 'sessions in all; 0 goes on until Ctrl-C', parseCount, 1)
    .option('--concurrent <count>', 'sessions at one time', parseCount, 1)
    .option(
      '--per-second <rate>',
      'sessions that begin each second, however late answers are',
      parseRate,
    )
    .option('--think-ms <ms>', 'pause between the requests of a session', parseCount, 0)
    .option('--repeat-share <share>', 'share of requests sent twice, from 0 to 1', parseShare, 0)
    .option('--alternate', 'send each request over the next connection')
    .option('--seed <number>', 'the same number makes the same choices', parseCount, 1)
    .option('--top-up <amount>', 'book this much money for a subscriber in between', parseMoney)
    .option('--top-up-every <count>', 'sessions between two top-ups', parseCount, 5)
    .option('--compare', 'hold what the record has against what was used')
    .option('--compare-seconds <s>', 'how long the record may take to have it', parseCount, 10)
    .addOption(
      new Option('--expect <end>', 'fail unless every session ends so').choices(SESSION_ENDS),
    )
    .option('--progress-seconds <s>', 'with --quiet: a line of totals so often', parseCount, 10)
    .option('--quiet', 'print totals and the summary only')
    .option('--json', 'print the result as JSON');
}

function parseMoney(text: string): string {
  if (!/^\d{1,9}(\.\d{1,6})?$/.test(text))
    throw new InvalidArgumentError('give money, as 5 or 2.50');
  return text;
}

async function simulate(context: CommandContext, flags: SimulateFlags): Promise<SimulationResult> {
  const topUps =
    flags.topUp === undefined
      ? null
      : openTopUps(context.readConfig().config, {
          amount: flags.topUp,
          everySessions: Math.max(1, flags.topUpEvery),
          run: `${Date.now()}-${flags.seed}`,
        });
  try {
    const result = await play(context, flags, topUps);
    if (topUps !== null && flags.json !== true)
      context.terminal.out(`${topUps.booked} top-ups booked`);
    return result;
  } finally {
    await topUps?.close();
  }
}

async function play(
  context: CommandContext,
  flags: SimulateFlags,
  topUps: TopUps | null,
): Promise<SimulationResult> {
  const { terminal, readConfig } = context;
  const { diameter } = readConfig().config;
  const quiet = flags.quiet === true || flags.json === true;
  const show = (event: SimulatorEvent): void => {
    if (quiet) return;
    const line = describeExchange(event);
    if (line !== null) terminal.out(line);
  };
  const simulator = createGySimulator(
    {
      // Nothing listens on "any address" itself.
      nodes: flags.node ?? [{ host: '127.0.0.1', port: diameter.listenPort }],
      originHost: flags.originHost,
      originRealm: flags.originRealm,
      destinationRealm: flags.destinationRealm ?? diameter.originRealm,
      subscribers: flags.subscriber ?? [SUBSCRIBER],
      traffic: flags.traffic.map((word) => TRAFFIC[word]),
      sessions: flags.sessions === 0 ? null : flags.sessions,
      concurrent: flags.concurrent,
      sessionsPerSecond: flags.perSecond ?? null,
      thinkMs: { min: flags.thinkMs, max: flags.thinkMs },
      retransmitShare: flags.repeatShare,
      routing: flags.alternate === true ? 'alternate' : 'sticky',
      seed: flags.seed,
    },
    {
      logger: createLogger({ level: 'silent' }),
      onEvent: show,
      ...(topUps !== null && { beforeSession: topUps.beforeSession }),
    },
  );
  const stop = listenForStop({ onImpatience: () => process.exit(EXIT.failed) });
  void stop.received.then(() => simulator.stop());
  const progress =
    flags.quiet === true && flags.json !== true && flags.progressSeconds > 0
      ? setInterval(() => {
          terminal.out(describeProgress(simulator.statistics()));
        }, flags.progressSeconds * 1_000)
      : undefined;
  try {
    return await simulator.run();
  } finally {
    clearInterval(progress);
    stop.dispose();
  }
}

const COMPARISON_INTERVAL_MS = 200;

/** Looks until the record has all of it, or the time is over. */
async function compare(
  context: CommandContext,
  tally: readonly TallySession[],
  { since, seconds }: { readonly since: Date; readonly seconds: number },
): Promise<readonly TallyDifference[]> {
  const sessionIds = tally.map(({ sessionId }) => sessionId);
  const deadline = Date.now() + seconds * 1_000;
  return withRecord(context, async (pool) => {
    for (;;) {
      const charged = await readSessionUsage(pool, { sessionIds, since });
      const differences = compareTally(
        tally,
        charged.map((one) => ({ ...one, unit: one.unit as SimulatedUnit, cost: null })),
      );
      if (differences.length === 0 || Date.now() >= deadline) return differences;
      await sleep(COMPARISON_INTERVAL_MS);
    }
  });
}

/** Why the run counts as failed; null where all went as it should. */
function failureOf(
  { statistics }: SimulationResult,
  { expect }: SimulateFlags,
  differences: readonly TallyDifference[] | null,
): string | null {
  const { sessionsStarted, sessionsEnded } = statistics;
  if (differences !== null && differences.length > 0) {
    return `${differences.length} services were charged otherwise than they were used`;
  }
  if (expect !== undefined) {
    const others = sessionsStarted - sessionsEnded[expect];
    if (others > 0) return `${others} of ${sessionsStarted} sessions did not end as ${expect}`;
  }
  if (statistics.repeatMismatches > 0) {
    return `${statistics.repeatMismatches} requests were answered differently when sent again`;
  }
  if (statistics.malformed > 0) return `${statistics.malformed} answers were not well formed`;
  if (expect === 'unanswered' || statistics.unanswered === 0) return null;
  return `${statistics.unanswered} requests were not answered`;
}

export function simulateGyCommand(context: CommandContext): Command {
  const { terminal, setExitCode } = context;
  const command = new Command('gy').description(
    'play sessions of a packet gateway over Diameter Gy',
  );
  return options(command).action(async (flags: SimulateFlags) => {
    // The record's clock may be behind ours by a little; no session is older than the run.
    const since = new Date(Date.now() - 60_000);
    const result = await simulate(context, flags);
    const differences =
      flags.compare === true
        ? await compare(context, result.tally, { since, seconds: flags.compareSeconds })
        : null;
    const failure = failureOf(result, flags, differences);
    if (failure !== null) setExitCode(EXIT.failed);
    if (flags.json === true) {
      terminal.out(formatJson({ ...result, differences, failure }));
      return;
    }
    describeResult(result).forEach((line) => terminal.out(line));
    if (differences !== null) {
      describeDifferences(differences).forEach((line) => terminal.out(line));
    }
    if (failure !== null) terminal.note(failure);
  });
}
