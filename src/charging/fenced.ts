/** The partition is not compared with the record yet, or Redis was emptied: nothing may be charged. */
export class PartitionFencedError extends Error {
  readonly code = 'TOLLD_PARTITION_FENCED';

  constructor(partition: number) {
    super(
      `partition ${partition} is closed until Redis has been compared with the record: a daemon ` +
        'does that by itself; an emptied Redis is filled by `tolld rebuild`',
    );
    this.name = 'PartitionFencedError';
  }
}
