/** Writes the rows that the published catalog is made of. */
import { and, eq, lt, sql } from 'drizzle-orm';
import type { NodePgDatabase } from 'drizzle-orm/node-postgres';
import { plans, resources, tariffs } from '../../../../schema/catalog.js';
import {
  accessPlans,
  addressPools,
  diameterPeers,
  nasClients,
} from '../../../../schema/network.js';
import { tenants } from '../../../../schema/tenants.js';
import type { Plan } from './plan.js';
import { inChunks, proposed } from './row-chunks.js';

export async function writeTenants(database: NodePgDatabase, plan: Plan): Promise<void> {
  await inChunks(plan.tenants, (chunk) =>
    database
      .insert(tenants)
      .values(chunk.map(({ code, ...rest }) => ({ id: code, moniker: code, ...rest })))
      .onConflictDoUpdate({
        target: tenants.id,
        set: {
          name: proposed('name'),
          timezone: proposed('timezone'),
          policy: proposed('policy'),
          version: sql`${tenants.version} + 1`,
          updatedAt: sql`now()`,
        },
      }),
  );
}

export async function writeResources(database: NodePgDatabase, plan: Plan): Promise<void> {
  await inChunks(plan.resources, (chunk) =>
    database
      .insert(resources)
      .values(chunk)
      .onConflictDoUpdate({
        target: [resources.tenant, resources.code],
        set: {
          name: proposed('name'),
          consumptionOrder: proposed('consumption_order'),
          version: sql`${resources.version} + 1`,
          updatedAt: sql`now()`,
        },
      }),
  );
}

export function writeTariffs(database: NodePgDatabase, plan: Plan): Promise<void> {
  return writeRevisions(database, tariffs, plan.tariffs);
}

export function writePlans(database: NodePgDatabase, plan: Plan): Promise<void> {
  return writeRevisions(database, plans, plan.plans);
}

interface RevisionWrite {
  readonly tenant: string;
  readonly code: string;
  readonly revision: number;
  readonly definition: { readonly name?: string };
  readonly retired: boolean;
}

/** Adds revisions, each in place of the one before it. */
async function writeRevisions(
  database: NodePgDatabase,
  table: typeof tariffs | typeof plans,
  rows: readonly RevisionWrite[],
): Promise<void> {
  for (const { tenant, code, revision } of rows) {
    await database
      .update(table)
      .set({ state: 'retired' })
      .where(and(eq(table.tenant, tenant), eq(table.code, code), lt(table.revision, revision)));
  }
  await inChunks(rows, (chunk) =>
    database.insert(table).values(
      chunk.map(({ retired, definition, ...rest }) => ({
        ...rest,
        name: definition.name ?? null,
        definition,
        state: retired ? ('retired' as const) : ('active' as const),
      })),
    ),
  );
}

export async function writePeers(database: NodePgDatabase, plan: Plan): Promise<void> {
  // Retired ones first: their hosts may belong to others from now on.
  const sorted = [...plan.peers].sort((a, b) => Number(b.retired) - Number(a.retired));
  await inChunks(sorted, (chunk) =>
    database
      .insert(diameterPeers)
      .values(
        chunk.map(({ realm, retired, ...rest }) => ({
          ...rest,
          originRealm: realm,
          state: retired ? ('retired' as const) : ('active' as const),
        })),
      )
      .onConflictDoUpdate({
        target: diameterPeers.name,
        set: {
          originHost: proposed('origin_host'),
          originRealm: proposed('origin_realm'),
          networkScope: proposed('network_scope'),
          definition: proposed('definition'),
          state: proposed('state'),
          version: sql`${diameterPeers.version} + 1`,
          updatedAt: sql`now()`,
        },
      }),
  );
}

const stateOf = (retired: boolean): 'active' | 'retired' => (retired ? 'retired' : 'active');

export async function writeNas(database: NodePgDatabase, plan: Plan): Promise<void> {
  await inChunks(plan.nas, (chunk) =>
    database
      .insert(nasClients)
      .values(
        chunk.map(({ name, definition, retired }) => ({
          name,
          definition,
          state: stateOf(retired),
        })),
      )
      .onConflictDoUpdate({
        target: nasClients.name,
        set: {
          definition: proposed('definition'),
          state: proposed('state'),
          version: sql`${nasClients.version} + 1`,
          updatedAt: sql`now()`,
        },
      }),
  );
}

export async function writeAddressPools(database: NodePgDatabase, plan: Plan): Promise<void> {
  await inChunks(plan.addressPools, (chunk) =>
    database
      .insert(addressPools)
      .values(
        chunk.map(({ definition, retired }) => ({
          code: definition.code,
          definition,
          state: stateOf(retired),
        })),
      )
      .onConflictDoUpdate({
        target: addressPools.code,
        set: {
          definition: proposed('definition'),
          state: proposed('state'),
          version: sql`${addressPools.version} + 1`,
          updatedAt: sql`now()`,
        },
      }),
  );
}

export async function writeAccessPlans(database: NodePgDatabase, plan: Plan): Promise<void> {
  await inChunks(plan.accessPlans, (chunk) =>
    database
      .insert(accessPlans)
      .values(
        chunk.map(({ tenant, definition, retired }) => ({
          tenant,
          code: definition.code,
          definition,
          state: stateOf(retired),
        })),
      )
      .onConflictDoUpdate({
        target: [accessPlans.tenant, accessPlans.code],
        set: {
          definition: proposed('definition'),
          state: proposed('state'),
          version: sql`${accessPlans.version} + 1`,
          updatedAt: sql`now()`,
        },
      }),
  );
}
