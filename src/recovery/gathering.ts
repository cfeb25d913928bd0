/**
 * Reads all that speaks of accounts, beside traffic: Redis first, each account with its sessions in
 * one moment, then the record in one moment, then what the outbox has beyond it. The facts up to the
 * event at which an account stood in Redis are then complete.
 */
import type pg from 'pg';
import type { Engine } from '../charging/engine.js';
import { readHolders, watchedSessions, type SessionHolders } from '../charging/inventory.js';
import { readAccountWithSessions, type AccountWithSessions } from '../charging/snapshot.js';
import { isUnreadable, unlessUnreadable } from '../charging/unreadable.js';
import { readBucketSums, readRuns } from '../records/account-proof.js';
import { inTransaction } from '../records/database.js';
import {
  readRecordedAccounts,
  readRecordedBuckets,
  type AccountAt,
} from '../records/recorded-state.js';
import { readOpenSessions, readSessionTotals } from '../records/session-proof.js';
import type { AccountEvidence } from './account-evidence.js';
import type { StreamTail } from './stream-tail.js';

export interface GatheringContext {
  readonly engine: Engine;
  /** With the right to read the facts of every tenant. */
  readonly pool: pg.Pool;
  readonly partition: number;
  /** From where the record of the partition stood before. */
  readonly tail: StreamTail;
}

/** Which sessions an account has, as far as a look some time ago could tell. */
export class SessionIndex {
  readonly #engine: Engine;
  readonly #partition: number;
  readonly #ids = new Set<string>();
  readonly #ofAccount = new Map<string, Set<string>>();
  readonly holders = new Map<string, SessionHolders>();
  /** Sessions without a timer. */
  readonly unwatched: ReadonlySet<string>;
  /** Sessions of which nobody can tell whose they are. */
  readonly unreadable = new Set<string>();

  private constructor(engine: Engine, partition: number, unwatched: ReadonlySet<string>) {
    this.#engine = engine;
    this.#partition = partition;
    this.unwatched = unwatched;
  }

  static async read(
    engine: Engine,
    partition: number,
    listed: ReadonlySet<string>,
  ): Promise<SessionIndex> {
    const watched = new Set(await watchedSessions(engine, partition));
    const unwatched = new Set([...listed].filter((id) => !watched.has(id)));
    const index = new SessionIndex(engine, partition, unwatched);
    await index.#add([...new Set([...listed, ...watched])]);
    return index;
  }

