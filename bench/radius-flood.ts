/**
 * What does a NAS notice while strangers flood the ports? `npm run bench -- radius-flood
 * [--seconds N] [--rate N] [--rounds N] [--queues N]`
 *
 * A front in a process of its own, whose handlers answer at once; a NAS that sends reports at an even
 * pace, each by its time whether or not the one before was answered; and a process that floods as fast
 * as it can. The reference is the same front with a single queue for everybody.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { attributeValue } from '../src/radius/attribute.js';
import { encodeRequest } from '../src/radius/authenticator.js';
import {
  AcctInputOctets,
  AcctSessionId,
  AcctSessionTime,
  AcctStatusType,
  UserName,
} from '../src/radius/generated/standard.js';
import { PACKET_CODES } from '../src/radius/packet-code.js';
import { SharedSecret } from '../src/radius/shared-secret.js';
import { readNumbers } from './flags.js';
import type { FloodRequest, FloodedFront } from './radius-flood-processes.js';
import { median, percentile } from './median.js';

const SECRET = 'a secret of the measurement';
const PROCESSES = path.resolve(import.meta.dirname, 'radius-flood-processes.ts');
/** A NAS takes what is later for lost. */
const ANSWER_MS = 1_000;
const NAS = '127.0.0.2';
const OTHER_NAS = '127.0.0.3';
const NOBODY = ['127.9.0.1', '127.9.0.2', '127.9.0.3', '127.9.0.4'];

interface Settings {
  readonly seconds: number;
  readonly rate: number;
  readonly rounds: number;
  readonly queues: number;
}

interface Figures {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly lost: number;
  readonly floodPerSecond: number;
}

function report(secret: string, identifier: number, session: string): Buffer {
  return encodeRequest({
    code: PACKET_CODES['Accounting-Request'],
    identifier,
    attributes: [
      attributeValue(AcctStatusType, AcctStatusType.values['Interim-Update']),
      attributeValue(AcctSessionId, Buffer.from(session)),
      attributeValue(UserName, 'anna'),
      attributeValue(AcctSessionTime, 60),
      attributeValue(AcctInputOctets, 1_000_000),
    ],
    secret: new SharedSecret(secret),
    messageAuthenticator: false,
    randomAuthenticator: null,
  });
}

/** Who floods with what; null for nobody. */
const FLOODS: Readonly<Record<string, Omit<FloodRequest, 'port'> | null>> = {
  quiet: null,
  'unknown sources': { sources: NOBODY, datagram: report('other', 1, '81000001').toString('hex') },
  'forged by another NAS': {
    sources: [OTHER_NAS],
    datagram: report('other', 1, '81000001').toString('hex'),
  },
  'forged in its own name': {
    sources: [NAS],
    datagram: report('other', 1, '81000001').toString('hex'),
  },
  'one identifier of another NAS': {
    sources: [OTHER_NAS],
    datagram: report(SECRET, 1, '81000001').toString('hex'),
  },
};

function start(role: 'front' | 'flood', message: object): ChildProcess {
  const child = fork(PROCESSES, [role], { execArgv: ['--import', 'tsx'] });
  child.send(message);
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit');
  child.disconnect();
  await exited;
}

/** Reports at an even pace; the milliseconds until each was answered, Infinity for none. */
async function playNas(port: number, { seconds, rate }: Settings): Promise<number[]> {
  const socket: Socket = createSocket('udp4');
  socket.bind(0, NAS);
  await once(socket, 'listening');
  const sentAt: number[] = [];
  const tookMs: number[] = [];
  const waiting = new Map<number, number>();
  socket.on('message', (octets) => {
    const index = waiting.get(octets[1] ?? 0);
    if (index === undefined) return;
    waiting.delete(octets[1] ?? 0);
    tookMs[index] = performance.now() - (sentAt[index] ?? 0);
  });
  const startedAt = performance.now();
  for (let index = 0; index < seconds * rate; index += 1) {
    const dueAt = startedAt + (index * 1000) / rate;
    const waitMs = dueAt - performance.now();
    if (waitMs > 0) await sleep(waitMs);
    const octets = report(SECRET, index % 256, `8100${String(index).padStart(8, '0')}`);
    waiting.set(index % 256, index);
    tookMs[index] = Infinity;
    sentAt[index] = performance.now();
    socket.send(octets, port, '127.0.0.1');
  }
  await sleep(ANSWER_MS);
  socket.close();
  return tookMs.map((ms) => (ms > ANSWER_MS ? Infinity : ms));
}

async function measure(
  flood: Omit<FloodRequest, 'port'> | null,
  settings: Settings,
  queues: number,
): Promise<Figures> {
  const front = start('front', { secret: SECRET, nas: [NAS, OTHER_NAS], queues });
  const [{ port }] = (await once(front, 'message')) as [FloodedFront];
  const flooder = flood === null ? null : start('flood', { ...flood, port });
  let sent = 0;
  flooder?.on('message', (count: number) => (sent += count));
  if (flooder !== null) await once(flooder, 'message');
  const before = { sent, at: performance.now() };
  const tookMs = await playNas(port, settings);
  const floodPerSecond = ((sent - before.sent) * 1000) / (performance.now() - before.at);
  if (flooder !== null) await end(flooder);
  await end(front);
  const answered = tookMs.filter((ms) => ms !== Infinity);
  const ofAnswered = (percent: number): number =>
    answered.length === 0 ? Infinity : Number(percentile(answered, percent).toFixed(2));
  return {
    p50Ms: ofAnswered(50),
    p99Ms: ofAnswered(99),
    lost: (tookMs.length - answered.length) / tookMs.length,
    floodPerSecond: Math.round(floodPerSecond),
  };
}

export async function run(args: readonly string[]): Promise<void> {
  const settings: Settings = readNumbers(args, { seconds: 4, rate: 200, rounds: 1, queues: 256 });
  const all: Record<string, { own: Figures; shared: Figures }> = {};
  for (const [name, flood] of Object.entries(FLOODS)) {
    const own: Figures[] = [];
    const shared: Figures[] = [];
    for (let round = 0; round < settings.rounds; round += 1) {
      own.push(await measure(flood, settings, settings.queues));
      shared.push(await measure(flood, settings, 0));
    }
    all[name] = { own: middle(own), shared: middle(shared) };
    console.error(name.padEnd(30), JSON.stringify(all[name]));
  }
  const flooded = Object.entries(all).filter(([name]) => name !== 'quiet');
  const lostMost = (side: 'own' | 'shared'): number =>
    Math.max(...flooded.map(([, figures]) => figures[side].lost));
  console.log(
    JSON.stringify({
      bench: 'radius-flood',
      value: lostMost('own'),
      unit: 'share of the reports of a NAS that is lost under the worst flood',
      reference: lostMost('shared'),
      floods: all,
      errors: 0,
    }),
  );
}

function middle(figures: readonly Figures[]): Figures {
  const of = (name: keyof Figures): number => median(figures.map((one) => one[name]));
  return {
    p50Ms: of('p50Ms'),
    p99Ms: of('p99Ms'),
    lost: of('lost'),
    floodPerSecond: of('floodPerSecond'),
  };
}
