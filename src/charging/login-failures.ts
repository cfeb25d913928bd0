/**
 * Failed logins by user and by station, shared by all processes. Whoever fails too often is turned
 * away for a while without being asked; nobody else waits for it.
 */
import type { Engine } from './engine.js';
import { atEndOfTurn, isCluster } from './redis-client.js';

export interface LoginFailures {
  /**
   * Whether one of them is locked out now, and who has failed at all. One round trip, and one command
   * for all that ask in one turn of the event loop, as long as nobody of them has failed.
   */
  read(whos: readonly string[]): Promise<ReadFailures>;
  /** Counts a failed attempt once, however often and wherever its request arrives. */
  note(whos: readonly string[], requestKey: string): Promise<void>;
  /** A success ends the count. */
  clear(who: string): Promise<void>;
  /**
   * Whether a login is better tried without {@link read}: the script that decides it looks at failures
   * itself (lua/admit_unfailed.lua), and none of them is known here to have failed lately.
   */
  seemUnfailed(whos: readonly string[]): boolean;
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
  const hasAnyFailed = askTogether(engine);
  /** Who was seen to fail, and until when that counts. A hint: Redis has the count. */
  const seen = new Map<string, number>();
  const remember = (whos: readonly string[]): void => {
    if (seen.size >= SEEN_MAX) seen.clear();
    for (const who of whos) seen.set(who, Date.now() + seconds * 1_000);
  };
  // In a cluster failures lie on another server than most accounts.
  const isJoined = failuresMax > 0 && !isCluster(redis);
  return {
    seemUnfailed: (whos) => isJoined && !whos.some((who) => (seen.get(who) ?? 0) > Date.now()),
    read: async (whos) => {
      if (failuresMax === 0 || whos.length === 0) return NOBODY;
      if (!(await hasAnyFailed(whos))) return NOBODY;
      const counts = await Promise.all(whos.map((who) => redis.scard(keys.failures(who))));
      const failed = whos.filter((_who, index) => counts[index] !== 0);
      remember(failed);
      return { locked: counts.some((count) => count >= failuresMax), failed };
    },
    note: async (whos, requestKey) => {
      if (failuresMax === 0) return;
      remember(whos);
      await Promise.all(
        whos.map(async (who) => {
          const key = keys.failures(who);
          // A set of the attempts rather than a number: a resend adds nothing.
          await Promise.all([redis.sadd(key, requestKey), redis.expire(key, seconds, 'NX')]);
        }),
      );
    },
    clear: async (who) => {
      seen.delete(who);
      await redis.del(keys.failures(who));
    },
  };
}

const SEEN_MAX = 20_000;

const NOBODY: ReadFailures = { locked: false, failed: [] };

/** Those who ask in one turn of the event loop, and what they are told. */
interface Asking {
  readonly keys: string[];
  readonly answer: Promise<boolean>;
}

/** Asks whether anybody has failed of all that ask in one turn: nearly always nobody has. */
function askTogether({ redis, keys }: Engine): (whos: readonly string[]) => Promise<boolean> {
  let asking: Asking | null = null;

  const begin = (): Asking => {
    const asked: string[] = [];
    const answer = new Promise<boolean>((resolve, reject) => {
      atEndOfTurn(redis, () => {
        asking = null;
        redis.exists(...asked).then((known) => resolve(known > 0), reject);
      });
    });
    return { keys: asked, answer };
  };

  return (whos) => {
    asking ??= begin();
    for (const who of whos) asking.keys.push(keys.failures(who));
    return asking.answer;
  };
}
