/** Sends what the driver of the random workload comes up with. */
import type { AccountSnapshot } from '../../../src/charging/snapshot.js';
import type { Call } from '../../model/driver.js';
import type { ChargingSubject } from '../../support/charging-subject.js';
import type { RecordedEngine } from '../../support/recorded-engine.js';

/** What staff and networks do: purges and fences come from recovery, which these tests are about. */
export function isUsual({ kind }: { readonly kind: string }): boolean {
  return kind !== 'fence' && kind !== 'purge';
}

export async function performCall(subject: ChargingSubject, call: Call): Promise<unknown> {
  switch (call.kind) {
    case 'charge':
      return subject.charge(call.request);
    case 'settle':
      return subject.settle(call.request);
    case 'enquire':
      return subject.enquire(call.request);
    case 'credit':
      return subject.credit(call.request);
    case 'provision':
      return subject.provision(call.request);
    case 'sweep':
      return subject.sweep(call.timer, call.now);
    default:
      throw new Error('no usual call');
  }
}

/** What the record can bring back of an account: not when it was last looked at. */
export function restorable(account: AccountSnapshot | null): unknown {
  if (account === null) return null;
  const { lastSeen: _, nextChangeAt: __, counters, ...compared } = account;
  // Counters stand in the order in which they were first needed, which nobody asks for.
  return { ...compared, counters: counters.toSorted((a, b) => (a.key < b.key ? -1 : 1)) };
}

/** Accounts as management would have written them: an event of a timer says nothing of its tenant. */
export async function insertAccounts(
  { pool }: RecordedEngine,
  ids: readonly string[],
): Promise<void> {
  await pool.query(`INSERT INTO tolld.tenants (id, moniker, name) VALUES ('test', 'test', 'test')`);
  for (const id of ids) {
    await pool.query(`INSERT INTO tolld.accounts (id, tenant, partition) VALUES ($1, 'test', 0)`, [
      id,
    ]);
  }
}
