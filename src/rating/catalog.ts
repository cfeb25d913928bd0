/**
 * The configuration that charging decides by, of all tenants: written by management, published
 * through Redis, compiled by each process. A process stamps the version it rates with on each event.
 */
import type { ConsumptionOrder } from '../domain/consumption-order.js';
import type { AccessPlan, AddressPool } from '../domain/access-plan.js';
import type { FinalUnitAction } from '../domain/credit-control.js';
import type { DiameterPeer } from '../domain/diameter-peer.js';
import type { NasDeclaration } from '../domain/nas.js';
import { CHARGING_POLICY_DEFAULTS, type ChargingPolicy } from './charging-policy.js';
import { compileTariff } from './compile.js';
import type { CompiledTariff } from './compiled-tariff.js';
import type { ChargingPlan } from './plan.js';
import type { Tariff } from './tariff.js';

export interface Catalog {
  readonly tenants: readonly TenantCatalog[];
  readonly diameterPeers: readonly DiameterPeer[];
  /** Secrets are sealed. */
  readonly nas?: readonly NasDeclaration[];
  readonly addressPools?: readonly AddressPool[];
}

export interface TenantCatalog {
  readonly code: string;
  readonly resources: readonly ResourceDeclaration[];
  readonly tariffs: readonly Tariff[];
  /** Absent in a document that was written before there were plans. */
  readonly plans?: readonly ChargingPlan[];
  readonly policy: ChargingPolicy;
  readonly accessPlans?: readonly AccessPlan[];
}

export interface ResourceDeclaration {
  /** "octets", "seconds" and "events" for units; a currency's code for money. */
  readonly code: string;
  readonly kind: 'units' | 'money';
  /** Decimals of the smallest unit; 0 for units. */
  readonly scale: number;
  readonly consumptionOrder: ConsumptionOrder;
}

export interface CompiledCatalog {
  readonly version: number;
  readonly diameterPeers: readonly DiameterPeer[];
  readonly nas: readonly NasDeclaration[];
  readonly addressPools: readonly AddressPool[];
  /** The access plan of a tenant by its code. */
  accessPlan(tenant: string, code: string): AccessPlan | undefined;
  /** The tariff of a tenant by its code; that of a plan where the code is empty. */
  tariff(tenant: string, code: string, plan?: string | null): CompiledTariff | undefined;
  resource(tenant: string, code: string): ResourceDeclaration | undefined;
  /** How charging decides for a tenant's subscribers of a plan; of none where it is null. */
  policy(tenant: string, plan: string | null): ChargingPolicy;
  /** In which order a subscriber's buckets of a resource are used. */
  order(tenant: string, plan: string | null, resource: string): ConsumptionOrder;
  /** What a plan says of the last units; undefined where it leaves that to the tariff. */
  finalUnit(tenant: string, plan: string | null): FinalUnitAction | undefined;
}

export class CatalogError extends Error {
  readonly code = 'TOLLD_CATALOG_INVALID';
}

/**
 * Compiles a published catalog.
 * @throws CatalogError when a tariff does not compile: management checks before it publishes, so
 * this is a version that this process does not understand.
 */
export function compileCatalog(version: number, catalog: Catalog): CompiledCatalog {
  const tariffs = new OfTenants<CompiledTariff>();
  const resources = new OfTenants<ResourceDeclaration>();
  const policies = new Map<string, ChargingPolicy>();
  const accessPlans = new OfTenants<AccessPlan>();
  const plans = new OfTenants<CompiledChargingPlan>();
  for (const tenant of catalog.tenants) {
    policies.set(tenant.code, tenant.policy);
    for (const resource of tenant.resources) {
      resources.set(tenant.code, resource.code, resource);
    }
    for (const plan of tenant.accessPlans ?? []) {
      accessPlans.set(tenant.code, plan.code, plan);
    }
    for (const tariff of tenant.tariffs) {
      const result = compileTariff(tariff);
      if (result.result !== 'compiled') {
        const [fault] = result.faults;
        throw new CatalogError(
          `tariff ${tariff.code} of ${tenant.code}: ${fault?.path ?? ''} ${fault?.message ?? ''}`,
        );
      }
      tariffs.set(tenant.code, tariff.code, result.tariff);
    }
    for (const plan of tenant.plans ?? []) {
      plans.set(tenant.code, plan.code, {
        tariff: plan.tariff,
        policy: { ...tenant.policy, ...plan.policy },
        orders: new Map((plan.orders ?? []).map(({ resource, order }) => [resource, order])),
        finalUnit: plan.finalUnit,
      });
    }
  }
  const planOf = (tenant: string, code: string | null): CompiledChargingPlan | undefined =>
    code === null ? undefined : plans.get(tenant, code);
  return {
    version,
    diameterPeers: catalog.diameterPeers,
    nas: catalog.nas ?? [],
    addressPools: catalog.addressPools ?? [],
    accessPlan: (tenant, code) => accessPlans.get(tenant, code),
    tariff: (tenant, code, plan = null) =>
      tariffs.get(tenant, code === '' ? (planOf(tenant, plan)?.tariff ?? '') : code),
    resource: (tenant, code) => resources.get(tenant, code),
    policy: (tenant, plan) =>
      planOf(tenant, plan)?.policy ?? policies.get(tenant) ?? CHARGING_POLICY_DEFAULTS,
    order: (tenant, plan, resource) =>
      planOf(tenant, plan)?.orders.get(resource) ??
      resources.get(tenant, resource)?.consumptionOrder ??
      'earliest-expiring',
    finalUnit: (tenant, plan) => planOf(tenant, plan)?.finalUnit,
  };
}

interface CompiledChargingPlan {
  readonly tariff: string;
  readonly policy: ChargingPolicy;
  readonly orders: ReadonlyMap<string, ConsumptionOrder>;
  readonly finalUnit: FinalUnitAction | undefined;
}

/** What tenants have, each by its code. Two look-ups: one by both codes would join them for each. */
class OfTenants<Value> {
  readonly #byTenant = new Map<string, Map<string, Value>>();

  get(tenant: string, code: string): Value | undefined {
    return this.#byTenant.get(tenant)?.get(code);
  }

  set(tenant: string, code: string, value: Value): void {
    const values = this.#byTenant.get(tenant);
    if (values === undefined) this.#byTenant.set(tenant, new Map([[code, value]]));
    else values.set(code, value);
  }
}
