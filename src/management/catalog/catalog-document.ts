/** The catalog as it stands in Postgres. */
import { and, eq, ne } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import type pg from 'pg';
import { plans, resources, tariffs } from '../../../schema/catalog.js';
import { accessPlans, addressPools, diameterPeers, nasClients } from '../../../schema/network.js';
import { tenants } from '../../../schema/tenants.js';
import type { AccessPlan, AddressPool } from '../../domain/access-plan.js';
import type { DiameterPeer } from '../../domain/diameter-peer.js';
import type { NasDeclaration } from '../../domain/nas.js';
import type { Catalog, TenantCatalog } from '../../rating/catalog.js';
import { CHARGING_POLICY_DEFAULTS, type ChargingPolicy } from '../../rating/charging-policy.js';
import type { ChargingPlan, Plan } from '../../rating/plan.js';
import type { Tariff } from '../../rating/tariff.js';

/** Builds the catalog of all tenants; the same rows give the same document. */
export async function readCatalog(client: pg.PoolClient): Promise<Catalog> {
  const database = drizzle(client);
  const tenantRows = await database
    .select()
    .from(tenants)
    .where(ne(tenants.state, 'closed'))
    .orderBy(tenants.id);
  const resourceRows = await database
    .select()
    .from(resources)
    .where(eq(resources.state, 'active'))
    .orderBy(resources.tenant, resources.code);
  const tariffRows = await database
    .select()
    .from(tariffs)
    .where(eq(tariffs.state, 'active'))
    .orderBy(tariffs.tenant, tariffs.code);
  const planRows = await database
    .select()
    .from(plans)
    .where(eq(plans.state, 'active'))
    .orderBy(plans.tenant, plans.code);
  const peerRows = await database
    .select()
    .from(diameterPeers)
    .where(and(eq(diameterPeers.state, 'active')))
    .orderBy(diameterPeers.name);
  const accessPlanRows = await database
    .select()
    .from(accessPlans)
    .where(eq(accessPlans.state, 'active'))
    .orderBy(accessPlans.tenant, accessPlans.code);
  const nasRows = await database
    .select()
    .from(nasClients)
    .where(eq(nasClients.state, 'active'))
    .orderBy(nasClients.name);
  const poolRows = await database
    .select()
    .from(addressPools)
    .where(eq(addressPools.state, 'active'))
    .orderBy(addressPools.code);
  return {
    tenants: tenantRows.map(({ id, policy }): TenantCatalog => ({
      code: id,
      resources: resourceRows
        .filter(({ tenant }) => tenant === id)
        .map(({ code, kind, scale, consumptionOrder }) => {
          return { code, kind, scale, consumptionOrder };
        }),
      tariffs: tariffRows
        .filter(({ tenant }) => tenant === id)
        .map(({ definition }) => definition as Tariff),
      accessPlans: accessPlanRows
        .filter(({ tenant }) => tenant === id)
        .map(({ definition }) => definition as AccessPlan),
      plans: planRows
        .filter(({ tenant }) => tenant === id)
        .map(({ definition }) => chargingPlan(definition as Plan)),
      policy: { ...CHARGING_POLICY_DEFAULTS, ...(policy as Partial<ChargingPolicy>) },
    })),
    diameterPeers: peerRows.map(
      ({ name, originHost, originRealm, networkScope, definition }): DiameterPeer => ({
        name,
        originHost,
        realm: originRealm,
        networkScope,
        ...(definition as Pick<DiameterPeer, 'addresses' | 'security' | 'connect' | 'profile'>),
      }),
    ),
    nas: nasRows.map(({ definition }) => definition as NasDeclaration),
    addressPools: poolRows.map(({ definition }) => definition as AddressPool),
  };
}

/** What is granted is not the business of charging. */
function chargingPlan({ code, tariff, orders, finalUnit, policy }: Plan): ChargingPlan {
  return {
    code,
    tariff,
    ...(orders && { orders }),
    ...(finalUnit && { finalUnit }),
    ...(policy && { policy }),
  };
}
