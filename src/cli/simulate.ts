/** `tolld simulate gy`: a gateway that isn't there, for trying an installation and for load. */
import { Command, InvalidArgumentError, Option } from 'commander';
import {
  createGySimulator,
  type SimulationResult,
  type SimulatorEvent,
} from '../local/gy-simulator/simulator.js';
import type { SimulatedSubscriber } from '../local/gy-simulator/traffic.js';
import { createLogger } from '../observability/logger.js';
import { EXIT, type CommandContext } from './context.js';
import { parseCount, parseRate, parseShare } from './flag-values.js';
import { formatJson } from './output.js';
import { simulateRadiusCommand } from './simulate-radius.js';
import { describeExchange, describeResult } from './simulation-report.js';
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
    .option('--quiet', 'print only the summary')
    .option('--json', 'print the result as JSON');
}

async function simulate(context: CommandContext, flags: SimulateFlags): Promise<SimulationResult> {
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
    { logger: createLogger({ level: 'silent' }), onEvent: show },
  );
  const stop = listenForStop({ onImpatience: () => process.exit(EXIT.failed) });
  void stop.received.then(() => simulator.stop());
  try {
    return await simulator.run();
  } finally {
    stop.dispose();
  }
}

export function simulateCommand(context: CommandContext): Command {
  const { terminal, setExitCode } = context;
  const gy = options(
    new Command('gy').description('play sessions of a packet gateway over Diameter Gy'),
  ).action(async (flags: SimulateFlags) => {
    const result = await simulate(context, flags);
    const { unanswered, repeatMismatches, malformed } = result.statistics;
    if (unanswered + repeatMismatches + malformed > 0) setExitCode(EXIT.failed);
    if (flags.json === true) terminal.out(formatJson(result));
    else describeResult(result).forEach((line) => terminal.out(line));
  });
  return new Command('simulate')
    .description('play a part of the network')
    .addCommand(gy)
    .addCommand(simulateRadiusCommand(context));
}
