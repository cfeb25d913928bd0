/** Everything that happened to an account, in the order of its own count: 1, 2, 3 … */
import type pg from 'pg';
import { toAmount, type Amount } from '../domain/amounts.js';
import { asTenant } from './database.js';

export interface TimelineImpact {
  readonly bucketId: string;
  readonly resource: string;
  readonly delta: Amount;
  readonly after: Amount | null;
}

export interface TimelineEvent {
  readonly sequence: number;
  /** Milliseconds since 1970, by the script's clock. */
  readonly at: number;
  /** `usage`, `shared-usage`, `ledger`, `session`, `bucket-state`, `threshold`, `steering` or `account`. */
  readonly kind: string;
  /** What it is about: a session, an intent, a bucket, a threshold. */
  readonly subject: string | null;
  /** What became of it: "opened", "grant", "active" … ; the service of a usage. */
  readonly change: string | null;
  readonly usage: TimelineUsage | null;
  /** Staff took a bucket below its floor, or raised the floor above what was left. */
  readonly belowFloor: boolean;
  readonly impacts: readonly TimelineImpact[];
}

export interface TimelineUsage {
  readonly used: Amount;
  readonly uncollected: Amount;
  readonly unit: string | null;
  readonly cost: Amount;
  readonly currency: string | null;
}

export interface TimelineQuery {
  readonly tenant: string;
  readonly accountId: string;
  /** Only what happened then or later, in milliseconds since 1970. */
  readonly since: number | null;
  /** At most so many, the newest ones. */
  readonly countMax: number;
}

interface TimelineRow {
  readonly sequence: string;
  readonly at: Date;
  readonly kind: string;
  readonly subject: string | null;
  readonly change: string | null;
  readonly used: string | null;
  readonly uncollected: string | null;
  readonly unit: string | null;
  readonly cost: string | null;
  readonly currency: string | null;
  readonly below_floor: boolean;
  readonly impacts: readonly (readonly [string, string, number, number | null, ...unknown[]])[];
}

/** One row for each event; the rows of one ledger entry are its impacts. */
const TIMELINE = `
  SELECT * FROM (
    SELECT sequence, charged_at AS at, kind, session_id AS subject, service AS change,
           used, uncollected, unit, cost, currency, false AS below_floor, impacts
      FROM tolld.rated_events
     WHERE account_id = $1 AND charged_at >= $2
    UNION ALL
    SELECT sequence, min(posted_at), 'ledger', min(intent_id), min(kind),
           NULL, NULL, NULL, NULL, NULL, bool_or(below_floor),
           coalesce(
             jsonb_agg(jsonb_build_array(bucket_id, resource, amount, balance_after)
                       ORDER BY position) FILTER (WHERE bucket_id IS NOT NULL),
             '[]')
      FROM tolld.ledger_entries
     WHERE account_id = $1 AND posted_at >= $2
     GROUP BY sequence
    UNION ALL
    SELECT sequence, happened_at, kind, subject, change,
           NULL, NULL, NULL, NULL, NULL, false, '[]'
      FROM tolld.account_events
     WHERE account_id = $1 AND happened_at >= $2
    ORDER BY sequence DESC
    LIMIT $3
  ) AS newest
  ORDER BY sequence`;

function amountOf(text: string | null): Amount {
  return toAmount(BigInt(text ?? '0'));
}

function eventOf(row: TimelineRow): TimelineEvent {
  const usage =
    row.used === null
      ? null
      : {
          used: amountOf(row.used),
          uncollected: amountOf(row.uncollected),
          unit: row.unit,
          cost: amountOf(row.cost),
          currency: row.currency,
        };
  return {
    sequence: Number(row.sequence),
    at: row.at.getTime(),
    kind: row.kind,
    subject: row.subject,
    change: row.change,
    usage,
    belowFloor: row.below_floor,
    impacts: row.impacts.map(([bucketId, resource, delta, after]) => ({
      bucketId,
      resource,
      delta: toAmount(delta),
      after: after === null ? null : toAmount(after),
    })),
  };
}

/** The newest events of an account, the oldest of them first. */
export async function readTimeline(
  pool: pg.Pool,
  { tenant, accountId, since, countMax }: TimelineQuery,
): Promise<readonly TimelineEvent[]> {
  return asTenant(pool, tenant, async (client) => {
    const { rows } = await client.query<TimelineRow>(TIMELINE, [
      accountId,
      since === null ? '-infinity' : new Date(since),
      countMax,
    ]);
    return rows.map(eventOf);
  });
}
