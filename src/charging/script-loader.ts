/**
 * Loads the Lua scripts: resolves includes, puts the numbers of layout.lua where a script names
 * them, and hashes the result. A script is called by its hash and loaded where Redis has lost it.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Redis } from 'ioredis';

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
] as const;
export type ScriptName = (typeof SCRIPT_NAMES)[number];

export interface Script {
  readonly name: ScriptName;
  readonly source: string;
  readonly sha: string;
}

export type ScriptReply = readonly (Buffer | number | null)[];

export interface Scripts {
  readonly all: readonly Script[];
  /** Loads every script; called on each connect, so that calls by hash succeed at once. */
  load(redis: Redis): Promise<void>;
  /**
   * Runs a script by its hash, loading it first where Redis does not have it (a flush, a restart).
   * @throws the client's error when Redis cannot be reached or refuses the call.
   */
  run(
    redis: Redis,
    name: ScriptName,
    keys: readonly string[],
    args: readonly (string | Buffer)[],
  ): Promise<ScriptReply>;
}

/** The byte variants of EVAL and EVALSHA. */
interface ByteCalls {
  evalBuffer(source: string, ...rest: readonly (string | number | Buffer)[]): Promise<ScriptReply>;
  evalshaBuffer(sha: string, ...rest: readonly (string | number | Buffer)[]): Promise<ScriptReply>;
}

/**
 * ioredis makes a `…Buffer` method for every command and leaves these two out of its types; its
 * `callBuffer`, which is typed, loses the command's name under auto-pipelining (6.0.0).
 */
function byteCalls(redis: Redis): ByteCalls {
  return redis as unknown as ByteCalls;
}

const CONSTANT = /^([A-Z][A-Z0-9_]*) = (-?\d+)$/gm;
const INCLUDE = /^--- @include "([a-z_]+)"$/gm;

function luaFile(path: string): string {
  return readFileSync(new URL(`${path}.lua`, LUA), 'utf8');
}

/** Reads every script. The shebang must stay first: it carries the flags Redis obeys. */
export function readScripts(): Scripts {
  const constants = new Map(
    [...luaFile('include/layout').matchAll(CONSTANT)].map(([, name, value]) => [name, value]),
  );
  const all = SCRIPT_NAMES.map((name) => readScript(name, constants));
  const byName = new Map(all.map((script) => [script.name, script]));
  const run: Scripts['run'] = async (redis, name, keys, args) => {
    const script = byName.get(name);
    if (script === undefined) throw new Error(`no script named ${name}`);
    const rest = [keys.length, ...keys, ...args] as const;
    try {
      return await byteCalls(redis).evalshaBuffer(script.sha, ...rest);
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
      return await byteCalls(redis).evalBuffer(script.source, ...rest);
    }
  };
  const load: Scripts['load'] = async (redis) => {
    await Promise.all(all.map((script) => redis.script('LOAD', script.source)));
  };
  return { all, load, run };
}

function readScript(
  name: ScriptName,
  constants: ReadonlyMap<string | undefined, string | undefined>,
): Script {
  const included = new Set<string>();
  const expand = (text: string): string =>
    text.replace(INCLUDE, (_, file: string) => {
      if (included.has(file)) return '';
      included.add(file);
      return expand(luaFile(`include/${file}`));
    });
  const [shebang = '', ...body] = luaFile(name).split('\n');
  if (!shebang.startsWith('#!lua')) throw new Error(`lua/${name}.lua does not begin with #!lua`);
  const source = `${shebang}\n${stripComments(expand(body.join('\n'))).replace(
    /\b[A-Z][A-Z0-9]*_[A-Z0-9_]+\b/g,
    (word) => constants.get(word) ?? word,
  )}`;
  return { name, source, sha: createHash('sha1').update(source).digest('hex') };
}

/** Comments go, line numbers stay: an error from Redis still names a line of the expanded text. */
function stripComments(lua: string): string {
  return lua.replace(/^\s*--.*$/gm, '');
}
