/**
 * What the facts say of sessions: that every reported unit is paid or uncollected, that costs are what
 * buckets gave, and that the totals of a session follow from each other.
 */
import type pg from 'pg';
import type { AccountAt } from './recorded-state.js';

/** A report of a session whose totals don't follow from those before. */
export interface SessionBreak {
  readonly accountId: string;
  readonly sessionId: string;
  readonly service: string;
  readonly sequence: number;
  readonly used: bigint;
  readonly usedBefore: bigint;
  readonly usedAfter: bigint;
  readonly cost: bigint;
  readonly costBefore: bigint;
  readonly costAfter: bigint;
}

/** A report whose parts don't add up: units that are neither paid nor uncollected, or their price. */
export interface UsageBreak {
  readonly accountId: string;
  readonly sessionId: string;
  readonly service: string;
  readonly sequence: number;
  readonly collected: bigint;
  readonly paid: bigint;
  readonly cost: bigint;
  readonly taken: bigint;
}

/** Reports of one call of one service: a call may report before and after a change of tariff. */
const REPORTS = `
  SELECT account_id, session_id, service, partition, epoch, entry, min(sequence) AS sequence,
    sum(used) AS used, sum(uncollected) AS uncollected, sum(cost) AS cost,
    max(session_used) AS session_used, max(session_cost) AS session_cost,
    array_agg(DISTINCT currency) AS currencies, sum(own.units) AS units, sum(own.money) AS money,
    coalesce(sum(used - uncollected) FILTER (WHERE impacts = '[]' AND cost = 0), 0) AS unpriced
  FROM tolld.rated_events e, LATERAL (
    SELECT coalesce(sum((impact ->> 4)::bigint), 0) AS units,
      coalesce(-sum((impact ->> 2)::bigint) FILTER (WHERE impact ->> 1 = e.currency), 0) AS money
    FROM jsonb_array_elements(e.impacts) AS impact) AS own
  WHERE account_id = ANY ($1) AND kind = 'usage'
  GROUP BY account_id, session_id, service, partition, epoch, entry`;

type Texts<Row> = { readonly [Name in keyof Row]: string };

/**
 * Reports whose session totals are not the totals before with the report on top. A session may
 * begin anew (it was forgotten, or Redis was rebuilt): then its totals are the report's own.
 */
export async function readSessionBreaks(
  client: pg.ClientBase,
  accountIds: readonly string[],
): Promise<readonly SessionBreak[]> {
  const { rows } = await client.query<Texts<SessionBreak>>({
    name: 'proof sessions',
    text: `
      WITH reports AS (${REPORTS}), chained AS (
        SELECT *, lag(session_used) OVER run AS used_before, lag(session_cost) OVER run AS cost_before
        FROM reports WINDOW run AS (PARTITION BY account_id, session_id, service ORDER BY sequence)
      )
      SELECT account_id AS "accountId", session_id AS "sessionId", service, sequence::text,
        used::text, coalesce(used_before, 0)::text AS "usedBefore",
        session_used::text AS "usedAfter", cost::text,
        coalesce(cost_before, 0)::text AS "costBefore", session_cost::text AS "costAfter"
      FROM chained
      WHERE NOT (session_used = coalesce(used_before, 0) + used
          AND session_cost = coalesce(cost_before, 0) + cost)
        AND NOT (session_used = used AND session_cost = cost)
        AND NOT (used_before IS NULL
          AND account_id IN (SELECT account_id FROM tolld.archived_runs))
      ORDER BY account_id, sequence LIMIT 1000`,
    values: [accountIds],
  });
  return rows.map((row) => ({
    accountId: row.accountId,
    sessionId: row.sessionId,
    service: row.service,
    sequence: Number(row.sequence),
    used: BigInt(row.used),
    usedBefore: BigInt(row.usedBefore),
    usedAfter: BigInt(row.usedAfter),
    cost: BigInt(row.cost),
    costBefore: BigInt(row.costBefore),
    costAfter: BigInt(row.costAfter),
  }));
}

/**
 * Reports whose units are not all paid or uncollected, or whose cost is not what money buckets gave;
 * a sharing owner's part is in rows of his own. What has neither impact nor cost was free of charge, or
 * an owner paid for it.
 */
export async function readUsageBreaks(
  client: pg.ClientBase,
  accountIds: readonly string[],
): Promise<readonly UsageBreak[]> {
  const { rows } = await client.query<Texts<UsageBreak>>({
    name: 'proof usage',
    text: `
      WITH reports AS (${REPORTS}), doubtful AS (
        SELECT * FROM reports
        WHERE cost <> money OR used - uncollected - units NOT BETWEEN 0 AND unpriced
      ), shared AS (
        SELECT session_id, service, partition, epoch, entry,
          sum((impact ->> 4)::bigint) AS units,
          sum(CASE WHEN impact ->> 1 = ANY (d.currencies) THEN -(impact ->> 2)::bigint ELSE 0 END)
            AS money
        FROM doubtful d
          JOIN tolld.rated_events s USING (session_id, service, partition, epoch, entry),
          jsonb_array_elements(s.impacts) AS impact
        WHERE s.kind = 'shared-usage'
        GROUP BY session_id, service, partition, epoch, entry
      )
      SELECT account_id AS "accountId", session_id AS "sessionId", service, sequence::text,
        (used - uncollected)::text AS collected, (d.units + coalesce(s.units, 0))::text AS paid,
        cost::text, (d.money + coalesce(s.money, 0))::text AS taken
      FROM doubtful d LEFT JOIN shared s USING (session_id, service, partition, epoch, entry)
      WHERE cost <> d.money + coalesce(s.money, 0)
        OR used - uncollected - d.units - coalesce(s.units, 0) NOT BETWEEN 0 AND unpriced
      ORDER BY account_id, sequence LIMIT 1000`,
    values: [accountIds],
  });
  return rows.map((row) => ({
    accountId: row.accountId,
    sessionId: row.sessionId,
    service: row.service,
    sequence: Number(row.sequence),
    collected: BigInt(row.collected),
    paid: BigInt(row.paid),
    cost: BigInt(row.cost),
    taken: BigInt(row.taken),
  }));
}

