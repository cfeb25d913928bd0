/** Writes a plan: rows, intents and what must be published, all in the caller's transaction. */
import { eq, sql } from 'drizzle-orm';
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres';
import type pg from 'pg';
import { configVersions } from '../../../../schema/catalog.js';
import {
  accounts,
  identities,
  sharingGroups,
  subscriptions,
} from '../../../../schema/customers.js';
import { intents, publications } from '../../../../schema/provisioning.js';
import type { IntentBody } from '../../balances/intent.js';
import { ACCOUNT_TOPIC } from '../../balances/publication.js';
import { newIdentifier } from '../../identifier.js';
import type { AccountDefinition } from './account-reader.js';
import type { CurrentState } from './current-state.js';
import type { Plan } from './plan.js';
import { inChunks, proposed } from './row-chunks.js';
import {
  writeAccessPlans,
  writeAddressPools,
  writeNas,
  writePeers,
  writePlans,
  writeResources,
  writeTariffs,
  writeTenants,
} from './write-catalog.js';

/** The record was made by nobody yet: there are no partitions that accounts could be put into. */
export class InstallationMissingError extends Error {
  readonly code = 'TOLLD_INSTALLATION_MISSING';

  constructor() {
    super('the installation has not been opened yet; run `tolld serve` once, then load again');
    this.name = 'InstallationMissingError';
  }
}

export interface WriteOptions {
  readonly current: CurrentState;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Who is behind the change, and in a few words what it is. */
  readonly actor: string;
  readonly summary: string;
  /** The partition of a new account. */
  readonly partitionOf: (accountId: string, partitions: number) => number;
}

export interface WriteResult {
  /** The configuration's new version; null where it stays as it is. */
  readonly configVersion: number | null;
  readonly intents: number;
}

/**
 * Writes every row of a plan that has no faults.
 * @throws InstallationMissingError when accounts have no partitions to go to.
 */
export async function writePlan(
  client: pg.PoolClient,
  plan: Plan,
  options: WriteOptions,
): Promise<WriteResult> {
  const database = drizzle(client);
  await writeTenants(database, plan);
  await writeResources(database, plan);
  await writeTariffs(database, plan);
  await writePlans(database, plan);
  await writePeers(database, plan);
  await writeNas(database, plan);
  await writeAddressPools(database, plan);
  await writeAccessPlans(database, plan);
  await writeAccounts(database, plan, options);
  await writeSharing(database, plan, options);
  await raiseProfiles(database, plan, options);
  await writeSubscribers(database, plan);
  await writeIdentities(database, plan);
  const count = await writeIntents(database, plan, options);
  await writePublications(database, plan, options);
  return { configVersion: await takeVersion(database, plan, options), intents: count };
}

/** Where an account is, or is on its way to; where it will be, if it is new. */
function placeOf(account: string, { current, partitionOf }: WriteOptions): number {
  const { partitions } = current;
  if (partitions === null) throw new InstallationMissingError();
  const { partition, targetPartition } = current.accounts.get(account) ?? {};
  return targetPartition ?? partition ?? partitionOf(account, partitions);
}

async function writeAccounts(
  database: NodePgDatabase,
  plan: Plan,
  options: WriteOptions,
): Promise<void> {
  const { current } = options;
  if (current.partitions === null) throw new InstallationMissingError();
  const homes = new Map(plan.memberships.map(({ account, owner }) => [account, owner ?? account]));
  const rows = plan.accounts.map((account) => {
    const before = current.accounts.get(account.id);
    const { declared, thresholds } = account;
    const definition: AccountDefinition = { buckets: declared, thresholds };
    return {
      id: account.id,
      tenant: account.tenant,
      externalId: account.id,
      // A new account begins where its sharing owner is.
      partition: before?.partition ?? placeOf(homes.get(account.id) ?? account.id, options),
      tariff: account.tariff,
      standing: account.standing,
      lastIntent: (before?.lastIntent ?? 0) + account.intents.length,
      definition,
    };
  });
  await inChunks(rows, (chunk) =>
    database
      .insert(accounts)
      .values(chunk)
      .onConflictDoUpdate({
        target: accounts.id,
        set: {
          tariff: proposed('tariff'),
          standing: proposed('standing'),
          lastIntent: proposed('last_intent'),
          definition: proposed('definition'),
          version: sql`${accounts.version} + 1`,
          updatedAt: sql`now()`,
        },
      }),
  );
}

/** What fronts remember of these accounts must not be used any more. */
async function raiseProfiles(
  database: NodePgDatabase,
  plan: Plan,
  { current }: WriteOptions,
): Promise<void> {
  const stale = [...plan.republished].filter((id) => current.accounts.has(id));
  await database
    .update(accounts)
    .set({ profileVersion: sql`${accounts.profileVersion} + 1` })
    .where(sql`${accounts.id} = ANY(${sql.param(stale)}::text[])`);
}

