/**
 * Events as rows of the three tables of facts: each event in exactly one of them, so that an
 * account's sequence numbers over the three are gapless.
 */
import type {
  AccountEvent,
  BucketStateEvent,
  ChargingEvent,
  Impact,
  LedgerEvent,
  SessionEvent,
  SharedUsageEvent,
  ThresholdEvent,
  UsageEvent,
} from '../domain/events.js';
import { informativeInstant, type CopyLines } from './copy-text.js';
import type { EventContext } from './event-context.js';

export const RATED_EVENTS = {
  table: 'rated_events',
  columns: [
    'charged_at',
    'sequence',
    'entry',
    'epoch',
    'request_number',
    'rating_group',
    'used',
    'uncollected',
    'cost',
    'session_used',
    'session_cost',
    'config_version',
    'event_at',
    'partition',
    'kind',
    'tenant',
    'account_id',
    'customer_id',
    'subscription_id',
    'member_account_id',
    'session_id',
    'service',
    'protocol',
    'peer',
    'service_context',
    'unit',
    'currency',
    'tariff_version',
    'zone',
    'reason',
    'imsi',
    'msisdn',
    'user_name',
    'mac',
    'address',
    'called_party',
    'impacts',
    'carry',
    'network',
  ],
} as const;

export const LEDGER_ENTRIES = {
  table: 'ledger_entries',
  columns: [
    'account_id',
    'sequence',
    'position',
    'tenant',
    'customer_id',
    'subscription_id',
    'posted_at',
    'kind',
    'bucket_id',
    'resource',
    'amount',
    'balance_after',
    'reason',
    'intent_id',
    'intent_number',
    'config_version',
    'partition',
    'epoch',
    'entry',
  ],
} as const;

export const ACCOUNT_EVENTS = {
  table: 'account_events',
  columns: [
    'happened_at',
    'sequence',
    'entry',
    'epoch',
    'partition',
    'kind',
    'tenant',
    'account_id',
    'subject',
    'change',
    'detail',
  ],
} as const;

/** Rows as COPY wants them, by table. */
export interface FactLines {
  readonly ratedEvents: CopyLines;
  readonly ledgerEntries: CopyLines;
  readonly accountEvents: CopyLines;
}

/** Adds the row of one event (of a ledger event: one for each bucket). */
export function addFact(lines: FactLines, event: ChargingEvent, context: EventContext): void {
  switch (event.type) {
    case 'usage':
      addUsage(lines.ratedEvents, event, context);
      return;
    case 'shared-usage':
      addSharedUsage(lines.ratedEvents, event, context);
      return;
    case 'ledger':
      addLedgerEntries(lines.ledgerEntries, event, context);
      return;
    case 'session':
    case 'bucket-state':
    case 'threshold':
    case 'account':
      addAccountEvent(lines.accountEvents, event, context);
      return;
  }
}

function impactsText(impacts: readonly Impact[]): string {
  return JSON.stringify(
    impacts.map(({ bucketId, resource, delta, after, units }) => [
      bucketId,
      resource,
      delta,
      after,
      units,
    ]),
  );
}

function addUsage(lines: CopyLines, event: UsageEvent, context: EventContext): void {
  const { stamp } = context;
  const personal = stamp?.personal ?? {};
  lines.add([
    context.at,
    context.sequence,
    context.entry.n,
    context.entry.epoch,
    event.requestNumber,
    event.ratingGroup,
    event.used,
    event.uncollected,
    event.cost,
    event.serviceAfter.used,
    event.serviceAfter.cost,
    stamp?.configVersion ?? null,
    informativeInstant(stamp?.eventTimestamp ?? null),
    context.partition,
    'usage',
    context.tenant,
    context.accountId,
    context.customer,
    context.subscription,
    null,
    event.sessionId,
    event.service,
    stamp?.protocol ?? null,
    stamp?.peer ?? null,
    stamp?.serviceContext ?? null,
    event.unit,
    event.currency,
    event.tariffVersion,
    event.zone,
    event.reason,
    personal.imsi ?? null,
    personal.msisdn ?? null,
    personal.userName ?? null,
    personal.mac ?? null,
    personal.address ?? null,
    personal.calledParty ?? null,
    impactsText(event.impacts),
    jsonText(event.serviceAfter.carry),
    jsonText(stamp?.network ?? null),
  ]);
}

/** The owner's side of a member's usage: nothing of the member but the account it names. */
function addSharedUsage(lines: CopyLines, event: SharedUsageEvent, context: EventContext): void {
  const nothing = null;
  lines.add([
    context.at,
    context.sequence,
    context.entry.n,
    context.entry.epoch,
    event.requestNumber,
    nothing,
    0,
    0,
    0,
    nothing,
    nothing,
    context.configVersion,
    nothing,
    context.partition,
    'shared-usage',
    context.tenant,
    context.accountId,
    context.customer,
    context.subscription,
    event.memberAccountId,
    event.sessionId,
    event.service,
    ...Array.from({ length: 14 }, () => nothing),
    impactsText(event.impacts),
    nothing,
    nothing,
  ]);
}

function addLedgerEntries(lines: CopyLines, event: LedgerEvent, context: EventContext): void {
  // A changed definition moves nothing, but is an entry of the bucket's history all the same.
  const changes =
    event.impacts.length > 0
      ? event.impacts
      : [
          {
            bucketId: event.grant?.bucketId ?? null,
            resource: event.grant?.resource ?? null,
            delta: 0,
            after: null,
          },
        ];
  changes.forEach(({ bucketId, resource, delta, after }, position) => {
    lines.add([
      context.accountId,
      context.sequence,
      position,
      context.tenant,
      context.customer,
      context.subscription,
      context.at,
      event.kind,
      bucketId,
      resource,
      delta,
      after,
      event.reason,
      event.intentId,
      event.intentNumber,
      context.configVersion,
      context.partition,
      context.entry.epoch,
      context.entry.n,
    ]);
  });
}

type OtherEvent = SessionEvent | BucketStateEvent | ThresholdEvent | AccountEvent;

function addAccountEvent(lines: CopyLines, event: OtherEvent, context: EventContext): void {
  const { subject, change, detail } = describe(event);
  lines.add([
    context.at,
    context.sequence,
    context.entry.n,
    context.entry.epoch,
    context.partition,
    event.type,
    context.tenant,
    context.accountId,
    subject,
    change,
    JSON.stringify(detail),
  ]);
}

function describe(event: OtherEvent): {
  readonly subject: string | null;
  readonly change: string;
  readonly detail: Readonly<Record<string, unknown>>;
} {
  switch (event.type) {
    case 'session': {
      const { sessionId, change, requestNumber, cause, openedAt } = event;
      return { subject: sessionId, change, detail: { requestNumber, cause, openedAt } };
    }
    case 'bucket-state': {
      const { bucketId, cause, from, to, bundleId, startsAt, endsAt } = event;
      return {
        subject: bucketId,
        change: cause,
        detail: { from, to, bundleId, startsAt, endsAt },
      };
    }
    case 'threshold': {
      const { thresholdId, direction, resource, level, value } = event;
      return { subject: thresholdId, change: direction, detail: { resource, level, value } };
    }
    case 'account': {
      const { change, standing, profileVersion } = event;
      return { subject: null, change, detail: { standing, profileVersion } };
    }
  }
}

function jsonText(value: unknown): string | null {
  return value === null || value === undefined ? null : JSON.stringify(value);
}
