/** One recovery at a time, over all processes of an installation. */
import type pg from 'pg';

/** "toll" in ASCII. */
const RECOVERY_LOCK = 0x746f6c6c;

/**
 * Does `work` while no other process recovers anything.
 * @returns what it returns, or null where another process is at it. @throws while Postgres can't be had.
 */
export async function withRecoveryLock<T>(
  pool: pg.Pool,
  work: () => Promise<T>,
): Promise<T | null> {
  const client = await pool.connect();
  // A lost connection is noticed by whoever asks something of Postgres next.
  client.on('error', () => undefined);
  try {
    const { rows } = await client.query<{ locked: boolean }>(
      'SELECT pg_try_advisory_lock($1) AS locked',
      [RECOVERY_LOCK],
    );
    return rows[0]?.locked === true ? await work() : null;
  } finally {
    // The lock goes with its connection.
    client.release(true);
  }
}
