/**
 * Durability `replicated`: what was answered is also on a replica. A write of ours after the fact and
 * WAIT for it tell that the replica has all that stood before it, whoever wrote that.
 */
import type { Logger } from '../observability/logger.js';
import { isCluster, mastersOf, type RedisClient } from './redis-client.js';

/** No replica had it in time; the call may be made again. */
export class NotReplicatedError extends Error {
  readonly code = 'TOLLD_NOT_REPLICATED';

  constructor() {
    super('a connected replica did not confirm in time');
    this.name = 'NotReplicatedError';
  }
}

export interface ReplicationOptions {
  /** How long a replica may take. */
  readonly timeoutMs: number;
}

export interface Replication {
  /**
   * Resolves once a replica has everything that was written so far to the server of `key`, a key of
   * which nothing else is wanted. Without a connected replica it resolves too, and says so in the
   * log: a failover leaves none for a while, and charging goes on.
   * @throws NotReplicatedError, or the client's error.
   */
  confirm(key: string): Promise<void>;
}

/** The connection must be one of its own: WAIT holds up what comes behind it. */
export function createReplication(
  { timeoutMs }: ReplicationOptions,
  { redis, logger }: { readonly redis: RedisClient; readonly logger: Logger },
): Replication {
  /** Whoever comes while a confirmation is under way shares the next one. */
  const next = new Map<string, Promise<void>>();
  const running = new Map<string, Promise<void>>();
  let isAlone = false;

  async function confirmOnce(key: string): Promise<void> {
    // A replica that isn't there would only be waited for.
    if (isAlone && !(await hasReplica())) return;
    const replies = await redis.pipeline().set(key, '1').wait(1, timeoutMs).exec();
    const failed = replies?.find(([error]) => error !== null)?.[0];
    if (failed) {
      if (failed.message.startsWith('MOVED') && isCluster(redis)) redis.refreshSlotsCache();
      throw failed;
    }
    if (Number(replies?.[1]?.[1]) >= 1) {
      isAlone = false;
      return;
    }
    if (await hasReplica()) throw new NotReplicatedError();
    if (!isAlone) logger.warn({}, 'no replica is connected: answers are on one server only');
    isAlone = true;
  }

  async function hasReplica(): Promise<boolean> {
    const reports = await Promise.all(mastersOf(redis).map((server) => server.info('replication')));
    return reports.every((report) => /^connected_slaves:[1-9]/m.test(report));
  }

  async function startNext(key: string): Promise<void> {
    // A failure under way is its callers' business.
    await running.get(key)?.catch(() => undefined);
    const confirmation = confirmOnce(key);
    next.delete(key);
    running.set(key, confirmation);
    await confirmation;
  }

  return {
    confirm: (key) => {
      let shared = next.get(key);
      if (shared === undefined) {
        shared = startNext(key);
        next.set(key, shared);
      }
      return shared;
    },
  };
}
