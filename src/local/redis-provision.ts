/** Finds a Redis server program, or gets one in the least intrusive way that the machine allows. */
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { findInstallRight, installIntoDirectory, installIntoSystem } from './debian-packages.js';
import type { Progress } from './progress.js';
import { findRedisCommand, probeRedisCommand, type RedisCommand } from './redis-command.js';

const INSTALL_COMMANDS: readonly (readonly [platform: string, command: string])[] = [
  ['Debian, Ubuntu', 'sudo apt-get install redis-server'],
  ['Fedora, RHEL', 'sudo dnf install valkey   (or: sudo dnf install redis)'],
  ['Alpine', 'sudo apk add redis'],
  ['Arch', 'sudo pacman -S valkey'],
  ['macOS', 'brew install redis'],
  ['Docker', 'docker run -d -p 6379:6379 redis:7 --appendonly yes --appendfsync always'],
];

/** No Redis is to be had without a person's help; the message says which command gets one. */
export class RedisMissingError extends Error {
  readonly code = 'TOLLD_LOCAL_REDIS_MISSING';

  constructor(cause: unknown) {
    const lines = INSTALL_COMMANDS.map(
      ([platform, command]) => `  ${platform.padEnd(16)}${command}`,
    );
    const tried = cause instanceof Error ? [`What was tried: ${cause.message}`] : [];
    super(
      [
        'tolld needs Redis 7 or newer, or Valkey, and found none. Install one and start again:',
        ...lines,
        'Or name a running one: REDIS_URL=redis://127.0.0.1:6379 npm start',
        ...tried,
      ].join('\n'),
      { cause },
    );
    this.name = 'RedisMissingError';
  }
}

/** A server that an earlier start unpacked into `directory`. */
function findUnpacked(directory: string): RedisCommand | null {
  const libraries = path.join(directory, 'usr', 'lib');
  // Absent where the system has all libraries that the server needs.
  const folders = existsSync(libraries)
    ? readdirSync(libraries).map((name) => path.join(libraries, name))
    : [];
  const search = `LD_LIBRARY_PATH=${[libraries, ...folders].join(':')}`;
  return probeRedisCommand(['env', search, path.join(directory, 'usr', 'bin', 'redis-server')]);
}

/**
 * A server program to start: one on the search path, one unpacked earlier, or one that gets
 * installed now (announced through `progress`).
 * @throws RedisMissingError where none of this is possible.
 */
export async function provideRedisCommand(
  options: { readonly programsDirectory: string },
  { progress }: { readonly progress: Progress },
): Promise<RedisCommand> {
  const { programsDirectory } = options;
  const present = findRedisCommand() ?? findUnpacked(programsDirectory);
  if (present !== null) return present;

  let cause: unknown;
  try {
    const right = findInstallRight();
    if (right === 'root' || right === 'sudo') {
      const step = progress.begin('installing Redis once: apt-get install redis-server');
      await installIntoSystem(['redis-server'], right);
      step.done('Redis installed');
    } else if (right === 'directory-only') {
      const step = progress.begin(`fetching Redis once, unpacked into ${programsDirectory}`);
      await installIntoDirectory(['redis-server'], programsDirectory);
      step.done('Redis unpacked');
    }
  } catch (error) {
    cause = error;
  }
  const installed = findRedisCommand() ?? findUnpacked(programsDirectory);
  if (installed === null) throw new RedisMissingError(cause);
  return installed;
}
