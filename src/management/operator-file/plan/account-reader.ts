/** Reads accounts with what a plan must know of their buckets and subscribers. */
import { and, eq, isNull, ne } from 'drizzle-orm';
import type { NodePgDatabase } from 'drizzle-orm/node-postgres';
import { buckets } from '../../../../schema/balances.js';
import { accounts, subscriptions } from '../../../../schema/customers.js';
import { intents } from '../../../../schema/provisioning.js';
import type { BucketState } from '../../../domain/events.js';
import type { DeclaredThreshold } from './account-write.js';
import { grantKey } from './bucket-grant.js';
import type { AccountState } from './current-state.js';
import type { DeclaredBucket } from './declared-bucket.js';
import { anyOf, grouped, type Grouped } from './row-lists.js';

/** What an account keeps of the file that declared it (`accounts.definition`). */
export interface AccountDefinition {
  readonly buckets?: Readonly<Record<string, DeclaredBucket>>;
  /** By who asks for them (account-draft.ts). */
  readonly thresholds?: Readonly<Record<string, readonly DeclaredThreshold[]>>;
}

/** Accounts by id, locked until the transaction ends where a plan will be written. */
export async function readAccounts(
  database: NodePgDatabase,
  ids: readonly string[],
  lock: boolean,
): Promise<ReadonlyMap<string, AccountState>> {
  // In the order of ids, so that two loads never wait for each other in a circle.
  const query = database
    .select()
    .from(accounts)
    .where(anyOf(accounts.id, ids))
    .orderBy(accounts.id);
  const rows = lock ? await query.for('update') : await query;
  const known = rows.map(({ id }) => id);
  const held = await readHeld(database, known);
  const refused = await readRefused(database, rows);
  const dependents = await readDependents(database, known);
  return new Map(
    rows.map((row) => [
      row.id,
      {
        tenant: row.tenant,
        partition: row.partition,
        targetPartition: row.targetPartition,
        sharingGroup: row.sharingGroup,
        tariff: row.tariff,
        standing: row.standing,
        profileVersion: row.profileVersion,
        lastIntent: row.lastIntent,
        declared: (row.definition as AccountDefinition).buckets ?? {},
        thresholds: (row.definition as AccountDefinition).thresholds ?? {},
        held: held.get(row.id) ?? new Map<string, BucketState | null>(),
        refused: refused.get(row.id) ?? new Map<string, string>(),
        dependents: dependents.get(row.id) ?? [],
      },
    ]),
  );
}

async function readHeld(
  database: NodePgDatabase,
  ids: readonly string[],
): Promise<ReadonlyMap<string, ReadonlyMap<string, BucketState | null>>> {
  const { accountId, bucketId, state } = buckets;
  const rows = await database
    .select({ accountId, bucketId, state })
    .from(buckets)
    .where(anyOf(accountId, ids));
  return grouped(rows.map((row) => [row.accountId, row.bucketId, row.state]));
}

async function readRefused(
  database: NodePgDatabase,
  rows: readonly { readonly id: string; readonly definition: unknown }[],
): Promise<ReadonlyMap<string, ReadonlyMap<string, string>>> {
  const keys = new Map(
    rows.flatMap(({ id, definition }) =>
      Object.keys((definition as AccountDefinition).buckets ?? {}).map((bucket) => [
        grantKey(id, bucket),
        { id, bucket },
      ]),
    ),
  );
  const found = await database
    .select({ key: intents.idempotencyKey, refusal: intents.refusal })
    .from(intents)
    .where(and(eq(intents.state, 'refused'), anyOf(intents.idempotencyKey, [...keys.keys()])));
  return grouped(
    found.flatMap(({ key, refusal }): Grouped<string>[] => {
      const grant = keys.get(key);
      return grant === undefined ? [] : [[grant.id, grant.bucket, refusal ?? 'no reason given']];
    }),
  );
}

async function readDependents(
  database: NodePgDatabase,
  ids: readonly string[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const { id, accountId, tariff, state } = subscriptions;
  const rows = await database
    .select({ id, accountId })
    .from(subscriptions)
    .where(and(anyOf(accountId, ids), isNull(tariff), ne(state, 'closed')));
  const dependents = new Map<string, string[]>();
  for (const row of rows) {
    dependents.set(row.accountId, [...(dependents.get(row.accountId) ?? []), row.id]);
  }
  return dependents;
}
