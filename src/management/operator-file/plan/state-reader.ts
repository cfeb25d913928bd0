/** Reads from Postgres what an operator file speaks of. */
import { and, eq, ne, or, sql, type SQL } from 'drizzle-orm';
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres';
import type pg from 'pg';
import { plans, resources, tariffs } from '../../../../schema/catalog.js';
import {
  accounts,
  identities,
  sharingGroups,
  subscriptions,
} from '../../../../schema/customers.js';
import {
  accessPlans,
  addressPools,
  diameterPeers,
  nasClients,
} from '../../../../schema/network.js';
import { installation, tenants } from '../../../../schema/tenants.js';
import type { AccessPlan, AddressPool } from '../../../domain/access-plan.js';
import type { AccessProfile } from '../../../domain/access-profile.js';
import { canonicalMac } from '../../../domain/access.js';
import type { NasDeclaration } from '../../../domain/nas.js';
import type { ChargingPolicy } from '../../../rating/charging-policy.js';
import type { Plan } from '../../../rating/plan.js';
import type { Tariff } from '../../../rating/tariff.js';
import type { OperatorFile } from '../reading/read-file.js';
import { readAccounts } from './account-reader.js';
import type {
  AccessPlanState,
  AccessPlanUse,
  CurrentState,
  IdentityState,
  PeerState,
  PlanState,
  PlanUse,
  ResourceState,
  SharingGroupState,
  SharingTerms,
  SubscriberState,
  TariffState,
  TariffUse,
  TenantState,
} from './current-state.js';
import { anyOf, grouped, type Grouped } from './row-lists.js';

export interface StateReaderOptions {
  /** Locks the accounts until the transaction ends, for a plan that will be written. */
  readonly lock: boolean;
}

/** Reads the state that a plan for the file is compared with. */
export async function readCurrentState(
  client: pg.PoolClient,
  file: OperatorFile,
  { lock }: StateReaderOptions,
): Promise<CurrentState> {
  const database = drizzle(client);
  const codes = file.tenants.flatMap(({ name }) => name ?? []);
  const subscriberIds = file.tenants.flatMap(({ subscribers }) =>
    subscribers.flatMap(({ name }) => name ?? []),
  );
  const identityRows = await readIdentities(database, subscriberIds, valuesOf(file));
  const subscriberRows = await readSubscribers(database, subscriberIds);
  const accountIds = [
    ...file.tenants.flatMap(({ accounts: list }) => list.flatMap(({ name }) => name ?? [])),
    ...file.tenants.flatMap(({ subscribers }) =>
      subscribers.flatMap(({ fields }) => fields?.account ?? []),
    ),
    // Those that a subscriber leaves, too: their profiles are published anew.
    ...[...subscriberRows.values()].map(({ account }) => account),
    ...identityRows.map(({ account }) => account),
    ...file.tenants.flatMap((tenant) => sharingAccounts(tenant)),
    ...(await readMembers(database, file)),
  ];
  return {
    partitions: await readPartitions(database),
    tenants: await readTenants(database, codes),
    resources: await readResources(database, codes),
    tariffs: await readTariffs(database, codes),
    plans: await readPlans(database, codes),
    sharingGroups: await readSharingGroups(database, codes),
    accounts: await readAccounts(database, [...new Set(accountIds)].sort(), lock),
    subscribers: subscriberRows,
    identities: identityRows,
    peers: await readPeers(database),
    tariffUses: await readTariffUses(database, file),
    nas: await readNas(database),
    addressPools: await readAddressPools(database),
    accessPlans: await readAccessPlans(database, codes),
    accessPlanUses: await readAccessPlanUses(database, file),
    planUses: await readPlanUses(database, file),
  };
}

/** Every spelling under which a value of the file may be kept. */
function valuesOf(file: OperatorFile): readonly string[] {
  const values = file.tenants.flatMap(({ subscribers }) =>
    subscribers.flatMap(({ fields }) => (fields?.identities ?? []).map(({ value }) => value)),
  );
  return [
    ...new Set(
      values.flatMap((value) => [value, value.replace('+', ''), canonicalMac(value) ?? []]),
    ),
  ].flat();
}

async function readPartitions(database: NodePgDatabase): Promise<number | null> {
  const [row] = await database.select({ partitions: installation.partitions }).from(installation);
  return row?.partitions ?? null;
}

async function readTenants(
  database: NodePgDatabase,
  codes: readonly string[],
): Promise<ReadonlyMap<string, TenantState>> {
  const rows = await database.select().from(tenants).where(anyOf(tenants.id, codes));
  return new Map(
    rows.map(({ id, name, timezone, policy }) => [
      id,
      { name, timezone, policy: policy as Partial<ChargingPolicy> },
    ]),
  );
}

