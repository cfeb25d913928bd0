/**
 * After a change of rates asks the Gy sessions under way to come back, so that what they hold of the
 * old rate is reported and the new one is granted [RFC 8506 5.5]. RADIUS sessions are charged report
 * by report and need no asking.
 */
import type pg from 'pg';
import type { EngineFace } from '../engine-face.js';
import type { Transact } from '../transaction.js';

export interface RateChangeNotice {
  /** Asks the next sessions of a change that is due. @returns how many were asked. */
  advance(): Promise<number>;
}

export interface RateChangeNoticeOptions {
  /** Sessions asked each second, by all processes together; 0: none, they come back by themselves. */
  readonly perSecond: number;
}

interface DueChange {
  readonly version: string;
  readonly tenant: string;
  readonly tariffs: readonly string[];
  readonly plans: readonly string[];
  readonly after: string;
}

interface OpenSession {
  readonly sessionId: string;
  readonly accountId: string;
  readonly partition: number;
}

export function createRateChangeNotice(
  { perSecond }: RateChangeNoticeOptions,
  {
    transact,
    engine,
  }: { readonly transact: Transact; readonly engine: Pick<EngineFace, 'reAuthoriseSession'> },
): RateChangeNotice {
  async function askNext(client: pg.PoolClient): Promise<number> {
    const change = await claimDue(client);
    if (change === null) return 0;
    const page = perSecond === 0 ? [] : await sessionsOf(client, change, perSecond);
    // Asking twice is asking once: a page that is cut off here is asked again.
    await Promise.all(page.map((session) => engine.reAuthoriseSession(session)));
    await client.query(
      `UPDATE tolld.rate_changes SET after_session = $3, asked = asked + $4,
         next_at = now() + interval '1 second',
         finished_at = CASE WHEN $5 THEN now() END
       WHERE config_version = $1 AND tenant = $2`,
      [
        change.version,
        change.tenant,
        page.at(-1)?.sessionId ?? change.after,
        page.length,
        page.length < perSecond || perSecond === 0,
      ],
    );
    return page.length;
  }

  return { advance: () => transact(askNext) };
}

/** The oldest change that is published and due; held until the end of the transaction. */
async function claimDue(client: pg.PoolClient): Promise<DueChange | null> {
  const { rows } = await client.query<DueChange>(
    `SELECT config_version AS version, tenant, tariffs, plans, after_session AS after
     FROM tolld.rate_changes
     WHERE finished_at IS NULL AND next_at <= now() AND config_version IN (
       SELECT version FROM tolld.config_versions WHERE published_at IS NOT NULL)
     ORDER BY config_version, tenant LIMIT 1 FOR UPDATE SKIP LOCKED`,
  );
  return rows[0] ?? null;
}

async function sessionsOf(
  client: pg.PoolClient,
  { tenant, tariffs, plans, after }: DueChange,
  countMax: number,
): Promise<readonly OpenSession[]> {
  const { rows } = await client.query<OpenSession>(
    `SELECT session.session_id AS "sessionId", account.id AS "accountId", account.partition
     FROM tolld.sessions AS session
     JOIN tolld.accounts AS account ON account.id = session.account_id
     LEFT JOIN tolld.subscriptions AS subscriber ON subscriber.id = session.subscription_id
     WHERE session.tenant = $1 AND session.closed_at IS NULL AND session.protocol = 'gy'
       AND session.session_id > $2
       AND (CASE WHEN subscriber.tariff IS NULL AND subscriber.plan IS NULL THEN account.tariff
            ELSE subscriber.tariff END = ANY ($3) OR subscriber.plan = ANY ($4))
     ORDER BY session.session_id LIMIT $5`,
    [tenant, after, tariffs, plans, countMax],
  );
  return rows;
}
