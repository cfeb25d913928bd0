/** Holds the record against the workload that made it: every event once, every bucket exact. */
import type pg from 'pg';
import { expect } from 'vitest';
import type { Workload } from './workload.js';

const FACTS = `
  SELECT account_id, sequence FROM tolld.rated_events
  UNION ALL SELECT account_id, sequence FROM tolld.account_events
  UNION ALL SELECT account_id, sequence FROM tolld.ledger_entries WHERE position = 0`;

export async function expectRecordOf(workload: Workload, pool: pg.Pool): Promise<void> {
  const runs = await pool.query<{ account_id: string; events: string; last: string }>(
    `
    SELECT account_id, count(*) AS events, max(sequence) AS last FROM (${FACTS}) f
    WHERE starts_with(account_id, $1) GROUP BY account_id ORDER BY account_id`,
    [workload.name],
  );
  const expected = workload.accounts
    .filter(({ sequence }) => sequence > 0)
    .map(({ accountId, sequence }) => ({
      account_id: accountId,
      events: String(sequence),
      last: String(sequence),
    }));
  expect(runs.rows, `seed ${workload.seed}`).toEqual(
    expected.sort((a, b) => (a.account_id < b.account_id ? -1 : 1)),
  );
  const doubles = await pool.query(`
    SELECT account_id, sequence, count(*) FROM (${FACTS}) f
    GROUP BY account_id, sequence HAVING count(*) > 1`);
  expect(doubles.rows, `seed ${workload.seed}`).toEqual([]);
  const states = await pool.query(
    `SELECT account_id, last_sequence AS last FROM tolld.account_states
     WHERE starts_with(account_id, $1) ORDER BY account_id`,
    [workload.name],
  );
  expect(states.rows, `seed ${workload.seed}`).toEqual(
    runs.rows.map(({ account_id, last }) => ({ account_id, last })),
  );
  await expectBuckets(workload, pool);
  await expectOffsets(workload, pool);
}

async function expectBuckets(workload: Workload, pool: pg.Pool): Promise<void> {
  const buckets = await pool.query<{ key: string; remaining: string; granted: string }>(
    `
    SELECT account_id || ' ' || bucket_id AS key, remaining, granted FROM tolld.bucket_balances
    WHERE starts_with(account_id, $1) ORDER BY 1`,
    [workload.name],
  );
  const expected = workload.accounts.flatMap(({ accountId, buckets: held }) =>
    held.map(({ bucketId, remaining, granted }) => ({
      key: `${accountId} ${bucketId}`,
      remaining: String(remaining),
      granted: String(granted),
    })),
  );
  expect(buckets.rows, `seed ${workload.seed}`).toEqual(
    expected.sort((a, b) => (a.key < b.key ? -1 : 1)),
  );
  const different = await pool.query(`
    SELECT b.account_id, b.bucket_id, b.remaining, s.sum
    FROM tolld.bucket_balances b JOIN (
      SELECT account_id, bucket_id, sum(delta) AS sum FROM (
        SELECT account_id, bucket_id, amount AS delta FROM tolld.ledger_entries
        UNION ALL
        SELECT account_id, i ->> 0, (i ->> 2)::bigint
        FROM tolld.rated_events, jsonb_array_elements(impacts) i
      ) changes GROUP BY account_id, bucket_id
    ) s USING (account_id, bucket_id)
    WHERE b.remaining <> s.sum`);
  expect(different.rows, `seed ${workload.seed}`).toEqual([]);
}

async function expectOffsets(workload: Workload, pool: pg.Pool): Promise<void> {
  const offsets = await pool.query<{ partition: number; n: string }>(
    'SELECT partition, n FROM tolld.flush_offsets WHERE n >= 0 ORDER BY partition',
  );
  expect(offsets.rows.map(({ partition, n }) => [partition, Number(n) + 1])).toEqual(
    [...workload.entries].sort(([a], [b]) => a - b),
  );
}
