/** What events leave unsaid: of which tenant and customer an account is. */
import type pg from 'pg';
import type { PartitionBatch } from '../domain/flush.js';
import { UNKNOWN_TENANT } from './account-changes.js';
import { arrayText } from './copy-text.js';
import { needsKnownAccount, type KnownAccount, type KnownAccounts } from './event-context.js';

/** Asks only for the accounts of which a stamp says nothing: most batches ask for none. */
export async function readKnownAccounts(
  pool: pg.Pool,
  batches: readonly PartitionBatch[],
): Promise<KnownAccounts> {
  const ids = new Set<string>();
  for (const { entries } of batches) {
    for (const { entry } of entries) {
      entry.accounts.forEach(({ accountId }, index) => {
        if (needsKnownAccount(entry, index)) ids.add(accountId);
      });
    }
  }
  const known = new Map<string, KnownAccount>();
  if (ids.size === 0) return known;
  const { rows } = await pool.query<{ id: string; tenant: string; customer_id: string | null }>({
    name: 'known accounts',
    text: `
      SELECT id, coalesce(a.tenant, s.tenant) AS tenant, a.customer_id
      FROM unnest($1::text[]) AS id
        LEFT JOIN tolld.accounts a USING (id)
        LEFT JOIN tolld.account_states s ON s.account_id = id
      WHERE coalesce(a.tenant, s.tenant) IS NOT NULL`,
    values: [arrayText([...ids])],
  });
  for (const { id, tenant, customer_id } of rows) {
    known.set(id, { tenant: tenant === UNKNOWN_TENANT ? null : tenant, customer: customer_id });
  }
  return known;
}
