/**
 * What the facts say of accounts, added up anew: their runs, what each bucket was given and gave.
 * It reads every event of the accounts: a proof, not a query for a page.
 */
import type pg from 'pg';
import type { AccountAt } from './recorded-state.js';

/** An account's numbers over the three tables of facts. */
export interface RecordedRun {
  readonly accountId: string;
  readonly events: number;
  readonly distinct: number;
  readonly first: number;
  readonly last: number;
  /** Events in months that were taken off. */
  readonly archived: number;
  /** Events in entries that wait in quarantine. */
  readonly quarantined: number;
}

export interface BucketSums {
  readonly accountId: string;
  readonly bucketId: string;
  readonly resource: string | null;
  /** All that its facts say it is of; one, if they are as they were written. */
  readonly resources: readonly string[];
  readonly credited: bigint;
  readonly debited: bigint;
  readonly expired: bigint;
  /** Of months that were taken off, and of entries in quarantine. */
  readonly elsewhere: bigint;
  /** All of it up to the sequence asked for. */
  readonly atSequence: bigint;
  /** Changes that don't begin where the one before ended, and the first of them. */
  readonly breaks: number;
  readonly firstBreak: number | null;
}

export async function readRuns(
  client: pg.ClientBase,
  accountIds: readonly string[],
): Promise<ReadonlyMap<string, RecordedRun>> {
  const { rows } = await client.query<RecordedRun>({
    name: 'proof runs',
    text: `
      WITH facts AS (
        SELECT account_id, sequence FROM tolld.rated_events WHERE account_id = ANY ($1)
        UNION ALL
        SELECT account_id, sequence FROM tolld.account_events WHERE account_id = ANY ($1)
        UNION ALL
        SELECT account_id, sequence FROM tolld.ledger_entries
        WHERE account_id = ANY ($1) AND position = 0
      ), runs AS (
        SELECT account_id, count(*) AS events, count(DISTINCT sequence) AS distinct_events,
          min(sequence) AS first, max(sequence) AS last
        FROM facts GROUP BY account_id
      ), quarantined AS (
        SELECT section ->> 0 AS account_id, sum((section ->> 2)::bigint) AS events
        FROM tolld.quarantined_events, jsonb_array_elements(accounts) AS section
        WHERE resolved_at IS NULL AND section ->> 0 = ANY ($1) GROUP BY 1
      )
      SELECT id AS "accountId", coalesce(r.events, 0)::float8 AS events,
        coalesce(r.distinct_events, 0)::float8 AS distinct, coalesce(r.first, 0)::float8 AS first,
        coalesce(r.last, 0)::float8 AS last, coalesce(a.events, 0)::float8 AS archived,
        coalesce(q.events, 0)::float8 AS quarantined
      FROM unnest($1::text[]) AS id
        LEFT JOIN runs r ON r.account_id = id
        LEFT JOIN tolld.archived_runs a ON a.account_id = id
        LEFT JOIN quarantined q ON q.account_id = id`,
    values: [accountIds],
  });
  return new Map(rows.map((row) => [row.accountId, row]));
}

/** Numbers that an account's facts lack or have twice, in ranges: "4", "7 to 9 (twice)". */
export async function readRunFaults(
  client: pg.ClientBase,
  accountId: string,
  countMax: number,
): Promise<
  readonly { readonly kind: 'gap' | 'double'; readonly from: number; readonly to: number }[]
> {
  const { rows } = await client.query<{ kind: 'gap' | 'double'; from: number; to: number }>(
    `WITH facts AS (
       SELECT sequence FROM tolld.rated_events WHERE account_id = $1
       UNION ALL SELECT sequence FROM tolld.account_events WHERE account_id = $1
       UNION ALL
       SELECT sequence FROM tolld.ledger_entries WHERE account_id = $1 AND position = 0
     ), steps AS (
       SELECT sequence, lag(sequence, 1, 0::bigint) OVER (ORDER BY sequence) AS before FROM facts
     )
     SELECT CASE WHEN sequence = before THEN 'double' ELSE 'gap' END AS kind,
       (CASE WHEN sequence = before THEN sequence ELSE before + 1 END)::float8 AS from,
       (CASE WHEN sequence = before THEN sequence ELSE sequence - 1 END)::float8 AS to
     FROM steps WHERE sequence <> before + 1 ORDER BY sequence LIMIT $2`,
    [accountId, countMax],
  );
  return rows;
}

