/**
 * The order in which an account's buckets are used, in words. The charge script decides it
 * (lua/include/list_eligible.lua); here it is told to a person who asks why.
 */
import type { DecodedBucket } from '../charging/event-codec.js';
import type { ConsumptionOrder } from '../domain/consumption-order.js';

export interface ExplainedBucket {
  readonly bucket: DecodedBucket;
  /** It belongs to the owner of the sharing group that the account is a member of. */
  readonly ofOwner: boolean;
  /** Its place among those that may be used now, from 1; null for one that may not. */
  readonly place: number | null;
  /** Why it stands there, and what else limits its use. */
  readonly why: readonly string[];
}

/** What a member of a sharing group may draw on beside its own. */
export interface SharedBuckets {
  /** The owner's, all of them. */
  readonly buckets: readonly DecodedBucket[];
  readonly order: 'own-first' | 'shared-first';
  /** Resources that are shared; null for all. */
  readonly resources: readonly string[] | null;
  /** Services that may draw on the owner; null for all. */
  readonly scope: Scope | null;
}

export interface OrderContext {
  /** By resource; `earliest-expiring` where none is given. */
  readonly orders: ReadonlyMap<string, ConsumptionOrder>;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** An amount with its resource, in units that people use. */
  readonly show: (amount: number, resource: string) => string;
  /** Of a member of a sharing group. */
  readonly shared?: SharedBuckets;
}

/** A bucket that the account may draw on: its own, or the owner's. */
interface Drawn {
  readonly bucket: DecodedBucket;
  readonly ofOwner: boolean;
}

/** What tells two buckets apart, in the order in which it is looked at. */
interface Criterion {
  /** Negative where the first is used before the second. */
  readonly compare: (a: Drawn, b: Drawn) => number;
  readonly why: (after: Drawn) => string;
}

/** Buckets by their place, the owner's among them, those that can't be used last. */
export function explainBuckets(
  buckets: readonly DecodedBucket[],
  context: OrderContext,
): readonly ExplainedBucket[] {
  const drawn = [
    ...buckets.map((bucket) => ({ bucket, ofOwner: false })),
    ...(context.shared?.buckets ?? []).map((bucket) => ({ bucket, ofOwner: true })),
  ];
  const usable = drawn.filter((each) => hindrance(each, context) === null);
  const others = drawn.filter((each) => !usable.includes(each));
  usable.sort((a, b) => decide(a, b, context)?.difference ?? 0);
  return [
    ...usable.map((each, index) => ({
      ...each,
      place: index + 1,
      why: [placeOf(each, usable[index - 1], context), ...limitsOf(each, context)],
    })),
    ...others.map((each) => ({
      ...each,
      place: null,
      why: [hindrance(each, context) ?? '', ...limitsOf(each, context)],
    })),
  ];
}

function placeOf(drawn: Drawn, before: Drawn | undefined, context: OrderContext): string {
  if (before === undefined) return 'first';
  const decided = decide(before, drawn, context);
  return `after ${before.bucket.bucketId}: ${decided?.why(drawn) ?? 'the same in all'}`;
}

function decide(
  a: Drawn,
  b: Drawn,
  context: OrderContext,
): { readonly difference: number; readonly why: Criterion['why'] } | null {
  for (const { compare, why } of criteria(a, context)) {
    const difference = compare(a, b);
    if (difference !== 0) return { difference, why };
  }
  return null;
}

function criteria({ bucket }: Drawn, context: OrderContext): readonly Criterion[] {
  const order = ORDERS[context.orders.get(bucket.resource) ?? 'earliest-expiring'];
  const ownersRank = context.shared?.order === 'shared-first' ? -1 : 1;
  return [
    {
      compare: (a, b) => a.bucket.priority - b.bucket.priority,
      why: (after) => `priority ${after.bucket.priority}`,
    },
    {
      compare: (a, b) => (Number(a.ofOwner) - Number(b.ofOwner)) * ownersRank,
      why: ({ ofOwner }) =>
        ofOwner ? "own goes before the owner's" : "the owner's goes before own",
    },
    {
      compare: (a, b) => rank(a.bucket) - rank(b.bucket),
      why: () => 'units go before money',
    },
    // Buckets of two resources never meet in one charge: any order of theirs will do.
    {
      compare: (a, b) => compareText(a.bucket.resource, b.bucket.resource),
      why: () => 'another resource',
    },
    { compare: (a, b) => order.compare(a.bucket, b.bucket), why: () => order.why },
    {
      compare: (a, b) => a.bucket.createdAt - b.bucket.createdAt,
      why: () => 'granted later',
    },
    {
      compare: (a, b) => compareText(a.bucket.bucketId, b.bucket.bucketId),
      why: () => 'by their ids',
    },
  ];
}

const ORDERS: Readonly<
  Record<
    ConsumptionOrder,
    {
      readonly compare: (a: DecodedBucket, b: DecodedBucket) => number;
      readonly why: string;
    }
  >
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
function hindrance({ bucket, ofOwner }: Drawn, context: OrderContext): string | null {
  const { now, shared } = context;
  if (ofOwner && shared?.resources?.includes(bucket.resource) === false) {
    return `not used: the group does not share ${bucket.resource}`;
  }
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

function limitsOf({ bucket, ofOwner }: Drawn, context: OrderContext): readonly string[] {
  const { show, shared } = context;
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
  const byGroup = ofOwner ? describeScope(shared?.scope ?? {}) : [];
  return [...limits, ...scopeOf(bucket), ...byGroup.map((limit) => `${limit}, by the group`)];
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