async function readResources(
  database: NodePgDatabase,
  codes: readonly string[],
): Promise<CurrentState['resources']> {
  const rows = await database.select().from(resources).where(anyOf(resources.tenant, codes));
  return grouped(
    rows.map(({ tenant, code, name, kind, scale, consumptionOrder }): Grouped<ResourceState> => {
      return [tenant, code, { code, name, kind, scale, consumptionOrder }];
    }),
  );
}

async function readTariffs(
  database: NodePgDatabase,
  codes: readonly string[],
): Promise<CurrentState['tariffs']> {
  const rows = await database
    .selectDistinctOn([tariffs.tenant, tariffs.code])
    .from(tariffs)
    .where(anyOf(tariffs.tenant, codes))
    .orderBy(tariffs.tenant, tariffs.code, sql`${tariffs.revision} DESC`);
  return grouped(
    rows.map(({ tenant, code, revision, state, definition }): Grouped<TariffState> => {
      const retired = state === 'retired';
      return [tenant, code, { revision, retired, definition: definition as Tariff }];
    }),
  );
}

async function readPlans(
  database: NodePgDatabase,
  codes: readonly string[],
): Promise<CurrentState['plans']> {
  const rows = await database
    .selectDistinctOn([plans.tenant, plans.code])
    .from(plans)
    .where(anyOf(plans.tenant, codes))
    .orderBy(plans.tenant, plans.code, sql`${plans.revision} DESC`);
  return grouped(
    rows.map(({ tenant, code, revision, state, definition }): Grouped<PlanState> => {
      const retired = state === 'retired';
      return [tenant, code, { revision, retired, definition: definition as Plan }];
    }),
  );
}

async function readSharingGroups(
  database: NodePgDatabase,
  codes: readonly string[],
): Promise<CurrentState['sharingGroups']> {
  const rows = await database
    .select()
    .from(sharingGroups)
    .where(anyOf(sharingGroups.tenant, codes))
    .orderBy(sharingGroups.tenant, sharingGroups.id);
  return grouped(
    rows.map(({ tenant, id, ownerAccountId, definition, state }): Grouped<SharingGroupState> => {
      const terms = definition as SharingTerms;
      return [tenant, id, { owner: ownerAccountId, definition: terms, status: state }];
    }),
  );
}

async function readSubscribers(
  database: NodePgDatabase,
  ids: readonly string[],
): Promise<ReadonlyMap<string, SubscriberState>> {
  const rows = await database.select().from(subscriptions).where(anyOf(subscriptions.id, ids));
  return new Map(
    rows.map(({ id, tenant, accountId, tariff, plan, access, state }) => [
      id,
      {
        tenant,
        account: accountId,
        tariff,
        plan,
        access: access as AccessProfile | null,
        closed: state === 'closed',
      },
    ]),
  );
}

async function readIdentities(
  database: NodePgDatabase,
  subscriberIds: readonly string[],
  values: readonly string[],
): Promise<readonly IdentityState[]> {
  const { state, subscriptionId, value } = identities;
  const rows = await database
    .select()
    .from(identities)
    .where(
      and(ne(state, 'released'), or(anyOf(subscriptionId, subscriberIds), anyOf(value, values))),
    );
  return rows.map((row) => ({
    id: row.id,
    subscriber: row.subscriptionId,
    account: row.accountId,
    networkScope: row.networkScope,
    kind: row.kind,
    value: row.value ?? '',
  }));
}

async function readPeers(database: NodePgDatabase): Promise<ReadonlyMap<string, PeerState>> {
  const rows = await database.select().from(diameterPeers);
  return new Map(
    rows.map((row) => [
      row.name,
      {
        originHost: row.originHost,
        realm: row.originRealm,
        networkScope: row.networkScope,
        definition: row.definition as PeerState['definition'],
        retired: row.state === 'retired',
      },
    ]),
  );
}