interface SumRow {
  readonly account_id: string;
  readonly bucket_id: string;
  readonly resource: string | null;
  readonly resources: readonly string[];
  readonly credited: string;
  readonly debited: string;
  readonly expired: string;
  readonly elsewhere: string;
  readonly at_sequence: string;
  readonly breaks: string;
  readonly first_break: string | null;
}

/**
 * Adds up every bucket of the accounts, and looks whether each change begins where the one before
 * ended. What is archived stands before all others; what is in quarantine has no place in the order.
 */
export async function readBucketSums(
  client: pg.ClientBase,
  accounts: readonly AccountAt[],
): Promise<readonly BucketSums[]> {
  const { rows } = await client.query<SumRow>({
    name: 'proof buckets',
    text: `
      WITH wanted AS (
        SELECT * FROM unnest($1::text[], $2::bigint[]) AS w (account_id, at_sequence)
      ), changes AS (
        SELECT account_id, bucket_id, resource, sequence, position::bigint AS place, kind,
          amount AS delta, balance_after AS after
        FROM tolld.ledger_entries WHERE account_id = ANY ($1) AND bucket_id IS NOT NULL
        UNION ALL
        SELECT account_id, impact ->> 0, impact ->> 1, sequence, ordinality, 'usage',
          (impact ->> 2)::bigint, (impact ->> 3)::bigint
        FROM tolld.rated_events,
          jsonb_array_elements(impacts) WITH ORDINALITY AS i (impact, ordinality)
        WHERE account_id = ANY ($1)
        UNION ALL
        SELECT account_id, bucket_id, NULL, 0, 0, 'archived', delta, delta
        FROM tolld.archived_impacts WHERE account_id = ANY ($1)
        UNION ALL
        SELECT impact ->> 0, impact ->> 1, NULL, (section ->> 1)::bigint, 0, 'quarantined',
          (impact ->> 2)::bigint, NULL
        FROM tolld.quarantined_events q, jsonb_array_elements(q.impacts) AS impact,
          jsonb_array_elements(q.accounts) AS section
        WHERE q.resolved_at IS NULL AND impact ->> 0 = ANY ($1) AND section ->> 0 = impact ->> 0
      ), chained AS (
        SELECT *, after IS NOT NULL AND after <> delta + coalesce(lag(after)
          OVER (PARTITION BY account_id, bucket_id, after IS NULL ORDER BY sequence, place), 0)
          AS broken
        FROM changes
      )
      SELECT c.account_id, bucket_id, max(resource) AS resource,
        array_remove(array_agg(DISTINCT resource), NULL) AS resources,
        coalesce(sum(delta) FILTER (WHERE own AND delta > 0), 0)::text AS credited,
        coalesce(-sum(delta) FILTER (WHERE own AND delta < 0 AND kind <> 'expiry'), 0)::text
          AS debited,
        coalesce(-sum(delta) FILTER (WHERE kind = 'expiry'), 0)::text AS expired,
        coalesce(sum(delta) FILTER (WHERE NOT own), 0)::text AS elsewhere,
        coalesce(sum(delta) FILTER (WHERE sequence <= coalesce(at_sequence, sequence)), 0)::text
          AS at_sequence,
        count(*) FILTER (WHERE broken)::text AS breaks,
        min(sequence) FILTER (WHERE broken)::text AS first_break
      FROM chained c JOIN wanted w USING (account_id),
        LATERAL (SELECT kind NOT IN ('archived', 'quarantined') AS own) AS o
      GROUP BY c.account_id, bucket_id`,
    values: [accounts.map(({ accountId }) => accountId), accounts.map(({ sequence }) => sequence)],
  });
  return rows.map((row) => ({
    accountId: row.account_id,
    bucketId: row.bucket_id,
    resource: row.resource,
    resources: row.resources,
    credited: BigInt(row.credited),
    debited: BigInt(row.debited),
    expired: BigInt(row.expired),
    elsewhere: BigInt(row.elsewhere),
    atSequence: BigInt(row.at_sequence),
    breaks: Number(row.breaks),
    firstBreak: row.first_break === null ? null : Number(row.first_break),
  }));
}
