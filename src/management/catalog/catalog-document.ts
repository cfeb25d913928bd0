/** The catalog as it stands in Postgres. */
import { and, eq, ne } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import type pg from 'pg';
import { resources, tariffs } from '../../../schema/catalog.js';
import { diameterPeers } from '../../../schema/network.js';
import { tenants } from '../../../schema/tenants.js';
import type { DiameterPeer } from '../../domain/diameter-peer.js';
import {
  CHARGING_POLICY_DEFAULTS,
  type Catalog,
  type ChargingPolicy,
  type TenantCatalog,
} from '../../rating/catalog.js';
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
  const peerRows = await database
    .select()
    .from(diameterPeers)
    .where(and(eq(diameterPeers.state, 'active')))
    .orderBy(diameterPeers.name);
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
      policy: { ...CHARGING_POLICY_DEFAULTS, ...(policy as Partial<ChargingPolicy>) },
    })),
    diameterPeers: peerRows.map(
      ({ name, originHost, originRealm, networkScope, definition }): DiameterPeer => ({
        name,
        originHost,
        realm: originRealm,
        networkScope,
        ...(definition as Pick<DiameterPeer, 'addresses' | 'profile'>),
      }),
    ),
  };
}
