/** Sessions of an account that have not ended, as far as Postgres knows. */
import type pg from 'pg';
import { asTenant, EVERY_TENANT } from './database.js';

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

/** An account's open sessions, and the last of its events that is in the record. */
export interface LiveSessions {
  readonly sequence: number;
  readonly sessionIds: readonly string[];
}

/** Every open session of an account of any tenant, as of one moment; sequence 0: no such account. */
export async function findLiveSessions(pool: pg.Pool, accountId: string): Promise<LiveSessions> {
  return asTenant(pool, EVERY_TENANT, async (client) => {
    const { rows } = await client.query<{ sequence: number; ids: readonly string[] }>(
      `SELECT last_sequence::float8 AS sequence, ARRAY(
         SELECT DISTINCT session_id FROM tolld.sessions
         WHERE account_id = $1 AND closed_at IS NULL) AS ids
       FROM tolld.account_states WHERE account_id = $1`,
      [accountId],
    );
    const [row] = rows;
    return { sequence: row?.sequence ?? 0, sessionIds: row?.ids ?? [] };
  });
}

const PAGE_SESSIONS = 500;

/** Ids of the open sessions of any tenant that came by a peer, page by page. */
export async function* openSessionsOfPeer(
  pool: pg.Pool,
  peer: string,
): AsyncGenerator<readonly string[]> {
  let after = '';
  for (;;) {
    const ids = await asTenant(pool, EVERY_TENANT, async (client) => {
      const { rows } = await client.query<{ session_id: string }>(
        `SELECT DISTINCT session_id FROM tolld.sessions
         WHERE peer = $1 AND closed_at IS NULL AND session_id > $2
         ORDER BY session_id LIMIT $3`,
        [peer, after, PAGE_SESSIONS],
      );
      return rows.map(({ session_id: id }) => id);
    });
    const last = ids.at(-1);
    if (last === undefined) return;
    yield ids;
    after = last;
  }
}
