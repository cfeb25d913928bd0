/** Checks a plan against its tariff and resources, and says what a bundle grants at an instant. */
import { CONSUMPTION_ORDERS, type ConsumptionOrder } from '../domain/consumption-order.js';
import { DateTime } from 'luxon';
import { toAmount, ZERO, type Amount } from '../domain/amounts.js';
import type { ResourceDeclaration } from './catalog.js';
import { exactMoney } from './exactness.js';
import { FaultList } from './fault-list.js';
import { DAY_MS, HOUR_MS } from './local-time.js';
import {
  PLAN_LIMITS,
  PRIORITY_DEFAULTS,
  type BucketScope,
  type Bundle,
  type Plan,
  type PlanBucket,
  type PlanThreshold,
  type Validity,
} from './plan.js';
import type { Decimal, Tariff, TariffFault } from './tariff.js';

export interface CompiledPlan {
  readonly code: string;
  readonly tariff: string;
  /** By resource, where the plan departs from the resource's own order. */
  readonly orders: ReadonlyMap<string, ConsumptionOrder>;
  readonly bundles: readonly CompiledBundle[];
  readonly thresholds: readonly CompiledThreshold[];
  readonly lowBalance: { readonly resource: string; readonly amount: Amount } | null;
}

export interface CompiledBundle {
  readonly id: string;
  readonly begins: 'grant' | 'first-use' | 'after';
  /** The bundle it waits for. */
  readonly after: string | null;
  readonly validity: Validity | null;
  /** Zone of the calendar that days and months are read in. */
  readonly timezone: string;
  readonly buckets: readonly CompiledBucket[];
}

export interface CompiledBucket {
  readonly id: string;
  readonly resource: string;
  readonly kind: 'units' | 'money';
  readonly amount: Amount;
  readonly priority: number;
  readonly step: number;
  readonly blocker: boolean;
  /** Null for none. */
  readonly floor: Amount | null;
  readonly scope: BucketScope | null;
}

export interface CompiledThreshold {
  readonly id: string;
  readonly resource: string;
  readonly bundle: string | null;
  /** A percentage, or an amount in the resource's smallest unit. */
  readonly level: { readonly percent: number } | { readonly amount: Amount };
}

/** When a bundle's buckets are valid; the engine fills in what is null when it begins. */
export interface BundleTerm {
  readonly state: 'active' | 'armed' | 'pending';
  readonly startsAt: number | null;
  /** Null where endless, or not known yet. */
  readonly endsAt: number | null;
  /** How long it lasts once begun, where it has not; null where endless. */
  readonly durationMs: number | null;
}

export interface PlanSurroundings {
  readonly tariffs: readonly Tariff[];
  readonly resources: readonly ResourceDeclaration[];
}

export type PlanResult =
  | { readonly result: 'compiled'; readonly plan: CompiledPlan }
  | { readonly result: 'refused'; readonly faults: readonly TariffFault[] };

interface Context {
  readonly tariff: Tariff;
  readonly resources: ReadonlyMap<string, ResourceDeclaration>;
  readonly bundles: ReadonlyMap<string, number>;
  readonly faults: FaultList;
}

/** Checks and compiles a plan; refused with all its faults where it has any. */
export function compilePlan(plan: Plan, { tariffs, resources }: PlanSurroundings): PlanResult {
  const faults = new FaultList();
  faults.checkId('code', plan.code);
  const tariff = tariffs.find(({ code }) => code === plan.tariff);
  if (tariff === undefined) {
    faults.add('tariff', `there is no tariff "${plan.tariff}"`, 'declare it, or name another');
    return { result: 'refused', faults: faults.faults };
  }
  const context: Context = {
    tariff,
    resources: new Map(resources.map((resource) => [resource.code, resource])),
    bundles: faults.checkIds('bundles', plan.bundles),
    faults,
  };
  faults.checkLength('bundles', plan.bundles.length, PLAN_LIMITS.bundlesMax);
  const bundles = plan.bundles.map((bundle, index) =>
    compileBundle(bundle, `bundles[${index}]`, context),
  );
  checkBuckets(plan, faults);
  checkCircles(plan, faults);
  const thresholds = compileThresholds(plan.thresholds ?? [], context);
  const orders = compileOrders(plan, context);
  const lowBalance = compileLowBalance(plan, context);
  if (faults.faults.length > 0) return { result: 'refused', faults: faults.faults };
  const { code } = plan;
  return {
    result: 'compiled',
    plan: { code, tariff: tariff.code, orders, bundles, thresholds, lowBalance },
  };
}

