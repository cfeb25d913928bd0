/** Thresholds fire once per crossing, and are armed again when a credit lifts the balance above them. */
import type { Amount } from '../../src/domain/amounts.js';
import { emit, type Books, type Bucket, type Threshold } from './state.js';

/**
 * What a threshold watches: of a resource the buckets in use; of a bundle all of its buckets that
 * have begun, since one that was used up still stands for what was granted.
 */
function isWatched(threshold: Threshold, bucket: Bucket): boolean {
  if (bucket.resource !== threshold.resource || bucket.state === 'pending') return false;
  if (threshold.bundleId !== null) return bucket.bundleId === threshold.bundleId;
  return bucket.state !== 'inactive';
}

/** Several buckets may hold more together than a number can say: then it is that much. */
function sumOf(amounts: readonly number[]): number {
  const sum = amounts.reduce((total, amount) => total + BigInt(amount), 0n);
  return Math.min(Number(sum), Number.MAX_SAFE_INTEGER);
}

/**
 * A credit is one of management, a refund, or a bucket that waited and begins; `credited` says so, or
 * names the thresholds that are to be looked at anew.
 */
export function checkThresholds(
  books: Books,
  credited: boolean | ReadonlySet<string> = false,
): void {
  for (const account of books.accounts) {
    const hasBegun = (books.events.get(account.id) ?? []).some(
      (event) => event.type === 'bucket-state' && event.from === 'pending',
    );
    const isLifted = (id: string): boolean =>
      hasBegun || (typeof credited === 'boolean' ? credited : credited.has(id));
    for (const threshold of account.thresholds) {
      const watched = account.buckets.filter((bucket) => isWatched(threshold, bucket));
      const value =
        sumOf(watched.map(({ remaining }) => Math.max(remaining, 0))) -
        sumOf(watched.map(({ remaining }) => Math.max(-remaining, 0)));
      const granted = sumOf(watched.map((bucket) => bucket.granted));
      const level =
        'percent' in threshold.level
          ? Number((BigInt(granted) * BigInt(threshold.level.percent)) / 100n)
          : threshold.level.amount;
      if (threshold.armed === value > level) continue;
      if (!threshold.armed && !isLifted(threshold.id)) continue;
      threshold.armed = value > level;
      emit(books, account, {
        type: 'threshold',
        thresholdId: threshold.id,
        resource: threshold.resource,
        direction: threshold.armed ? 're-armed' : 'crossed',
        level: level as Amount,
        value: value as Amount,
      });
    }
  }
}
