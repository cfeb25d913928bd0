/** Transfers that took from one account and in the end gave to none. */
import type pg from 'pg';

export interface LostTransfer {
  readonly transferId: string;
  readonly accountId: string;
  readonly bucketId: string;
  readonly amount: string;
}

/** Those that are over: of the others a process still makes something. */
export async function readLostTransfers(
  client: pg.ClientBase,
  countMax: number,
): Promise<readonly LostTransfer[]> {
  const { rows } = await client.query<LostTransfer>(
    `SELECT i.transfer_id AS "transferId", i.account_id AS "accountId",
       i.body #>> '{transfer,bucketId}' AS "bucketId", i.body #>> '{transfer,amount}' AS amount
     FROM tolld.intents i
       LEFT JOIN tolld.publications p ON p.topic = 'transfer' AND p.subject = i.transfer_id
     WHERE i.transfer_id IS NOT NULL AND i.state = 'applied'
       AND i.body #>> '{transfer,side}' = 'from'
       AND (p.number IS NULL OR p.published_at IS NOT NULL)
       AND NOT EXISTS (
         SELECT FROM tolld.intents o
         WHERE o.transfer_id = i.transfer_id AND o.id <> i.id AND o.state = 'applied'
           AND o.body #> '{transfer,amount}' = i.body #> '{transfer,amount}')
     ORDER BY i.id LIMIT $1`,
    [countMax],
  );
  return rows;
}
