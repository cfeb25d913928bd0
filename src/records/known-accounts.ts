/** What events leave unsaid: of which tenant and customer an account is. */
import type pg from 'pg';
import { UNKNOWN_TENANT } from './account-changes.js';
import { arrayText } from './copy-text.js';
import type { KnownAccount, KnownAccounts } from './event-context.js';

/** What the record knows of accounts; of each that is asked for, if only that it knows nothing. */
export async function readKnownAccounts(
  pool: pg.Pool,
  accountIds: ReadonlySet<string>,
): Promise<KnownAccounts> {
  const { rows } = await pool.query<{
    id: string;
    tenant: string | null;
    customer_id: string | null;
  }>({
    name: 'known accounts',
    text: `
      SELECT id, coalesce(a.tenant, s.tenant) AS tenant, a.customer_id
      FROM unnest($1::text[]) AS id
        LEFT JOIN tolld.accounts a USING (id)
        LEFT JOIN tolld.account_states s ON s.account_id = id`,
    values: [arrayText([...accountIds])],
  });
  return new Map(
    rows.map(({ id, tenant, customer_id: customer }): [string, KnownAccount] => [
      id,
      { tenant: tenant === UNKNOWN_TENANT ? null : tenant, customer },
    ]),
  );
}
