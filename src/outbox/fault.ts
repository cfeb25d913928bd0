/** What stops a partition until somebody, or time, has repaired it. Nothing is lost meanwhile. */
import type { FlushFault } from '../domain/flush.js';
import { entryText } from './cursor.js';

export type PartitionFault =
  /**
   * An account's numbers have a gap or a double, or its former partition is not flushed yet; or an
   * entry can't be read.
   */
  | FlushFault
  /** The stream goes on behind entries that are neither in it nor in the record. */
  | {
      readonly kind: 'entries-missing';
      readonly partition: number;
      readonly after: string;
      readonly found: string;
    }
  /** Redis has forgotten entries that the record has: it was emptied, or lost its tail. */
  | {
      readonly kind: 'stream-behind';
      readonly partition: number;
      readonly recorded: string;
      readonly last: string;
    };

export type FaultKind = PartitionFault['kind'];

export const FAULT_KINDS = [
  'gap',
  'double',
  'moving',
  'entries-missing',
  'stream-behind',
  'undecodable',
] as const satisfies readonly FaultKind[];

/** One sentence for a person, with what to do. */
export function describeFault(fault: PartitionFault): string {
  const where = `partition ${fault.partition}`;
  switch (fault.kind) {
    case 'gap':
    case 'double':
    case 'moving': {
      const { accountId, expected, found, entry } = fault;
      const at = `${where} at ${entryText(entry)}: account ${accountId}`;
      if (fault.kind === 'gap') {
        const missing = found - 1 === expected ? `${expected}` : `${expected} to ${found - 1}`;
        return `${at} lacks event ${missing} before ${found}; run \`tolld verify\``;
      }
      if (fault.kind === 'double') {
        return (
          `${at} has event ${found} again, the record stands at ${expected - 1}; ` +
          'run `tolld verify`'
        );
      }
      return `${at} waits for its events ${expected} to ${found - 1} from another partition`;
    }
    case 'entries-missing':
      return (
        `${where}: entries between ${fault.after} and ${fault.found} are neither in Redis nor in ` +
        'Postgres; was Postgres restored from an older backup? Run `tolld verify`'
      );
    case 'stream-behind':
      return (
        `${where}: Redis ends at ${fault.last}, Postgres has ${fault.recorded}: Redis lost its ` +
        'tail or was emptied; run `tolld reconcile` or `tolld rebuild`'
      );
    case 'undecodable':
      return `${where}: entry ${entryText(fault.entry)} can't be read: ${fault.reason}`;
  }
}
