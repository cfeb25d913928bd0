/**
 * Loads the Lua scripts as one library of Redis functions: resolves includes, puts the numbers of
 * layout.lua where a script names them, and names library and functions by the hash of the result,
 * so that two versions of tolld run beside each other. Why functions and not EVALSHA: a script makes
 * the closures of all its includes anew at each call (docs/adr/0005-redis-functions.md).
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Redis } from 'ioredis';
import { batchCalls } from './call-batch.js';
import { callFunction } from './function-call.js';
import * as layout from './generated/layout.js';
import { mastersOf, type RedisClient } from './redis-client.js';

const LUA = new URL('../../lua/', import.meta.url);

export const SCRIPT_NAMES = [
  'charge',
  'settle',
  'enquire',
  'credit',
  'provision',
  'sweep',
  'purge',
  'snapshot',
  'restore',
  'fence',
  'open',
  'witness',
  'steer',
  'claim',
  'conclude',
  'admit',
  'admit_unfailed',
  'report',
  'report_settled',
  'level',
  'measure',
  'lease',
  'release',
  'move_out',
  'move_lift',
  'move_lay',
  'move_in',
  'move_drop',
  'move_note',
] as const;
export type ScriptName = (typeof SCRIPT_NAMES)[number];

/** All that lua/ has: a batch has no caller of its own. */
const FILE_NAMES = [...SCRIPT_NAMES, 'batch'] as const;
type FileName = (typeof FILE_NAMES)[number];

export type ScriptReply = readonly (Buffer | number | null)[];

export interface Scripts {
  /** The library as Redis is given it, and its name there. */
  readonly library: { readonly name: string; readonly source: string };
  /** The name by which Redis knows a script's function. */
  functionName(script: FileName): string;
  /** Loads the library where Redis lacks it; called on connect, so that calls succeed at once. */
  load(redis: RedisClient): Promise<void>;
  /**
   * Calls a script, loading the library first where Redis does not have it (a flush, another
   * server). Calls of one turn of the event loop travel together.
   * @throws the client's error when Redis cannot be reached or refuses the call.
   */
  run(
    redis: RedisClient,
    name: ScriptName,
    keys: readonly string[],
    args: readonly (string | Buffer)[],
  ): Promise<ScriptReply>;
  /** The same, with the lineage of the server that replied (lua/include/open_partition.lua). */
  runTold(
    redis: RedisClient,
    name: ScriptName,
    keys: readonly string[],
    args: readonly (string | Buffer)[],
  ): Promise<ToldReply>;
}

export interface ToldReply {
  readonly lineage: string;
  readonly reply: ScriptReply;
}

const CONSTANT = /^([A-Z][A-Z0-9_]*) = (-?\d+)$/gm;
const INCLUDE = /^--- @include "([a-z_]+)"$/gm;
const SHEBANG = /^#!lua(?: flags=([a-z,-]+))?$/;

/** Gives the text of a file below lua/, named without its ending. */
export type LuaReader = (path: string) => string;

/**
 * Reads every script and assembles the library. Touches files only.
 * @param read for tests that put something into the scripts
 */
export function readScripts(read: LuaReader = readLuaFile): Scripts {
  return scriptsOf(assembleLibrary(read));
}

/** The scripts of a library, whose functions are named `<library>_<script>`. */
export function scriptsOf(library: Scripts['library']): Scripts {
  const names = new Map(FILE_NAMES.map((name) => [name, `${library.name}_${name}`]));
  const functionName: Scripts['functionName'] = (script) => names.get(script) ?? script;

  const load: Scripts['load'] = async (redis) => {
    await Promise.all(mastersOf(redis).map((server) => loadInto(server, library.source)));
  };

  const runFunction = async (
    redis: RedisClient,
    name: string,
    keys: readonly string[],
    args: readonly (string | Buffer)[],
  ): Promise<unknown> => {
    const called = `${library.name}_${name}`;
    try {
      return await callFunction(redis, called, keys, args);
    } catch (error) {
      if (!isFunctionMissing(error)) throw error;
      await load(redis);
      return callFunction(redis, called, keys, args);
    }
  };
  const call = batchCalls(CODES, {
    alone: runFunction,
    together: (redis, keys, args) =>
      runFunction(redis, 'batch', keys, args) as Promise<readonly unknown[]>,
  });

  const run: Scripts['run'] = (redis, name, keys, args) =>
    call(redis, name, keys, args) as Promise<ScriptReply>;

  const runTold: Scripts['runTold'] = async (redis, name, keys, args) => {
    const told = await call(redis, `${name}${TELLING}`, keys, args);
    const [lineage, reply] = told as readonly [Buffer, ScriptReply];
    return { lineage: lineage.toString('latin1'), reply };
  };
  return { library, functionName, load, run, runTold };
}

