/** Entries that Postgres refuses: told apart from those it can't take now, and kept whole. */
import pg from 'pg';
import type { OutboxEntry } from '../domain/events.js';
import type { QuarantinedEntry, ReceivedEntry } from '../domain/flush.js';
import { informativeInstant, UnstorableError } from './copy-text.js';

/**
 * Classes of SQLSTATE that speak of the data and would come again with the same data: data
 * exception, integrity constraint violation, program limit exceeded. Anything else (no connection,
 * no space, a missing column) is no fault of an entry.
 */
const REFUSAL_CLASSES = new Set(['22', '23', '54']);

/** Why an entry was refused, or null where the error says nothing of the entry. */
export function refusalOf(error: unknown): Refusal | null {
  if (error instanceof UnstorableError) return { code: error.code, message: error.message };
  if (!(error instanceof pg.DatabaseError) || error.code === undefined) return null;
  if (!REFUSAL_CLASSES.has(error.code.slice(0, 2))) return null;
  return { code: error.code, message: error.message };
}

export interface Refusal {
  readonly code: string;
  readonly message: string;
}

/** Sets an entry aside in the transaction that would have recorded it. */
export async function quarantine(
  client: pg.ClientBase,
  received: ReceivedEntry,
  { code, message }: Refusal,
): Promise<QuarantinedEntry> {
  const entry = received.read();
  const { partition, id, accounts } = entry;
  await client.query(
    `INSERT INTO tolld.quarantined_events
       (partition, epoch, n, happened_at, code, message, accounts, impacts, packed)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    [
      partition,
      id.epoch,
      id.n,
      informativeInstant(entry.at),
      code,
      printable(message),
      printable(JSON.stringify(sectionsOf(entry))),
      printable(JSON.stringify(impactsOf(entry))),
      received.packed,
    ],
  );
  return {
    partition,
    entry: id,
    accountIds: accounts.map(({ accountId }) => accountId),
    code,
    message,
  };
}

/** [account, first sequence, events] of each account that the entry speaks of. */
export function sectionsOf({
  accounts,
}: OutboxEntry): readonly (readonly [string, number, number])[] {
  return accounts.map(({ accountId, firstSequence, events }) => [
    accountId,
    firstSequence,
    events.length,
  ]);
}

/** [account, bucket, delta] of everything the entry did to a bucket. */
export function impactsOf({
  accounts,
}: OutboxEntry): readonly (readonly [string, string, number])[] {
  return accounts.flatMap(({ accountId, events }) =>
    events.flatMap((event) =>
      'impacts' in event
        ? event.impacts.map(({ bucketId, delta }) => [accountId, bucketId, delta] as const)
        : [],
    ),
  );
}

/** What can't be in a text of Postgres may be the very reason why an entry is here. */
export function printable(text: string): string {
  return text
    .replaceAll('\u0000', '\ufffd')
    .replaceAll(/\\u(0000|d[89ab][0-9a-f]{2}|d[c-f][0-9a-f]{2})/gi, '\\ufffd');
}
