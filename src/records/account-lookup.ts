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

/** Who draws on whom: a sharing group, of which an account is the owner or a member. */
export interface AccountGroup {
  readonly id: string;
  readonly state: string;
  readonly ownerAccountId: string;
  /** Members' accounts, at most {@link MEMBERS_MAX} of them. */
  readonly members: readonly string[];
  readonly memberCount: number;
  /** At one priority: the member's own buckets first, or the owner's. */
  readonly order: 'own-first' | 'shared-first';
  /** Resources that are shared; null for all. */
  readonly resources: readonly string[] | null;
  /** Services that may draw on the owner, as sets by name; null for all. */
  readonly scope: Readonly<Record<string, readonly unknown[] | null>> | null;
}

export interface AccountSubscription {
  readonly id: string;
  readonly plan: string | null;
  readonly revision: number | null;
  readonly state: string;
}

/** What an account is part of, by the record. */
export interface AccountTies {
  readonly subscriptions: readonly AccountSubscription[];
  readonly groups: readonly AccountGroup[];
}

/** Members named of a group; there may be thousands. */
const MEMBERS_MAX = 20;

interface GroupRow {
  readonly id: string;
  readonly state: string;
  readonly owner: string;
  readonly definition: {
    readonly order?: AccountGroup['order'];
    readonly resources?: readonly string[] | null;
    readonly scope?: AccountGroup['scope'];
  };
  readonly members: readonly string[];
  readonly count: number;
}

/** The subscriptions of an account, and the sharing groups that it owns or is a member of. */
export async function readTies(
  pool: pg.Pool,
  { tenant, accountId }: Pick<AccountPlace, 'tenant' | 'accountId'>,
): Promise<AccountTies> {
  return asTenant(pool, tenant, async (client) => {
    const subscriptions = await client.query<AccountSubscription>(
      `SELECT id, plan, plan_revision AS revision, state FROM tolld.subscriptions
        WHERE account_id = $1 ORDER BY id`,
      [accountId],
    );
    const groups = await client.query<GroupRow>(
      `SELECT g.id, g.state, g.owner_account_id AS owner, g.definition,
              ARRAY(SELECT id FROM tolld.accounts WHERE tenant = g.tenant AND sharing_group = g.id
                     ORDER BY id LIMIT $3) AS members,
              (SELECT count(*)::integer FROM tolld.accounts
                WHERE tenant = g.tenant AND sharing_group = g.id) AS count
         FROM tolld.sharing_groups g
        WHERE g.tenant = $2 AND (g.owner_account_id = $1 OR g.id IN (
              SELECT sharing_group FROM tolld.accounts WHERE id = $1))
        ORDER BY g.id`,
      [accountId, tenant, MEMBERS_MAX],
    );
    return { subscriptions: subscriptions.rows, groups: groups.rows.map(groupOf) };
  });
}

function groupOf({ id, state, owner, definition, members, count }: GroupRow): AccountGroup {
  return {
    id,
    state,
    ownerAccountId: owner,
    members,
    memberCount: count,
    order: definition.order ?? 'own-first',
    resources: definition.resources ?? null,
    scope: definition.scope ?? null,
  };
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