/** Behind the name of a script's function: the one that tells of its server, too. */
const TELLING = '_telling';

/** The hot scripts travel together: Redis refuses all of them alike when memory is out. */
const BATCHED: readonly (readonly [ScriptName, number])[] = [
  ['charge', layout.BATCHED_CHARGE],
  ['admit', layout.BATCHED_ADMIT],
  ['report', layout.BATCHED_REPORT],
  ['admit_unfailed', layout.BATCHED_ADMIT_UNFAILED],
];
/** What names their functions in a batch. */
const CODES: ReadonlyMap<string, number> = new Map(
  BATCHED.flatMap(([script, code]) => [
    [script, code],
    [`${script}${TELLING}`, code + layout.BATCHED_TELLING],
  ]),
);

/** Whether Redis refused because it lacks the library: after a flush, or where it is another server. */
export function isFunctionMissing(error: unknown): boolean {
  return error instanceof Error && error.message.includes('Function not found');
}

async function loadInto(server: Redis, source: string): Promise<void> {
  try {
    await server.function('LOAD', source);
  } catch (error) {
    // Another process was quicker, or the server kept it over its restart.
    if (!(error instanceof Error) || !error.message.includes('already exists')) throw error;
  }
}

export function readLuaFile(path: string): string {
  return readFileSync(new URL(`${path}.lua`, LUA), 'utf8');
}

/** The includes of a text, each once, and each behind those that it includes itself. */
function includesOf(text: string): readonly string[] {
  const found = new Set<string>();
  for (const [, file = ''] of text.matchAll(INCLUDE)) {
    for (const each of includesOf(readLuaFile(`include/${file}`))) found.add(each);
    found.add(file);
  }
  return [...found];
}

/** Scripts that share an include no more than so many use stand together, in a block with it. */
const FAMILY_MAX = 3;

/** Sets of scripts, none of which has an include in common with another. */
function familiesOf(users: readonly (readonly FileName[])[]): readonly ReadonlySet<FileName>[] {
  let families: ReadonlySet<FileName>[] = FILE_NAMES.map((name) => new Set([name]));
  for (const together of users) {
    const joined = families.filter((family) => together.some((name) => family.has(name)));
    const others = families.filter((family) => !joined.includes(family));
    families = [...others, new Set(joined.flatMap((family) => [...family]))];
  }
  return families;
}

/**
 * One chunk of all scripts. A chunk has no room for more than 200 locals at a time, so what only few
 * scripts include stands in a block with them.
 */
