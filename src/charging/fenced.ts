/** The partition is held by recovery, or Redis was emptied: nothing may be charged or credited. */
export class PartitionFencedError extends Error {
  readonly code = 'TOLLD_PARTITION_FENCED';

  constructor(partition: number) {
    super(
      `partition ${partition} is closed: Redis holds no state that matches the record; ` +
        'run `tolld rebuild`, or `tolld serve` on the right Redis',
    );
    this.name = 'PartitionFencedError';
  }
}
