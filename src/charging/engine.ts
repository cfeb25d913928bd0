import type { FenceGate } from './fence-gate.js';
import { PartitionFencedError } from './fenced.js';
import * as layout from './generated/layout.js';
import { partitionOfKey, type Keys } from './keys.js';
import type { RedisClient } from './redis-client.js';
import type { Replication } from './replication.js';
import type { ScriptName, ScriptReply, Scripts } from './script-loader.js';

/** What every script function needs: connections, the loaded scripts, and the names of the keys. */
export interface Engine {
  readonly redis: RedisClient;
  /** Where there are several connections, all of them, `redis` first: {@link connectionOf}. */
  readonly connections?: readonly RedisClient[];
  readonly scripts: Scripts;
  readonly keys: Keys;
  readonly limits: EngineLimits;
  /** With durability `replicated`. */
  readonly replication?: Replication;
  /**
   * Where partitions lie on several servers that sync by themselves: after so long what was answered
   * is on disk.
   */
  readonly syncMs?: number;
  /** Where calls wait for a closed partition to be opened; without one they are refused at once. */
  readonly gate?: FenceGate;
}

/**
 * The connection by which everything is sent that must run in the order in which it was sent: all
 * scripts of a partition, and so all that changes an account. What is sent by another runs before or
 * after, as Redis reads it: who needs an order there waits for the answer.
 */
export function connectionOf(
  { redis, connections }: Pick<Engine, 'redis' | 'connections'>,
  partition: number,
): RedisClient {
  return connections?.[partition % connections.length] ?? redis;
}

export interface EngineLimits {
  /** A call is repeated while its reply is missing, until this long after its start. */
  readonly requestTimeoutMs: number;
}

/** Redis could not be had, or gave no reply in time; what was called may or may not have run. */
export class EngineUnavailableError extends Error {
  readonly code = 'TOLLD_ENGINE_UNAVAILABLE';

  constructor(cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    super(`Redis gave no reply in time (${reason}); check that it runs and can be reached`, {
      cause,
    });
    this.name = 'EngineUnavailableError';
  }
}

/** Memory is out: Redis refused a script that may grow its data. */
export class EngineOutOfMemoryError extends Error {
  readonly code = 'TOLLD_ENGINE_OUT_OF_MEMORY';

  constructor(cause: Error) {
    super('Redis is at its maxmemory and refuses new sessions; raise maxmemory', { cause });
    this.name = 'EngineOutOfMemoryError';
  }
}

/** A reply that a script never gives: state in Redis is not what this version wrote. */
export class EngineReplyError extends Error {
  readonly code = 'TOLLD_ENGINE_REPLY';
}

const RETRY_DELAY_MS = 20;

/**
 * Calls a script until a reply comes or the time is up. Repeating is safe: every script recognises
 * what it has done before, so a call that ran although its reply was lost changes nothing again. Where
 * the partition is closed, the call waits for its opening; it is refused as fenced when that takes
 * longer than the call may.
 * @throws EngineUnavailableError, EngineOutOfMemoryError, or the script's own error.
 */
export async function callScript(
  engine: Engine,
  name: ScriptName,
  keys: readonly string[],
  args: readonly (string | Buffer)[],
): Promise<ScriptReply> {
  const { gate, limits } = engine;
  const deadline = Date.now() + limits.requestTimeoutMs;
  for (;;) {
    let reply: ScriptReply;
    try {
      reply = await runOnce(engine, name, keys, args);
    } catch (error) {
      await restAfter(error, deadline);
      continue;
    }
    if (reply[0] !== layout.REPLY_FENCED || gate === undefined) return reply;
    const waitMs = deadline - Date.now();
    if (waitMs <= 0) return reply;
    try {
      await gate.opened(partitionOfKey(keys[0] ?? ''), waitMs);
    } catch (error) {
      if (error instanceof PartitionFencedError) return reply;
      throw error;
    }
  }
}

/** Runs a script where its first key is; what it changed has lasted when this resolves. */
function runOnce(
  engine: Engine,
  name: ScriptName,
  keys: readonly string[],
  args: readonly (string | Buffer)[],
): Promise<ScriptReply> {
  const { connections, scripts, replication } = engine;
  const key = keys[0] ?? '';
  const redis =
    connections === undefined ? engine.redis : connectionOf(engine, partitionOfKey(key));
  if (replication === undefined || key === '' || READING.has(name)) {
    return scripts.run(redis, name, keys, args);
  }
  return scripts.runTold(redis, name, keys, args).then(async ({ lineage, reply }) => {
    await replication.confirm(key, lineage);
    return reply;
  });
}

/** Scripts that change nothing. */
const READING: ReadonlySet<ScriptName> = new Set(['enquire', 'snapshot', 'measure', 'fence']);

/**
 * Makes a call of Redis that may be made twice, until a reply comes or the time is up: a server may
 * be restarting, a replica taking over, a slot moving.
 * @throws EngineUnavailableError, EngineOutOfMemoryError, or the server's own error.
 */
export async function untilAnswered<Reply>(
  {
    limits,
    deadline = Date.now() + limits.requestTimeoutMs,
  }: Pick<Engine, 'limits'> & { /** By Date.now(). */ readonly deadline?: number },
  call: () => Promise<Reply>,
): Promise<Reply> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      await restAfter(error, deadline);
    }
  }
}

/**
 * Waits until a call that failed may be made again.
 * @throws what its caller is told, where it may not, or its time is up.
 */
async function restAfter(error: unknown, deadline: number): Promise<void> {
  if (!(error instanceof Error)) throw error;
  if (error.message.startsWith('OOM')) throw new EngineOutOfMemoryError(error);
  if (!isTransient(error)) throw error;
  if (Date.now() + RETRY_DELAY_MS >= deadline) throw new EngineUnavailableError(error);
  await new Promise((resolve) => setTimeout(resolve, RETRY_DELAY_MS));
}

/** Whether Redis may answer the same call a moment later; a reply of the server is mostly final. */
function isTransient(error: Error): boolean {
  return error.name !== 'ReplyError' || isTransientReply(error);
}

/**
 * Whether the error is a reply of a server that starts, that misses or replaces a replica, that
 * moves a slot, or that killed a script, which it does only before the script has written.
 */
export function isTransientReply({ name, message }: Error): boolean {
  if (name !== 'ReplyError') return false;
  if (message.includes('Script killed by user')) return true;
  return /^(LOADING|READONLY|MASTERDOWN|NOREPLICAS|CLUSTERDOWN|TRYAGAIN|MOVED|ASK|BUSY|UNKILLABLE)/.test(
    message,
  );
}

/** The status a script's reply begins with. @throws EngineReplyError for anything else. */
export function statusOf(reply: ScriptReply): number {
  const status = reply[0];
  if (typeof status !== 'number') throw new EngineReplyError('a script replied without a status');
  return status;
}

/** The bytes at a place of a script's reply. @throws EngineReplyError where there are none. */
export function bytesOf(reply: ScriptReply, place: number): Buffer {
  const bytes = reply[place];
  if (!Buffer.isBuffer(bytes)) throw new EngineReplyError(`a script replied nothing at ${place}`);
  return bytes;
}
