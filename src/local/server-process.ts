/**
 * Servers that belong to this process: they never outlive it, not even when it is killed. Each runs
 * in a session of its own, so that Ctrl-C in the terminal reaches us alone and the order of the
 * shutdown stays ours.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';

/** An operating-system user to run a server as; null for our own. */
export type ServerUser = { readonly uid: number; readonly gid: number } | null;

export interface ServerProcessOptions {
  /** What the server is called in messages. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly directory: string;
  readonly user: ServerUser;
  /** A line of output that contains this text means that the server answers. */
  readonly readyText: string;
  readonly readyTimeoutMs: number;
  /** Ends the server in an orderly way. */
  readonly stopSignal: 'SIGTERM' | 'SIGINT' | 'SIGQUIT';
  /** Removed after the server, should this process be killed. */
  readonly disposable?: string;
  /** Hears every line of its output. */
  readonly onLine?: (line: string) => void;
}

export interface ServerProcess {
  readonly pid: number;
  /** Settles when the server is gone, whoever ended it. */
  readonly exited: Promise<void>;
  /** Ends it in an orderly way, by force after ten seconds. Harmless when it is gone. */
  stop(): Promise<void>;
  /** Kills it at once, as a crash would. */
  kill(): Promise<void>;
}

/** A server that did not come up, with what it said. */
export class ServerStartError extends Error {
  readonly code = 'TOLLD_LOCAL_SERVER_FAILED';
  readonly output: readonly string[];

  constructor(name: string, reason: string, output: readonly string[]) {
    super([`${name} ${reason}`, ...output.map((line) => `  ${line}`)].join('\n'));
    this.name = 'ServerStartError';
    this.output = output;
  }
}

const OUTPUT_LINES_KEPT = 20;
const STOP_TIMEOUT_MS = 10_000;

/**
 * Its standard input is a pipe that only we hold: it ends when we end, however that comes. The
 * server is then stopped, and the disposable directory goes.
 */
const WATCH_SCRIPT = `
read -r _
kill -s "$2" "$1" 2>/dev/null
tries=0
while kill -0 "$1" 2>/dev/null && [ $tries -lt 100 ]; do sleep 0.1; tries=$((tries + 1)); done
kill -s KILL "$1" 2>/dev/null
[ -n "$3" ] && rm -rf -- "$3"
`;

function startWatcher(pid: number, options: ServerProcessOptions): ChildProcess {
  const signal = options.stopSignal.slice('SIG'.length);
  const watcher = spawn(
    '/bin/sh',
    ['-c', WATCH_SCRIPT, 'watch', String(pid), signal, options.disposable ?? ''],
    { detached: true, stdio: ['pipe', 'ignore', 'ignore'] },
  );
  // Without this an idle watcher would keep our event loop alive.
  watcher.unref();
  (watcher.stdin as unknown as { unref(): void }).unref();
  watcher.stdin?.on('error', () => undefined);
  return watcher;
}

/** Keeps the last lines of a server's output and tells when it says that it is ready. */
function watchOutput(
  child: ChildProcess,
  { readyText, onLine }: ServerProcessOptions,
): { lines: string[]; ready: Promise<void> } {
  const lines: string[] = [];
  const ready = new Promise<void>((resolve) => {
    for (const stream of [child.stdout, child.stderr]) {
      if (stream === null) continue;
      createInterface({ input: stream }).on('line', (line) => {
        onLine?.(line);
        lines.push(line);
        if (lines.length > OUTPUT_LINES_KEPT) lines.shift();
        if (line.includes(readyText)) resolve();
      });
    }
  });
  return { lines, ready };
}

/**
 * Starts a server and waits until it says that it is ready.
 * @throws ServerStartError when it ends or stays silent, with the last lines it wrote.
 */
export async function startServerProcess(options: ServerProcessOptions): Promise<ServerProcess> {
  const child = spawn(options.command, options.args, {
    cwd: options.directory,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(options.user ?? {}),
  });
  const exited = new Promise<void>((resolve) => {
    child.once('close', () => resolve());
    child.once('error', () => resolve());
  });
  const failed = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(`could not be started: ${error.message}`));
    child.once('close', (code, signal) => resolve(`ended at once (${signal ?? `exit ${code}`})`));
  });
  const { lines, ready } = watchOutput(child, options);
  const pid = child.pid;
  if (pid === undefined) throw new ServerStartError(options.name, await failed, lines);

  const watcher = startWatcher(pid, options);
  void exited.then(() => watcher.kill('SIGKILL'));

  async function end(signal: NodeJS.Signals): Promise<void> {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    const force = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await exited;
    clearTimeout(force);
  }

  let timer: NodeJS.Timeout | undefined;
  const silent = new Promise<string>((resolve) => {
    const reason = `was not ready after ${options.readyTimeoutMs / 1000} s`;
    timer = setTimeout(() => resolve(reason), options.readyTimeoutMs);
  });
  const fault = await Promise.race([ready.then(() => null), failed, silent]);
  clearTimeout(timer);
  if (fault !== null) {
    await end('SIGKILL');
    throw new ServerStartError(options.name, fault, lines);
  }
  return {
    pid,
    exited,
    stop: () => end(options.stopSignal),
    kill: () => end('SIGKILL'),
  };
}

/** Whether the process runs whose id a server left in a file. A reused id is another program's. */
function isStillRunning(pidFile: string, program: string): boolean {
  let pid: number;
  try {
    pid = Number.parseInt(readFileSync(pidFile, 'utf8'), 10);
    process.kill(pid, 0);
  } catch {
    return false;
  }
  const commandLine = `/proc/${pid}/cmdline`;
  return !existsSync(commandLine) || readFileSync(commandLine, 'utf8').includes(program);
}

/**
 * Waits for a server that an earlier process left behind when it was killed: its watcher is about
 * to end it, and two servers must not write to one directory.
 * @throws ServerStartError when it doesn't end.
 */
export async function awaitPredecessor(options: {
  readonly name: string;
  readonly pidFile: string;
  /** Part of its command line. */
  readonly program: string;
}): Promise<void> {
  const deadline = Date.now() + STOP_TIMEOUT_MS;
  while (isStillRunning(options.pidFile, options.program)) {
    if (Date.now() > deadline) {
      throw new ServerStartError(options.name, 'of an earlier start still runs: end it first', []);
    }
    await delay(50);
  }
}
