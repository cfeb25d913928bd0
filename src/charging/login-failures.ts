/**
 * Failed logins by user and by station, shared by all processes. Whoever fails too often is turned
 * away for a while without being asked; nobody else waits for it.
 */
import type { Engine } from './engine.js';

export interface LoginFailures {
  /** Whether one of them is locked out now, and who has failed at all. One round trip. */
  read(whos: readonly string[]): Promise<ReadFailures>;
  /** Counts a failed attempt once, however often and wherever its request arrives. */
  note(whos: readonly string[], requestKey: string): Promise<void>;
  /** A success ends the count. */
  clear(who: string): Promise<void>;
}

export interface ReadFailures {
  readonly locked: boolean;
  readonly failed: readonly string[];
}

export interface LoginFailuresOptions {
  /** Failures after which no more are listened to; 0 for no lock-out. */
  readonly failuresMax: number;
  /** From the first of them on. */
  readonly seconds: number;
}

export function createLoginFailures(
  { failuresMax, seconds }: LoginFailuresOptions,
  { engine }: { readonly engine: Engine },
): LoginFailures {
  const { redis, keys } = engine;
  return {
    read: async (whos) => {
      if (failuresMax === 0 || whos.length === 0) return { locked: false, failed: [] };
      // One command for nearly everybody, who has not failed.
      const known = await redis.exists(...whos.map((who) => keys.failures(who)));
      if (known === 0) return { locked: false, failed: [] };
      const counts = await Promise.all(whos.map((who) => redis.scard(keys.failures(who))));
      return {
        locked: counts.some((count) => count >= failuresMax),
        failed: whos.filter((_who, index) => counts[index] !== 0),
      };
    },
    note: async (whos, requestKey) => {
      if (failuresMax === 0) return;
      await Promise.all(
        whos.map(async (who) => {
          const key = keys.failures(who);
          // A set of the attempts rather than a number: a resend adds nothing.
          await Promise.all([redis.sadd(key, requestKey), redis.expire(key, seconds, 'NX')]);
        }),
      );
    },
    clear: async (who) => {
      await redis.del(keys.failures(who));
    },
  };
}
