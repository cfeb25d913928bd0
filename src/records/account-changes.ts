/** What a batch of entries does to accounts, folded to one change for each, and whether it fits. */
import type {
  AccountEvents,
  AccountStanding,
  ChargingEvent,
  Impact,
  OutboxEntry,
} from '../domain/events.js';
import type {
  PartitionBatch,
  ReceivedEntry,
  SequenceFault,
  UnbalancedBucket,
} from '../domain/flush.js';
import { informativeInstant } from './copy-text.js';
import type { KnownAccounts } from './event-context.js';

export interface AccountChange {
  readonly accountId: string;
  partition: number;
  /** Number of the last event before the batch. */
  readonly previous: number;
  tenant: string;
  last: number;
  at: string;
  /** What each bucket held when its first impact came; a bucket that is granted here has none. */
  readonly before: Map<string, number>;
  /** What each bucket holds after its last. */
  readonly after: Map<string, number>;
  /** Buckets that ended. */
  readonly ended: Set<string>;
  header: AccountHeader | null;
}

/** What changes rarely. */
export interface AccountHeader {
  lastIntent: number;
  standing: AccountStanding | null;
  profileVersion: number | null;
}

export type AccountChanges = ReadonlyMap<string, AccountChange>;

/** The entries of a batch that continue their accounts' runs. */
export interface TakenBatch {
  readonly batch: PartitionBatch;
  readonly entries: readonly ReceivedEntry[];
}

export interface FoldedAccounts {
  readonly changes: AccountChanges;
  readonly taken: readonly TakenBatch[];
  readonly faults: readonly SequenceFault[];
  /** Breaks between two events of the batch. */
  readonly unbalanced: readonly UnbalancedBucket[];
}

/** Where a time can't be kept the entry is in quarantine; its account's run goes on all the same. */
const UNKNOWN_TIME = '1970-01-01T00:00:00.000Z';
/** So is an entry of an account that nobody knows; its state belongs to no tenant. */
export const UNKNOWN_TENANT = '';

/**
 * Folds batches, each up to the first entry that does not continue an account's run: nothing is
 * recorded behind a gap or a double. `runs` says where the accounts stand; for one it lacks, the
 * batch's own first event is taken at its word, to be compared with the record later.
 */
export function foldAccounts(
  batches: readonly PartitionBatch[],
  { known, runs }: { readonly known: KnownAccounts; readonly runs: ReadonlyMap<string, number> },
): FoldedAccounts {
  const changes = new Map<string, AccountChange>();
  const faults: SequenceFault[] = [];
  const unbalanced: UnbalancedBucket[] = [];
  const standsAt = (accountId: string): number | undefined =>
    changes.get(accountId)?.last ?? runs.get(accountId);
  const taken = batches.map((batch): TakenBatch => {
    for (const [index, { entry }] of batch.entries.entries()) {
      const fault = faultOf(entry, standsAt);
      if (fault !== null) {
        faults.push(fault);
        return { batch, entries: batch.entries.slice(0, index) };
      }
      for (const section of entry.accounts) {
        const change = changeOf(changes, { entry, section, known });
        foldSection(change, section, unbalanced);
      }
    }
    return { batch, entries: batch.entries };
  });
  return { changes, taken: taken.filter(({ entries }) => entries.length > 0), faults, unbalanced };
}

function faultOf(
  entry: OutboxEntry,
  standsAt: (accountId: string) => number | undefined,
): SequenceFault | null {
  for (const section of entry.accounts) {
    const { accountId, firstSequence: found } = section;
    const expected = (standsAt(accountId) ?? found - 1) + 1;
    if (found === expected) continue;
    const kind = found < expected ? 'double' : arrives(section) ? 'moving' : 'gap';
    const { partition, id } = entry;
    return { kind, partition, entry: id, accountId, expected, found };
  }
  return null;
}

/** Whether the section begins with the account's arrival from another partition. */
function arrives({ events: [first] }: AccountEvents): boolean {
  return first?.type === 'account' && first.change === 'moved-in';
}

function changeOf(
  changes: Map<string, AccountChange>,
  {
    entry,
    section,
    known,
  }: {
    readonly entry: OutboxEntry;
    readonly section: AccountEvents;
    readonly known: KnownAccounts;
  },
): AccountChange {
  const { accountId, firstSequence, events } = section;
  let change = changes.get(accountId);
  if (change === undefined) {
    change = {
      accountId,
      partition: entry.partition,
      previous: firstSequence - 1,
      tenant: known.get(accountId)?.tenant ?? UNKNOWN_TENANT,
      last: 0,
      at: UNKNOWN_TIME,
      before: new Map(),
      after: new Map(),
      ended: new Set(),
      header: null,
    };
    changes.set(accountId, change);
  }
  if (change.tenant === UNKNOWN_TENANT) change.tenant = entry.stamp?.tenant ?? UNKNOWN_TENANT;
  change.partition = entry.partition;
  change.last = firstSequence + events.length - 1;
  change.at = informativeInstant(entry.at) ?? change.at;
  return change;
}

function foldSection(
  change: AccountChange,
  { events }: AccountEvents,
  unbalanced: UnbalancedBucket[],
): void {
  for (const event of events) {
    if ('impacts' in event) {
      for (const impact of event.impacts) {
        foldImpact(change, impact, { event, unbalanced });
      }
    }
    switch (event.type) {
      case 'ledger': {
        const header = headerOf(change);
        header.lastIntent = Math.max(header.lastIntent, event.intentNumber ?? 0);
        break;
      }
      case 'account': {
        const header = headerOf(change);
        header.standing = event.standing;
        header.profileVersion = event.profileVersion;
        break;
      }
      case 'bucket-state':
        if (event.to === 'inactive') change.ended.add(event.bucketId);
        else change.ended.delete(event.bucketId);
        break;
      case 'usage':
      case 'shared-usage':
      case 'session':
      case 'threshold':
        break;
    }
  }
}

function foldImpact(
  { accountId, before, after }: AccountChange,
  impact: Impact,
  { event, unbalanced }: { readonly event: ChargingEvent; readonly unbalanced: UnbalancedBucket[] },
): void {
  const { bucketId, delta } = impact;
  const held = after.get(bucketId);
  if (held !== undefined) {
    const expected = held + delta;
    if (expected !== impact.after) {
      unbalanced.push({ accountId, bucketId, remaining: impact.after, expected });
    }
  } else if (!isGrantOf(event, bucketId) || impact.after !== delta) {
    before.set(bucketId, impact.after - delta);
  }
  after.set(bucketId, impact.after);
}

/** Whether the event brings the bucket into being. */
function isGrantOf(event: ChargingEvent, bucketId: string): boolean {
  return event.type === 'ledger' && event.grant?.bucketId === bucketId;
}

function headerOf(change: AccountChange): AccountHeader {
  change.header ??= { lastIntent: 0, standing: null, profileVersion: null };
  return change.header;
}
