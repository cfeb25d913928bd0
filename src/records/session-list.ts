/** Sessions as Postgres has them: who is or was online, from where, since when. */
import type pg from 'pg';
import { asTenant, EVERY_TENANT } from './database.js';

export interface ListedSession {
  readonly sessionId: string;
  readonly tenant: string;
  readonly accountId: string;
  readonly partition: number;
  readonly subscription: string | null;
  readonly protocol: string | null;
  /** Gateway or NAS. */
  readonly peer: string | null;
  readonly userName: string | null;
  readonly station: string | null;
  readonly address: string | null;
  readonly msisdn: string | null;
  readonly state: 'open' | 'closed' | 'expired';
  readonly openedAt: Date;
  readonly closedAt: Date | null;
  readonly cause: string | null;
  readonly network: Readonly<Record<string, string>>;
}

export interface SessionQuery {
  readonly sessionId?: string | undefined;
  /** Id or external id. */
  readonly account?: string | undefined;
  readonly peer?: string | undefined;
  readonly userName?: string | undefined;
  /** Those that have ended, too. */
  readonly ended: boolean;
  readonly countMax: number;
}

/** Sessions that match all of the query, the newest first. */
export async function listSessions(
  pool: pg.Pool,
  { sessionId, account, peer, userName, ended, countMax }: SessionQuery,
): Promise<readonly ListedSession[]> {
  return asTenant(pool, EVERY_TENANT, async (client) => {
    const { rows } = await client.query<ListedSession>(
      `SELECT s.session_id AS "sessionId", s.tenant, s.account_id AS "accountId", a.partition,
         s.subscription_id AS subscription, s.protocol, s.peer, s.user_name AS "userName",
         s.mac AS station, s.address, s.msisdn, s.state, s.opened_at AS "openedAt",
         s.closed_at AS "closedAt", s.cause, coalesce(s.network, '{}') AS network
       FROM tolld.sessions s JOIN tolld.accounts a ON a.id = s.account_id
       WHERE ($1::text IS NULL OR s.session_id = $1)
         AND ($2::text IS NULL OR a.id = $2 OR a.external_id = $2)
         AND ($3::text IS NULL OR s.peer = $3)
         AND ($4::text IS NULL OR s.user_name = $4)
         AND ($5 OR s.closed_at IS NULL)
       ORDER BY s.opened_at DESC, s.session_id LIMIT $6`,
      [sessionId ?? null, account ?? null, peer ?? null, userName ?? null, ended, countMax],
    );
    return rows;
  });
}
