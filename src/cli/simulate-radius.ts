/** `tolld simulate radius`: a NAS that isn't there, for trying an installation and for load. */
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Command, InvalidArgumentError, Option } from 'commander';
import { canonicalMac } from '../domain/access.js';
import {
  CHARGED_TOTALS,
  usageDifferences,
  type ChargedTotal,
  type UsageDifference,
} from '../local/radius-simulator/comparison.js';
import { SESSION_ENDS, type SessionEnd } from '../local/radius-simulator/session.js';
import {
  createRadiusSimulator,
  type RadiusSimulation,
  type RadiusTallySession,
} from '../local/radius-simulator/simulator.js';
import {
  resolveTraffic,
  type RadiusSimulatorOptions,
  type SimulatedMethod,
  type SimulatedService,
  type SimulatedSubscriber,
  type SimulatedTls,
} from '../local/radius-simulator/traffic.js';
import { readNasList } from '../management/network/nas-list.js';
import { deviceName } from '../radius/request-context.js';
import { sessionKeyOf } from '../radius/session-key.js';
import { asTenant, EVERY_TENANT } from '../records/database.js';
import { readNetworkUsage } from '../records/network-usage.js';
import { createSecretBox, SECRET_USES } from '../secret-box.js';
import { EXIT, type CommandContext } from './context.js';
import { parseCount, parseRange, parseRate, parseShare } from './flag-values.js';
import { formatJson } from './output.js';
import {
  describeDifferences,
  describeRadiusEvent,
  describeRadiusResult,
} from './radius-simulation-report.js';
import { NotFoundError, withRecord } from './record-access.js';
import { listenForStop } from './stop-signal.js';

type Range = ReturnType<typeof parseRange>;

interface RadiusFlags {
  readonly server?: readonly string[];
  readonly authenticationPort: number;
  readonly accountingPort: number;
  readonly tlsKey?: string;
  readonly tlsCertificate?: string;
  readonly tlsAuthorities?: string;
  readonly tlsPort: number;
  readonly tlsServerName?: string;
  readonly nas?: string;
  readonly secret?: string;
  readonly nasIdentifier?: string;
  readonly nasAddress?: string;
  readonly subscriber?: readonly NamedSubscriber[];
  readonly service: SimulatedService;
  readonly method: SimulatedMethod;
  readonly sessions: number;
  readonly concurrent: number;
  readonly perSecond?: number;
  readonly interims: Range;
  readonly interimSeconds?: number;
  readonly download: Range;
  readonly uploadShare: number;
  readonly thinkMs: number;
  readonly steeringPort?: number;
  readonly answerMs: number;
  readonly lostStop: number;
  readonly interimAfterStop: number;
  readonly stopWithoutOctets: number;
  readonly countersRestart: number;
  readonly classLost: number;
  readonly withoutGigawords?: boolean;
  readonly inverseCounters?: boolean;
  readonly wrongClock?: boolean;
  readonly withoutMessageAuthenticator?: boolean;
  readonly rebootAfter?: number;
  readonly loss: number;
  readonly duplication: number;
  readonly reordering: number;
  readonly seed: number;
  readonly compare?: ChargedTotal;
  readonly compareSeconds: number;
  readonly expect?: SessionEnd;
  readonly quiet?: boolean;
  readonly json?: boolean;
}

type NamedSubscriber = Pick<SimulatedSubscriber, 'userName' | 'password'> & {
  readonly station: string | null;
};

/** Anna of examples/isp.yaml. */
const SUBSCRIBER: NamedSubscriber = {
  userName: 'anna@isp.example',
  password: 'change-me-too',
  station: null,
};

const COMPARISON_INTERVAL_MS = 200;

function parseAddress(text: string): string {
  if (isIP(text) === 0) throw new InvalidArgumentError('give an IP address');
  return text;
}

function parseServers(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, parseAddress(text)];
}

function parsePort(text: string): number {
  const port = parseCount(text);
  if (port > 65_535) throw new InvalidArgumentError('give a port');
  return port;
}

/** "name:password", or "name:password@MAC": a name may hold an @, a password must not begin a MAC. */
function parseSubscriber(
  text: string,
  before: readonly NamedSubscriber[] = [],
): readonly NamedSubscriber[] {
  const split = /^([^:]+):(.*?)(?:@((?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}))?$/.exec(text);
  if (split === null) throw new InvalidArgumentError('give NAME:PASSWORD or NAME:PASSWORD@MAC');
  const [, userName = '', password = '', mac] = split;
  return [...before, { userName, password, station: mac === undefined ? null : canonicalMac(mac) }];
}

