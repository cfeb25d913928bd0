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
  SteeringEvent,
  ThresholdEvent,
  UsageEvent,
} from '../domain/events.js';
import type { CopyRows } from './copy-rows.js';
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
    'calling_party',
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
    'below_floor',
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
export interface FactRows {
  readonly ratedEvents: CopyRows;
  readonly ledgerEntries: CopyRows;
  readonly accountEvents: CopyRows;
}

/** Adds the row of one event (of a ledger event: one for each bucket). */
export function addFact(rows: FactRows, event: ChargingEvent, context: EventContext): void {
  switch (event.type) {
    case 'usage':
      addUsage(rows.ratedEvents, event, context);
      return;
    case 'shared-usage':
      addSharedUsage(rows.ratedEvents, event, context);
      return;
    case 'ledger':
      addLedgerEntries(rows.ledgerEntries, event, context);
      return;
    case 'session':
    case 'bucket-state':
    case 'threshold':
    case 'steering':
    case 'account':
      addAccountEvent(rows.accountEvents, event, context);
      return;
  }
}

/** By hand: JSON.stringify would want an array of arrays first. */
function impactsText(impacts: readonly Impact[]): string {
  let text = '[';
  let separator = '';
  for (const { bucketId, resource, delta, after, units } of impacts) {
    const names = `${JSON.stringify(bucketId)},${JSON.stringify(resource)}`;
    text += `${separator}[${names},${delta},${after},${units}]`;
    separator = ',';
  }
  return `${text}]`;
}

function addUsage(rows: CopyRows, event: UsageEvent, context: EventContext): void {
  const { stamp } = context;
  const personal = stamp?.personal ?? {};
  rows
    .row()
    .instant(context.atMs)
    .integer(context.sequence)
    .integer(context.entry.n)
    .integer(context.entry.epoch)
    .integer(event.requestNumber)
    .integer(event.ratingGroup)
    .integer(event.used)
    .integer(event.uncollected)
    .integer(event.cost)
    .integer(event.serviceAfter.used)
    .integer(event.serviceAfter.cost)
    .integer(stamp?.configVersion ?? null)
    .informativeInstant(stamp?.eventTimestamp ?? null)
    .small(context.partition)
    .text('usage')
    .text(context.tenant)
    .text(context.accountId)
    .text(context.customer)
    .text(context.subscription)
    .null()
    .text(event.sessionId)
    .text(event.service)
    .text(stamp?.protocol ?? null)
    .text(stamp?.peer ?? null)
    .text(stamp?.serviceContext ?? null)
    .text(event.unit)
    .text(event.currency)
    .text(event.tariffVersion)
    .text(event.zone)
    .text(event.reason)
    .text(personal.imsi ?? null)
    .text(personal.msisdn ?? null)
    .text(personal.userName ?? null)
    .text(personal.mac ?? null)
    .text(personal.address ?? null)
    .text(personal.calledParty ?? null)
    .text(personal.callingParty ?? null)
    .json(impactsText(event.impacts))
    .json(jsonText(event.serviceAfter.carry))
    .json(jsonText(stamp?.network ?? null));
}

/** From `protocol` to `calling_party`: what the owner of a sharing group has nothing to do with. */
const COLUMNS_OF_MEMBER = 15;

/** The owner's side of a member's usage: nothing of the member but the account it names. */
function addSharedUsage(rows: CopyRows, event: SharedUsageEvent, context: EventContext): void {
  rows
    .row()
    .instant(context.atMs)
    .integer(context.sequence)
    .integer(context.entry.n)
    .integer(context.entry.epoch)
    .integer(event.requestNumber)
    .null()
    .integer(0)
    .integer(0)
    .integer(0)
    .null()
    .null()
    .integer(context.configVersion)
    .null()
    .small(context.partition)
    .text('shared-usage')
    .text(context.tenant)
    .text(context.accountId)
    .text(context.customer)
    .text(context.subscription)
    .text(event.memberAccountId)
    .text(event.sessionId)
    .text(event.service)
    .nulls(COLUMNS_OF_MEMBER)
    .json(impactsText(event.impacts))
    .null()
    .null();
}

function addLedgerEntries(rows: CopyRows, event: LedgerEvent, context: EventContext): void {
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
    rows
      .row()
      .text(context.accountId)
      .integer(context.sequence)
      .small(position)
      .text(context.tenant)
      .text(context.customer)
      .text(context.subscription)
      .instant(context.atMs)
      .text(event.kind)
      .text(bucketId)
      .text(resource)
      .integer(delta)
      .integer(after)
      .text(event.reason)
      .text(event.intentId)
      .integer(event.intentNumber)
      .integer(context.configVersion)
      .small(context.partition)
      .integer(context.entry.epoch)
      .integer(context.entry.n)
      .boolean(event.belowFloor === true);
  });
}

type OtherEvent = SessionEvent | BucketStateEvent | ThresholdEvent | SteeringEvent | AccountEvent;

function addAccountEvent(rows: CopyRows, event: OtherEvent, context: EventContext): void {
  const { subject, change, detail } = describe(event);
  rows
    .row()
    .instant(context.atMs)
    .integer(context.sequence)
    .integer(context.entry.n)
    .integer(context.entry.epoch)
    .small(context.partition)
    .text(event.type)
    .text(context.tenant)
    .text(context.accountId)
    .text(subject)
    .text(change)
    .json(JSON.stringify(detail));
}

function describe(event: OtherEvent): {
  readonly subject: string | null;
  readonly change: string;
  readonly detail: Readonly<Record<string, unknown>>;
} {
  switch (event.type) {
    case 'session': {
      const { sessionId, change, requestNumber, cause, openedAt } = event;
      const detail = { requestNumber, openedAt, ...(cause !== null && { cause }) };
      return { subject: sessionId, change, detail };
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
    case 'steering': {
      const { sessionId, outcome, kind, reason, detail, attempt, raisedAt, final } = event;
      return {
        subject: sessionId,
        change: outcome,
        detail: { kind, reason, detail, attempt, raisedAt, final },
      };
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
