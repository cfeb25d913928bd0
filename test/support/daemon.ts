/** tolld processes for end-to-end tests: the built program, on ports of their own. */
import { execFile } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, inject, vi } from 'vitest';
import { startServerProcess, type ServerProcess } from '../../src/local/server-process.js';
import type {} from './program.js';
import { makeScratchDirectory } from './scratch-directory.js';

/** A line of a daemon's log. */
export type LogLine = Readonly<Record<string, unknown>> & { readonly msg?: string };

export interface DaemonOptions {
  /** Node name, the first part of its Diameter identity. Default: `n1`, `n2` … in order of start. */
  readonly name?: string;
  readonly redisUrl: string;
  readonly keyPrefix: string;
  readonly postgresUrl: string;
  /** Where Redis is not one server. */
  readonly layout?: {
    readonly topology: 'cluster' | 'sentinel';
    readonly nodes: readonly string[];
  };
  /** Any other settings, by group and name as in a configuration file. */
  readonly settings?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

export interface Daemon {
  readonly name: string;
  readonly pid: number;
  readonly diameterPort: number;
  /** Where it speaks Diameter over TLS; 0 without the setting `tls`. */
  readonly diameterTlsPort: number;
  /** Origin-Host. */
  readonly diameterHost: string;
  readonly operationsUrl: string;
  /** What it has logged so far. */
  readonly log: readonly LogLine[];
  /** Settles when the process is gone. */
  readonly exited: Promise<void>;
  /** SIGTERM, as a supervisor stops it; resolves when it is gone. */
  stop(): Promise<void>;
  /** kill -9. */
  kill(): Promise<void>;
}

export const TEST_REALM = 'tolld.test';

const RUNNING = new Set<ServerProcess>();
let started = 0;
afterAll(async () => {
  await Promise.all([...RUNNING].map((daemon) => daemon.kill()));
});

/** A configuration file that leaves nothing to the environment of whoever runs the tests. */
function writeConfig(directory: string, name: string, options: DaemonOptions): string {
  const { settings = {} } = options;
  const content = {
    ...settings,
    node: { name, ...settings['node'] },
    redis: {
      url: options.redisUrl,
      keyPrefix: options.keyPrefix,
      ...options.layout,
      ...settings['redis'],
    },
    postgres: { url: options.postgresUrl, ...settings['postgres'] },
    engine: { partitions: 8, ...settings['engine'] },
    diameter: {
      listenHost: '127.0.0.1',
      listenPort: 0,
      tlsListenPort: 0,
      originRealm: TEST_REALM,
      ...settings['diameter'],
    },
    operations: { listenHost: '127.0.0.1', listenPort: 0, ...settings['operations'] },
  };
  const file = path.join(directory, `${name}.json`);
  writeFileSync(file, JSON.stringify(content));
  return file;
}

/** Starts `tolld serve` and resolves when it says that it is ready. It ends with the test file. */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  started += 1;
  const name = options.name ?? `n${started}`;
  const directory = makeScratchDirectory('daemon');
  const config = writeConfig(directory, name, options);
  const log: LogLine[] = [];
  const daemon = await startServerProcess({
    name: `tolld ${name}`,
    command: process.execPath,
    args: [inject('program'), '--config', config, 'serve'],
    directory: process.cwd(),
    user: null,
    readyText: '"msg":"ready"',
    readyTimeoutMs: 30_000,
    stopSignal: 'SIGTERM',
    disposable: directory,
    onLine: (line) => log.push(parseLine(line)),
  });
  RUNNING.add(daemon);
  void daemon.exited.then(() => {
    RUNNING.delete(daemon);
    rmSync(directory, { recursive: true, force: true });
  });
  const ready = log.find(({ msg }) => msg === 'ready') as unknown as {
    readonly diameter: readonly { readonly port: number }[];
    readonly operations: { readonly port: number };
  };
  return {
    ...daemon,
    name,
    diameterPort: ready.diameter[0]?.port ?? 0,
    diameterTlsPort: ready.diameter[1]?.port ?? 0,
    diameterHost: `${name}.${TEST_REALM}`,
    operationsUrl: `http://127.0.0.1:${ready.operations.port}`,
    log,
  };
}

/**
 * Resolves when each of these daemons answers for the others: a second after the last has started at
 * the latest. Before that it sends a gateway back to the host that the gateway named (3002).
 */
export async function untilSiblings(daemons: readonly Daemon[]): Promise<void> {
  const hosts = daemons.map(({ diameterHost }) => diameterHost);
  const knowsAll = ({ log }: Daemon): boolean =>
    log.some(
      ({ siblings }) => Array.isArray(siblings) && hosts.every((one) => siblings.includes(one)),
    );
  await vi.waitUntil(() => daemons.every(knowsAll), { timeout: 20_000 });
}

/** What is no JSON is kept too: a stack trace, say. */
function parseLine(line: string): LogLine {
  try {
    return JSON.parse(line) as LogLine;
  } catch {
    return { msg: line };
  }
}

export interface CommandResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one command line of tolld in a process of its own, as a person would. */
export async function runTolld(
  args: readonly string[],
  { environment = {} }: { readonly environment?: Readonly<Record<string, string>> } = {},
): Promise<CommandResult> {
  // `env` adds to our environment, which only src/config.ts may read.
  const added = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  const command = [...added, process.execPath, inject('program'), ...args];
  return await new Promise((resolve) => {
    execFile('env', command, (error, stdout, stderr) => {
      const exitCode = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
      resolve({ exitCode, stdout, stderr });
    });
  });
}
