/** Sessions of an account that have not ended, as far as Postgres knows. */
import type pg from 'pg';
import { asTenant } from './database.js';

/** Ids of open sessions, the newest first. */
export async function findOpenSessions(
  pool: pg.Pool,
  {
    tenant,
    accountId,
    countMax,
  }: { readonly tenant: string; readonly accountId: string; readonly countMax: number },
): Promise<readonly string[]> {
  return asTenant(pool, tenant, async (client) => {
    const { rows } = await client.query<{ session_id: string }>(
      `SELECT session_id FROM tolld.sessions WHERE account_id = $1 AND closed_at IS NULL
       ORDER BY opened_at DESC LIMIT $2`,
      [accountId, countMax],
    );
    return rows.map(({ session_id: id }) => id);
  });
}
