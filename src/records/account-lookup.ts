/** Finds accounts for a person who names one. */
import type pg from 'pg';
import type { ConsumptionOrder } from '../domain/consumption-order.js';
import { asTenant, EVERY_TENANT } from './database.js';

export interface AccountPlace {
  readonly accountId: string;
  readonly tenant: string;
  readonly partition: number;
  readonly externalId: string | null;
  readonly customerId: string | null;
}

interface AccountRow {
  readonly id: string;
  readonly tenant: string;
  readonly partition: number;
  readonly external_id: string | null;
  readonly customer_id: string | null;
}

/**
 * Accounts of this id or external id: several where tenants use the same external id. An account
 * that only its events speak of is found, too.
 */
export async function findAccounts(pool: pg.Pool, id: string): Promise<readonly AccountPlace[]> {
  return asTenant(pool, EVERY_TENANT, async (client) => {
    const { rows } = await client.query<AccountRow>(
      `SELECT id, tenant, partition, external_id, customer_id
         FROM tolld.accounts WHERE id = $1 OR external_id = $1
       UNION ALL
       SELECT account_id, tenant, partition, NULL, NULL FROM tolld.account_states
        WHERE account_id = $1 AND NOT EXISTS (SELECT FROM tolld.accounts WHERE id = $1)
       ORDER BY tenant, id`,
      [id],
    );
    return rows.map((row) => ({
      accountId: row.id,
      tenant: row.tenant,
      partition: row.partition,
      externalId: row.external_id,
      customerId: row.customer_id,
    }));
  });
}

/** Decimals of each resource's smallest unit, by code. */
export async function readScales(
  pool: pg.Pool,
  tenant: string,
): Promise<ReadonlyMap<string, number>> {
  return asTenant(pool, tenant, async (client) => {
    const { rows } = await client.query<{ code: string; scale: number }>(
      'SELECT code, scale FROM tolld.resources WHERE tenant = $1',
      [tenant],
    );
    return new Map(rows.map(({ code, scale }) => [code, scale]));
  });
}

/** In which order buckets of each resource are used, by code. */
export async function readConsumptionOrders(
  pool: pg.Pool,
  tenant: string,
): Promise<ReadonlyMap<string, ConsumptionOrder>> {
  return asTenant(pool, tenant, async (client) => {
    const { rows } = await client.query<{ code: string; consumption_order: ConsumptionOrder }>(
      'SELECT code, consumption_order FROM tolld.resources WHERE tenant = $1',
      [tenant],
    );
    return new Map(rows.map((row) => [row.code, row.consumption_order]));
  });
}
