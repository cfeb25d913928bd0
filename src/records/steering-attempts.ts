/** What became of requests to gateways about sessions, as Postgres has it. */
import type pg from 'pg';
import type { SteeringKind, SteeringOutcome, SteeringReason } from '../domain/steering.js';
import { asTenant } from './database.js';

export interface SteeringRecord {
  readonly sessionId: string;
  /** Milliseconds since 1970: when the outcome was known, and when it was asked for. */
  readonly at: number;
  readonly raisedAt: number;
  readonly kind: SteeringKind;
  readonly reason: SteeringReason;
  readonly outcome: SteeringOutcome;
  /** Result-Code or Error-Cause, where the gateway said one. */
  readonly detail: string | null;
  readonly attempt: number;
  /** Whether no other attempt follows; `unanswered` and `unreachable` are given up then. */
  readonly final: boolean;
}

export interface SteeringQuery {
  readonly tenant: string;
  readonly accountId: string;
  /** One session only, or null for all of the account. */
  readonly sessionId: string | null;
  readonly countMax: number;
}

interface Row {
  readonly session_id: string;
  readonly at: Date;
  readonly outcome: SteeringOutcome;
  readonly detail: Pick<
    SteeringRecord,
    'raisedAt' | 'kind' | 'reason' | 'detail' | 'attempt' | 'final'
  >;
}

/** Attempts to steer the sessions of an account, the newest first. */
export async function readSteering(
  pool: pg.Pool,
  { tenant, accountId, sessionId, countMax }: SteeringQuery,
): Promise<readonly SteeringRecord[]> {
  return asTenant(pool, tenant, async (client) => {
    const { rows } = await client.query<Row>(
      `SELECT subject AS session_id, happened_at AS at, change AS outcome, detail
       FROM tolld.account_events
       WHERE account_id = $1 AND kind = 'steering' AND ($2::text IS NULL OR subject = $2)
       ORDER BY happened_at DESC, sequence DESC LIMIT $3`,
      [accountId, sessionId, countMax],
    );
    return rows.map(({ session_id, at, outcome, detail }) => ({
      sessionId: session_id,
      at: at.getTime(),
      raisedAt: detail.raisedAt,
      kind: detail.kind,
      reason: detail.reason,
      outcome,
      detail: detail.detail,
      attempt: detail.attempt,
      final: detail.final,
    }));
  });
}

/** What staff asked for of a session that is still open, and what had not been done by its last attempt. */
export interface OpenOrder {
  readonly partition: number;
  readonly accountId: string;
  readonly sessionId: string;
  readonly kind: SteeringKind;
}

/** Of every tenant: orders that are to be attempted again. What was never attempted, nothing tells of. */
export async function readOpenOrders(client: pg.ClientBase): Promise<readonly OpenOrder[]> {
  const { rows } = await client.query<OpenOrder>(
    `SELECT s.partition, o.account_id AS "accountId", o.session_id AS "sessionId",
       e.detail ->> 'kind' AS kind
     FROM tolld.sessions o JOIN tolld.account_states s USING (account_id), LATERAL (
       SELECT detail FROM tolld.account_events
       WHERE account_id = o.account_id AND kind = 'steering' AND subject = o.session_id
         AND happened_at >= o.opened_at AND detail ->> 'reason' = 'demand'
       ORDER BY happened_at DESC, sequence DESC LIMIT 1) AS e
     WHERE o.closed_at IS NULL AND NOT (e.detail ->> 'final')::boolean
     ORDER BY 2, 3`,
  );
  return rows;
}
