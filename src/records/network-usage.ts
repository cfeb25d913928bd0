/** What sessions of the network were charged for, by the key that their NAS gave them. */
import type pg from 'pg';
import { asTenant, EVERY_TENANT } from './database.js';

export interface NetworkUsageQuery {
  readonly sessionKeys: readonly string[];
  /** A key may have been another session's before. */
  readonly since: Date;
  readonly unit: 'octets' | 'seconds';
}

export interface NetworkUsage {
  readonly used: bigint;
  /** In the smallest part of its currency that is counted. */
  readonly cost: bigint;
}

/** By session key; a session that nothing was recorded of is left out. */
export async function readNetworkUsage(
  pool: pg.Pool,
  { sessionKeys, since, unit }: NetworkUsageQuery,
): Promise<ReadonlyMap<string, NetworkUsage>> {
  return asTenant(pool, EVERY_TENANT, async (client) => {
    const { rows } = await client.query<{ key: string; used: string; cost: string }>(
      `SELECT network ->> 'sessionKey' AS key, sum(used)::text AS used,
         sum(cost)::text AS cost
       FROM tolld.rated_events
       WHERE charged_at >= $2 AND protocol = 'radius' AND kind = 'usage' AND unit = $3
         AND network ->> 'sessionKey' = ANY ($1)
       GROUP BY 1`,
      [sessionKeys, since, unit],
    );
    return new Map(
      rows.map(({ key, used, cost }) => [key, { used: BigInt(used), cost: BigInt(cost) }]),
    );
  });
}
