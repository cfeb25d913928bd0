/** Which buckets may pay for a service, and in which order (docs/charging.md, "Which bucket pays first"). */
import type { ConsumptionOrder } from '../../src/domain/consumption-order.js';
import type { ChargeService, ChargeWindow } from '../../src/charging/charge-request.js';
import type { SharingMembership } from '../../src/domain/profile.js';
import {
  reservedOf,
  type Account,
  type Books,
  type Bucket,
  type Scope,
  type World,
} from './state.js';

export type Terms = Pick<
  ChargeService,
  'unit' | 'unitOrder' | 'moneyOrder' | 'serviceContext' | 'ratingGroup' | 'zones' | 'bands'
>;

function fits(scope: Scope | null, terms: Terms, now: number): boolean {
  if (scope === null) return true;
  const open = terms.bands.filter(({ fromMs, untilMs }) => fromMs <= now && now < untilMs);
  return (
    (scope.contexts === null || scope.contexts.includes(terms.serviceContext)) &&
    (scope.ratingGroups === null ||
      (terms.ratingGroup !== null && scope.ratingGroups.includes(terms.ratingGroup))) &&
    (scope.zones === null || terms.zones.some((zone) => scope.zones?.includes(zone))) &&
    (scope.bands === null || open.some(({ band }) => scope.bands?.includes(band)))
  );
}

/** Whether a bucket counts what the service uses, or money of the currency it is priced in. */
export function suits(
  bucket: Bucket,
  terms: Terms,
  window: ChargeWindow | null,
  now: number,
): boolean {
  const resource = bucket.resource === terms.unit || bucket.resource === window?.currency;
  return resource && fits(bucket.scope, terms, now);
}

function isValid(bucket: Bucket, now: number): boolean {
  return (
    (bucket.state === 'active' || bucket.state === 'armed') &&
    (bucket.startsAt ?? 0) <= now &&
    (bucket.endsAt === null || bucket.endsAt > now)
  );
}

/** The buckets that may pay for a service now, in consumption order; a sharing owner's among them. */
export function eligible(
  books: Books,
  terms: Terms,
  window: ChargeWindow | null,
  now: number,
  sharing: SharingMembership | null,
): readonly Bucket[] {
  const [own, owner] = books.accounts;
  const usable = (bucket: Bucket): boolean =>
    isValid(bucket, now) && suits(bucket, terms, window, now);
  const found = (own?.buckets ?? []).filter(usable);
  if (owner !== undefined && sharing !== null && owner.standing === 'active') {
    const shared = (bucket: Bucket): boolean =>
      fits(sharing.scope, terms, now) &&
      (sharing.resources === null || sharing.resources.includes(bucket.resource));
    found.push(...owner.buckets.filter((bucket) => shared(bucket) && usable(bucket)));
  }
  const orders = { units: terms.unitOrder, money: terms.moneyOrder };
  const isShared = (bucket: Bucket): boolean => owner?.buckets.includes(bucket) ?? false;
  const sharedFirst = sharing?.order === 'shared-first';
  return found.toSorted(
    (a, b) =>
      a.priority - b.priority ||
      (Number(isShared(a)) - Number(isShared(b))) * (sharedFirst ? -1 : 1) ||
      consumedBefore(books.world, a, b, orders),
  );
}

function consumedBefore(
  world: World,
  a: Bucket,
  b: Bucket,
  orders: Readonly<Record<Bucket['kind'], ConsumptionOrder>>,
): number {
  if (a.kind !== b.kind) return a.kind === 'units' ? -1 : 1;
  const [left, right] = [a, b].map((bucket) => rank(world, bucket, orders[a.kind]));
  return compare(left ?? 0, right ?? 0) || a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1);
}

function compare(a: number, b: number): number {
  return a === b ? 0 : a - b;
}

function rank(world: World, bucket: Bucket, order: ConsumptionOrder): number {
  switch (order) {
    case 'earliest-expiring':
      return bucket.endsAt ?? Infinity;
    case 'earliest-started':
      return bucket.startsAt ?? 0;
    case 'latest-started':
      return -(bucket.startsAt ?? 0);
    case 'smallest':
      return unreserved(world, bucket);
    case 'largest':
      return -unreserved(world, bucket);
  }
}

/** What is in a bucket and not reserved, its floor apart. */
function unreserved(world: World, bucket: Bucket): number {
  return bucket.remaining - reservedOf(world, bucket.id);
}

/** An account's buckets as it lists them. */
export function listed(world: World, account: Account): readonly Bucket[] {
  const orders = { units: 'earliest-expiring', money: 'earliest-expiring' } as const;
  return account.buckets.toSorted(
    (a, b) => a.priority - b.priority || consumedBefore(world, a, b, orders),
  );
}