/** A session of which its events and the list of sessions say different things; null: nothing. */
export interface SessionContradiction {
  readonly accountId: string;
  readonly sessionId: string;
  readonly byEvents: string | null;
  readonly listed: string | null;
}

/** Of accounts all of whose events are there. What a rebuild forgot has ended without an event. */
export async function readSessionContradictions(
  client: pg.ClientBase,
  accountIds: readonly string[],
): Promise<readonly SessionContradiction[]> {
  const { rows } = await client.query<SessionContradiction>({
    name: 'proof session list',
    text: `
      WITH told AS (
        SELECT DISTINCT ON (account_id, subject, opened) account_id, subject AS session_id, opened,
          CASE change WHEN 'opened' THEN 'open' ELSE change END AS state
        -- An event of the moment in which its session opened leaves that out.
        FROM tolld.account_events, LATERAL (
          SELECT coalesce((detail ->> 'openedAt')::float8,
            (extract(epoch FROM happened_at) * 1000)::bigint::float8) AS opened) AS o
        WHERE account_id = ANY ($1) AND kind = 'session' AND change IN ('opened', 'closed', 'expired')
        ORDER BY account_id, subject, opened, sequence DESC
      ), listed AS (
        SELECT account_id, session_id, state, cause,
          (extract(epoch FROM opened_at) * 1000)::bigint::float8 AS opened
        FROM tolld.sessions WHERE account_id = ANY ($1)
      )
      SELECT account_id AS "accountId", session_id AS "sessionId", t.state AS "byEvents",
        l.state AS listed
      FROM told t FULL JOIN listed l USING (account_id, session_id, opened)
      WHERE t.state IS DISTINCT FROM l.state AND l.cause IS DISTINCT FROM 'rebuild'
        AND account_id NOT IN (SELECT account_id FROM tolld.archived_runs)
      ORDER BY 1, 2 LIMIT 1000`,
    values: [accountIds],
  });
  return rows;
}

/** A service of a session as its last event up to a sequence left it. */
export interface SessionTotals {
  readonly sessionId: string;
  readonly service: string;
  readonly used: bigint;
  readonly cost: bigint;
  /** When that event was charged, ms since 1970. */
  readonly at: number;
  readonly requestNumber: number;
  /** Rounding totals behind it, and what its NAS had said. */
  readonly carry: unknown;
}

/** Totals of sessions of the accounts, at the sequences asked for; none for what used nothing. */
export async function readSessionTotals(
  client: pg.ClientBase,
  accounts: readonly AccountAt[],
  sessionIds: readonly string[],
): Promise<readonly SessionTotals[]> {
  if (sessionIds.length === 0) return [];
  const { rows } = await client.query<
    Texts<Omit<SessionTotals, 'carry'>> & Pick<SessionTotals, 'carry'>
  >({
    name: 'proof session totals',
    text: `
      SELECT DISTINCT ON (session_id, service) session_id AS "sessionId", service,
        session_used::text AS used, session_cost::text AS cost, carry,
        request_number::text AS "requestNumber",
        (extract(epoch FROM charged_at) * 1000)::bigint::text AS at
      FROM tolld.rated_events
        JOIN unnest($1::text[], $2::bigint[]) AS w (account_id, at_sequence) USING (account_id)
      WHERE session_id = ANY ($3) AND kind = 'usage'
        AND sequence <= coalesce(at_sequence, sequence)
      ORDER BY session_id, service, sequence DESC`,
    values: [
      accounts.map(({ accountId }) => accountId),
      accounts.map(({ sequence }) => sequence),
      sessionIds,
    ],
  });
  return rows.map(({ sessionId, service, used, cost, at, requestNumber, carry }) => ({
    sessionId,
    service,
    used: BigInt(used),
    cost: BigInt(cost),
    at: Number(at),
    requestNumber: Number(requestNumber),
    carry,
  }));
}

/** Sessions that the record says are open. */
export async function readOpenSessions(
  client: pg.ClientBase,
  accountIds: readonly string[],
): Promise<readonly { readonly accountId: string; readonly sessionId: string }[]> {
  const { rows } = await client.query<{ accountId: string; sessionId: string }>({
    name: 'proof open sessions',
    text: `SELECT account_id AS "accountId", session_id AS "sessionId" FROM tolld.sessions
           WHERE account_id = ANY ($1) AND closed_at IS NULL`,
    values: [accountIds],
  });
  return rows;
}
