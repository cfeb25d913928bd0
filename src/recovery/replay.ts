/**
 * Brings the accounts of a closed partition to where the record has them, where Redis came back
 * without their last events. Their sessions go on with nothing reserved; reports that Redis had
 * answered and forgotten are known as charged. Accounts that had moved away by then are gone from here.
 * Where something stands in an account's place that can't be read, it is set aside: the record has
 * the account, and the others don't wait for it.
 */
import type pg from 'pg';
import type { Engine } from '../charging/engine.js';
import { readSequences } from '../charging/inventory.js';
import { noteDeparture, restoreAccount } from '../charging/restoring.js';
import { isAccountUnreadable, setAside } from '../charging/unreadable.js';
import type { EntryId } from '../domain/events.js';
import {
  listDepartures,
  listRecordedPlaces,
  readReportsBehind,
  readRestorable,
  type AccountPlace,
  type RecordedDeparture,
} from '../records/restorable.js';
import { readInSnapshot, SessionIndex } from './gathering.js';
import { restoredAccount, type RestoreOptions } from './restored-account.js';
import { withSettledReports } from './settled-reports.js';

export interface ReplayDependencies {
  readonly engine: Engine;
  /** With the right to read the facts of every tenant. */
  readonly pool: pg.Pool;
  readonly clock: () => number;
}

export interface ReplayOptions extends Pick<RestoreOptions, 'missedReportsMax'> {
  readonly partition: number;
  /** Where its outbox ends. */
  readonly last: EntryId | null;
}

/** Sessions of gateways that ended longer ago are not asked for again. */
const SESSION_RETENTION_MS = 24 * 3_600_000;
const ACCOUNTS_AT_ONCE = 200;
const SEQUENCES_AT_ONCE = 1_000;

export interface Replayed {
  /** How many accounts were behind, or linked to one that was. */
  readonly accountsRestored: number;
  /** Accounts that could not be read, and that are now as the record has them. */
  readonly accountsSetAside: readonly string[];
}

/**
 * Replays a partition. What broke off is taken up by calling this again: an
 * account that is behind stays so until it is whole.
 */
export async function replayPartition(
  { partition, last, missedReportsMax }: ReplayOptions,
  dependencies: ReplayDependencies,
): Promise<Replayed> {
  const { engine, pool, clock } = dependencies;
  const { recorded, departed } = await readInSnapshot(pool, async (client) => ({
    recorded: await listRecordedPlaces(client, partition),
    departed: await listDepartures(client, partition, last ?? { epoch: 0, n: -1 }),
  }));
  const { behind, unreadable } = await accountsBehind(engine, partition, recorded);
  for (const { accountId } of departed) {
    if (await isAccountUnreadable(engine, { partition, accountId })) unreadable.add(accountId);
  }
  for (const accountId of unreadable) await setAside(engine, { partition, accountId });
  const index = await SessionIndex.read(engine, partition, new Set());
  const gone = new Set(departed.map(({ accountId }) => accountId));
  const linked = linkedAccounts(index, [...behind, ...departed]).filter((id) => !gone.has(id));
  const options = { now: clock(), sessionRetentionMs: SESSION_RETENTION_MS, missedReportsMax };
  // Those that are behind last: by them the others are found again.
  const all = [...linked.map((accountId) => ({ accountId, sequence: Infinity })), ...behind];
  for (let from = 0; from < all.length; from += ACCOUNTS_AT_ONCE) {
    await restoreChunk(all.slice(from, from + ACCOUNTS_AT_ONCE), {
      ...{ engine, pool, index, options },
    });
  }
  // Those at last, too: what they hold of an owner goes back to him by this.
  for (const departure of departed) await note(departure, { engine, partition, index });
  return {
    accountsRestored: all.length + departed.length,
    accountsSetAside: [...unreadable],
  };
}

async function note(
  departure: RecordedDeparture,
  {
    engine,
    partition,
    index,
  }: { readonly engine: Engine; readonly partition: number; readonly index: SessionIndex },
): Promise<void> {
  const sessionIds = index.ofPayer(departure.accountId);
  await noteDeparture(engine, { ...departure, partition, sessionIds });
}

/**
 * Accounts whose last events Redis lacks, each with the last that it has; 0 for one that it lacks, or
 * has nothing readable of.
 */
async function accountsBehind(
  engine: Engine,
  partition: number,
  recorded: readonly AccountPlace[],
): Promise<{ readonly behind: readonly AccountPlace[]; readonly unreadable: Set<string> }> {
  const behind: AccountPlace[] = [];
  const broken = new Set<string>();
  for (let from = 0; from < recorded.length; from += SEQUENCES_AT_ONCE) {
    const chunk = recorded.slice(from, from + SEQUENCES_AT_ONCE);
    const ids = chunk.map(({ accountId }) => accountId);
    const { sequences, unreadable } = await readSequences(engine, partition, ids);
    for (const accountId of unreadable) broken.add(accountId);
    for (const { accountId, sequence } of chunk) {
      const found = sequences.get(accountId) ?? 0;
      if (found < sequence) behind.push({ accountId, sequence: found });
    }
  }
  return { behind, unreadable: broken };
}

/**
 * Accounts whose sessions hold units of one that is behind, or the other way round: what is restored
 * knows of no reservation, so theirs have to go too.
 */
function linkedAccounts(
  index: SessionIndex,
  behind: readonly { readonly accountId: string }[],
): readonly string[] {
  const first = new Set(behind.map(({ accountId }) => accountId));
  const found = new Set(first);
  let before = -1;
  while (found.size > before) {
    before = found.size;
    for (const { accountId, ownerAccountId } of index.holders.values()) {
      if (ownerAccountId === null) continue;
      if (!found.has(accountId) && !found.has(ownerAccountId)) continue;
      found.add(accountId).add(ownerAccountId);
    }
  }
  return [...found].filter((accountId) => !first.has(accountId));
}

async function restoreChunk(
  places: readonly AccountPlace[],
  {
    engine,
    pool,
    index,
    options,
  }: {
    readonly engine: Engine;
    readonly pool: pg.Pool;
    readonly index: SessionIndex;
    readonly options: RestoreOptions;
  },
): Promise<void> {
  const endedSince = new Date(options.now - options.sessionRetentionMs);
  const ids = places.map(({ accountId }) => accountId);
  const behind = places.filter(({ sequence }) => Number.isFinite(sequence));
  const { accounts, reports } = await readInSnapshot(pool, async (client) => ({
    accounts: await readRestorable(client, ids, { endedSince, sessions: 'all' }),
    reports: await readReportsBehind(client, behind),
  }));
  await Promise.all(
    accounts.map(async (recorded) => {
      const account = restoredAccount(recorded, options);
      const own = reports.filter(({ accountId }) => accountId === account.accountId);
      const sessions = withSettledReports(account.sessions, own, options);
      const resumed = new Set(sessions.map(({ sessionId }) => sessionId));
      const forgottenSessionIds = index
        .ofPayer(account.accountId)
        .filter((sessionId) => !resumed.has(sessionId));
      await restoreAccount(engine, { ...account, sessions, forgottenSessionIds });
    }),
  );
}
