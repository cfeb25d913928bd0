/** Finds a Redis or Valkey server that is installed already. */
import { spawnSync } from 'node:child_process';

/** A server program that can be started, and what it says of itself. */
export interface RedisCommand {
  readonly command: readonly string[];
  readonly name: 'Redis' | 'Valkey';
  readonly version: string;
}

/** The first release with what the scripts need: script flags and `noeviction` per script. */
const VERSION_MIN = 7;

/** The command's version, or null where it can't be started or is too old. */
export function probeRedisCommand(command: readonly string[]): RedisCommand | null {
  const [program, ...leading] = command;
  if (program === undefined) return null;
  const result = spawnSync(program, [...leading, '--version'], { encoding: 'utf8' });
  // "Redis server v=7.0.15 sha=…", "Valkey server v=8.1.1 …" [their `--version`]
  const match = /^(Redis|Valkey) server v=(\d+)(\.\S+)?/.exec(result.stdout ?? '');
  if (match === null || Number(match[2]) < VERSION_MIN) return null;
  return {
    command,
    name: match[1] as 'Redis' | 'Valkey',
    version: `${match[2]}${match[3] ?? ''}`,
  };
}

/** A usable server on the search path, else null. */
export function findRedisCommand(): RedisCommand | null {
  for (const program of ['redis-server', 'valkey-server']) {
    const found = probeRedisCommand([program]);
    if (found !== null) return found;
  }
  return null;
}
