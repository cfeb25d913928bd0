/** Thresholds fire once per crossing, and are armed again when the balance is above them. */
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

export function checkThresholds(books: Books): void {
  for (const account of books.accounts) {
    for (const threshold of account.thresholds) {
      const watched = account.buckets.filter((bucket) => isWatched(threshold, bucket));
      const value = watched.reduce((sum, { remaining }) => sum + remaining, 0);
      const granted = watched.reduce((sum, bucket) => sum + bucket.granted, 0);
      const level =
        'percent' in threshold.level
          ? Number((BigInt(granted) * BigInt(threshold.level.percent)) / 100n)
          : threshold.level.amount;
      if (threshold.armed === value > level) continue;
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