/** The term of a bundle that is granted at an instant. */
export function bundleTerm(bundle: CompiledBundle, atMs: number): BundleTerm {
  const { begins, validity, timezone } = bundle;
  if (begins !== 'grant') {
    const durationMs = validity === null ? null : lengthOf(validity);
    const state = begins === 'first-use' ? 'armed' : 'pending';
    return { state, startsAt: null, endsAt: null, durationMs };
  }
  if (validity === null) return { state: 'active', startsAt: atMs, endsAt: null, durationMs: null };
  const start = DateTime.fromMillis(atMs, { zone: timezone });
  const { count, unit } = validity;
  // With whole days the day of the grant counts as the first.
  const end =
    validity.wholeDays === true
      ? start.startOf('day').plus({ [unit]: count })
      : start.plus({ [unit]: count });
  return { state: 'active', startsAt: atMs, endsAt: end.toMillis(), durationMs: null };
}

function lengthOf({ count, unit }: Validity): number {
  const lengths = { hours: HOUR_MS, days: DAY_MS, weeks: 7 * DAY_MS, months: NaN };
  return count * lengths[unit];
}

function compileBundle(bundle: Bundle, path: string, context: Context): CompiledBundle {
  const { faults, bundles, tariff } = context;
  const begins = bundle.begins ?? 'grant';
  const after = typeof begins === 'object' ? begins.after : null;
  if (after !== null && !bundles.has(after)) {
    faults.add(`${path}.begins.after`, `there is no bundle "${after}"`, 'name one of the plan');
  }
  if (bundle.buckets.length === 0) {
    faults.add(`${path}.buckets`, 'the bundle is empty', 'declare a bucket, or remove it');
  }
  if (bundle.validity !== undefined) {
    checkValidity(bundle.validity, begins === 'grant', { path: `${path}.validity`, faults });
  }
  return {
    id: bundle.id,
    begins: typeof begins === 'object' ? 'after' : begins,
    after,
    validity: bundle.validity ?? null,
    timezone: tariff.timezone,
    buckets: bundle.buckets.map((bucket, index) =>
      compileBucket(bucket, `${path}.buckets[${index}]`, context),
    ),
  };
}

function checkValidity(
  validity: Validity,
  byCalendar: boolean,
  { path, faults }: { path: string; faults: FaultList },
): void {
  faults.checkWhole(`${path}.count`, validity.count, 1, PLAN_LIMITS.validityCountMax);
  if (!byCalendar && validity.unit === 'months') {
    const message = 'months are no length of time where the first day is not known';
    faults.add(`${path}.unit`, message, 'use days, such as 30');
  }
  if (validity.wholeDays !== true || (byCalendar && validity.unit !== 'hours')) return;
  faults.add(
    `${path}.wholeDays`,
    'only days, weeks and months counted from the grant end at a midnight',
    'leave it out',
  );
}

function compileBucket(bucket: PlanBucket, path: string, context: Context): CompiledBucket {
  const { faults } = context;
  const kind = context.resources.get(bucket.resource)?.kind ?? 'units';
  const priority = bucket.priority ?? PRIORITY_DEFAULTS[kind];
  faults.checkWhole(`${path}.priority`, priority, 0, PLAN_LIMITS.priorityMax);
  faults.checkWhole(`${path}.step`, bucket.step ?? 1, 1);
  if (kind === 'money' && bucket.step !== undefined) {
    faults.add(`${path}.step`, 'money has no step', 'give the rate a step');
  }
  if (kind === 'units' && bucket.creditLimit !== undefined) {
    const message = 'only money may go below zero';
    faults.add(`${path}.creditLimit`, message, 'leave it out');
  }
  checkScope(bucket.scope ?? {}, `${path}.scope`, context);
  const amount = amountOf(bucket.amount, bucket.resource, `${path}.amount`, context);
  return {
    id: bucket.id,
    resource: bucket.resource,
    kind,
    amount,
    priority,
    step: bucket.step ?? 1,
    blocker: bucket.blocker ?? false,
    floor: floorOf(bucket, path, context),
    scope: bucket.scope ?? null,
  };
}

function floorOf(bucket: PlanBucket, path: string, context: Context): Amount | null {
  if (bucket.creditLimit === null) return null;
  const limit = bucket.creditLimit ?? '0';
  const amount = amountOf(limit, bucket.resource, `${path}.creditLimit`, context);
  return toAmount(0 - amount);
}

/** Reads an amount in a resource's smallest unit; 0, with a fault, where it is none. */
function amountOf(
  amount: number | Decimal,
  code: string,
  path: string,
  { resources, faults }: Context,
): Amount {
  const resource = resources.get(code);
  if (resource === undefined) {
    faults.add(path, `there is no resource "${code}"`, 'declare it, or name another');
    return ZERO;
  }
  return exactMoney(String(amount), resource.scale, { path, faults }) ?? ZERO;
}

