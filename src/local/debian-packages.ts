/** Installs Debian or Ubuntu packages: into the system where we may, else into a directory. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdir, readdir } from 'node:fs/promises';
import path from 'node:path';

/** How packages can get onto this machine without asking anybody. */
export type InstallRight = 'root' | 'sudo' | 'directory-only' | 'none';

/** A command that failed, with the last lines it wrote. */
export class CommandError extends Error {
  readonly code = 'TOLLD_LOCAL_COMMAND_FAILED';

  constructor(command: readonly string[], output: string) {
    const tail = output.trimEnd().split('\n').slice(-8).join('\n  ');
    super(`\`${command.join(' ')}\` failed:\n  ${tail}`);
    this.name = 'CommandError';
  }
}

/** Whether the search path, or where system programs lie, has a program. */
export function hasProgram(name: string): boolean {
  const script = 'PATH="$PATH:/usr/sbin:/sbin"; command -v "$1"';
  return spawnSync('/bin/sh', ['-c', script, 'look', name]).status === 0;
}

export function findInstallRight(): InstallRight {
  if (!hasProgram('apt-get') || !hasProgram('dpkg')) return 'none';
  if (process.getuid?.() === 0) return 'root';
  if (spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status === 0) return 'sudo';
  return 'directory-only';
}

/** Runs a command to its end. @returns what it wrote. @throws CommandError */
async function runCommand(
  command: readonly string[],
  { directory = '/' }: { readonly directory?: string } = {},
): Promise<string> {
  const [program, ...args] = command;
  if (program === undefined) throw new Error('the command is empty');
  const child = spawn(program, args, { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
  }
  const code = await new Promise<number | null>((resolve) => {
    child.once('error', (error) => {
      output += error.message;
      resolve(null);
    });
    child.once('close', resolve);
  });
  if (code !== 0) throw new CommandError(command, output);
  return output;
}

/**
 * Installs packages into the system. Services that come with them are not started: nothing here
 * asks for a server on a well-known port.
 */
export async function installIntoSystem(
  packages: readonly string[],
  right: 'root' | 'sudo',
): Promise<void> {
  const prefix = right === 'sudo' ? ['sudo', '-n'] : [];
  const quiet = ['env', 'DEBIAN_FRONTEND=noninteractive', 'RUNLEVEL=1'];
  const aptGet = [...prefix, ...quiet, 'apt-get', '-qq'];
  const install = [...aptGet, 'install', '-y', '--no-install-recommends', ...packages];
  try {
    await runCommand(install);
  } catch {
    // Package lists are missing in a fresh container and old on a machine that slept.
    await runCommand([...aptGet, 'update']);
    await runCommand(install);
  }
}

/**
 * Unpacks packages and what they need beyond the system's own into a directory, as any user.
 * @returns the directory's `bin` and the settings under which its programs find their libraries.
 */
export async function installIntoDirectory(
  packages: readonly string[],
  directory: string,
): Promise<void> {
  const apt = path.join(directory, 'apt');
  for (const folder of ['lists/partial', 'cache/archives/partial', 'downloads']) {
    await mkdir(path.join(apt, folder), { recursive: true });
  }
  // Lists of our own: an ordinary user can't renew the system's, and a container has none.
  const options = [`Dir::State::lists=${apt}/lists`, `Dir::Cache=${apt}/cache`];
  const aptGet = ['apt-get', '-qq', ...options.flatMap((option) => ['-o', option])];
  await runCommand([...aptGet, 'update']);
  const plan = await runCommand([
    ...aptGet,
    ...['install', '--print-uris', '--no-install-recommends', '-o', 'Debug::NoLocking=1'],
    ...packages,
  ]);
  // 'http://…/redis-tools_7.0.15-1_amd64.deb' redis-tools_5%3a7.0.15-1_amd64.deb 992028 SHA256:…
  const wanted = [...plan.matchAll(/^'\S+' ([a-z0-9.+-]+)_\S+\.deb /gm)].map((match) => match[1]);
  const names = wanted.filter((name) => name !== undefined);
  const downloads = path.join(apt, 'downloads');
  await runCommand([...aptGet, 'download', ...names], { directory: downloads });
  for (const archive of await readdir(downloads)) {
    await runCommand(['dpkg', '-x', path.join(downloads, archive), directory]);
  }
}
