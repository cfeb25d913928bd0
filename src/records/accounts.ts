/** An account as the record has it: where its run stands, its buckets, its open sessions. */
import type pg from 'pg';
import type { AccountStanding, BucketState } from '../domain/events.js';

export interface RecordedBucket {
  readonly bucketId: string;
  readonly resource: string;
  readonly kind: 'units' | 'money' | null;
  readonly priority: number | null;
  readonly state: BucketState | null;
  readonly startsAt: Date | null;
  readonly endsAt: Date | null;
  readonly bundleId: string | null;
  /** What it holds, reservations included. */
  readonly remaining: bigint;
}

export interface RecordedSession {
  readonly sessionId: string;
  readonly openedAt: Date;
  readonly protocol: string | null;
  readonly peer: string | null;
  readonly serviceContext: string | null;
}

export interface RecordedAccount {
  readonly accountId: string;
  readonly tenant: string;
  readonly partition: number;
  /** Number of the last event in the record. */
  readonly lastSequence: number;
  readonly lastAt: Date;
  readonly lastIntent: number;
  readonly standing: AccountStanding | null;
  readonly profileVersion: number | null;
  readonly buckets: readonly RecordedBucket[];
  readonly openSessions: readonly RecordedSession[];
}

interface StateRow {
  readonly tenant: string;
  readonly partition: number;
  readonly last_sequence: string;
  readonly last_at: Date;
  readonly last_intent: string;
  readonly standing: AccountStanding | null;
  readonly profile_version: string | null;
}

/**
 * The account as of its last recorded event, or null where none was recorded. Ask within one
 * transaction (REPEATABLE READ) where the parts must be of one moment.
 */
export async function readRecordedAccount(
  database: pg.Pool | pg.ClientBase,
  accountId: string,
): Promise<RecordedAccount | null> {
  const { rows } = await database.query<StateRow>(
    `SELECT tenant, partition, last_sequence, last_at, last_intent, standing, profile_version
     FROM tolld.account_states WHERE account_id = $1`,
    [accountId],
  );
  const [state] = rows;
  if (state === undefined) return null;
  return {
    accountId,
    tenant: state.tenant,
    partition: state.partition,
    lastSequence: Number(state.last_sequence),
    lastAt: state.last_at,
    lastIntent: Number(state.last_intent),
    standing: state.standing,
    profileVersion: state.profile_version === null ? null : Number(state.profile_version),
    buckets: await readBuckets(database, accountId),
    openSessions: await readOpenSessions(database, accountId),
  };
}

interface BucketRow {
  readonly bucket_id: string;
  readonly resource: string;
  readonly kind: 'units' | 'money' | null;
  readonly priority: number | null;
  readonly state: BucketState | null;
  readonly starts_at: Date | null;
  readonly ends_at: Date | null;
  readonly bundle_id: string | null;
  readonly remaining: string;
}

async function readBuckets(
  database: pg.Pool | pg.ClientBase,
  accountId: string,
): Promise<readonly RecordedBucket[]> {
  const { rows } = await database.query<BucketRow>(
    `SELECT bucket_id, resource, kind, priority, state, starts_at, ends_at, bundle_id, remaining
     FROM tolld.bucket_balances WHERE account_id = $1 ORDER BY priority, created_at, bucket_id`,
    [accountId],
  );
  return rows.map((row) => ({
    bucketId: row.bucket_id,
    resource: row.resource,
    kind: row.kind,
    priority: row.priority,
    state: row.state,
    startsAt: row.starts_at,
    endsAt: row.ends_at,
    bundleId: row.bundle_id,
    remaining: BigInt(row.remaining),
  }));
}

async function readOpenSessions(
  database: pg.Pool | pg.ClientBase,
  accountId: string,
): Promise<readonly RecordedSession[]> {
  const { rows } = await database.query<{
    session_id: string;
    opened_at: Date;
    protocol: string | null;
    peer: string | null;
    service_context: string | null;
  }>(
    `SELECT session_id, opened_at, protocol, peer, service_context FROM tolld.sessions
     WHERE account_id = $1 AND closed_at IS NULL ORDER BY opened_at, session_id`,
    [accountId],
  );
  return rows.map((row) => ({
    sessionId: row.session_id,
    openedAt: row.opened_at,
    protocol: row.protocol,
    peer: row.peer,
    serviceContext: row.service_context,
  }));
}