function checkScope(scope: BucketScope, path: string, { tariff, faults }: Context): void {
  for (const key of ['serviceContexts', 'ratingGroups', 'zones', 'bands'] as const) {
    if (scope[key]?.length !== 0) continue;
    faults.add(`${path}.${key}`, 'an empty list takes no service', 'fill it, or leave it out');
  }
  for (const [key, known] of [
    ['zones', tariff.zones ?? []],
    ['bands', tariff.bands ?? []],
  ] as const) {
    for (const [index, id] of (scope[key] ?? []).entries()) {
      if (known.some((one) => one.id === id)) continue;
      const message = `tariff "${tariff.code}" has no "${id}"`;
      faults.add(`${path}.${key}[${index}]`, message, `declare it in the tariff's ${key}`);
    }
  }
}

/** Buckets of all bundles together: as many as an account may have, none of one name. */
function checkBuckets({ bundles }: Plan, faults: FaultList): void {
  const owners = new Map<string, string>();
  for (const [index, { buckets }] of bundles.entries()) {
    for (const [place, { id }] of buckets.entries()) {
      const path = `bundles[${index}].buckets[${place}].id`;
      faults.checkId(path, id);
      const owner = owners.get(id);
      if (owner === undefined) owners.set(id, path);
      else faults.add(path, `"${id}" is also ${owner}`, 'rename one of them');
    }
  }
  faults.checkLength('bundles', owners.size, PLAN_LIMITS.bucketsMax);
}

/** Bundles that wait for each other would never begin. */
function checkCircles({ bundles }: Plan, faults: FaultList): void {
  const waits = new Map(
    bundles.map(({ id, begins }) => [id, typeof begins === 'object' ? begins.after : undefined]),
  );
  for (const [index, { id }] of bundles.entries()) {
    const seen = new Set<string>();
    let next = waits.get(id);
    while (next !== undefined && next !== id && !seen.has(next)) {
      seen.add(next);
      next = waits.get(next);
    }
    if (next !== id) continue;
    const message = `"${id}" waits for itself`;
    faults.add(`bundles[${index}].begins.after`, message, 'let one of them begin with the grant');
  }
}

function compileThresholds(
  thresholds: readonly PlanThreshold[],
  context: Context,
): readonly CompiledThreshold[] {
  const { faults, bundles } = context;
  faults.checkIds('thresholds', thresholds);
  faults.checkLength('thresholds', thresholds.length, PLAN_LIMITS.thresholdsMax);
  return thresholds.map((threshold, index) => {
    const path = `thresholds[${index}]`;
    const { id, resource, bundle, percent, amount } = threshold;
    if (bundle !== undefined && !bundles.has(bundle)) {
      faults.add(`${path}.bundle`, `there is no bundle "${bundle}"`, 'name one of the plan');
    }
    if ((percent === undefined) === (amount === undefined)) {
      faults.add(path, 'it names a percentage and an amount, or neither', 'name one of the two');
    }
    if (percent !== undefined) faults.checkWhole(`${path}.percent`, percent, 0, 100);
    const level = amountOf(amount ?? 0, resource, `${path}.amount`, context);
    return {
      id,
      resource,
      bundle: bundle ?? null,
      level: percent === undefined ? { amount: level } : { percent },
    };
  });
}

function compileLowBalance({ lowBalance }: Plan, context: Context): CompiledPlan['lowBalance'] {
  if (lowBalance === undefined) return null;
  const { resource, amount } = lowBalance;
  return { resource, amount: amountOf(amount, resource, 'lowBalance.amount', context) };
}

function compileOrders(
  { orders = [] }: Plan,
  { resources, faults }: Context,
): ReadonlyMap<string, ConsumptionOrder> {
  const compiled = new Map<string, ConsumptionOrder>();
  for (const [index, { resource, order }] of orders.entries()) {
    const path = `orders[${index}].resource`;
    if (!resources.has(resource)) {
      faults.add(path, `there is no resource "${resource}"`, 'declare it, or name another');
    }
    if (compiled.has(resource)) {
      faults.add(path, `"${resource}" has an order already`, 'leave one of the two');
    }
    if (!CONSUMPTION_ORDERS.includes(order)) {
      const remedy = `use ${CONSUMPTION_ORDERS.join(', ')}`;
      faults.add(`orders[${index}].order`, `"${order}" is no order`, remedy);
    }
    compiled.set(resource, order);
  }
  return compiled;
}
