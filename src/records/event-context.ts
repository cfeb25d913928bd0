import type { AccountEvents, EntryId, EventStamp, OutboxEntry } from '../domain/events.js';
import { storableInstant, UnstorableError } from './copy-text.js';

/** What an event's row takes from its entry and its account. */
export interface EventContext {
  readonly partition: number;
  readonly entry: EntryId;
  readonly atMs: number;
  readonly accountId: string;
  /** Raised from event to event of a section; nobody keeps the context. */
  sequence: number;
  readonly tenant: string;
  readonly customer: string | null;
  readonly subscription: string | null;
  readonly configVersion: number | null;
  /** Null for an account that the stamp does not speak of: a sharing group's owner. */
  readonly stamp: EventStamp | null;
}

/** What the record knows of an account besides its events. */
export interface KnownAccount {
  readonly tenant: string | null;
  readonly customer: string | null;
}
export type KnownAccounts = ReadonlyMap<string, KnownAccount>;

/**
 * Whether a section needs what the record knows of its account. The first is the account that the
 * call charged, and the stamp speaks of it; a call of a timer carries no stamp.
 */
export function needsKnownAccount(entry: OutboxEntry, sectionIndex: number): boolean {
  return entry.stamp === null || sectionIndex > 0;
}

/**
 * The context of a section's first event; the next has one sequence number more.
 * @throws UnstorableError where no tenant is known, or the time can't be kept.
 */
export function contextOf(
  entry: OutboxEntry,
  sectionIndex: number,
  known: KnownAccounts,
): EventContext {
  const section = entry.accounts[sectionIndex] as AccountEvents;
  const { accountId, firstSequence } = section;
  const own = !needsKnownAccount(entry, sectionIndex);
  const record = own ? undefined : known.get(accountId);
  const tenant = (own ? undefined : record?.tenant) ?? entry.stamp?.tenant;
  if (tenant === undefined || tenant === null) {
    throw new UnstorableError(
      `account ${accountId} is not in the record, and its event carries no tenant`,
    );
  }
  return {
    partition: entry.partition,
    entry: entry.id,
    atMs: storableInstant(entry.at),
    accountId,
    sequence: firstSequence,
    tenant,
    customer: own ? (entry.stamp?.customer ?? null) : (record?.customer ?? null),
    subscription: own ? (entry.stamp?.subscription ?? null) : null,
    configVersion: entry.stamp?.configVersion ?? null,
    stamp: own ? entry.stamp : null,
  };
}