async function readTariffUses(
  database: NodePgDatabase,
  file: OperatorFile,
): Promise<readonly TariffUse[]> {
  const retired = file.tenants.flatMap(({ tariffs: list }) =>
    list.flatMap(({ fields }) => (fields?.retired === true ? fields.code : [])),
  );
  if (retired.length === 0) return [];
  const usedBy = async (
    kind: TariffUse['kind'],
    table: typeof accounts | typeof subscriptions,
    ended: SQL,
  ): Promise<TariffUse[]> => {
    const { id, tenant, tariff } = table;
    const rows = await database
      .select({ id, tenant, tariff })
      .from(table)
      .where(and(anyOf(tariff, retired), ended));
    return rows.map((row) => ({ kind, ...row, tariff: row.tariff ?? '' }));
  };
  const usingPlans = await database
    .select({ tenant: plans.tenant, id: plans.code, definition: plans.definition })
    .from(plans)
    .where(
      and(
        eq(plans.state, 'active'),
        sql`${plans.definition} ->> 'tariff' = ANY(${sql.param(retired)}::text[])`,
      ),
    );
  return [
    ...usingPlans.map(({ tenant, id, definition }): TariffUse => {
      return { kind: 'plan', tenant, id, tariff: (definition as Plan).tariff };
    }),
    ...(await usedBy('account', accounts, ne(accounts.standing, 'closed'))),
    ...(await usedBy('subscriber', subscriptions, ne(subscriptions.state, 'closed'))),
  ];
}

async function readNas(database: NodePgDatabase): Promise<CurrentState['nas']> {
  const rows = await database.select().from(nasClients);
  return new Map(
    rows.map(({ name, definition, state }) => [
      name,
      { definition: definition as NasDeclaration, retired: state === 'retired' },
    ]),
  );
}

async function readAddressPools(database: NodePgDatabase): Promise<CurrentState['addressPools']> {
  const rows = await database.select().from(addressPools);
  return new Map(
    rows.map(({ code, definition, state }) => [
      code,
      { definition: definition as AddressPool, retired: state === 'retired' },
    ]),
  );
}

async function readAccessPlans(
  database: NodePgDatabase,
  codes: readonly string[],
): Promise<CurrentState['accessPlans']> {
  const rows = await database.select().from(accessPlans).where(anyOf(accessPlans.tenant, codes));
  return grouped(
    rows.map(({ tenant, code, definition, state }): Grouped<AccessPlanState> => {
      const retired = state === 'retired';
      return [tenant, code, { definition: definition as AccessPlan, retired }];
    }),
  );
}

/** Users of access plans that the file retires, but those whose entries stand in the file. */
async function readAccessPlanUses(
  database: NodePgDatabase,
  file: OperatorFile,
): Promise<readonly AccessPlanUse[]> {
  const retired = file.tenants.flatMap(({ accessPlans: list }) =>
    list.flatMap(({ fields }) => (fields?.retired === true ? fields.code : [])),
  );
  if (retired.length === 0) return [];
  const inFile = new Set(
    file.tenants.flatMap(({ subscribers }) => subscribers.flatMap(({ name }) => name ?? [])),
  );
  const { id, tenant, access, state } = subscriptions;
  const plan = sql<string>`${access} ->> 'plan'`;
  const rows = await database
    .select({ subscriber: id, tenant, plan })
    .from(subscriptions)
    .where(and(sql`${plan} = ANY(${sql.param(retired)}::text[])`, ne(state, 'closed')));
  return rows.filter(({ subscriber }) => !inFile.has(subscriber));
}

/** Owners and members that the file names. */
function sharingAccounts({ sharingGroups: groups }: OperatorFile['tenants'][number]): string[] {
  return groups.flatMap(({ fields }) =>
    fields === null ? [] : [fields.owner, ...(fields.members ?? [])],
  );
}

/** Members that the groups of the file have: one that is not named any more leaves. */
async function readMembers(
  database: NodePgDatabase,
  file: OperatorFile,
): Promise<readonly string[]> {
  const groups = file.tenants.flatMap(({ sharingGroups: list }) =>
    list.flatMap(({ name }) => name ?? []),
  );
  if (groups.length === 0) return [];
  const { id, sharingGroup } = accounts;
  const rows = await database.select({ id }).from(accounts).where(anyOf(sharingGroup, groups));
  return rows.map((row) => row.id);
}

async function readPlanUses(
  database: NodePgDatabase,
  file: OperatorFile,
): Promise<readonly PlanUse[]> {
  const retired = file.tenants.flatMap(({ plans: list }) =>
    list.flatMap(({ fields }) => (fields?.retired === true ? fields.code : [])),
  );
  if (retired.length === 0) return [];
  const { id, tenant, plan, state } = subscriptions;
  const rows = await database
    .select({ id, tenant, plan })
    .from(subscriptions)
    .where(and(anyOf(plan, retired), ne(state, 'closed')));
  return rows.map((row) => ({ subscriber: row.id, tenant: row.tenant, plan: row.plan ?? '' }));
}
