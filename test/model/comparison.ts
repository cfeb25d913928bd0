/** What must be alike in the answers, balances and events of the scripts and of the model. */
import type { AccountSnapshot } from '../../src/charging/snapshot.js';
import type { BucketGrant, ChargingEvent, OutboxEntry } from '../../src/domain/events.js';

/** Text that is the same where the values are, whatever the order of their fields. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, field: unknown) =>
    field !== null && typeof field === 'object' && !Array.isArray(field)
      ? Object.fromEntries(Object.entries(field).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : field,
  );
}

/** An account but for what says when it was looked at: times are seen in the answers. */
export function comparableAccount(account: AccountSnapshot | null): string {
  if (account === null) return 'none';
  const { lastSeen: _, nextChangeAt: __, ...compared } = account;
  return canonical(compared);
}

/** An entry but for the engine's own carries; the events of one call may come in any order. */
export function comparableEntry(entry: OutboxEntry): string {
  const { id: _, accounts, ...head } = entry;
  const sections = accounts.map(({ accountId, firstSequence, events }) => ({
    accountId,
    firstSequence,
    events: events.map((event) => canonical(comparableEvent(event))).toSorted(),
  }));
  return canonical({ ...head, sections });
}

function comparableEvent(event: ChargingEvent): unknown {
  if (event.type === 'usage') {
    return { ...event, serviceAfter: { ...event.serviceAfter, carry: null } };
  }
  if (event.type === 'ledger' && event.grant !== null) {
    return { ...event, grant: definition(event.grant) };
  }
  return event;
}

/** A definition without what the decoder knows of the bucket besides. */
function definition(grant: BucketGrant): BucketGrant {
  const {
    remaining: _,
    reserved: __,
    after: ___,
    ...rest
  } = grant as BucketGrant & {
    remaining?: unknown;
    reserved?: unknown;
    after?: unknown;
  };
  return rest;
}

/** What differs between two texts of {@link canonical}, as short as it can be shown. */
export function difference(expected: string, actual: string): string {
  let start = 0;
  while (start < expected.length && expected[start] === actual[start]) start += 1;
  let end = 0;
  const most = Math.min(expected.length, actual.length) - start;
  while (end < most && expected.at(-1 - end) === actual.at(-1 - end)) end += 1;
  const context = 60;
  const cut = (text: string): string =>
    `…${text.slice(Math.max(0, start - context), text.length - end + context)}…`;
  return `model   ${cut(expected)}\n  scripts ${cut(actual)}`;
}
