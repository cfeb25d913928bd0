/**
 * Captures a run's Diameter traffic on the loopback interface and lets tshark (Debian's package)
 * read it: a decoder that shares nothing with ours.
 */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { findFreePort } from '../../src/local/port-choice.js';
import { startServerProcess } from '../../src/local/server-process.js';
import { makeScratchDirectory } from './scratch-directory.js';

/** One message as tshark sees it. */
export interface CapturedMessage {
  readonly frame: number;
  /** "Credit-Control", "Device-Watchdog"; "Unknown" for what it has no name for. */
  readonly command: string;
  readonly request: boolean;
}

export interface CaptureReport {
  readonly messages: readonly CapturedMessage[];
  /** Frames in which tshark finds something wrong with Diameter, and what. */
  readonly complaints: readonly string[];
}

export interface Capture {
  /** Ends the capture and reads it. */
  stop(): Promise<CaptureReport>;
}

const run = promisify(execFile);
const OUTPUT_MAX = 256 * 1024 * 1024;
const FLUSHED_MS = 10_000;
const CAPTURE_BUFFER_MIB = '64';

/** tshark notes that an empty Requested-Service-Unit is empty; it is meant to be. */
const HARMLESS = ['Data is empty'];

/** Starts a capture of these TCP ports. */
export async function startCapture(ports: readonly number[]): Promise<Capture> {
  const directory = makeScratchDirectory('capture');
  const file = join(directory, 'run.pcapng');
  const markerPort = await findFreePort();
  const filter = [`udp port ${markerPort}`, ...ports.map((port) => `tcp port ${port}`)].join(
    ' or ',
  );
  const dumpcap = await startServerProcess({
    name: 'dumpcap',
    command: 'dumpcap',
    // A busy machine reads late: what doesn't fit is dropped, and a stream with a gap looks malformed.
    args: ['-q', '-i', 'lo', '-B', CAPTURE_BUFFER_MIB, '-f', filter, '-w', file],
    directory,
    user: null,
    readyText: 'File: ',
    readyTimeoutMs: 10_000,
    stopSignal: 'SIGINT',
    disposable: directory,
  });
  return {
    async stop() {
      await awaitMarker(file, markerPort);
      await dumpcap.stop();
      try {
        return await readCapture(file, ports);
      } finally {
        rmSync(directory, { recursive: true, force: true });
      }
    },
  };
}

/** Everything before a datagram of ours is in the file once the datagram is. */
async function awaitMarker(file: string, port: number): Promise<void> {
  const marker = randomBytes(16);
  const socket = createSocket('udp4');
  await new Promise<void>((resolve, reject) => {
    socket.send(marker, port, '127.0.0.1', (error) => (error === null ? resolve() : reject(error)));
  });
  socket.close();
  const until = Date.now() + FLUSHED_MS;
  while (!existsSync(file) || !readFileSync(file).includes(marker)) {
    if (Date.now() > until) throw new Error('dumpcap does not write what it sees');
    await sleep(50);
  }
}

async function readCapture(file: string, ports: readonly number[]): Promise<CaptureReport> {
  const decode = ports.flatMap((port) => ['-d', `tcp.port==${port},diameter`]);
  const fields = ['frame.number', '_ws.col.Info', '_ws.malformed', '_ws.expert.message'];
  const { stdout } = await run(
    'tshark',
    [
      ...['-r', file, '-n', ...decode, '-Y', 'diameter || _ws.malformed', '-T', 'fields'],
      ...['-E', 'separator=/t', '-E', 'occurrence=a', '-E', 'aggregator=|'],
      ...fields.flatMap((field) => ['-e', field]),
    ],
    { maxBuffer: OUTPUT_MAX },
  );
  const messages: CapturedMessage[] = [];
  const complaints: string[] = [];
  for (const line of stdout.split('\n')) {
    if (line === '') continue;
    const [frame = '', info = '', malformed = '', experts = ''] = line.split('\t');
    messages.push(...messagesOf(Number(frame), info));
    const wrong = experts.split('|').filter((text) => text !== '' && !isHarmless(text));
    if (malformed !== '') wrong.push('malformed');
    complaints.push(...wrong.map((text) => `frame ${frame}: ${text}`));
    if (wrong.length > 0) complaints.push(await octetsOf(file, frame));
  }
  return { messages, complaints };
}

/** What a complaint is about, for whoever reads the failure: the capture is gone by then. */
async function octetsOf(file: string, frame: string): Promise<string> {
  const { stdout } = await run('tshark', ['-r', file, '-n', '-x', '-Y', `frame.number==${frame}`]);
  return stdout;
}

function isHarmless(text: string): boolean {
  return HARMLESS.includes(text) || /^Connection (establish|finish)/.test(text);
}

/** Info says "cmd=Credit-Control Request(272) flags=RP-- appl=… | cmd=…" for each of a frame. */
function messagesOf(frame: number, info: string): CapturedMessage[] {
  return [...info.matchAll(/cmd=(\S+) (Request|Answer)\(\d+\)([^|]*)/g)].map((match) => ({
    frame,
    command: match[1] ?? '',
    request: match[2] === 'Request',
  }));
}
