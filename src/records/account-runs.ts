/** Each account's events are numbered 1, 2, 3 …: nothing is recorded behind a gap or a double. */
import type pg from 'pg';
import type { AccountEvents, OutboxEntry } from '../domain/events.js';
import type { PartitionBatch, ReceivedEntry, SequenceFault } from '../domain/flush.js';
import { needsKnownAccount, type KnownAccount, type KnownAccounts } from './event-context.js';

/** Where each account of a batch stands: the last number that is recorded, 0 for none. */
export type AccountRuns = Map<string, number>;

interface AccountsRead {
  readonly runs: AccountRuns;
  readonly known: KnownAccounts;
  /** Accounts that have a row of their own already. */
  readonly stored: ReadonlySet<string>;
}

export async function readAccounts(
  client: pg.ClientBase,
  batches: readonly PartitionBatch[],
): Promise<AccountsRead> {
  const ids = new Set<string>();
  const unstamped = new Set<string>();
  for (const { entries } of batches) {
    for (const { entry } of entries) {
      entry.accounts.forEach(({ accountId }, index) => {
        ids.add(accountId);
        if (needsKnownAccount(entry, index)) unstamped.add(accountId);
      });
    }
  }
  const states = await client.query<{ account_id: string; last_sequence: string; tenant: string }>({
    name: 'account runs',
    text: `SELECT account_id, last_sequence, tenant FROM tolld.account_states
           WHERE account_id = ANY ($1)`,
    values: [[...ids]],
  });
  const known = new Map<string, KnownAccount>();
  const runs: AccountRuns = new Map();
  for (const { account_id, last_sequence, tenant } of states.rows) {
    runs.set(account_id, Number(last_sequence));
    known.set(account_id, { tenant: tenant === '' ? null : tenant, customer: null });
  }
  const stored = new Set(runs.keys());
  if (unstamped.size > 0) {
    const accounts = await client.query<{ id: string; tenant: string; customer_id: string | null }>(
      {
        name: 'accounts of unstamped events',
        text: 'SELECT id, tenant, customer_id FROM tolld.accounts WHERE id = ANY ($1)',
        values: [[...unstamped]],
      },
    );
    for (const { id, tenant, customer_id } of accounts.rows) {
      known.set(id, { tenant, customer: customer_id });
    }
  }
  return { runs, known, stored };
}

/**
 * The entries that continue their accounts' runs, up to the first that doesn't. `runs` is moved on
 * by what is kept.
 */
export function takeContinuous(
  batch: PartitionBatch,
  runs: AccountRuns,
): { readonly entries: readonly ReceivedEntry[]; readonly fault: SequenceFault | null } {
  for (const [index, { entry }] of batch.entries.entries()) {
    const fault = faultOf(entry, runs);
    if (fault !== null) return { entries: batch.entries.slice(0, index), fault };
    for (const { accountId, firstSequence, events } of entry.accounts) {
      runs.set(accountId, firstSequence + events.length - 1);
    }
  }
  return { entries: batch.entries, fault: null };
}

function faultOf(entry: OutboxEntry, runs: AccountRuns): SequenceFault | null {
  for (const section of entry.accounts) {
    const { accountId, firstSequence: found } = section;
    const expected = (runs.get(accountId) ?? 0) + 1;
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
