/** What became of an intent, as its event told the record. */
import type pg from 'pg';
import { TRANSFER_TOPIC } from './publication.js';

export type Settlement =
  /** Not confirmed yet; of a transfer: not both sides. */
  | { readonly state: 'pending' }
  /** `sequence`: the event of the account that says so. */
  | { readonly state: 'applied'; readonly sequence: number }
  | { readonly state: 'refused'; readonly refusal: string }
  /** Of a transfer: the other account could not take it, and what was taken came back. */
  | { readonly state: 'returned'; readonly refusal: string };

interface SettlementRow {
  readonly state: 'pending' | 'applied' | 'refused';
  readonly refusal: string | null;
  readonly sequence: number | null;
  /** Null for what is no transfer. */
  readonly isOver: boolean | null;
  readonly otherRefusal: string | null;
}

export async function readSettlement(client: pg.PoolClient, intentId: string): Promise<Settlement> {
  const { rows } = await client.query<SettlementRow>(
    `SELECT i.state, i.refusal, i.applied_sequence::float8 AS sequence,
       (SELECT p.published_at IS NOT NULL FROM tolld.publications p
        WHERE p.topic = $2 AND p.subject = i.transfer_id) AS "isOver",
       (SELECT o.refusal FROM tolld.intents o
        WHERE o.transfer_id = i.transfer_id AND o.id <> i.id AND o.state = 'refused'
        ORDER BY o.id LIMIT 1) AS "otherRefusal"
     FROM tolld.intents i WHERE i.id = $1`,
    [intentId, TRANSFER_TOPIC],
  );
  const [row] = rows;
  if (row === undefined) throw new Error(`there is no intent ${intentId}`);
  const { state, refusal, sequence, isOver, otherRefusal } = row;
  if (state === 'refused') return { state, refusal: refusal ?? 'unknown' };
  if (state === 'pending' || isOver === false) return { state: 'pending' };
  if (otherRefusal !== null) return { state: 'returned', refusal: otherRefusal };
  return { state, sequence: sequence ?? 0 };
}
