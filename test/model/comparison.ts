/** What must be alike in the answers, balances and events of the scripts and of the model. */
import type { AccountSnapshot } from '../../src/charging/snapshot.js';
import type { SessionState } from '../support/charging-subject.js';
import type { BucketGrant, ChargingEvent, OutboxEntry } from '../../src/domain/events.js';

/** Text that is the same where the values are, whatever the order of their fields. */
export function canonical(value: unknown): string {
  return (
    JSON.stringify(value, (_key, field: unknown) =>
      field !== null && typeof field === 'object' && !Array.isArray(field)
        ? Object.fromEntries(Object.entries(field).toSorted(([a], [b]) => (a < b ? -1 : 1)))
        : field,
    ) ?? 'nothing'
  );
}

/** Whether two values have the same text of {@link canonical}, found without making it. */
export function alike(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (a === null || b === null || typeof a !== 'object' || typeof b !== 'object') return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
    return a.every((value, index) => alike(value, b[index]));
  }
  const [left, right] = [a as Record<string, unknown>, b as Record<string, unknown>];
  for (const name in left) if (!alike(left[name], right[name])) return false;
  for (const name in right) if (!(name in left) && right[name] !== undefined) return false;
  return true;
}

/** An account but for what says when it was looked at: times are seen in the answers. */
export function comparableAccount(account: AccountSnapshot | null): unknown {
  if (account === null) return 'none';
  const { lastSeen: _, nextChangeAt: __, ...compared } = account;
  return compared;
}

/**
 * A session, its services in the order of their keys; what is granted is in the answers.
 */
export function comparableSession(session: SessionState | null): unknown {
  if (session === null) return 'none';
  const services = session.services
    .map(({ key, used, cost, validUntil, legs }) => ({
      ...{ key, used, cost, validUntil },
      legs: legs.map(({ bucketId, reserved }) => ({ bucketId, reserved })),
    }))
    .toSorted((a, b) => (a.key < b.key ? -1 : 1));
  return { ...session, services };
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

/** Whether two entries have the same text of {@link comparableEntry}; most have one order too. */
export function alikeEntries(a: OutboxEntry, b: OutboxEntry): boolean {
  return inOrder(a, b) || comparableEntry(a) === comparableEntry(b);
}

function inOrder(a: OutboxEntry, b: OutboxEntry): boolean {
  const { id: _, accounts: left, ...headLeft } = a;
  const { id: __, accounts: right, ...headRight } = b;
  return (
    alike(headLeft, headRight) &&
    left.length === right.length &&
    left.every(({ accountId, firstSequence, events }, place) => {
      const other = right[place];
      return (
        other?.accountId === accountId &&
        other.firstSequence === firstSequence &&
        other.events.length === events.length &&
        events.every((event, index) => {
          const twin = other.events[index];
          return twin !== undefined && alike(comparableEvent(event), comparableEvent(twin));
        })
      );
    })
  );
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
