/**
 * What the model keeps: plain records, no reference between accounts and sessions but names. A
 * bucket does not say what is reserved of it: that is the sum of what the services hold, always.
 */
import type { ChargeOutcome } from '../../src/charging/charge-outcome.js';
import type { ChargeWindow } from '../../src/charging/charge-request.js';
import type { AccountThreshold } from '../../src/charging/provisioning.js';
import type { AccountStanding, BucketState, ChargingEvent } from '../../src/domain/events.js';

export interface Scope {
  readonly contexts: readonly string[] | null;
  readonly ratingGroups: readonly number[] | null;
  readonly zones: readonly string[] | null;
  readonly bands: readonly string[] | null;
}

export interface Bucket {
  readonly id: string;
  readonly resource: string;
  readonly kind: 'units' | 'money';
  readonly priority: number;
  readonly createdAt: number;
  readonly step: number;
  readonly blocker: boolean;
  readonly scope: Scope | null;
  readonly bundleId: string | null;
  readonly durationMs: number | null;
  readonly after: string | null;
  state: BucketState;
  startsAt: number | null;
  endsAt: number | null;
  /** Null: none, postpaid without a limit. */
  floor: number | null;
  granted: number;
  remaining: number;
  /** Taken out of use by staff: inactive, and no credit brings it back. */
  suspended: boolean;
}

export interface Threshold extends AccountThreshold {
  armed: boolean;
}

export interface Account {
  readonly id: string;
  standing: AccountStanding;
  profileVersion: number;
  sequence: number;
  lastSeen: number;
  lastIntent: number;
  buckets: Bucket[];
  /** Billed units by counter, in the period that began then. */
  readonly counters: Map<string, { periodStartMs: number; units: number }>;
  thresholds: Threshold[];
  /** Sessions that were given their last units, to be named by the next credit. */
  starved: string[];
}

/** What a service holds of one bucket: `amount` of it, for `units` of the service. */
export interface Hold {
  readonly bucketId: string;
  /** The sharing owner whose bucket it is; null for one of the member's own. */
  readonly ownerId: string | null;
  amount: number;
}

export interface Service {
  readonly key: string;
  readonly unit: string;
  /** Number of the newest request that spoke of it. */
  lastNumber: number;
  used: number;
  /** What money has paid: by rate line, and together. */
  readonly lines: Map<string, { units: bigint; billed: readonly bigint[] }>;
  gross: bigint;
  cost: bigint;
  opened: boolean;
  /** Units taken from each bucket that has a step of its own. */
  readonly steps: Map<string, number>;
  holds: Hold[];
  /** Units that were granted with what it holds. */
  granted: number;
  validUntil: number;
  /** The price of the reservation, and the one that follows it inside its validity time. */
  window: ChargeWindow | null;
  nextWindow: ChargeWindow | null;
}

export interface Session {
  readonly id: string;
  readonly accountId: string;
  /** The sharing owner who must know how it ends: it holds units of his, or waits for some. */
  ownerId: string | null;
  readonly openedAt: number;
  readonly retentionMs: number;
  state: 'open' | 'closed' | 'expired';
  lastNumber: number;
  deadline: number;
  readonly services: Map<string, Service>;
  /** Services that were given their last units when they last asked. */
  readonly starving: Set<string>;
  readonly answers: Map<number, { readonly content: string; readonly outcome: ChargeOutcome }>;
}

export interface World {
  readonly accounts: Map<string, Account>;
  readonly sessions: Map<string, Session>;
  /** Sessions that were told to ask again, ever. */
  readonly told: Set<string>;
  closed: boolean;
}

/** The accounts of one request, the member's first, and what happens to each. */
export interface Books {
  readonly world: World;
  readonly accounts: Account[];
  readonly events: Map<string, ChargingEvent[]>;
}

export function openBooks(world: World, accounts: Account[]): Books {
  return { world, accounts, events: new Map(accounts.map(({ id }) => [id, []])) };
}

export function emit(books: Books, account: Account, event: ChargingEvent): void {
  books.events.get(account.id)?.push(event);
}

export function accountOf(books: Books, bucket: Bucket): Account {
  const found = books.accounts.find(({ buckets }) => buckets.includes(bucket));
  if (found === undefined) throw new Error(`bucket ${bucket.id} is nobody's`);
  return found;
}

export function findBucket(books: Books, id: string): Bucket | null {
  for (const { buckets } of books.accounts) {
    const found = buckets.find((bucket) => bucket.id === id);
    if (found !== undefined) return found;
  }
  return null;
}

/** Invariant 3, by construction: what is reserved is what services hold. */
export function reservedOf(world: World, bucketId: string): number {
  return reservedBy(world.sessions.values(), bucketId);
}

export function reservedBy(sessions: Iterable<Session>, bucketId: string): number {
  let sum = 0;
  for (const { services } of sessions) {
    for (const { holds } of services.values()) {
      for (const hold of holds) if (hold.bucketId === bucketId) sum += hold.amount;
    }
  }
  return sum;
}

/** What charging may still take: above the floor, and held by nobody. */
export function freeOf(world: World, bucket: Bucket): number {
  return Math.max(0, bucket.remaining - reservedOf(world, bucket.id) - floorOf(bucket));
}

/** How far below nothing a bucket without a floor goes: numbers stay exact, and so do sums of two. */
const NO_FLOOR = -(2 ** 52);

export function floorOf({ floor }: Pick<Bucket, 'floor'>): number {
  return floor ?? NO_FLOOR;
}

/** Gives back what a service holds. */
export function release(service: Service): void {
  service.holds = [];
  service.granted = 0;
}

export function newService(key: string, unit: string): Service {
  return {
    key,
    unit,
    lastNumber: -1,
    used: 0,
    lines: new Map(),
    gross: 0n,
    cost: 0n,
    opened: false,
    steps: new Map(),
    holds: [],
    granted: 0,
    validUntil: 0,
    window: null,
    nextWindow: null,
  };
}
