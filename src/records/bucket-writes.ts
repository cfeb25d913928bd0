/** Writes what a batch did to buckets, and looks whether they still add up. */
import type pg from 'pg';
import type { BucketGrant } from '../domain/events.js';
import type { UnbalancedBucket } from '../domain/flush.js';
import type { BucketChange, BucketChanges } from './bucket-changes.js';
import { instantText, instantTextOrNull } from './copy-text.js';

/** Writes the changes; returns the buckets whose sums do not add up afterwards. */
export async function writeBucketChanges(
  client: pg.ClientBase,
  changes: BucketChanges,
): Promise<readonly UnbalancedBucket[]> {
  const all = [...changes.values()];
  const defined = all.filter(({ definition }) => definition !== null);
  const touched = all.filter((change) => change.touched);
  if (defined.length > 0) await writeDefinitions(client, defined);
  const { moved, unbalanced } = await writeAmounts(client, touched);
  if (moved === touched.length) {
    await writeStates(client, all);
    return unbalanced;
  }
  // A bucket of which the record has no grant (it is in quarantine): the amounts are kept anyhow.
  await writePlaceholders(client, touched);
  const again = await writeAmounts(client, touched, { onlyNew: true });
  await writeStates(client, all);
  return [...unbalanced, ...again.unbalanced];
}

async function writeDefinitions(
  client: pg.ClientBase,
  changes: readonly BucketChange[],
): Promise<void> {
  const rows = changes.map(({ accountId, bucketId, tenant, at, definition, state, granted }) => {
    const grant = definition as BucketGrant;
    return {
      account_id: accountId,
      bucket_id: bucketId,
      tenant,
      resource: grant.resource,
      kind: grant.kind,
      priority: grant.priority,
      state: state?.to ?? grant.state,
      starts_at: instantTextOrNull(state === null ? grant.startsAt : state.startsAt),
      ends_at: instantTextOrNull(state === null ? grant.endsAt : state.endsAt),
      duration_ms: grant.durationMs ?? null,
      created_at: instantText(grant.createdAt),
      floor: grant.floor,
      granted: String(BigInt(grant.granted) + granted),
      step: grant.step,
      blocker: grant.blocker,
      bundle_id: grant.bundleId,
      detail: grant.detail,
      at,
    };
  });
  await client.query({
    name: 'bucket definitions',
    text: `
      INSERT INTO tolld.buckets AS b (account_id, bucket_id, tenant, resource, kind, priority, state,
        starts_at, ends_at, duration_ms, created_at, floor, granted, step, blocker, bundle_id, detail,
        remaining, credited, debited, expired, last_sequence, last_at)
      SELECT account_id, bucket_id, tenant, resource, kind, priority, state, starts_at, ends_at,
        duration_ms, created_at, floor, granted, step, blocker, bundle_id, detail, 0, 0, 0, 0, 0, at
      FROM jsonb_to_recordset($1) AS v (account_id text, bucket_id text, tenant text, resource text,
        kind text, priority int, state text, starts_at timestamptz, ends_at timestamptz,
        duration_ms bigint, created_at timestamptz, floor bigint, granted bigint, step bigint,
        blocker boolean, bundle_id text, detail jsonb, at timestamptz)
      ON CONFLICT (account_id, bucket_id) DO UPDATE SET
        resource = excluded.resource, kind = excluded.kind, priority = excluded.priority,
        state = excluded.state, starts_at = excluded.starts_at, ends_at = excluded.ends_at,
        duration_ms = excluded.duration_ms, created_at = excluded.created_at,
        floor = excluded.floor, granted = excluded.granted, step = excluded.step,
        blocker = excluded.blocker, bundle_id = excluded.bundle_id, detail = excluded.detail`,
    values: [JSON.stringify(rows)],
  });
}

interface AmountsWritten {
  readonly moved: number;
  readonly unbalanced: readonly UnbalancedBucket[];
}

interface AmountsRow {
  readonly moved: string;
  readonly unbalanced: readonly {
    readonly account: string;
    readonly bucket: string;
    readonly remaining: string;
    readonly expected: string;
  }[];
}

