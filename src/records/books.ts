/** An account's books, added up from the facts: what was credited, what usage took, what must be left. */
import type pg from 'pg';

export interface BookLine {
  readonly bucketId: string;
  readonly resource: string;
  /** Sum of the ledger entries: grants, top-ups, adjustments, expiries. */
  readonly ledger: bigint;
  /** Sum of what usage took, as a negative number. */
  readonly usage: bigint;
}

interface BookRow {
  readonly bucket_id: string;
  readonly resource: string;
  readonly ledger: string;
  readonly usage: string;
}

/**
 * Adds up ledger and usage by bucket. It reads every event of the account: a proof, not a query for
 * a page. What a bucket holds is `ledger + usage`.
 */
export async function readBooks(
  database: pg.Pool | pg.ClientBase,
  accountId: string,
): Promise<readonly BookLine[]> {
  const { rows } = await database.query<BookRow>(
    `WITH changes AS (
       SELECT bucket_id, resource, amount AS ledger, 0::bigint AS usage
       FROM tolld.ledger_entries WHERE account_id = $1 AND bucket_id IS NOT NULL
       UNION ALL
       SELECT impact ->> 0, impact ->> 1, 0, (impact ->> 2)::bigint
       FROM tolld.rated_events, jsonb_array_elements(impacts) AS impact
       WHERE account_id = $1
     )
     SELECT bucket_id, resource, sum(ledger)::text AS ledger, sum(usage)::text AS usage
     FROM changes GROUP BY bucket_id, resource ORDER BY bucket_id`,
    [accountId],
  );
  return rows.map(({ bucket_id: bucketId, resource, ledger, usage }) => ({
    bucketId,
    resource,
    ledger: BigInt(ledger),
    usage: BigInt(usage),
  }));
}
