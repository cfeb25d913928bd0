/** Finds the accounts that Redis does not know as the record does, and all that is due for them. */
import type pg from 'pg';
import type { AccountStanding, LedgerKind } from '../../domain/events.js';
import type { AccountRow, IdentityRow } from './account-profile.js';
import type { IntentBody } from './intent.js';
import { ACCOUNT_TOPIC } from './publication.js';

export interface PendingIntent {
  readonly id: string;
  readonly number: number;
  readonly kind: LedgerKind;
  readonly body: IntentBody;
}

export interface ReleasedIdentity {
  readonly networkScope: string;
  readonly kind: string;
  readonly value: string;
}

/** One account, locked until the end of the transaction, and what is due for it. */
export interface AccountWork {
  readonly account: AccountRow & {
    readonly standing: AccountStanding;
    /** The partition it is on its way to; null where it is at rest. */
    readonly targetPartition: number | null;
  };
  /** In the order of their numbers. */
  readonly intents: readonly PendingIntent[];
  /** Null where nothing but intents is due. */
  readonly publication: {
    readonly numbers: readonly string[];
    readonly identities: readonly IdentityRow[];
    readonly released: readonly ReleasedIdentity[];
  } | null;
}

/** Intents up to a number are on their way: sent, and not confirmed by their events yet. */
export interface Awaited {
  readonly accountId: string;
  readonly number: number;
}

export interface WorkQuery {
  /** Accounts come in the order of their ids: those behind this one; '' for the first. */
  readonly after: string;
  readonly accountsMax: number;
  /** Intents are looked for too, beside these; null where they are not. */
  readonly intentsBeside: readonly Awaited[] | null;
}

/** What a profile is made of; a suspended group lets nobody draw. */
export const ACCOUNT_COLUMNS = `
  a.id, a.tenant, a.partition, a.customer_id AS customer, a.tariff,
  a.profile_version::float8 AS "profileVersion",
  g.owner_account_id AS "sharingOwner", g.definition AS "sharingTerms"`;
export const ACCOUNT_TABLES = `
  tolld.accounts a LEFT JOIN tolld.sharing_groups g
    ON g.tenant = a.tenant AND g.id = a.sharing_group AND g.state = 'active'`;

/** Locks accounts and returns what is due for each; those that another process holds are left to it. */
export async function takeWork(
  client: pg.PoolClient,
  due: readonly string[],
): Promise<readonly AccountWork[]> {
  const accounts = await lockAccounts(client, due);
  const ids = accounts.map(({ id }) => id);
  if (ids.length === 0) return [];
  const intents = await readIntents(client, ids);
  const publications = await readPublications(client, ids);
  const published = [...publications.keys()];
  const identities = await readIdentities(client, published);
  const released = await readReleased(client, publications);
  return accounts.map((account) => {
    const publication = publications.get(account.id);
    return {
      account,
      intents: intents.get(account.id) ?? [],
      publication:
        publication === undefined
          ? null
          : {
              numbers: publication.numbers,
              identities: identities.filter(({ accountId }) => accountId === account.id),
              released: released.get(account.id) ?? [],
            },
    };
  });
}

/** Ids of accounts with work, whoever holds them. Looking through all that is due costs its size. */
export async function findDueAccounts(
  client: pg.PoolClient,
  { after, accountsMax, intentsBeside }: WorkQuery,
): Promise<readonly string[]> {
  const awaited = intentsBeside ?? [];
  const { rows } = await client.query<{ id: string }>({
    name: 'accounts with work',
    text: `
      SELECT subject AS id FROM tolld.publications
      WHERE published_at IS NULL AND topic = $2 AND subject > $1
      UNION
      SELECT i.account_id FROM tolld.intents i
        LEFT JOIN unnest($3::text[], $4::bigint[]) AS s (id, number) ON s.id = i.account_id
        WHERE $6 AND i.state = 'pending' AND i.account_id > $1 AND i.number > coalesce(s.number, 0)
      ORDER BY 1 LIMIT $5`,
    values: [
      after,
      ACCOUNT_TOPIC,
      awaited.map(({ accountId }) => accountId),
      awaited.map(({ number }) => number),
      accountsMax,
      intentsBeside !== null,
    ],
  });
  return rows.map(({ id }) => id);
}

async function lockAccounts(
  client: pg.PoolClient,
  ids: readonly string[],
): Promise<readonly AccountWork['account'][]> {
  const { rows } = await client.query<AccountWork['account']>({
    name: 'locked accounts',
    text: `
      SELECT ${ACCOUNT_COLUMNS}, a.standing, a.target_partition AS "targetPartition"
      FROM ${ACCOUNT_TABLES}
      WHERE a.id = ANY ($1)
      ORDER BY a.id
      FOR NO KEY UPDATE OF a SKIP LOCKED`,
    values: [ids],
  });
  return rows;
}