  /** Learns of sessions that came, and of new owners. */
  async refresh(): Promise<void> {
    const watched = await watchedSessions(this.#engine, this.#partition);
    await this.#add([...new Set([...this.#ids, ...watched])]);
  }

  of(accountId: string): readonly string[] {
    return [...(this.#ofAccount.get(accountId) ?? [])];
  }

  /** The sessions that an account pays for itself. */
  ofPayer(accountId: string): readonly string[] {
    return this.of(accountId).filter((id) => this.holders.get(id)?.accountId === accountId);
  }

  async #add(ids: readonly string[]): Promise<void> {
    for (const id of ids) this.#ids.add(id);
    const { holders: found, unreadable } = await readHolders(this.#engine, this.#partition, ids);
    for (const id of unreadable) this.unreadable.add(id);
    for (const holders of found) {
      this.holders.set(holders.sessionId, holders);
      this.#link(holders.accountId, holders.sessionId);
      if (holders.ownerAccountId !== null) this.#link(holders.ownerAccountId, holders.sessionId);
    }
  }

  #link(accountId: string, sessionId: string): void {
    const ids = this.#ofAccount.get(accountId);
    if (ids === undefined) this.#ofAccount.set(accountId, new Set([sessionId]));
    else ids.add(sessionId);
  }
}

/** One transaction that sees Postgres as of one moment, every tenant of it, and changes nothing. */
export function readInSnapshot<T>(
  pool: pg.Pool,
  work: (client: pg.PoolClient) => Promise<T>,
): Promise<T> {
  return inTransaction(pool, async (client) => {
    await client.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY');
    await client.query(`SELECT set_config('app.tenant', '*', true)`);
    return work(client);
  });
}

/** What Redis holds of an account. */
export type LiveAccount = Pick<AccountEvidence, 'live' | 'isUnreadable' | 'unreadableSessionIds'>;

/** The account with its sessions, in one moment; what can't be read is left out and named. */
export async function readLive(
  { engine, partition }: Pick<GatheringContext, 'engine' | 'partition'>,
  accountId: string,
  index: SessionIndex,
): Promise<LiveAccount> {
  const read = (sessionIds: readonly string[]): Promise<AccountWithSessions | null> =>
    readAccountWithSessions(engine, { partition, accountId, sessionIds });
  const sessionIds = index.of(accountId);
  try {
    return { live: await read(sessionIds), isUnreadable: false, unreadableSessionIds: [] };
  } catch (error) {
    if (!isUnreadable(error)) throw error;
  }
  if ((await unlessUnreadable(read([]))) === null) {
    return { live: null, isUnreadable: true, unreadableSessionIds: [] };
  }
  const each = await Promise.all(sessionIds.map((id) => unlessUnreadable(read([id]))));
  const readable = sessionIds.filter((_, at) => each[at] !== null);
  return {
    live: await read(readable),
    isUnreadable: false,
    unreadableSessionIds: sessionIds.filter((id) => !readable.includes(id)),
  };
}

/** Redis first: then the record and the outbox together have every event that Redis had applied. */
export async function gatherEvidence(
  context: GatheringContext,
  accountIds: readonly string[],
  sessions: SessionIndex,
): Promise<readonly AccountEvidence[]> {
  const { pool, partition, tail } = context;
  const live = new Map(
    await Promise.all(
      accountIds.map(async (id) => [id, await readLive(context, id, sessions)] as const),
    ),
  );
  const wanted = accountIds.map((accountId): AccountAt => ({
    accountId,
    sequence: live.get(accountId)?.live?.account.sequence ?? null,
  }));
  const sessionIds = [...live.values()].flatMap(
    (each) => each.live?.sessions.map(({ sessionId }) => sessionId) ?? [],
  );
  const found = await readInSnapshot(pool, async (client) => ({
    records: await readRecordedAccounts(client, accountIds),
    runs: await readRuns(client, accountIds),
    sums: groupByAccount(await readBucketSums(client, wanted)),
    definitions: groupByAccount(await readRecordedBuckets(client, accountIds)),
    open: groupByAccount(await readOpenSessions(client, accountIds)),
    totals: await readSessionTotals(client, wanted, sessionIds),
  }));
  await tail.extend();
  const open = await withoutUnlisted(context, found.open, new Set(sessionIds));
  return Promise.all(
    accountIds.map(async (accountId): Promise<AccountEvidence> => {
      const standing = live.get(accountId) ?? ABSENT;
      const account = standing.live;
      const record = found.records.get(accountId) ?? null;
      const sequence = account?.account.sequence ?? 0;
      const recorded = record?.lastSequence ?? 0;
      const ids = new Set(account?.sessions.map(({ sessionId }) => sessionId));
      return {
        accountId,
        partition,
        ...standing,
        isBehind:
          !standing.isUnreadable &&
          sequence < recorded &&
          (await isBehind(context, accountId, recorded)),
        record,
        run: found.runs.get(accountId) ?? null,
        sums: found.sums.get(accountId) ?? [],
        definitions: found.definitions.get(accountId) ?? [],
        openSessionIds: (open.get(accountId) ?? []).map(({ sessionId }) => sessionId),
        totals: found.totals.filter(({ sessionId }) => ids.has(sessionId)),
        tail: tail.eventsOf(accountId, recorded, sequence),
      };
    }),
  );
}

const ABSENT: LiveAccount = { live: null, isUnreadable: false, unreadableSessionIds: [] };

type OpenSessions = ReadonlyMap<string, readonly { readonly sessionId: string }[]>;

/**
 * Leaves out what was opened after the sessions had been listed, or can't be read: Redis has it, though
 * it was not looked at with its account.
 */
async function withoutUnlisted(
  { engine, partition }: GatheringContext,
  open: OpenSessions,
  listed: ReadonlySet<string>,
): Promise<OpenSessions> {
  const unlisted = [...open.values()]
    .flatMap((sessions) => sessions.map(({ sessionId }) => sessionId))
    .filter((sessionId) => !listed.has(sessionId));
  const { holders, unreadable } = await readHolders(engine, partition, unlisted);
  const present = new Set([...holders.map(({ sessionId }) => sessionId), ...unreadable]);
  return new Map(
    [...open].map(([accountId, sessions]) => [
      accountId,
      sessions.filter(({ sessionId }) => !present.has(sessionId)),
    ]),
  );
}

/** Whether Redis, looked at again, still lacks events that Postgres had. */
async function isBehind(
  { engine, partition }: GatheringContext,
  accountId: string,
  recorded: number,
): Promise<boolean> {
  const found = await readAccountWithSessions(engine, { partition, accountId, sessionIds: [] });
  return found !== null && found.account.sequence < recorded;
}

function groupByAccount<Row extends { readonly accountId: string }>(
  rows: readonly Row[],
): ReadonlyMap<string, readonly Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const group = groups.get(row.accountId);
    if (group === undefined) groups.set(row.accountId, [row]);
    else group.push(row);
  }
  return groups;
}
