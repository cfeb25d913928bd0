/** What time and use do to buckets (docs/charging.md, "Buckets"). */
import type { Amount } from '../../src/domain/amounts.js';
import type { BucketStateEvent } from '../../src/domain/events.js';
import { emit, reservedOf, type Account, type Books, type Bucket } from './state.js';
import type { Take } from './walk.js';

export function move(
  books: Books,
  account: Account,
  bucket: Bucket,
  to: Bucket['state'],
  cause: BucketStateEvent['cause'],
): void {
  const from = bucket.state;
  bucket.state = to;
  emit(books, account, {
    type: 'bucket-state',
    bucketId: bucket.id,
    bundleId: bucket.bundleId,
    from,
    to,
    cause,
    startsAt: bucket.startsAt,
    endsAt: bucket.endsAt,
  });
}

/** When a bucket's state or content next changes by itself after `now`; null for never. */
export function nextChangeOf(bucket: Bucket, now: number): number | null {
  const times = [
    bucket.state === 'pending' ? bucket.startsAt : null,
    bucket.state !== 'inactive' || bucket.remaining > 0 ? bucket.endsAt : null,
  ].filter((time): time is number => time !== null && time > now);
  return times.length === 0 ? null : Math.min(...times);
}

/** Whether time has something to do in an account. */
export function isDue(books: Books, account: Account, now: number): boolean {
  return account.buckets.some((bucket) => {
    const begins = bucket.state === 'pending' && bucket.startsAt !== null && bucket.startsAt <= now;
    const ends = bucket.endsAt !== null && bucket.endsAt <= now;
    const holdsMore = bucket.remaining > reservedOf(books.world, bucket.id);
    return begins || (ends && (bucket.state !== 'inactive' || holdsMore));
  });
}

/** Begins and ends what is due, and starts what waits behind it. */
export function turn(books: Books, account: Account, now: number): void {
  for (const bucket of account.buckets) {
    if (bucket.state === 'pending' && bucket.startsAt !== null && bucket.startsAt <= now) {
      move(books, account, bucket, bucket.durationMs === null ? 'active' : 'armed', 'succeeded');
    }
    if (bucket.endsAt === null || bucket.endsAt > now) continue;
    if (bucket.state !== 'inactive') move(books, account, bucket, 'inactive', 'expired');
    expireRest(books, account, bucket);
  }
  startWaiting(books, account, now, null);
}

/** Of an ended bucket what nobody holds is gone, by an event. */
function expireRest(books: Books, account: Account, bucket: Bucket): void {
  const reserved = reservedOf(books.world, bucket.id);
  const rest = bucket.remaining - reserved;
  if (rest <= 0) return;
  bucket.remaining = reserved;
  emit(books, account, {
    type: 'ledger',
    kind: 'expiry',
    intentNumber: null,
    intentId: null,
    reason: null,
    impacts: [
      {
        bucketId: bucket.id,
        resource: bucket.resource,
        delta: -rest as Amount,
        after: bucket.remaining as Amount,
        units: 0 as Amount,
      },
    ],
    grant: null,
  });
}

/** What came back to a bucket that has ended meanwhile. */
export function expireReleased(books: Books, now: number): void {
  for (const account of books.accounts) {
    for (const bucket of account.buckets) {
      if (bucket.endsAt !== null && bucket.endsAt <= now) expireRest(books, account, bucket);
    }
  }
}

function start(
  books: Books,
  account: Account,
  bucket: Bucket,
  now: number,
  cause: 'first-use' | 'succeeded',
): void {
  bucket.startsAt = now;
  if (bucket.durationMs !== null) bucket.endsAt = now + bucket.durationMs;
  move(books, account, bucket, 'active', cause);
}

/** Armed buckets that a walk met start, and with them what is armed of their bundles. */
export function startArmed(books: Books, takes: readonly Take[], now: number): void {
  const met = takes.map(({ bucket }) => bucket).filter(({ state }) => state === 'armed');
  for (const account of books.accounts) {
    const own = met.filter((bucket) => account.buckets.includes(bucket));
    const bundles = new Set(own.map(({ bundleId }) => bundleId).filter((id) => id !== null));
    for (const bucket of account.buckets) {
      const together = bucket.bundleId !== null && bundles.has(bucket.bundleId);
      if (bucket.state === 'armed' && (own.includes(bucket) || together)) {
        start(books, account, bucket, now, 'first-use');
      }
    }
  }
}

/** Whether nothing more will come of the bundle or bucket of this name. */
export function isOver(
  books: Books,
  account: Account,
  name: string,
  planned: readonly Take[] | null,
): boolean {
  const members = account.buckets.filter(({ id, bundleId }) => id === name || bundleId === name);
  return members.every((bucket) => {
    if (bucket.state === 'inactive') return true;
    // Who needs more than is there does not wait for what others hold.
    if (planned === null) return false;
    const taken = planned
      .filter((take) => take.bucket === bucket)
      .reduce((sum, { amount }) => sum + amount, 0);
    return bucket.remaining - reservedOf(books.world, bucket.id) - taken < bucket.step;
  });
}

/**
 * Starts what waits behind bundles that are over; with a plan that was not enough, also behind those
 * that have nothing left beyond it. Of a row only the first: the next waits for that one.
 */
export function startWaiting(
  books: Books,
  account: Account,
  now: number,
  planned: readonly Take[] | null,
): boolean {
  const starting = account.buckets.filter(
    ({ state, after }) =>
      state === 'pending' && after !== null && isOver(books, account, after, planned),
  );
  for (const bucket of starting) start(books, account, bucket, now, 'succeeded');
  return starting.length > 0;
}

/** Unit buckets that were used up are out of use, and what waits behind them starts. */
export function retire(books: Books, takes: readonly Take[], now: number): void {
  for (const account of books.accounts) {
    let retired = false;
    for (const bucket of new Set(takes.map((take) => take.bucket))) {
      const used = bucket.remaining === 0 && reservedOf(books.world, bucket.id) === 0;
      if (!used || bucket.kind !== 'units' || bucket.state !== 'active') continue;
      if (!account.buckets.includes(bucket)) continue;
      move(books, account, bucket, 'inactive', 'exhausted');
      retired = true;
    }
    if (retired) startWaiting(books, account, now, null);
  }
}
