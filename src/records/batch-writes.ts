/** The rows of a batch of entries, and how they get into Postgres when it refuses some of them. */
import type pg from 'pg';
import type { OutboxEntry } from '../domain/events.js';
import type { QuarantinedEntry, ReceivedEntry, UnbalancedBucket } from '../domain/flush.js';
import { addBucketChanges, type BucketChanges } from './bucket-changes.js';
import { writeBucketChanges } from './bucket-writes.js';
import {
  addNotification,
  addSettledIntent,
  writeNotifications,
  writeSettledIntents,
  type Notifications,
  type SettledIntents,
} from './confirmations.js';
import { copyInto } from './copy-text.js';
import { contextOf, type KnownAccounts } from './event-context.js';
import {
  ACCOUNT_EVENTS,
  addFact,
  LEDGER_ENTRIES,
  RATED_EVENTS,
  type FactLines,
} from './fact-rows.js';
import { quarantine, refusalOf } from './quarantine.js';
import { addSessionChange, writeSessionChanges, type SessionChanges } from './session-changes.js';

interface BatchRows {
  readonly facts: FactLines;
  readonly buckets: BucketChanges;
  readonly sessions: SessionChanges;
  readonly intents: SettledIntents;
  readonly notifications: Notifications;
}

/** @throws UnstorableError where an entry can't be put into rows. */
function collectRows(entries: readonly ReceivedEntry[], known: KnownAccounts): BatchRows {
  const rows: BatchRows = {
    facts: { ratedEvents: '', ledgerEntries: '', accountEvents: '' },
    buckets: new Map(),
    sessions: new Map(),
    intents: new Map(),
    notifications: [],
  };
  for (const { entry } of entries) {
    entry.accounts.forEach((section, sectionIndex) => {
      const first = contextOf(entry, sectionIndex, known);
      section.events.forEach((event, index) => {
        const context = index === 0 ? first : { ...first, sequence: first.sequence + index };
        addFact(rows.facts, event, context);
        if (event.type === 'session') addSessionChange(rows.sessions, event, context);
        else if (event.type === 'ledger') addSettledIntent(rows.intents, event, context);
        else if (event.type === 'threshold') addNotification(rows.notifications, event, context);
      });
      addBucketChanges(rows.buckets, section, first);
    });
  }
  return rows;
}

async function writeRows(
  client: pg.ClientBase,
  rows: BatchRows,
): Promise<readonly UnbalancedBucket[]> {
  const { ratedEvents, ledgerEntries, accountEvents } = rows.facts;
  // COPY straight into the tables, without a look for doubles: the offset, moved in the same
  // transaction, makes sure that an entry is written once.
  if (ratedEvents !== '') await copyInto(client, RATED_EVENTS, ratedEvents);
  if (ledgerEntries !== '') await copyInto(client, LEDGER_ENTRIES, ledgerEntries);
  if (accountEvents !== '') await copyInto(client, ACCOUNT_EVENTS, accountEvents);
  await writeSessionChanges(client, rows.sessions);
  await writeNotifications(client, rows.notifications);
  await writeSettledIntents(client, rows.intents);
  return rows.buckets.size === 0 ? [] : writeBucketChanges(client, rows.buckets);
}

export interface BatchWritten {
  readonly quarantined: QuarantinedEntry[];
  readonly unbalanced: UnbalancedBucket[];
}

/**
 * Writes entries inside the caller's transaction. Where Postgres refuses them, halves are tried by
 * themselves, in order, until the entry is found that it refuses; that one goes to quarantine.
 * @throws what is no fault of an entry; the transaction is then to be rolled back.
 */
export async function writeEntries(
  client: pg.ClientBase,
  entries: readonly ReceivedEntry[],
  known: KnownAccounts,
): Promise<BatchWritten> {
  const written: BatchWritten = { quarantined: [], unbalanced: [] };
  await writeOrHalve(client, { entries, known, written });
  return written;
}

interface Attempt {
  readonly entries: readonly ReceivedEntry[];
  readonly known: KnownAccounts;
  readonly written: BatchWritten;
}

async function writeOrHalve(client: pg.ClientBase, attempt: Attempt): Promise<void> {
  const { entries, known, written } = attempt;
  await client.query('SAVEPOINT attempt');
  try {
    const rows = collectRows(entries, known);
    written.unbalanced.push(...(await writeRows(client, rows)));
    await client.query('RELEASE SAVEPOINT attempt');
  } catch (error) {
    const refusal = refusalOf(error);
    if (refusal === null) throw error;
    await client.query('ROLLBACK TO SAVEPOINT attempt; RELEASE SAVEPOINT attempt');
    const [only] = entries;
    if (entries.length === 1 && only !== undefined) {
      const balancesApplied = await writeBalances(client, { ...attempt, entry: only.entry });
      written.quarantined.push(await quarantine(client, only, { ...refusal, balancesApplied }));
      return;
    }
    const middle = Math.ceil(entries.length / 2);
    await writeOrHalve(client, { ...attempt, entries: entries.slice(0, middle) });
    await writeOrHalve(client, { ...attempt, entries: entries.slice(middle) });
  }
}

/**
 * What a refused entry did to buckets is rarely what was refused: it goes into their sums, so that
 * the events behind it find them as the engine left them. @returns whether it did.
 */
async function writeBalances(
  client: pg.ClientBase,
  { entry, known, written }: Attempt & { readonly entry: OutboxEntry },
): Promise<boolean> {
  await client.query('SAVEPOINT balances');
  try {
    const changes: BucketChanges = new Map();
    entry.accounts.forEach((section, index) => {
      addBucketChanges(changes, section, contextOf(entry, index, known));
    });
    if (changes.size > 0) written.unbalanced.push(...(await writeBucketChanges(client, changes)));
    await client.query('RELEASE SAVEPOINT balances');
    return true;
  } catch (error) {
    if (refusalOf(error) === null) throw error;
    await client.query('ROLLBACK TO SAVEPOINT balances; RELEASE SAVEPOINT balances');
    return false;
  }
}
