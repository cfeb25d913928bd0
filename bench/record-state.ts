/** What Postgres holds while a backlog is written to it. */
import type pg from 'pg';

/**
 * Gives Postgres write-ahead log to use again, as one has that has run for a while: to make a segment
 * takes 16 MiB of zeros and a sync, which a Redis on the same disk waits for.
 * @param segments how many of 16 MiB.
 */
export async function ageLog(pool: pg.Pool, segments: number): Promise<void> {
  for (let segment = 0; segment < segments; segment += 1) {
    await pool.query("SELECT pg_logical_emit_message(false, 'bench', '')");
    await pool.query('SELECT pg_switch_wal()');
  }
  await pool.query('CHECKPOINT');
}

/** Entries that Postgres has. */
export async function recordedEntries(pool: pg.Pool): Promise<number> {
  const { rows } = await pool.query<{ entries: string | null }>(
    'SELECT sum(n + 1) AS entries FROM tolld.flush_offsets',
  );
  return Number(rows[0]?.entries ?? 0);
}

/** How much write-ahead log was ever written, in bytes. */
export async function logPosition(pool: pg.Pool): Promise<number> {
  const { rows } = await pool.query<{ bytes: string }>(
    "SELECT pg_current_wal_lsn() - '0/0' AS bytes",
  );
  return Number(rows[0]?.bytes ?? 0);
}

/** Whether each account's events are there from the first to the last, each once, and no other. */
export async function isRecordWhole(
  pool: pg.Pool,
  expected: {
    readonly entries: number;
    /** Of all accounts, and of those of steady-charging.ts. */
    readonly usage: number;
    readonly charged: number;
  },
): Promise<boolean> {
  const { rows } = await pool.query<{
    broken: string;
    usage: string;
    charged: string;
    entries: string;
    quarantined: string;
  }>(
    `WITH facts AS (
      SELECT account_id, sequence FROM tolld.rated_events
      UNION ALL SELECT account_id, sequence FROM tolld.account_events
      UNION ALL SELECT account_id, sequence FROM tolld.ledger_entries WHERE position = 0
    ), runs AS (
      SELECT account_id, count(*) AS events, count(DISTINCT sequence) AS numbers,
        max(sequence) AS last
      FROM facts GROUP BY account_id
    )
    SELECT
      (SELECT count(*) FROM runs FULL JOIN tolld.account_states s USING (account_id)
        WHERE (events = last AND numbers = last AND s.last_sequence = last) IS NOT TRUE) AS broken,
      (SELECT count(*) FROM tolld.rated_events) AS usage,
      (SELECT count(*) FROM tolld.rated_events WHERE account_id LIKE 'a%') AS charged,
      (SELECT sum(n + 1) FROM tolld.flush_offsets) AS entries,
      (SELECT count(*) FROM tolld.quarantined_events) AS quarantined`,
  );
  const [row] = rows;
  return (
    Number(row?.broken) === 0 &&
    Number(row?.quarantined) === 0 &&
    Number(row?.charged) === expected.charged &&
    Number(row?.usage) === expected.usage &&
    Number(row?.entries) === expected.entries
  );
}
