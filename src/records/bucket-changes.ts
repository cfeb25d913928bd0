/** What a batch of events does to buckets, folded to one change for each. */
import type {
  AccountEvents,
  BucketGrant,
  BucketStateEvent,
  Impact,
  LedgerEvent,
} from '../domain/events.js';
import type { EventContext } from './event-context.js';

export interface BucketChange {
  readonly accountId: string;
  readonly bucketId: string;
  readonly tenant: string;
  resource: string | null;
  /** The definition as of the last event that carried one. */
  definition: BucketGrant | null;
  /** State and validity after that. */
  state: Pick<BucketStateEvent, 'to' | 'startsAt' | 'endsAt'> | null;
  /** Added to what was granted, after that. */
  granted: bigint;
  /** Whether an impact changed what it holds. */
  touched: boolean;
  credited: bigint;
  debited: bigint;
  expired: bigint;
  /** What it holds after the last impact, whose place follows. */
  after: number;
  sequence: number;
  at: string;
}

export type BucketChanges = Map<string, BucketChange>;

function changeOf(changes: BucketChanges, bucketId: string, context: EventContext): BucketChange {
  // A line feed is in no id: the pair is unambiguous.
  const key = `${context.accountId}\n${bucketId}`;
  const known = changes.get(key);
  if (known !== undefined) return known;
  const fresh: BucketChange = {
    accountId: context.accountId,
    bucketId,
    tenant: context.tenant,
    resource: null,
    definition: null,
    state: null,
    granted: 0n,
    touched: false,
    credited: 0n,
    debited: 0n,
    expired: 0n,
    after: 0,
    sequence: 0,
    at: context.at,
  };
  changes.set(key, fresh);
  return fresh;
}

function addImpact(
  changes: BucketChanges,
  impact: Impact,
  { context, isExpiry }: { readonly context: EventContext; readonly isExpiry: boolean },
): BucketChange {
  const change = changeOf(changes, impact.bucketId, context);
  const delta = BigInt(impact.delta);
  if (delta > 0n) change.credited += delta;
  else if (isExpiry) change.expired -= delta;
  else change.debited -= delta;
  change.touched = true;
  change.resource = impact.resource;
  change.after = impact.after;
  change.sequence = context.sequence;
  change.at = context.at;
  return change;
}

/**
 * Adds the events of one account in one call; `context` is of its first. A definition in an event
 * is the bucket at the end of the call, so it stands for every other change of the same call.
 */
export function addBucketChanges(
  changes: BucketChanges,
  section: AccountEvents,
  context: EventContext,
): void {
  const defined = new Set<string>();
  for (const event of section.events) {
    if (event.type !== 'ledger' || event.grant === null) continue;
    defined.add(event.grant.bucketId);
    const change = changeOf(changes, event.grant.bucketId, context);
    change.definition = event.grant;
    change.resource = event.grant.resource;
    change.state = null;
    change.granted = 0n;
  }
  section.events.forEach((event, index) => {
    const place = { ...context, sequence: context.sequence + index };
    switch (event.type) {
      case 'usage':
      case 'shared-usage':
        for (const impact of event.impacts) {
          addImpact(changes, impact, { context: place, isExpiry: false });
        }
        return;
      case 'ledger':
        addLedger(changes, event, { context: place, defined });
        return;
      case 'bucket-state':
        if (!defined.has(event.bucketId)) changeOf(changes, event.bucketId, place).state = event;
        return;
      case 'session':
      case 'threshold':
      case 'account':
        return;
    }
  });
}

function addLedger(
  changes: BucketChanges,
  event: LedgerEvent,
  { context, defined }: { readonly context: EventContext; readonly defined: ReadonlySet<string> },
): void {
  for (const impact of event.impacts) {
    const change = addImpact(changes, impact, { context, isExpiry: event.kind === 'expiry' });
    if (impact.delta > 0 && !defined.has(impact.bucketId)) change.granted += BigInt(impact.delta);
  }
}
