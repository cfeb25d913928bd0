/**
 * The library of scripts with counters in it. It does what the library does, under a name of its
 * own, and says by one more function how often each way was gone since Redis loaded it.
 */
import { Redis } from 'ioredis';
import type * as loader from '../../src/charging/script-loader.js';
import type { LuaReader, Scripts } from '../../src/charging/script-loader.js';
import { COUNT, countBranches, MOVE, type Branch } from './lua-branches.js';

export interface CountedScripts {
  readonly scripts: Scripts;
  readonly branches: readonly Branch[];
}

/** What one server counted. */
export interface Counts {
  /** By counter: `n17`. */
  readonly branches: Readonly<Record<string, number>>;
  /** From which state to which for which cause, by their numbers: `3 4 3`. */
  readonly moves: Readonly<Record<string, number>>;
}

/** Behind this table, whose fields they are: the library has hardly room for more locals. */
const BEHIND = 'local scripts = {}';
const COUNTERS = `do
  local branches, moves = {}, {}
  function ${COUNT}(n) branches[n] = (branches[n] or 0) + 1 return true end
  function ${MOVE}(from, to, cause)
    local move = from .. ' ' .. to .. ' ' .. cause
    moves[move] = (moves[move] or 0) + 1
  end
  function scripts.counted()
    local named = {}
    for n, count in pairs(branches) do named['n' .. n] = count end
    return cjson.encode({ branches = named, moves = moves })
  end
end`.replace(/\s+/g, ' ');

/** @param loader the real one: where this is called another may stand in its place */
export function readCountedScripts({
  readLuaFile,
  readScripts,
  scriptsOf,
}: typeof loader): CountedScripts {
  const texts = new Map<string, string>();
  const branches: Branch[] = [];
  let next = 1;
  const counting: LuaReader = (file) => {
    const known = texts.get(file);
    if (known !== undefined) return known;
    // The layout is no Lua: its numbers stand where the scripts name them.
    if (file === 'include/layout') return readLuaFile(file);
    const counted = countBranches(file, readLuaFile(file), next);
    next = counted.next;
    branches.push(...counted.branches);
    texts.set(file, counted.text);
    return counted.text;
  };
  const { name, source } = readScripts(counting).library;
  if (!source.includes(BEHIND)) throw new Error(`the library does not begin with "${BEHIND}"`);
  const asking =
    `register_function{ function_name = '${name}_counted', ` +
    `callback = scripts.counted, flags = { 'no-writes', 'allow-oom', 'allow-stale' } }`;
  const library = { name, source: `${source.replace(BEHIND, `${BEHIND} ${COUNTERS}`)}${asking}\n` };
  return { scripts: scriptsOf(library), branches };
}

/** What a server counted; nothing where it is gone or never had the library. */
export async function countsOf(url: string, library: string): Promise<Counts> {
  const redis = new Redis(url, { lazyConnect: true, retryStrategy: () => null });
  redis.on('error', () => undefined);
  try {
    await redis.connect();
    const text = String(await redis.call('FCALL', `${library}_counted`, 0));
    return JSON.parse(text) as Counts;
  } catch {
    return { branches: {}, moves: {} };
  } finally {
    redis.disconnect();
  }
}

/** What several servers counted, together. */
export function addCounts(all: readonly Counts[]): Counts {
  const sumOf = (each: (counts: Counts) => Counts['branches']): Counts['branches'] => {
    const sums: Record<string, number> = {};
    for (const counts of all) {
      for (const [name, count] of Object.entries(each(counts))) {
        sums[name] = (sums[name] ?? 0) + count;
      }
    }
    return sums;
  };
  return { branches: sumOf(({ branches }) => branches), moves: sumOf(({ moves }) => moves) };
}
