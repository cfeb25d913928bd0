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
  /** Where management has its changes brought; null while it moves, or where nobody manages it. */
  readonly managedIn: number | null;
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
      SELECT account_id AS "accountId", s.partition, last_sequence::float8 AS "lastSequence",
        (extract(epoch FROM last_at) * 1000)::bigint::float8 AS "lastAt",
        s.last_intent::float8 AS "lastIntent", s.standing,
        s.profile_version::float8 AS "profileVersion", balances,
        CASE WHEN a.target_partition IS NULL THEN a.partition END AS "managedIn"
      FROM tolld.account_states s LEFT JOIN tolld.accounts a ON a.id = s.account_id
      WHERE account_id = ANY ($1)`,
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

/**
 * Intents that the account's state has passed and that are settled by nothing, that are missing, or
 * that are settled otherwise than the ledger has it: by nothing, as something else, for another amount.
 */
export interface IntentFault {
  readonly accountId: string;
  /** `unmatched`: the ledger says something else of it. `uncounted`: its number would be taken again. */
  readonly kind: 'unconfirmed' | 'missing' | 'unmatched' | 'uncounted';
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
        AND NOT EXISTS (SELECT FROM tolld.intents i WHERE i.account_id = a.id AND i.number = n)
      UNION ALL
      SELECT a.id, 'uncounted', i.number::float8
      FROM tolld.accounts a JOIN tolld.intents i ON i.account_id = a.id AND i.number > a.last_intent
      WHERE a.id = ANY ($1)
      UNION ALL
      SELECT i.account_id, 'unmatched', i.number::float8
      FROM tolld.intents i
      WHERE i.account_id = ANY ($1) AND i.state <> 'pending' AND (
        (SELECT bool_and(l.intent_number = i.number
            AND l.kind = CASE i.state WHEN 'refused' THEN 'refused' ELSE i.kind END)
          FROM tolld.ledger_entries l WHERE l.intent_id = i.id AND l.account_id = i.account_id)
          IS NOT TRUE
        OR i.state = 'applied' AND EXISTS (
          SELECT FROM (
            SELECT coalesce(o ->> 'bucketId', o #>> '{bucket,bucketId}') AS bucket_id,
              sum(CASE o ->> 'operation'
                WHEN 'grant' THEN (o #>> '{bucket,granted}')::bigint
                WHEN 'take' THEN -(o ->> 'amount')::bigint
                WHEN 'add' THEN (o ->> 'amount')::bigint
                WHEN 'correct' THEN (o ->> 'amount')::bigint ELSE 0 END) AS amount
            FROM jsonb_array_elements(i.body -> 'operations') AS o GROUP BY 1) AS asked
          FULL JOIN (
            SELECT bucket_id, sum(amount) AS amount FROM tolld.ledger_entries l
            WHERE l.intent_id = i.id AND l.account_id = i.account_id GROUP BY 1) AS posted
            USING (bucket_id)
          WHERE coalesce(asked.amount, 0) <> coalesce(posted.amount, 0)))`,
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

/** Accounts with facts of entries that the record says it has not come to. */
export async function readFactsAhead(
  client: pg.ClientBase,
  accountIds: readonly string[],
): Promise<readonly { readonly accountId: string; readonly partition: number }[]> {
  const facts = ['rated_events', 'account_events', 'ledger_entries'].map(
    (table) => `
      SELECT f.account_id AS "accountId", f.partition FROM tolld.${table} f
        LEFT JOIN tolld.flush_offsets o USING (partition)
      WHERE f.account_id = ANY ($1)
        AND (f.epoch, f.entry) > (coalesce(o.epoch, 0), coalesce(o.n, -1))`,
  );
  const { rows } = await client.query<{ accountId: string; partition: number }>({
    name: 'proof facts ahead',
    text: `${facts.join(' UNION ')} ORDER BY 1 LIMIT 1000`,
    values: [accountIds],
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