/** `onlyNew`: just the buckets that no event has changed yet. */
async function writeAmounts(
  client: pg.ClientBase,
  changes: readonly BucketChange[],
  { onlyNew = false }: { readonly onlyNew?: boolean } = {},
): Promise<AmountsWritten> {
  if (changes.length === 0) return { moved: 0, unbalanced: [] };
  const { rows } = await client.query<AmountsRow>({
    name: onlyNew ? 'bucket amounts of new' : 'bucket amounts',
    // An entry that comes out of quarantine later adds to the sums, but is not what it holds now.
    text: `
      WITH moved AS (
        UPDATE tolld.buckets AS b SET
          remaining = CASE WHEN v.sequence > b.last_sequence THEN v.after ELSE b.remaining END,
          credited = b.credited + v.credited, debited = b.debited + v.debited,
          expired = b.expired + v.expired, granted = b.granted + v.granted,
          last_sequence = greatest(b.last_sequence, v.sequence),
          last_at = greatest(b.last_at, v.at)
        FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[],
          $7::bigint[], $8::bigint[], $9::timestamptz[])
          AS v (account_id, bucket_id, after, credited, debited, expired, granted, sequence, at)
        WHERE b.account_id = v.account_id AND b.bucket_id = v.bucket_id
          ${onlyNew ? 'AND b.last_sequence = 0' : ''}
        RETURNING b.account_id, b.bucket_id, b.remaining,
          b.credited - b.debited - b.expired AS expected
      )
      SELECT count(*) AS moved, coalesce(
        jsonb_agg(jsonb_build_object('account', account_id, 'bucket', bucket_id,
          'remaining', remaining::text, 'expected', expected::text))
          FILTER (WHERE remaining <> expected), '[]') AS unbalanced
      FROM moved`,
    values: [
      changes.map(({ accountId }) => accountId),
      changes.map(({ bucketId }) => bucketId),
      changes.map(({ after }) => after),
      changes.map(({ credited }) => String(credited)),
      changes.map(({ debited }) => String(debited)),
      changes.map(({ expired }) => String(expired)),
      // Of a bucket defined in this batch the definition says it.
      changes.map(({ granted, definition }) => (definition === null ? String(granted) : '0')),
      changes.map(({ sequence }) => sequence),
      changes.map(({ at }) => at),
    ],
  });
  const [row] = rows;
  return {
    moved: Number(row?.moved ?? 0),
    unbalanced: (row?.unbalanced ?? []).map(({ account, bucket, remaining, expected }) => ({
      accountId: account,
      bucketId: bucket,
      remaining: BigInt(remaining),
      expected: BigInt(expected),
    })),
  };
}

async function writePlaceholders(
  client: pg.ClientBase,
  changes: readonly BucketChange[],
): Promise<void> {
  await client.query(
    `INSERT INTO tolld.buckets (account_id, bucket_id, tenant, resource, remaining, credited,
       debited, expired, last_sequence, last_at)
     SELECT account_id, bucket_id, tenant, resource, 0, 0, 0, 0, 0, 'epoch'
     FROM unnest($1::text[], $2::text[], $3::text[], $4::text[])
       AS v (account_id, bucket_id, tenant, resource)
     ON CONFLICT DO NOTHING`,
    [
      changes.map(({ accountId }) => accountId),
      changes.map(({ bucketId }) => bucketId),
      changes.map(({ tenant }) => tenant),
      changes.map(({ resource }) => resource ?? ''),
    ],
  );
}

async function writeStates(client: pg.ClientBase, changes: readonly BucketChange[]): Promise<void> {
  const moved = changes.filter(({ state, definition }) => state !== null && definition === null);
  if (moved.length === 0) return;
  const rows = moved.map(({ accountId, bucketId, state }) => ({
    account_id: accountId,
    bucket_id: bucketId,
    state: state?.to,
    starts_at: instantTextOrNull(state?.startsAt ?? null),
    ends_at: instantTextOrNull(state?.endsAt ?? null),
  }));
  await client.query({
    name: 'bucket states',
    text: `
      UPDATE tolld.buckets AS b
      SET state = v.state, starts_at = v.starts_at, ends_at = v.ends_at
      FROM jsonb_to_recordset($1) AS v (account_id text, bucket_id text, state text,
        starts_at timestamptz, ends_at timestamptz)
      WHERE b.account_id = v.account_id AND b.bucket_id = v.bucket_id`,
    values: [JSON.stringify(rows)],
  });
}
