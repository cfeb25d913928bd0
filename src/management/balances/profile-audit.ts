/**
 * Walks through the accounts, a few at a time and round again, and has those published anew whose
 * profiles in Redis are not the record's: after a Redis that lost its last second, or a publisher
 * that stopped in the middle and woke up late.
 */
import type pg from 'pg';
import type { EngineFace } from '../engine-face.js';
import type { ManagementMetrics } from '../metrics.js';
import type { Transact } from '../transaction.js';
import { profilesOf, type AccountRow, type PublishedIdentity } from './account-profile.js';
import { ACCOUNT_COLUMNS, ACCOUNT_TABLES, readIdentities } from './account-work.js';
import { ACCOUNT_TOPIC } from './publication.js';

export interface ProfileAuditOptions {
  /** Accounts that one call looks at. */
  readonly accountsMax: number;
}

export interface ProfileAuditDependencies {
  readonly transact: Transact;
  readonly engine: Pick<EngineFace, 'readPublishedProfile'>;
  readonly metrics: ManagementMetrics;
}

export interface ProfileAudit {
  /** Looks at the next accounts. Returns how many will be published anew. */
  advance(): Promise<number>;
}

export function createProfileAudit(
  { accountsMax }: ProfileAuditOptions,
  { transact, engine, metrics }: ProfileAuditDependencies,
): ProfileAudit {
  let after = '';

  async function isPublished({
    networkScope,
    identity,
    profile,
  }: PublishedIdentity): Promise<boolean> {
    const published = await engine.readPublishedProfile(networkScope, identity);
    return published !== null && sameProfile(published, profile);
  }

  return {
    async advance() {
      const { accounts, identities } = await transact(async (client) => {
        const rows = await nextAccounts(client, after, accountsMax);
        const ids = rows.map(({ id }) => id);
        return { accounts: rows, identities: await readIdentities(client, ids) };
      });
      const stale: AccountRow[] = [];
      await Promise.all(
        accounts.map(async (account) => {
          const published = await Promise.all(profilesOf(account, identities).map(isPublished));
          if (!published.every(Boolean)) stale.push(account);
        }),
      );
      if (stale.length > 0) await transact((client) => republish(client, stale));
      metrics.accountsRepaired.inc(stale.length);
      after = accounts.length < accountsMax ? '' : (accounts.at(-1)?.id ?? '');
      return stale.length;
    },
  };
}

function sameProfile(left: object, right: object): boolean {
  const text = (profile: object): string =>
    JSON.stringify(Object.entries(profile).sort(([a], [b]) => (a < b ? -1 : 1)));
  return text(left) === text(right);
}

/** Accounts that are about to be published anyway are left out. */
async function nextAccounts(
  client: pg.PoolClient,
  after: string,
  accountsMax: number,
): Promise<readonly AccountRow[]> {
  const { rows } = await client.query<AccountRow>({
    name: 'accounts to audit',
    text: `
      SELECT ${ACCOUNT_COLUMNS}
      FROM ${ACCOUNT_TABLES}
      WHERE a.id > $1 AND NOT EXISTS (
        SELECT FROM tolld.publications p
        WHERE p.published_at IS NULL AND p.topic = $3 AND p.subject = a.id)
      ORDER BY a.id LIMIT $2`,
    values: [after, accountsMax, ACCOUNT_TOPIC],
  });
  return rows;
}

async function republish(client: pg.PoolClient, accounts: readonly AccountRow[]): Promise<void> {
  await client.query(
    `INSERT INTO tolld.publications (tenant, topic, subject)
     SELECT tenant, $3, subject FROM unnest($1::text[], $2::text[]) AS v (tenant, subject)`,
    [accounts.map(({ tenant }) => tenant), accounts.map(({ id }) => id), ACCOUNT_TOPIC],
  );
}

/** Has every account published anew: for a Redis that was emptied or replaced. */
export async function republishAll(transact: Transact): Promise<void> {
  await transact(async (client) => {
    await client.query(
      `INSERT INTO tolld.publications (tenant, topic, subject)
       SELECT tenant, $1, id FROM tolld.accounts`,
      [ACCOUNT_TOPIC],
    );
  });
}