/**
 * Groups, who belongs to them, and where members are to be: with their owner, so that one script
 * reaches both. The synchroniser moves them there.
 */
async function writeSharing(
  database: NodePgDatabase,
  plan: Plan,
  options: WriteOptions,
): Promise<void> {
  await inChunks(plan.sharingGroups, (chunk) =>
    database
      .insert(sharingGroups)
      .values(
        chunk.map(({ owner, status, ...rest }) => ({
          ...rest,
          ownerAccountId: owner,
          state: status,
        })),
      )
      .onConflictDoUpdate({
        target: [sharingGroups.tenant, sharingGroups.id],
        set: {
          definition: proposed('definition'),
          state: proposed('state'),
          version: sql`${sharingGroups.version} + 1`,
          updatedAt: sql`now()`,
        },
      }),
  );
  const { current, partitionOf } = options;
  for (const { account, group, owner } of plan.memberships) {
    const before = current.accounts.get(account);
    const to =
      owner === null ? partitionOf(account, current.partitions ?? 1) : placeOf(owner, options);
    // One that is under way is told where to go even if that is where it came from.
    const rests = before === undefined || (before.targetPartition ?? before.partition) === to;
    await database
      .update(accounts)
      .set({
        sharingGroup: group,
        ...(!rests && { targetPartition: to }),
        updatedAt: sql`now()`,
      })
      .where(eq(accounts.id, account));
  }
}

async function writeSubscribers(database: NodePgDatabase, plan: Plan): Promise<void> {
  await inChunks(plan.subscribers, (chunk) =>
    database
      .insert(subscriptions)
      .values(
        chunk.map(({ id, tenant, account, tariff, access, plan: code, planRevision, closed }) => ({
          id,
          tenant,
          externalId: id,
          accountId: account,
          tariff,
          access,
          plan: code,
          planRevision,
          state: closed ? ('closed' as const) : ('active' as const),
        })),
      )
      .onConflictDoUpdate({
        target: subscriptions.id,
        set: {
          accountId: proposed('account_id'),
          tariff: proposed('tariff'),
          access: proposed('access'),
          plan: proposed('plan'),
          planRevision: proposed('plan_revision'),
          state: proposed('state'),
          version: sql`${subscriptions.version} + 1`,
          updatedAt: sql`now()`,
        },
      }),
  );
}

async function writeIdentities(database: NodePgDatabase, plan: Plan): Promise<void> {
  const released = plan.released.map(({ id }) => id);
  await database
    .update(identities)
    .set({ state: 'released', updatedAt: sql`now()` })
    .where(sql`${identities.id} = ANY(${sql.param(released)}::bigint[])`);
  for (const { id, account } of plan.moved) {
    await database
      .update(identities)
      .set({ accountId: account, updatedAt: sql`now()` })
      .where(eq(identities.id, id));
  }
  await inChunks(plan.identities, (chunk) =>
    database.insert(identities).values(
      chunk.map(({ subscriber, account, ...rest }) => ({
        ...rest,
        subscriptionId: subscriber,
        accountId: account,
      })),
    ),
  );
}

async function writeIntents(
  database: NodePgDatabase,
  plan: Plan,
  { current, now, actor }: WriteOptions,
): Promise<number> {
  const rows = plan.accounts.flatMap((account) => {
    const last = current.accounts.get(account.id)?.lastIntent ?? 0;
    return account.intents.map(({ kind, idempotencyKey, operations }, index) => {
      const body: IntentBody = { operations, reason: null };
      return {
        id: newIdentifier(now),
        tenant: account.tenant,
        accountId: account.id,
        number: last + 1 + index,
        idempotencyKey,
        kind,
        body,
        actor,
      };
    });
  });
  await inChunks(rows, (chunk) => database.insert(intents).values(chunk));
  return rows.length;
}

async function writePublications(
  database: NodePgDatabase,
  plan: Plan,
  { current }: WriteOptions,
): Promise<void> {
  const written = new Map(plan.accounts.map(({ id, tenant }) => [id, tenant]));
  const rows = [...plan.republished].map((id) => ({
    tenant: written.get(id) ?? current.accounts.get(id)?.tenant ?? '',
    topic: ACCOUNT_TOPIC,
    subject: id,
  }));
  await inChunks(rows, (chunk) => database.insert(publications).values(chunk));
}

/** What every process compiles changes with these. */
async function takeVersion(
  database: NodePgDatabase,
  plan: Plan,
  { actor, summary }: WriteOptions,
): Promise<number | null> {
  const { tenants, resources, tariffs, plans, peers, nas, addressPools, accessPlans } = plan;
  const parts = [tenants, resources, tariffs, plans, peers, nas, addressPools, accessPlans];
  const changed = parts.some((rows) => rows.length > 0);
  if (!changed) return null;
  const [row] = await database
    .insert(configVersions)
    .values({ actor, summary })
    .returning({ version: configVersions.version });
  return row?.version ?? null;
}
