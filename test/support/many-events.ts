/** A record of any size, made inside Postgres, and how it answers what staff ask. */
import type pg from 'pg';
import { listRatedEvents, type RatedEventQuery } from '../../src/records/rated-events.js';

const PER_ACCOUNT = 200;
/** Rows of one statement, so that a long fill says where it is. */
const STEP = 500_000;

/**
 * Fills `rated_events` with so many rows over two months, 200 for each account, 20 for each session,
 * every fourth of an account with a customer.
 */
export async function fillRatedEvents(
  pool: pg.Pool,
  { rows, onStep }: { readonly rows: number; readonly onStep?: (done: number) => void },
): Promise<void> {
  await pool.query('SELECT tolld.create_months(2)');
  for (let from = 0; from < rows; from += STEP) {
    const until = Math.min(rows, from + STEP);
    await pool.query(
      `INSERT INTO tolld.rated_events (charged_at, sequence, entry, epoch, request_number,
         rating_group, used, uncollected, cost, partition, kind, tenant, account_id, customer_id,
         session_id, service, protocol, unit, imsi, msisdn, user_name, impacts)
       SELECT date_trunc('month', now()) + n % $3 * interval '2 seconds', n / $4 + 1, n, 1, n % 20,
         10, 1000, 0, 5, n % 64, 'usage', 'acme', 'account-' || n % $4,
         CASE WHEN n % 4 = 0 THEN 'customer-' || n % $4 END,
         'session-' || n / 20, '10', 'gy', 'octets', 'imsi-' || n % $4, 'msisdn-' || n % $4,
         CASE WHEN n % 8 = 0 THEN 'user-' || n % $4 END, '[]'
       FROM generate_series($1::bigint, $2::bigint) n`,
      [from, until - 1, Math.min(rows, 2_000_000), Math.max(1, Math.floor(rows / PER_ACCOUNT))],
    );
    onStep?.(until);
  }
  await pool.query('VACUUM ANALYZE tolld.rated_events');
}

/** What staff ask, by name. */
export const QUESTIONS: Readonly<Record<string, RatedEventQuery>> = {
  'an account, a page': { accountId: 'account-8', limit: 50 },
  'a customer since a day': { customer: 'customer-8', since: new Date(0), limit: 50 },
  'a session': { sessionId: 'session-8', limit: 50 },
  'a number': { msisdn: 'msisdn-8', limit: 50 },
  'a card, in a month': { imsi: 'imsi-8', since: new Date(0), until: new Date(8.64e14), limit: 50 },
  'a login': { userName: 'user-8', limit: 50 },
};

interface Plan {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Actual Rows'?: number;
  readonly Plans?: readonly Plan[];
}

export interface Answer {
  readonly ms: number;
  /** Tables that were read from end to end, empty ones left out. */
  readonly scanned: readonly string[];
}

/** Runs a question as the code does, under EXPLAIN. */
export async function explain(pool: pg.Pool, question: RatedEventQuery): Promise<Answer> {
  const { rows: sizes } = await pool.query<{ relname: string }>(
    `SELECT relname FROM pg_class WHERE relname LIKE 'rated_events%' AND reltuples > 0`,
  );
  const filled = new Set(sizes.map(({ relname }) => relname));
  let answer: Answer | null = null;
  const explaining = {
    query: async (text: string, values: unknown[]) => {
      const { rows } = await pool.query<{
        'QUERY PLAN': [{ Plan: Plan; 'Execution Time': number }];
      }>(`EXPLAIN (ANALYZE, FORMAT JSON) ${text}`, values);
      const [top] = rows[0]?.['QUERY PLAN'] ?? [];
      if (top === undefined) throw new Error('Postgres explained nothing');
      const scanned = nodesOf(top.Plan)
        .filter((node) => node['Node Type'] === 'Seq Scan')
        .flatMap((node) => node['Relation Name'] ?? [])
        .filter((name) => filled.has(name));
      answer = { ms: top['Execution Time'], scanned };
      return { rows: [] };
    },
  };
  await listRatedEvents(explaining as unknown as pg.Pool, question);
  if (answer === null) throw new Error('nothing was asked');
  return answer;
}

function nodesOf(plan: Plan): readonly Plan[] {
  return [plan, ...(plan.Plans ?? []).flatMap(nodesOf)];
}
