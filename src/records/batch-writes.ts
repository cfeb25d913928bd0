/** The rows of a batch of entries, and how they get into Postgres when it refuses some of them. */
import type pg from 'pg';
import type { ChargingEvent, OutboxEntry } from '../domain/events.js';
import type { QuarantinedEntry, ReceivedEntry } from '../domain/flush.js';
import { addBucketChanges, bucketStatements, type BucketChanges } from './bucket-changes.js';
import {
  addNotification,
  addSettledIntent,
  intentStatements,
  notificationStatements,
  type Notifications,
  type SettledIntents,
} from './confirmations.js';
import { CopyRows } from './copy-rows.js';
import { contextOf, type EventContext, type KnownAccounts } from './event-context.js';
import {
  ACCOUNT_EVENTS,
  addFact,
  LEDGER_ENTRIES,
  RATED_EVENTS,
  type FactRows,
} from './fact-rows.js';
import { quarantine, refusalOf } from './quarantine.js';
import {
  addSessionChange,
  sessionStatements,
  sessionSteps,
  type SessionChanges,
} from './session-changes.js';
import { runSeries, type SeriesStep } from './statement-series.js';

/** A row of usage, generously: what a batch will need, so that its buffer isn't copied as it grows. */
const RATED_EVENT_BYTES = 1_024;

/** The rows of entries, in every table that they concern. */
export class BatchRows {
  readonly facts: FactRows;
  readonly buckets: BucketChanges = new Map();
  readonly sessions: SessionChanges = new Map();
  readonly intents: SettledIntents = new Map();
  readonly notifications: Notifications = [];

  /** `entries`: how many will be added, about. */
  constructor({ entries }: { readonly entries: number }) {
    this.facts = {
      ratedEvents: new CopyRows({
        columns: RATED_EVENTS.columns.length,
        bytes: Math.max(1, entries) * RATED_EVENT_BYTES,
      }),
      ledgerEntries: new CopyRows({ columns: LEDGER_ENTRIES.columns.length }),
      accountEvents: new CopyRows({ columns: ACCOUNT_EVENTS.columns.length }),
    };
  }

  /** @throws UnstorableError where the entry can't be put into rows; these are then of no use. */
  add(entry: OutboxEntry, known: KnownAccounts): void {
    for (const [index, section] of entry.accounts.entries()) {
      const context = contextOf(entry, index, known);
      addBucketChanges(this.buckets, section, context);
      for (const event of section.events) {
        this.#addEvent(event, context);
        context.sequence += 1;
      }
    }
  }

  #addEvent(event: ChargingEvent, context: EventContext): void {
    addFact(this.facts, event, context);
    if (event.type === 'session') addSessionChange(this.sessions, event, context);
    else if (event.type === 'ledger') addSettledIntent(this.intents, event, context);
    else if (event.type === 'threshold') addNotification(this.notifications, event, context);
  }
}

function collectRows(entries: readonly ReceivedEntry[], known: KnownAccounts): BatchRows {
  const rows = new BatchRows({ entries: entries.length });
  for (const entry of entries) rows.add(entry.read(), known);
  return rows;
}

/**
 * What writes the rows. COPY straight into the tables, without a look for doubles: the offset, moved
 * in the same transaction, makes sure that an entry is written once. Sessions, which other events may
 * have opened, are taken at their word where the batch is: one that is amiss ends the transaction.
 */
export function stepsOf(
  rows: BatchRows,
  { sessions }: { readonly sessions: 'at-their-word' | 'compared' },
): readonly SeriesStep[] {
  const { ratedEvents, ledgerEntries, accountEvents } = rows.facts;
  const copies = [
    { into: RATED_EVENTS, rows: ratedEvents },
    { into: LEDGER_ENTRIES, rows: ledgerEntries },
    { into: ACCOUNT_EVENTS, rows: accountEvents },
  ];
  return [
    ...copies.filter(({ rows: copied }) => !copied.isEmpty),
    ...(sessions === 'compared' ? sessionStatements : sessionSteps)(rows.sessions),
    ...notificationStatements(rows.notifications),
    ...intentStatements(rows.intents),
    ...bucketStatements(rows.buckets),
  ];
}

export interface BatchToWrite {
  readonly entries: readonly ReceivedEntry[];
  readonly known: KnownAccounts;
}

/**
 * Writes entries inside the caller's transaction. Where Postgres refuses them, halves are tried by
 * themselves, in order, until the entry is found that it refuses; that one goes to quarantine.
 * @throws what is no fault of an entry; the transaction is then to be rolled back.
 */
export async function writeEntries(
  client: pg.ClientBase,
  { entries, known }: BatchToWrite,
): Promise<readonly QuarantinedEntry[]> {
  if (entries.length === 0) return [];
  await client.query('SAVEPOINT attempt');
  try {
    const rows = collectRows(entries, known);
    const steps = stepsOf(rows, { sessions: 'compared' });
    await runSeries(client, [...steps, 'RELEASE SAVEPOINT attempt']);
    return [];
  } catch (error) {
    const refusal = refusalOf(error);
    if (refusal === null) throw error;
    await client.query('ROLLBACK TO SAVEPOINT attempt; RELEASE SAVEPOINT attempt');
    const [only] = entries;
    if (entries.length === 1 && only !== undefined) {
      return [await quarantine(client, only, refusal)];
    }
    const middle = Math.ceil(entries.length / 2);
    const first = await writeEntries(client, { entries: entries.slice(0, middle), known });
    const second = await writeEntries(client, { entries: entries.slice(middle), known });
    return [...first, ...second];
  }
}
