/**
 * The order in which an account's buckets are used, in words. The charge script decides it
 * (lua/include/list_eligible.lua); here it is told to a person who asks why.
 */
import type { ConsumptionOrder } from '../domain/consumption-order.js';
import type { DecodedBucket } from '../charging/event-codec.js';

export interface ExplainedBucket {
  readonly bucket: DecodedBucket;
  /** Its place among those that may be used now, from 1; null for one that may not. */
  readonly place: number | null;
  /** Why it stands there, and what else limits its use. */
  readonly why: readonly string[];
}

export interface OrderContext {
  /** By resource; `earliest-expiring` where none is given. */
  readonly orders: ReadonlyMap<string, ConsumptionOrder>;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** An amount with its resource, in units that people use. */
  readonly show: (amount: number, resource: string) => string;
}

/** What tells two buckets apart, in the order in which it is looked at. */
interface Criterion {
  /** Negative where the first is used before the second. */
  readonly compare: (a: DecodedBucket, b: DecodedBucket) => number;
  readonly why: (bucket: DecodedBucket, before: DecodedBucket) => string;
}

/** Buckets by their place, those that can't be used last. */
export function explainBuckets(
  buckets: readonly DecodedBucket[],
  context: OrderContext,
): readonly ExplainedBucket[] {
  const usable = buckets.filter((bucket) => hindrance(bucket, context) === null);
  const others = buckets.filter((bucket) => !usable.includes(bucket));
  usable.sort((a, b) => decide(a, b, context)?.difference ?? 0);
  return [
    ...usable.map((bucket, index) => ({
      bucket,
      place: index + 1,
      why: [placeOf(bucket, usable[index - 1], context), ...limitsOf(bucket, context)],
    })),
    ...others.map((bucket) => ({
      bucket,
      place: null,
      why: [hindrance(bucket, context) ?? '', ...limitsOf(bucket, context)],
    })),
  ];
}

function placeOf(
  bucket: DecodedBucket,
  before: DecodedBucket | undefined,
  context: OrderContext,
): string {
  if (before === undefined) return 'first';
  const decided = decide(before, bucket, context);
  return `after ${before.bucketId}: ${decided?.why(bucket, before) ?? 'the same in all'}`;
}

function decide(
  a: DecodedBucket,
  b: DecodedBucket,
  context: OrderContext,
): { readonly difference: number; readonly why: Criterion['why'] } | null {
  for (const { compare, why } of criteria(a, context)) {
    const difference = compare(a, b);
    if (difference !== 0) return { difference, why };
  }
  return null;
}

function criteria(bucket: DecodedBucket, context: OrderContext): readonly Criterion[] {
  const order = context.orders.get(bucket.resource) ?? 'earliest-expiring';
  return [
    {
      compare: (a, b) => a.priority - b.priority,
      why: (after) => `priority ${after.priority}`,
    },
    {
      compare: (a, b) => rank(a) - rank(b),
      why: () => 'units go before money',
    },
    // Buckets of two resources never meet in one charge: any order of theirs will do.
    {
      compare: (a, b) => compareText(a.resource, b.resource),
      why: () => 'another resource',
    },
    { compare: ORDERS[order].compare, why: () => ORDERS[order].why },
    {
      compare: (a, b) => a.createdAt - b.createdAt,
      why: () => 'granted later',
    },
    {
      compare: (a, b) => compareText(a.bucketId, b.bucketId),
      why: () => 'by their ids',
    },
  ];
}

const ORDERS: Readonly<
  Record<ConsumptionOrder, { readonly compare: Criterion['compare']; readonly why: string }>
> = {
  'earliest-expiring': {
    compare: (a, b) => (a.endsAt ?? Infinity) - (b.endsAt ?? Infinity) || 0,
    why: 'ends later',
  },
  'earliest-started': {
    compare: (a, b) => (a.startsAt ?? 0) - (b.startsAt ?? 0),
    why: 'started later',
  },
  'latest-started': {
    compare: (a, b) => (b.startsAt ?? 0) - (a.startsAt ?? 0),
    why: 'started earlier, and the latest goes first',
  },
  smallest: {
    compare: (a, b) => free(a) - free(b),
    why: 'more is left in it, and the smallest goes first',
  },
  largest: {
    compare: (a, b) => free(b) - free(a),
    why: 'less is left in it, and the largest goes first',
  },
};

function rank({ kind }: DecodedBucket): number {
  return kind === 'units' ? 0 : 1;
}

function free({ remaining, reserved }: DecodedBucket): number {
  return remaining - reserved;
}

function compareText(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

/** Why nothing may be charged to a bucket now, or null. */
function hindrance(bucket: DecodedBucket, { now }: OrderContext): string | null {
  const { state, startsAt, endsAt, after } = bucket;
  if (state === 'inactive') return 'not used: it has ended';
  if (endsAt !== null && endsAt <= now) return 'not used: it has ended';
  if (state === 'pending') {
    if (after !== null) return `not used: it waits for ${after} to end`;
    return `not used: it begins ${instant(startsAt)}`;
  }
  if (startsAt !== null && startsAt > now) return `not used: it begins ${instant(startsAt)}`;
  return null;
}

function instant(at: number | null): string {
  return at === null ? 'later' : new Date(at).toISOString();
}

function limitsOf(bucket: DecodedBucket, { show }: OrderContext): readonly string[] {
  const { resource, kind, floor, step, blocker, bundleId, state, durationMs } = bucket;
  const limits: string[] = [];
  if (state === 'armed') {
    const lasts = durationMs === null ? '' : ` and lasts ${duration(durationMs)}`;
    limits.push(`begins with its first use${lasts}`);
  }
  if (kind === 'money' && floor === null) limits.push('no floor');
  if (floor !== null && floor !== 0) limits.push(`down to ${show(floor, resource)}`);
  if (free(bucket) <= (floor ?? -Infinity)) limits.push('nothing is left to grant');
  if (step !== 1) limits.push(`in steps of ${show(step, resource)}`);
  if (blocker) limits.push('what it cannot pay, none behind it pays');
  if (bundleId !== null) limits.push(`bundle ${bundleId}`);
  return [...limits, ...scopeOf(bucket)];
}

const SCOPE_WORDS = {
  contexts: 'service contexts',
  ratingGroups: 'rating groups',
  zones: 'zones',
  bands: 'time bands',
} as const;

type Scope = Readonly<Record<string, readonly unknown[] | null>>;

function scopeOf({ detail }: DecodedBucket): readonly string[] {
  return describeScope((detail['scope'] ?? {}) as Scope);
}

/** The sets of a scope in words; nothing for a set that takes anything. */
export function describeScope(scope: Scope): readonly string[] {
  return Object.entries(SCOPE_WORDS).flatMap(([name, words]) => {
    const values = scope[name];
    return Array.isArray(values) ? [`only ${words} ${values.join(', ')}`] : [];
  });
}

const DURATIONS = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
] as const;

function duration(milliseconds: number): string {
  for (const [word, length] of DURATIONS) {
    const count = milliseconds / length;
    if (Number.isInteger(count)) return `${count} ${word}${count === 1 ? '' : 's'}`;
  }
  return `${milliseconds / 1000} seconds`;
}