function assembleLibrary(luaFile: LuaReader): Scripts['library'] {
  const constants = new Map(
    [...luaFile('include/layout').matchAll(CONSTANT)].map(([, name, value]) => [name, value]),
  );
  const includes = new Map<string, readonly string[]>();
  const scripts = FILE_NAMES.map((name) => {
    const [shebang = '', ...body] = luaFile(name).split('\n');
    const match = SHEBANG.exec(shebang);
    if (match === null) throw new Error(`lua/${name}.lua does not begin with #!lua`);
    const text = body.join('\n');
    includes.set(name, includesOf(text));
    return { name, flags: match[1]?.split(',') ?? [], body: text.replace(INCLUDE, '') };
  });
  const users = (file: string): readonly FileName[] =>
    FILE_NAMES.filter((name) => includes.get(name)?.includes(file));
  const isCommon = (file: string): boolean => users(file).length > FAMILY_MAX;
  const all = [...new Set([...includes.values()].flat())];
  const texts = new Map(all.map((file) => [file, luaFile(`include/${file}`).replace(INCLUDE, '')]));
  const usesOf = new Map([
    ...[...texts].map(([file, text]): [string, ReadonlySet<string>] => [file, wordsOf(text)]),
    ...scripts.map((one): [string, ReadonlySet<string>] => [`${one.name}.lua`, wordsOf(one.body)]),
    ['', wordsOf(registration('', '', []))],
  ]);
  const textOf = (file: string): string =>
    enclosed(texts.get(file) ?? '', (name) =>
      [...usesOf].some(([other, words]) => other !== file && words.has(name)),
    );
  const common = all.filter(isCommon).map(textOf);
  const blocks = familiesOf(all.filter((file) => !isCommon(file)).map(users)).map((family) => {
    const own = all.filter(
      (file) => !isCommon(file) && users(file).some((user) => family.has(user)),
    );
    const functions = scripts
      .filter(({ name }) => family.has(name))
      .map(({ name, body }) => asFunction(name, body));
    return ['do', ...own.map(textOf), ...functions, 'end'].join('\n');
  });
  const body = withNumbers(withoutComments([PREAMBLE, ...common, ...blocks].join('\n')), constants);
  const hash = createHash('sha1').update(body).digest('hex').slice(0, 8);
  const name = `tolld_${hash}`;
  const registered = scripts.flatMap(({ name: script, flags }) => [
    registration(`${name}_${script}`, `scripts.${script}`, flags),
    registration(`${name}_${script}${TELLING}`, `fence.telling(scripts.${script})`, flags),
  ]);
  return { name, source: [`#!lua name=${name}`, body, ...registered, ''].join('\n') };
}

function wordsOf(lua: string): ReadonlySet<string> {
  return new Set(withoutComments(lua).match(/[A-Za-z_]\w*/g));
}

const DECLARATION = /^local (?:function (\w+)|(\w+(?:, \w+)*)( =)?)/gm;

/**
 * An include in a block of its own, so that what nobody else uses takes no room among the chunk's
 * locals; what others use is declared before the block.
 */
function enclosed(lua: string, isUsed: (name: string) => boolean): string {
  const shared: string[] = [];
  const body = lua.replace(
    DECLARATION,
    (line, functionName: string | undefined, list: string | undefined, value: string = '') => {
      const names = list?.split(', ') ?? [functionName ?? ''];
      if (!names.some(isUsed)) return line;
      shared.push(...names);
      if (functionName !== undefined) return `function ${functionName}`;
      return value === '' ? '' : `${list}${value}`;
    },
  );
  const declared = shared.length > 0 ? [`local ${shared.join(', ')}`] : [];
  return [...declared, 'do', body, 'end'].join('\n');
}

/**
 * The collector's work for what is allocated, in percent. Redis urges it every 50 calls besides: with
 * Lua's own pace of 200 it goes round twice as often, each time past all that the library keeps.
 */
const COLLECTOR_PACE = 100;

/**
 * What the scripts use of the server as locals of the library: Redis guards its globals by a table
 * that is asked three times for each. They are there when a function is called, not when the library
 * is loaded.
 */
const GLOBALS = 'redis, cmsgpack, struct, math, string, table, unpack, type, pcall';
const PREAMBLE = [
  'local register_function = redis.register_function',
  `local function globals() collectgarbage('setstepmul', ${COLLECTOR_PACE}) return ${GLOBALS} end`,
  `local ${GLOBALS}`,
  'local scripts = {}',
].join(' ');

function asFunction(name: string, body: string): string {
  const bind = `if not cmsgpack then ${GLOBALS} = globals() end`;
  return `function scripts.${name}(KEYS, ARGV) ${bind}\n${body}\nend`;
}

function registration(functionName: string, callback: string, flags: readonly string[]): string {
  const list = flags.map((flag) => `'${flag}'`).join(', ');
  return (
    `register_function{ function_name = '${functionName}', ` +
    `callback = with_clock(${callback}), flags = { ${list} } }`
  );
}

/** Comments go, line numbers stay: an error from Redis still names a line of the library. */
function withoutComments(lua: string): string {
  return lua.replace(/^\s*--.*$/gm, '');
}

function withNumbers(
  lua: string,
  constants: ReadonlyMap<string | undefined, string | undefined>,
): string {
  return lua.replace(/\b[A-Z][A-Z0-9]*_[A-Z0-9_]+\b/g, (word) => constants.get(word) ?? word);
}