async function readIntents(
  client: pg.PoolClient,
  ids: readonly string[],
): Promise<ReadonlyMap<string, readonly PendingIntent[]>> {
  const { rows } = await client.query<PendingIntent & { readonly accountId: string }>({
    name: 'pending intents',
    text: `
      SELECT account_id AS "accountId", id, number::float8 AS number, kind, body
      FROM tolld.intents WHERE state = 'pending' AND account_id = ANY ($1)
      ORDER BY account_id, number`,
    values: [ids],
  });
  const intents = new Map<string, PendingIntent[]>();
  for (const { accountId, ...intent } of rows) {
    const list = intents.get(accountId);
    if (list === undefined) intents.set(accountId, [intent]);
    else list.push(intent);
  }
  return intents;
}

interface Publication {
  readonly numbers: readonly string[];
  /** When the oldest of them was written, as Postgres keeps it: to the microsecond. */
  readonly since: string;
}

async function readPublications(
  client: pg.PoolClient,
  ids: readonly string[],
): Promise<ReadonlyMap<string, Publication>> {
  const { rows } = await client.query<{ subject: string; numbers: string[]; since: string }>({
    name: 'unpublished accounts',
    text: `
      SELECT subject, array_agg(number::text) AS numbers, min(created_at)::text AS since
      FROM tolld.publications
      WHERE published_at IS NULL AND topic = $2 AND subject = ANY ($1) GROUP BY subject`,
    values: [ids, ACCOUNT_TOPIC],
  });
  return new Map(rows.map(({ subject, ...rest }) => [subject, rest]));
}

/** The active identities of accounts. */
export async function readIdentities(
  client: pg.PoolClient,
  ids: readonly string[],
): Promise<readonly IdentityRow[]> {
  const { rows } = await client.query<IdentityRow>({
    name: 'identities of accounts',
    text: `
      SELECT i.account_id AS "accountId", i.subscription_id AS subscription,
        s.customer_id AS customer, i.network_scope AS "networkScope", i.kind, i.value, s.tariff,
        s.access, s.plan
      FROM tolld.identities i LEFT JOIN tolld.subscriptions s ON s.id = i.subscription_id
      WHERE i.account_id = ANY ($1) AND i.state = 'active' ORDER BY i.id`,
    values: [ids],
  });
  return rows;
}

/**
 * Identities that were released with the publications or after them, unless somebody has them now:
 * whoever does publishes them anew.
 */
async function readReleased(
  client: pg.PoolClient,
  publications: ReadonlyMap<string, Publication>,
): Promise<ReadonlyMap<string, readonly ReleasedIdentity[]>> {
  const { rows } = await client.query<ReleasedIdentity & { readonly accountId: string }>({
    name: 'released identities',
    text: `
      SELECT i.account_id AS "accountId", i.network_scope AS "networkScope", i.kind, i.value
      FROM unnest($1::text[], $2::timestamptz[]) AS p (id, since)
        JOIN tolld.identities i ON i.account_id = p.id AND i.updated_at >= p.since
      WHERE i.state <> 'active' AND i.value IS NOT NULL AND NOT EXISTS (
        SELECT FROM tolld.identities o
        WHERE o.state = 'active' AND o.value = i.value AND o.kind = i.kind
          AND o.network_scope = i.network_scope)`,
    values: [[...publications.keys()], [...publications.values()].map(({ since }) => since)],
  });
  const released = new Map<string, ReleasedIdentity[]>();
  for (const { accountId, ...identity } of rows) {
    released.set(accountId, [...(released.get(accountId) ?? []), identity]);
  }
  return released;
}

/** The account stands in Redis where it was to be. */
export async function recordMove(
  client: pg.PoolClient,
  { id, partition }: { readonly id: string; readonly partition: number },
): Promise<void> {
  await client.query({
    name: 'moved account',
    text: `UPDATE tolld.accounts SET partition = $2, target_partition = NULL WHERE id = $1`,
    values: [id, partition],
  });
}

/** Marks what was brought to Redis. */
export async function settlePublications(
  client: pg.PoolClient,
  work: readonly AccountWork[],
): Promise<void> {
  const numbers = work.flatMap(({ publication }) => publication?.numbers ?? []);
  if (numbers.length === 0) return;
  await client.query({
    name: 'settled publications',
    text: `UPDATE tolld.publications SET published_at = now() WHERE number = ANY ($1::bigint[])`,
    values: [numbers],
  });
}

/** The configuration that is in force, for the stamps of management's own events. */
export async function readPublishedVersion(client: pg.PoolClient): Promise<number> {
  const { rows } = await client.query<{ version: number }>(
    `SELECT coalesce(max(version), 0)::float8 AS version FROM tolld.config_versions
     WHERE published_at IS NOT NULL`,
  );
  return rows[0]?.version ?? 0;
}