/** A MAC of our own making, for subscribers that name none: locally administered. */
function stationOf(index: number): string {
  const digits = (0x02_00_5e_00_00_00 + index).toString(16).padStart(12, '0').toUpperCase();
  return digits.match(/../g)?.join(':') ?? '';
}

function networkOptions(command: Command): Command {
  return command
    .option('--server <address>', 'where requests go; several times for turns', parseServers)
    .option('--authentication-port <port>', 'for logins', parsePort, 1812)
    .option('--accounting-port <port>', 'for reports', parsePort, 1813)
    .option('--tls-key <file>', "RADIUS/1.1 over TLS in place of UDP, with the router's key")
    .option('--tls-certificate <file>', 'and its certificate, which names the NAS')
    .option('--tls-authorities <file>', "and who has signed the server's")
    .option('--tls-port <port>', 'where it is served', parsePort, 2083)
    .option('--tls-server-name <name>', "in the server's certificate (default: its address)")
    .option('--nas <name>', 'NAS of the record whose secret is used, and whose sessions they are')
    .option('--secret <text>', 'shared secret, in place of the one of --nas')
    .option('--nas-identifier <text>', 'who the NAS says it is (default: the name of --nas)')
    .option('--nas-address <address>', 'NAS-IP-Address it says', parseAddress)
    .option('--steering-port <port>', 'take changes and disconnects there; 0: any', parsePort)
    .option('--answer-ms <ms>', 'until a request is sent again', parseCount, 1_000)
    .option('--loss <share>', 'share of datagrams lost, both ways', parseShare, 0)
    .option('--duplication <share>', 'share of datagrams doubled', parseShare, 0)
    .option('--reordering <share>', 'share of datagrams held back', parseShare, 0);
}

function sessionOptions(command: Command): Command {
  return command
    .option(
      '--subscriber <name:password[@mac]>',
      'who logs in; several times for several (default: anna of examples/isp.yaml)',
      parseSubscriber,
    )
    .addOption(
      new Option('--service <kind>', 'how they come in')
        .choices(['pppoe', 'hotspot'])
        .default('pppoe'),
    )
    .addOption(
      new Option('--method <name>', 'how they prove who they are')
        .choices(['pap', 'chap', 'ms-chap', 'ms-chap2', 'mac'])
        .default('ms-chap2'),
    )
    .option('--sessions <count>', 'sessions in all; 0 goes on until Ctrl-C', parseCount, 1)
    .option('--concurrent <count>', 'sessions at one time', parseCount, 1)
    .option(
      '--per-second <rate>',
      'logins that are due each second, however late answers are',
      parseRate,
    )
    .addOption(
      new Option('--interims <range>', 'interim reports of a session, such as 2 or 1-4')
        .argParser(parseRange)
        .default({ min: 1, max: 4 }, '1-4'),
    )
    .option('--interim-seconds <s>', "time they stand for (default: the accept's)", parseCount)
    .addOption(
      new Option('--download <range>', 'octets between two reports, such as 1000-5000')
        .argParser(parseRange)
        .default({ min: 1_000_000, max: 100_000_000 }, '1000000-100000000'),
    )
    .option('--upload-share <share>', 'upload, as a share of the download', parseShare, 0.1)
    .option('--think-ms <ms>', 'real time between two reports', parseCount, 0);
}

function faultOptions(command: Command): Command {
  return command
    .option('--lost-stop <share>', 'sessions whose Stop is never sent', parseShare, 0)
    .option('--interim-after-stop <share>', 'with an interim behind the Stop', parseShare, 0)
    .option('--stop-without-octets <share>', 'whose Stop says nothing of octets', parseShare, 0)
    .option('--counters-restart <share>', 'whose counters begin at zero again', parseShare, 0)
    .option('--class-lost <share>', 'whose Class is not sent back', parseShare, 0)
    .option('--without-gigawords', 'counters wrap at 2^32')
    .option('--inverse-counters', "input is the subscriber's download")
    .option('--wrong-clock', "the router's clock stands in 2008")
    .option('--without-message-authenticator', 'as RouterOS before 7.15')
    .option('--reboot-after <count>', 'restart after so many sessions, without a word', parseCount);
}

function outcomeOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--compare <total>', 'hold what was charged against what was used').choices(
        CHARGED_TOTALS,
      ),
    )
    .option('--compare-seconds <s>', 'how long the record may take to have it', parseCount, 10)
    .addOption(
      new Option('--expect <end>', 'fail unless every session ends so').choices(SESSION_ENDS),
    )
    .option('--seed <number>', 'the same number makes the same choices', parseCount, 1)
    .option('--quiet', 'print only the summary')
    .option('--json', 'print the result as JSON');
}

interface NasOfRecord {
  readonly name: string;
  readonly identifier: string;
  readonly secret: string;
}

async function resolveNas(context: CommandContext, flags: RadiusFlags): Promise<NasOfRecord> {
  const { nas: name, secret } = flags;
  if (name === undefined) {
    const identifier = flags.nasIdentifier ?? 'simulated';
    if (secret !== undefined) return { name: identifier, identifier, secret };
    throw new InvalidArgumentError('name a NAS of the record by --nas, or give --secret');
  }
  const all = await withRecord(context, (pool) => asTenant(pool, EVERY_TENANT, readNasList));
  const declared = all.find(({ declaration }) => declaration.name === name)?.declaration;
  const sealed = declared?.secrets[0];
  if (declared === undefined || sealed === undefined) {
    throw new NotFoundError(`there is no NAS ${name}; \`tolld nas list\``);
  }
  const identifier = flags.nasIdentifier ?? declared.nasIdentifier ?? name;
  if (secret !== undefined) return { name, identifier, secret };
  const box = createSecretBox(context.readConfig().config.secrets.keys);
  return { name, identifier, secret: box.open(SECRET_USES.nas(name), sealed) };
}

function tlsOptions(flags: RadiusFlags): SimulatedTls | null {
  const { tlsKey: key, tlsCertificate: certificate, tlsAuthorities: authorities } = flags;
  if (key === undefined && certificate === undefined && authorities === undefined) return null;
  if (key === undefined || certificate === undefined || authorities === undefined) {
    throw new InvalidArgumentError(
      'give --tls-key, --tls-certificate and --tls-authorities together',
    );
  }
  return {
    port: flags.tlsPort,
    key: readFileSync(key, 'utf8'),
    certificate: readFileSync(certificate, 'utf8'),
    authorities: [readFileSync(authorities, 'utf8')],
    ...(flags.tlsServerName !== undefined && { serverName: flags.tlsServerName }),
  };
}

function simulatorOptions(flags: RadiusFlags, nas: NasOfRecord): RadiusSimulatorOptions {
  const { authenticationPort, accountingPort, service, method } = flags;
  const subscribers = flags.subscriber ?? [SUBSCRIBER];
  return {
    servers: (flags.server ?? ['127.0.0.1']).map((address) => ({
      address,
      authenticationPort,
      accountingPort,
    })),
    secret: nas.secret,
    tls: tlsOptions(flags),
    nasIdentifier: nas.identifier,
    ...(flags.nasAddress !== undefined && { nasAddress: flags.nasAddress }),
    dynamicAuthorization:
      flags.steeringPort === undefined ? null : { address: '127.0.0.1', port: flags.steeringPort },
    subscribers: subscribers.map(({ userName, password, station }, index) => ({
      userName,
      password,
      station: station ?? stationOf(index),
      service: method === 'mac' ? 'hotspot' : service,
      method,
    })),
    sessions: flags.sessions === 0 ? null : flags.sessions,
    concurrent: flags.concurrent,
    sessionsPerSecond: flags.perSecond ?? null,
    interims: flags.interims,
    interimSeconds: flags.interimSeconds ?? null,
    downloadPerInterim: flags.download,
    uploadShare: flags.uploadShare,
    thinkMs: { min: flags.thinkMs, max: flags.thinkMs },
    answerMs: flags.answerMs,
    faults: {
      lostStop: flags.lostStop,
      interimAfterStop: flags.interimAfterStop,
      stopWithoutOctets: flags.stopWithoutOctets,
      countersRestart: flags.countersRestart,
      classLost: flags.classLost,
      withoutGigawords: flags.withoutGigawords === true,
      inverseCounters: flags.inverseCounters === true,
      wrongClock: flags.wrongClock === true,
      withoutMessageAuthenticator: flags.withoutMessageAuthenticator === true,
      rebootAfterSessions: flags.rebootAfter ?? null,
    },
    network: {
      loss: flags.loss,
      duplication: flags.duplication,
      reordering: flags.reordering,
    },
    seed: flags.seed,
  };
}

