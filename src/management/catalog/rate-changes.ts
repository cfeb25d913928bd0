/** What sessions are rated by that differs between two versions of the catalog. */
import { DateTime } from 'luxon';
import type { Catalog, TenantCatalog } from '../../rating/catalog.js';
import type { Tariff } from '../../rating/tariff.js';

/** Codes of a tenant's tariffs and plans whose sessions under way are rated otherwise now. */
export interface RateChange {
  readonly tenant: string;
  readonly tariffs: readonly string[];
  readonly plans: readonly string[];
}

/**
 * What differs and is in force before `untilMs`: a version that starts later is known to every
 * session in time, since none is granted units for so long.
 */
export function rateChanges(
  before: Catalog,
  after: Catalog,
  untilMs: number,
): readonly RateChange[] {
  const old = new Map(before.tenants.map((tenant) => [tenant.code, tenant]));
  return after.tenants.flatMap((tenant) => {
    const held = old.get(tenant.code);
    if (held === undefined) return [];
    const change = changeOf(held, tenant, untilMs);
    return change.tariffs.length + change.plans.length === 0 ? [] : [change];
  });
}

function changeOf(before: TenantCatalog, after: TenantCatalog, untilMs: number): RateChange {
  const everything = !same(before.policy, after.policy) || !same(before.resources, after.resources);
  const tariffs = after.tariffs
    .map((tariff) => inForceBefore(tariff, untilMs))
    .filter((tariff) => {
      const held = before.tariffs.find(({ code }) => code === tariff.code);
      return everything || held === undefined || !same(inForceBefore(held, untilMs), tariff);
    })
    .map(({ code }) => code);
  const plans = (after.plans ?? []).filter((plan) => {
    const held = before.plans?.find(({ code }) => code === plan.code);
    return everything || tariffs.includes(plan.tariff ?? '') || !same(held, plan);
  });
  return { tenant: after.code, tariffs, plans: plans.map(({ code }) => code) };
}

/** Both were built by one function from rows: equal ones are written alike. */
function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function inForceBefore(tariff: Tariff, untilMs: number): Tariff {
  const starts = ({ startsAt }: Tariff['versions'][number]): number =>
    DateTime.fromISO(startsAt, { zone: tariff.timezone }).toMillis();
  return { ...tariff, versions: tariff.versions.filter((version) => starts(version) < untilMs) };
}
