/** What the record keeps beside the facts: accounts, buckets, intents, places, what was set aside. */
import type pg from 'pg';

export interface AccountAt {
  readonly accountId: string;
  /** Number of the event at which a bucket is compared with Redis; null for the newest. */
  readonly sequence: number | null;
}

/** What the record keeps of an account beside its facts. */
export interface RecordedAccount {
  readonly accountId: string;
  readonly partition: number;
  readonly lastSequence: number;
  /** When the last event happened, ms since 1970. */
  readonly lastAt: number;
  readonly lastIntent: number;
  readonly standing: string | null;
  readonly profileVersion: number | null;
  readonly balances: Readonly<Record<string, number>>;
}

export async function readRecordedAccounts(
  client: pg.ClientBase,
  accountIds: readonly string[],
): Promise<ReadonlyMap<string, RecordedAccount>> {
  const { rows } = await client.query<RecordedAccount>({
    name: 'proof accounts',
    text: `
      SELECT account_id AS "accountId", partition, last_sequence::float8 AS "lastSequence",
        (extract(epoch FROM last_at) * 1000)::bigint::float8 AS "lastAt",
        last_intent::float8 AS "lastIntent", standing, profile_version::float8 AS "profileVersion",
        balances
      FROM tolld.account_states WHERE account_id = ANY ($1)`,
    values: [accountIds],
  });
  return new Map(rows.map((row) => [row.accountId, row]));
}

/** A bucket as the record defines it. */
export interface RecordedBucket {
  readonly accountId: string;
  readonly bucketId: string;
  readonly resource: string;
  readonly kind: string | null;
  readonly priority: number | null;
  readonly state: string | null;
  readonly startsAt: Date | null;
  readonly endsAt: Date | null;
  readonly durationMs: number | null;
  readonly createdAt: Date | null;
  readonly floor: number | null;
  readonly granted: number | null;
  readonly step: number | null;
  readonly blocker: boolean | null;
  readonly bundleId: string | null;
  readonly detail: Readonly<Record<string, unknown>> | null;
}

export async function readRecordedBuckets(
  client: pg.ClientBase,
  accountIds: readonly string[],
): Promise<readonly RecordedBucket[]> {
  const { rows } = await client.query<RecordedBucket>({
    name: 'proof bucket definitions',
    text: `
      SELECT account_id AS "accountId", bucket_id AS "bucketId", resource, kind, priority, state,
        starts_at AS "startsAt", ends_at AS "endsAt", duration_ms::float8 AS "durationMs",
        created_at AS "createdAt", floor::float8 AS floor, granted::float8 AS granted,
        step::float8 AS step, blocker, bundle_id AS "bundleId", detail
      FROM tolld.buckets WHERE account_id = ANY ($1) ORDER BY account_id, bucket_id`,
    values: [accountIds],
  });
  return rows;
}

/** Intents that the account's state has passed and that are settled by nothing, or are missing. */
export interface IntentFault {
  readonly accountId: string;
  readonly kind: 'unconfirmed' | 'missing';
  readonly number: number;
}

export async function readIntentFaults(
  client: pg.ClientBase,
  accountIds: readonly string[],
): Promise<readonly IntentFault[]> {
  const { rows } = await client.query<IntentFault>({
    name: 'proof intents',
    text: `
      SELECT i.account_id AS "accountId", 'unconfirmed' AS kind, i.number::float8 AS number
      FROM tolld.intents i JOIN tolld.account_states s USING (account_id)
      WHERE i.account_id = ANY ($1) AND i.state = 'pending' AND i.number <= s.last_intent
      UNION ALL
      SELECT a.id, 'missing', n::float8 FROM tolld.accounts a, generate_series(1, a.last_intent) n
      WHERE a.id = ANY ($1)
        AND a.last_intent <> (SELECT count(*) FROM tolld.intents WHERE account_id = a.id)
        AND NOT EXISTS (SELECT FROM tolld.intents i WHERE i.account_id = a.id AND i.number = n)`,
    values: [accountIds],
  });
  return rows;
}

/** Accounts of a partition that the record knows, in the order of their ids. */
export async function listRecordedAccounts(
  client: pg.ClientBase,
  partition: number,
): Promise<readonly string[]> {
  const { rows } = await client.query<{ id: string }>({
    name: 'proof account ids',
    text: `SELECT account_id AS id FROM tolld.account_states WHERE partition = $1 ORDER BY 1`,
    values: [partition],
  });
  return rows.map(({ id }) => id);
}

/** An entry that Postgres refused and that nobody has resolved. */
export interface QuarantinedPlace {
  readonly partition: number;
  readonly epoch: number;
  readonly n: number;
  readonly code: string;
  readonly message: string;
  readonly accounts: readonly (readonly [string, number, number])[];
}

export async function readQuarantine(
  client: pg.ClientBase,
  countMax: number,
): Promise<readonly QuarantinedPlace[]> {
  const { rows } = await client.query<QuarantinedPlace>({
    name: 'proof quarantine',
    text: `SELECT partition, epoch::float8 AS epoch, n::float8 AS n, code, message, accounts
           FROM tolld.quarantined_events WHERE resolved_at IS NULL
           ORDER BY partition, epoch, n LIMIT $1`,
    values: [countMax],
  });
  return rows;
}

/** Where the record of each partition stands. */
export async function readRecordedOffsets(
  client: pg.ClientBase,
): Promise<ReadonlyMap<number, { readonly epoch: number; readonly n: number }>> {
  const { rows } = await client.query<{ partition: number; epoch: number; n: number }>({
    name: 'proof offsets',
    text: 'SELECT partition, epoch::float8 AS epoch, n::float8 AS n FROM tolld.flush_offsets',
  });
  return new Map(rows.map(({ partition, epoch, n }) => [partition, { epoch, n }]));
}