async function play(context: CommandContext, options: RadiusSimulatorOptions, quiet: boolean) {
  const simulator = createRadiusSimulator(options, {
    onEvent: (event) => {
      const line = quiet ? null : describeRadiusEvent(event);
      if (line !== null) context.terminal.out(line);
    },
  });
  const stop = listenForStop({ onImpatience: () => process.exit(EXIT.failed) });
  void stop.received.then(() => simulator.stop());
  try {
    return await simulator.run();
  } finally {
    stop.dispose();
  }
}

/** Looks until the record has all of it, or the time is over. */
async function compare(
  context: CommandContext,
  tally: readonly RadiusTallySession[],
  to: {
    readonly nas: string;
    /** The simulated router, where several are declared as its NAS. */
    readonly device: string;
    readonly since: Date;
    readonly what: ChargedTotal;
    readonly seconds: number;
  },
): Promise<readonly UsageDifference[]> {
  const { nas } = to;
  const keysOf = (id: string): string[] =>
    [null, to.device].map((device) => sessionKeyOf({ nas, device }, Buffer.from(id, 'latin1')));
  const query = {
    sessionKeys: tally.flatMap(({ acctSessionId }) => keysOf(acctSessionId)),
    since: to.since,
    unit: to.what === 'seconds' ? 'seconds' : 'octets',
  } as const;
  const deadline = Date.now() + to.seconds * 1_000;
  return withRecord(context, async (pool) => {
    for (;;) {
      const charged = await readNetworkUsage(pool, query);
      const differences = usageDifferences(
        tally,
        (id) => keysOf(id).reduce((sum, key) => sum + (charged.get(key)?.used ?? 0n), 0n),
        to.what,
      );
      if (differences.length === 0 || Date.now() >= deadline) return differences;
      await sleep(COMPARISON_INTERVAL_MS);
    }
  });
}

/** Why the run counts as failed; null where all went as it should. */
function failureOf(
  { statistics, tally }: RadiusSimulation,
  { expect }: RadiusFlags,
  differences: readonly UsageDifference[] | null,
): string | null {
  if (differences !== null && differences.length > 0) {
    return `${differences.length} sessions were charged otherwise than they were used`;
  }
  if (expect !== undefined) {
    const others = tally.filter(({ end }) => end !== expect).length;
    return others === 0 ? null : `${others} of ${tally.length} sessions did not end as ${expect}`;
  }
  if (statistics.unanswered > 0) return `${statistics.unanswered} requests were not answered`;
  if (statistics.badReplies > 0) return `${statistics.badReplies} replies were not genuine`;
  const unproven = statistics.sessionsEnded['network-not-proven'] ?? 0;
  return unproven === 0 ? null : `${unproven} accepts did not prove that we know the password`;
}

export function simulateRadiusCommand(context: CommandContext): Command {
  const { terminal, setExitCode } = context;
  const command = new Command('radius').description('play PPPoE and hotspot sessions of a router');
  return [networkOptions, sessionOptions, faultOptions, outcomeOptions]
    .reduce((made, add) => add(made), command)
    .action(async (flags: RadiusFlags) => {
      const nas = await resolveNas(context, flags);
      const since = new Date();
      const quiet = flags.quiet === true || flags.json === true;
      const options = resolveTraffic(simulatorOptions(flags, nas));
      const result = await play(context, options, quiet);
      const differences =
        flags.compare === undefined
          ? null
          : await compare(context, result.tally, {
              nas: nas.name,
              device: deviceName(options.nasIdentifier, options.nasAddress),
              since,
              what: flags.compare,
              seconds: flags.compareSeconds,
            });
      const failure = failureOf(result, flags, differences);
      if (failure !== null) setExitCode(EXIT.failed);
      if (flags.json === true) {
        terminal.out(formatJson({ ...result, differences, failure }));
        return;
      }
      describeRadiusResult(result).forEach((line) => terminal.out(line));
      if (differences !== null)
        describeDifferences(differences).forEach((line) => terminal.out(line));
      if (failure !== null) terminal.note(failure);
    });
}
