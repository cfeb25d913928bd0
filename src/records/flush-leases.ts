/** Which flusher reads which partition, agreed upon in Postgres by its clock. */
import type pg from 'pg';
import type { FlushLeases } from '../domain/flush.js';
import { inTransaction } from './database.js';

export interface FlushLeasesOptions {
  /** Different for each flusher, and for each start of one. */
  readonly holder: string;
  /** Of the whole key space, 0 to this less one. */
  readonly partitions: number;
  readonly leaseMs: number;
}

export function createFlushLeases(
  options: FlushLeasesOptions,
  { pool }: { readonly pool: pg.Pool },
): FlushLeases {
  const { holder } = options;
  return {
    renew: () => inTransaction(pool, (client) => renew(client, options)),
    release: () =>
      inTransaction(pool, async (client) => {
        await client.query(
          `UPDATE tolld.flush_leases SET holder = NULL, expires_at = now() WHERE holder = $1`,
          [holder],
        );
        await client.query('DELETE FROM tolld.flushers WHERE holder = $1', [holder]);
      }),
  };
}

async function renew(
  client: pg.ClientBase,
  { holder, partitions, leaseMs }: FlushLeasesOptions,
): Promise<ReadonlyMap<number, number>> {
  const { live, rank } = await announce(client, { holder, leaseMs });
  // What does not divide goes to the first by name, so that the shares add up to all.
  const share = Math.floor(partitions / live) + (rank < partitions % live ? 1 : 0);
  const held = await extend(client, { holder, leaseMs });
  const surplus = [...held.keys()].sort((a, b) => a - b).slice(share);
  if (surplus.length > 0) {
    await client.query(
      `UPDATE tolld.flush_leases SET holder = NULL, expires_at = now()
       WHERE holder = $1 AND partition = ANY ($2)`,
      [holder, surplus],
    );
    for (const partition of surplus) held.delete(partition);
  }
  if (held.size < share) {
    const limit = share - held.size;
    for (const [partition, fence] of await takeFree(client, {
      holder,
      leaseMs,
      partitions,
      limit,
    })) {
      held.set(partition, fence);
    }
  }
  return held;
}

/** Says that this flusher lives. @returns how many do, and how many of them come before it. */
async function announce(
  client: pg.ClientBase,
  { holder, leaseMs }: { readonly holder: string; readonly leaseMs: number },
): Promise<{ readonly live: number; readonly rank: number }> {
  await client.query(
    `INSERT INTO tolld.flushers (holder, expires_at) VALUES ($1, now() + $2 * interval '1 ms')
     ON CONFLICT (holder) DO UPDATE SET expires_at = excluded.expires_at`,
    [holder, leaseMs],
  );
  // One that is renewing itself at this moment isn't waited for.
  await client.query(
    `DELETE FROM tolld.flushers WHERE holder IN
       (SELECT holder FROM tolld.flushers WHERE expires_at < now() FOR UPDATE SKIP LOCKED)`,
  );
  const { rows } = await client.query<{ live: string; rank: string }>(
    `SELECT count(*) AS live, count(*) FILTER (WHERE holder < $1) AS rank
     FROM tolld.flushers WHERE expires_at >= now()`,
    [holder],
  );
  const [row] = rows;
  return { live: Math.max(1, Number(row?.live ?? 1)), rank: Number(row?.rank ?? 0) };
}

interface LeaseRow {
  readonly partition: number;
  readonly fence: string;
}

/** A lease that ran out is kept on all the same while nobody has taken it. */
async function extend(
  client: pg.ClientBase,
  { holder, leaseMs }: { readonly holder: string; readonly leaseMs: number },
): Promise<Map<number, number>> {
  const { rows } = await client.query<LeaseRow>(
    `UPDATE tolld.flush_leases SET expires_at = now() + $2 * interval '1 ms'
     WHERE holder = $1 RETURNING partition, fence`,
    [holder, leaseMs],
  );
  return new Map(rows.map(({ partition, fence }) => [partition, Number(fence)]));
}

async function takeFree(
  client: pg.ClientBase,
  options: {
    readonly holder: string;
    readonly leaseMs: number;
    readonly partitions: number;
    readonly limit: number;
  },
): Promise<ReadonlyMap<number, number>> {
  const { holder, leaseMs, partitions, limit } = options;
  await client.query(
    `INSERT INTO tolld.flush_leases (partition, expires_at)
     SELECT partition, 'epoch' FROM generate_series(0, $1 - 1) AS partition
     WHERE NOT EXISTS (SELECT FROM tolld.flush_leases l WHERE l.partition = $1 - 1)
     ON CONFLICT DO NOTHING`,
    [partitions],
  );
  const { rows } = await client.query<LeaseRow>(
    `UPDATE tolld.flush_leases
     SET holder = $1, fence = fence + 1, expires_at = now() + $2 * interval '1 ms'
     WHERE partition IN (
       SELECT partition FROM tolld.flush_leases
       WHERE expires_at <= now() AND holder IS DISTINCT FROM $1 AND partition < $3
       ORDER BY partition LIMIT $4 FOR UPDATE SKIP LOCKED)
     RETURNING partition, fence`,
    [holder, leaseMs, partitions, limit],
  );
  return new Map(rows.map(({ partition, fence }) => [partition, Number(fence)]));
}
