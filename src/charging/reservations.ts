/** What open sessions hold of the balances of a partition: the value at risk. For metrics only. */
import type { Engine } from './engine.js';
import { holdersOfSessions, watchedSessions } from './inventory.js';
import { readAccount } from './snapshot.js';
import { unlessUnreadable } from './unreadable.js';

export interface ReservationTotals {
  readonly openSessions: number;
  /**
   * What is reserved, by resource, in its smallest unit. Sums of many accounts may pass 2^53, so they
   * are whole numbers of any size.
   */
  readonly reserved: ReadonlyMap<string, bigint>;
}

export interface ReservationPace {
  /** Accounts read at once. */
  readonly accountsAtOnce: number;
  /** Called after each of these lots, before the next: the server serves others meanwhile. */
  readonly pause: () => Promise<void>;
}

/**
 * Sums what the buckets of a partition reserve, beside traffic: each account is read in one moment,
 * different ones in different moments. Only accounts that pay for a session are read; no other holds
 * anything.
 * @throws EngineUnavailableError, EngineReplyError
 */
export async function measureReservations(
  engine: Engine,
  partition: number,
  { accountsAtOnce, pause }: ReservationPace,
): Promise<ReservationTotals> {
  const sessionIds = await watchedSessions(engine, partition);
  const holders = await holdersOfSessions(engine, partition, sessionIds);
  const accountIds = new Set(
    holders.flatMap(({ accountId, ownerAccountId }) => [accountId, ownerAccountId ?? accountId]),
  );
  const reserved = new Map<string, bigint>();
  const waiting = [...accountIds];
  while (waiting.length > 0) {
    const lot = waiting.splice(-accountsAtOnce);
    const accounts = await Promise.all(
      lot.map((id) => unlessUnreadable(readAccount(engine, partition, id))),
    );
    for (const bucket of accounts.flatMap((account) => account?.buckets ?? [])) {
      if (bucket.reserved === 0) continue;
      const sum = reserved.get(bucket.resource) ?? 0n;
      reserved.set(bucket.resource, sum + BigInt(bucket.reserved));
    }
    await pause();
  }
  return { openSessions: holders.filter(({ isOpen }) => isOpen).length, reserved };
}
