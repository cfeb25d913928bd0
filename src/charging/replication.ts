/**
 * Durability `replicated`: what was answered is also on a replica. A write of ours after the fact and
 * WAIT for it tell that the replica has all that stood before it, whoever wrote that, if both were the
 * same server's: in a failover the answer may be of the old master, and what is asked of it afterwards
 * be asked of the new one. So each answer comes with the lineage of its server, and so does each
 * confirmation (lua/include/open_partition.lua): where they are the same one, the server has lost
 * nothing between the two.
 */
import type { ChainableCommander } from 'ioredis';
import type { Logger } from '../observability/logger.js';
import { isCluster, type RedisClient } from './redis-client.js';
import { isFunctionMissing, type Scripts } from './script-loader.js';

/** It can't be said that a replica has it; the call may be made again. */
export class NotReplicatedError extends Error {
  readonly code = 'TOLLD_NOT_REPLICATED';

  constructor(reason: string) {
    super(reason);
    this.name = 'NotReplicatedError';
  }
}

export interface ReplicationOptions {
  /** How long a replica may take. */
  readonly timeoutMs: number;
  /** A key to write on the server of another key, of which nothing else is wanted. */
  readonly waitedKey: (key: string) => string;
}

export interface Replication {
  /**
   * Resolves once a replica has everything that the server of `key` had written when it told this
   * lineage. Where no replica follows it resolves too, and says so in the log: a failover leaves
   * none for a while, one that comes is filled first, and charging goes on.
   * @throws NotReplicatedError, or the client's error.
   */
  confirm(key: string, lineage: string): Promise<void>;
  /**
   * Makes one read of the server of `key`.
   * @returns what it replied, with the lineage that it had before.
   * @throws the client's error.
   */
  read<Found>(
    redis: RedisClient,
    key: string,
    read: (commands: ChainableCommander) => ChainableCommander,
  ): Promise<{ readonly lineage: string; readonly found: Found }>;
}

/** What a server says of itself (lua/witness.lua). */
interface Testimony {
  readonly lineage: string;
  /** That follow it; not those that are still being filled. */
  readonly replicas: number;
}

/** `redis` must be a connection of its own: WAIT holds up what comes behind it. */
export function createReplication(
  { timeoutMs, waitedKey }: ReplicationOptions,
  {
    redis: witness,
    scripts,
    logger,
  }: {
    readonly redis: RedisClient;
    readonly scripts: Pick<Scripts, 'functionName' | 'load'>;
    readonly logger: Logger;
  },
): Replication {
  /** Whoever comes while a confirmation is under way shares the next one. */
  const next = new Map<string, Promise<string>>();
  const running = new Map<string, Promise<string>>();
  /** Keys whose server no replica followed when it was last asked, with its lineage. */
  const alone = new Map<string, string>();

  const testimonyOf = (commands: ChainableCommander, key: string, writes: 0 | 1) =>
    commands.fcall(scripts.functionName('witness'), 1, key, writes);

  /** The replies of commands that one connection sends together, and so one server answers. */
  async function exec(
    redis: RedisClient,
    add: (commands: ChainableCommander) => ChainableCommander,
  ): Promise<readonly unknown[]> {
    const replies = (await add(redis.pipeline()).exec()) ?? [];
    const failed = replies.find(([error]) => error !== null)?.[0];
    if (failed === undefined || failed === null) return replies.map(([, reply]) => reply);
    if (isFunctionMissing(failed)) {
      await scripts.load(redis);
      return exec(redis, add);
    }
    if (failed.message.startsWith('MOVED') && isCluster(redis)) redis.refreshSlotsCache();
    throw failed;
  }

  /** @returns the lineage of the server whose replica has confirmed, or that has none. */
  async function confirmOnce(key: string): Promise<string> {
    // A replica that isn't there would only be waited for.
    if (alone.has(key)) {
      const [reply] = await exec(witness, (commands) => testimonyOf(commands, key, 0));
      const { lineage, replicas } = testimony(reply);
      if (replicas === 0) return noteAlone(key, lineage);
    }
    const [, confirmed, reply] = await exec(witness, (commands) =>
      testimonyOf(testimonyOf(commands, key, 1).wait(1, timeoutMs), key, 0),
    );
    const { lineage, replicas } = testimony(reply);
    if (Number(confirmed) >= 1) {
      alone.delete(key);
      return lineage;
    }
    if (replicas > 0) throw new NotReplicatedError('a connected replica did not confirm in time');
    return noteAlone(key, lineage);
  }

  function noteAlone(key: string, lineage: string): string {
    if (![...alone.values()].includes(lineage)) {
      logger.warn({}, 'no replica follows: answers are on one server only');
    }
    alone.set(key, lineage);
    return lineage;
  }

  async function startNext(key: string): Promise<string> {
    // A failure under way is its callers' business.
    await running.get(key)?.catch(() => undefined);
    const confirmation = confirmOnce(key);
    next.delete(key);
    running.set(key, confirmation);
    return confirmation;
  }

  return {
    confirm: async (key, lineage) => {
      const waited = waitedKey(key);
      let shared = next.get(waited);
      if (shared === undefined) {
        shared = startNext(waited);
        next.set(waited, shared);
      }
      if ((await shared) === lineage) return;
      throw new NotReplicatedError('the server that answered is not the one that was asked for it');
    },
    read: async <Found>(
      redis: RedisClient,
      key: string,
      read: (commands: ChainableCommander) => ChainableCommander,
    ) => {
      const [reply, found] = await exec(redis, (commands) =>
        read(testimonyOf(commands, waitedKey(key), 0)),
      );
      return { lineage: testimony(reply).lineage, found: found as Found };
    },
  };
}

function testimony(reply: unknown): Testimony {
  const [, lineage, replicas] = reply as readonly [number, string, number];
  return { lineage, replicas };
}
