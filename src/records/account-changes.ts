/** What a batch of entries does to accounts, folded to one change for each, and whether it fits. */
import type {
  AccountEvents,
  AccountStanding,
  ChargingEvent,
  Impact,
  OutboxEntry,
} from '../domain/events.js';
import type { SequenceFault, UnbalancedBucket } from '../domain/flush.js';
import { isStorableInstant } from './copy-text.js';
import type { KnownAccounts } from './event-context.js';

export interface AccountChange {
  readonly accountId: string;
  partition: number;
  /** Number of the last event before the batch. */
  readonly previous: number;
  tenant: string;
  last: number;
  /** Of the last event whose time can be kept, ms since 1970. */
  atMs: number;
  /** Few, and most often one: a list costs a third of a map. */
  readonly balances: BucketBalance[];
  /** Buckets that ended; null for none. */
  ended: Set<string> | null;
  header: AccountHeader | null;
}

/** What the batch makes of a bucket. */
export interface BucketBalance {
  readonly bucketId: string;
  /** What it held when its first impact came; null where it is granted here. */
  readonly before: number | null;
  /** What it holds after its last. */
  after: number;
}

/** What changes rarely. */
export interface AccountHeader {
  lastIntent: number;
  standing: AccountStanding | null;
  profileVersion: number | null;
}

export type AccountChanges = ReadonlyMap<string, AccountChange>;

/** Where a time can't be kept the entry is in quarantine; its account's run goes on all the same. */
const UNKNOWN_TIME_MS = 0;
/** So is an entry of an account that nobody knows; its state belongs to no tenant. */
export const UNKNOWN_TENANT = '';

/**
 * Takes entries in their order, each only if it continues the runs of its accounts: nothing is
 * recorded behind a gap or a double. `runs` says where accounts stand; for one it lacks, the first
 * event that comes is taken at its word, to be compared with the record later.
 */
export class AccountFold {
  readonly #runs: ReadonlyMap<string, number>;
  readonly #known: KnownAccounts;
  readonly #changes = new Map<string, AccountChange>();
  /** Breaks between two events that were taken. */
  readonly unbalanced: UnbalancedBucket[] = [];

  constructor({
    runs,
    known,
  }: {
    readonly runs: ReadonlyMap<string, number>;
    readonly known: KnownAccounts;
  }) {
    this.#runs = runs;
    this.#known = known;
  }

  get changes(): AccountChanges {
    return this.#changes;
  }

  /** @returns why the entry was not taken, or null. */
  take(entry: OutboxEntry): SequenceFault | null {
    for (const section of entry.accounts) {
      const fault = this.#faultOf(entry, section);
      if (fault !== null) return fault;
    }
    for (const section of entry.accounts) {
      foldSection(this.#changeOf(entry, section), section, this.unbalanced);
    }
    return null;
  }

  #faultOf(entry: OutboxEntry, section: AccountEvents): SequenceFault | null {
    const { accountId, firstSequence: found } = section;
    const last = this.#changes.get(accountId)?.last ?? this.#runs.get(accountId) ?? found - 1;
    const expected = last + 1;
    if (found === expected) return null;
    const kind = found < expected ? 'double' : arrives(section) ? 'moving' : 'gap';
    const { partition, id } = entry;
    return { kind, partition, entry: id, accountId, expected, found };
  }

  #changeOf(
    entry: OutboxEntry,
    { accountId, firstSequence, events }: AccountEvents,
  ): AccountChange {
    let change = this.#changes.get(accountId);
    if (change === undefined) {
      change = {
        accountId,
        partition: entry.partition,
        previous: firstSequence - 1,
        tenant: this.#known.get(accountId)?.tenant ?? UNKNOWN_TENANT,
        last: 0,
        atMs: UNKNOWN_TIME_MS,
        balances: [],
        ended: null,
        header: null,
      };
      this.#changes.set(accountId, change);
    }
    if (change.tenant === UNKNOWN_TENANT) change.tenant = entry.stamp?.tenant ?? UNKNOWN_TENANT;
    change.partition = entry.partition;
    change.last = firstSequence + events.length - 1;
    if (isStorableInstant(entry.at)) change.atMs = entry.at;
    return change;
  }
}

/** Whether the section begins with the account's arrival from another partition. */
function arrives({ events: [first] }: AccountEvents): boolean {
  return first?.type === 'account' && first.change === 'moved-in';
}

function foldSection(
  change: AccountChange,
  { events }: AccountEvents,
  unbalanced: UnbalancedBucket[],
): void {
  for (const event of events) {
    if ('impacts' in event) {
      for (const impact of event.impacts) foldImpact(change, impact, { event, unbalanced });
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
        if (event.to === 'inactive') (change.ended ??= new Set()).add(event.bucketId);
        else change.ended?.delete(event.bucketId);
        break;
      case 'usage':
      case 'shared-usage':
      case 'session':
      case 'threshold':
      case 'steering':
        break;
    }
  }
}

function foldImpact(
  { accountId, balances }: AccountChange,
  { bucketId, delta, after }: Impact,
  { event, unbalanced }: { readonly event: ChargingEvent; readonly unbalanced: UnbalancedBucket[] },
): void {
  const balance = balances.find((each) => each.bucketId === bucketId);
  if (balance === undefined) {
    const isNew = after === delta && isGrantOf(event, bucketId);
    balances.push({ bucketId, before: isNew ? null : after - delta, after });
    return;
  }
  const expected = balance.after + delta;
  if (expected !== after) unbalanced.push({ accountId, bucketId, remaining: after, expected });
  balance.after = after;
}

/** Whether the event brings the bucket into being. */
function isGrantOf(event: ChargingEvent, bucketId: string): boolean {
  return event.type === 'ledger' && event.grant?.bucketId === bucketId;
}

function headerOf(change: AccountChange): AccountHeader {
  change.header ??= { lastIntent: 0, standing: null, profileVersion: null };
  return change.header;
}
