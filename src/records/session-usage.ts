/** What sessions were charged for, service by service. */
import type pg from 'pg';
import { asTenant, EVERY_TENANT } from './database.js';

export interface SessionUsage {
  readonly sessionId: string;
  readonly ratingGroup: number | null;
  readonly unit: string;
  readonly used: bigint;
}

/** Rated units of these sessions since a moment; what nothing was recorded of is left out. */
export async function readSessionUsage(
  pool: pg.Pool,
  { sessionIds, since }: { readonly sessionIds: readonly string[]; readonly since: Date },
): Promise<readonly SessionUsage[]> {
  return asTenant(pool, EVERY_TENANT, async (client) => {
    const { rows } = await client.query<Omit<SessionUsage, 'used'> & { readonly used: string }>(
      `SELECT session_id AS "sessionId", rating_group::float8 AS "ratingGroup",
         coalesce(unit, 'octets') AS unit, sum(used)::text AS used
       FROM tolld.rated_events
       WHERE charged_at >= $2 AND session_id = ANY ($1)
       GROUP BY 1, 2, 3`,
      [sessionIds, since],
    );
    return rows.map((row) => ({ ...row, used: BigInt(row.used) }));
  });
}
