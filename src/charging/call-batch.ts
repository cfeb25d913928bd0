/**
 * Calls that come in one turn of the event loop travel to Redis as one: what a call costs beside its
 * work is paid once for all of them, here and there (docs/adr/0009-calls-that-travel-together.md).
 */
import { partitionOfKey } from './keys.js';
import { atEndOfTurn, isCluster, type RedisClient } from './redis-client.js';

type Arguments = readonly (string | Buffer)[];

/** Calls a function of the library by its name; rejects with the client's error. */
type CallFunction = (
  redis: RedisClient,
  name: string,
  keys: readonly string[],
  args: Arguments,
) => Promise<unknown>;

interface Ways {
  readonly alone: CallFunction;
  /** Calls lua/batch.lua: what each call replied, or its error. */
  readonly together: (
    redis: RedisClient,
    keys: readonly string[],
    args: Arguments,
  ) => Promise<readonly unknown[]>;
}

/** A call that waits for the end of the turn. */
interface Call {
  readonly name: string;
  /** Of the function in a batch. */
  readonly code: number;
  readonly keys: readonly string[];
  readonly args: Arguments;
  readonly resolve: (reply: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** Redis does nothing else while a batch runs: below a millisecond with so many plain calls. */
export const BATCH_CALLS_MAX = 16;
/** Of arguments: Redis reads as many of a connection at a time, and more of them are more work. */
export const BATCH_OCTETS_MAX = 16_384;
/** Of keys and of arguments: what one octet counts. */
const LIST_MAX = 255;

/**
 * Calls functions one by one or together. What is called first runs first, of the calls of a
 * connection; of a cluster, of those of a partition, whose keys lie in one slot.
 * @param codes what names a function in a batch; one without travels alone
 */
export function batchCalls(
  codes: ReadonlyMap<string, number>,
  { alone, together }: Ways,
): CallFunction {
  const queues = new WeakMap<RedisClient, Map<number, Call[]>>();

  const queueOf = (redis: RedisClient, partition: number): Call[] => {
    const partitions = queues.get(redis) ?? new Map<number, Call[]>();
    const queue = partitions.get(partition) ?? [];
    if (!partitions.has(partition)) queues.set(redis, partitions.set(partition, queue));
    return queue;
  };

  const send = async (redis: RedisClient, calls: readonly Call[]): Promise<void> => {
    const [first] = calls;
    try {
      if (first !== undefined && calls.length === 1) {
        first.resolve(await alone(redis, first.name, first.keys, first.args));
        return;
      }
      const replies = await together(redis, keysOf(calls), argsOf(calls));
      calls.forEach(({ resolve, reject }, index) => {
        const reply = replies[index];
        if (reply instanceof Error) reject(reply);
        else resolve(reply);
      });
    } catch (error) {
      for (const { reject } of calls) reject(error);
    }
  };

  const flush = (redis: RedisClient, queue: Call[]): void => {
    for (const batch of batchesOf(queue.splice(0))) void send(redis, batch);
  };

  return (redis, name, keys, args) => {
    const queue = queueOf(redis, isCluster(redis) ? partitionOfKey(keys[0] ?? '') : 0);
    const code = codes.get(name);
    if (code === undefined || keys.length > LIST_MAX || args.length > LIST_MAX) {
      flush(redis, queue);
      return alone(redis, name, keys, args);
    }
    return new Promise((resolve, reject) => {
      if (queue.length === 0) atEndOfTurn(redis, () => flush(redis, queue));
      queue.push({ name, code, keys, args, resolve, reject });
    });
  };
}

/** The calls in their order, in batches that are not too large. */
function batchesOf(calls: readonly Call[]): readonly (readonly Call[])[] {
  const batches: Call[][] = [];
  let octets = 0;
  for (const call of calls) {
    let more = 0;
    for (const { length } of call.args) more += length;
    octets += more;
    const batch = batches.at(-1);
    if (batch === undefined || batch.length === BATCH_CALLS_MAX || octets > BATCH_OCTETS_MAX) {
      batches.push([call]);
      octets = more;
    } else {
      batch.push(call);
    }
  }
  return batches;
}

/** KEYS of lua/batch.lua. */
function keysOf(calls: readonly Call[]): readonly string[] {
  const all: string[] = [];
  for (const { keys } of calls) all.push(...keys);
  return all;
}

/** ARGV of lua/batch.lua. */
function argsOf(calls: readonly Call[]): Arguments {
  const head: number[] = [];
  for (const { code, keys, args } of calls) head.push(code, keys.length, args.length);
  const all: (string | Buffer)[] = [Buffer.from(head)];
  for (const { args } of calls) all.push(...args);
  return all;
}
