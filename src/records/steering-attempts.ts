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
