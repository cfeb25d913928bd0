/** An account in columns, for people. */
import type { SessionSnapshot } from '../charging/session-snapshot.js';
import type { AccountSnapshot } from '../charging/snapshot.js';
import { formatDecimal, toAmount } from '../domain/amounts.js';
import type { AccountPlace } from '../records/account-lookup.js';
import type { TimelineEvent } from '../records/account-timeline.js';
import type { ExplainedBucket } from './bucket-order.js';
import { timelineTable } from './events.js';
import { formatTable } from './output.js';

/** What Redis holds. */
export interface LiveState {
  readonly account: AccountSnapshot;
  readonly sessions: readonly SessionSnapshot[];
}

function formatInstant(milliseconds: number | null): string {
  return milliseconds === null ? '-' : new Date(milliseconds).toISOString();
}

/** Decimals of each resource's smallest unit. */
type Scales = ReadonlyMap<string, number>;

/** An amount in units that people use. */
export function amountText(amount: number, resource: string, scales: Scales): string {
  return formatDecimal(toAmount(amount), scales.get(resource) ?? 0);
}

function describeBuckets(buckets: readonly ExplainedBucket[], scales: Scales): readonly string[] {
  const rows = buckets.map(({ bucket, place, why }) => {
    const { bucketId, resource, priority, state, remaining, reserved, granted, endsAt } = bucket;
    return [
      place === null ? '-' : String(place),
      bucketId,
      resource,
      priority,
      state,
      amountText(remaining, resource, scales),
      amountText(reserved, resource, scales),
      amountText(granted, resource, scales),
      formatInstant(endsAt),
      why.join('; '),
    ];
  });
  const headings = ['use', 'bucket', 'resource', 'priority', 'state', 'left', 'reserved'];
  return formatTable([...headings, 'granted', 'ends', 'why'], rows);
}

/** Who holds what is reserved; a sharing group's owner is also drawn on by its members' sessions. */
function describeSessions({ account, sessions }: LiveState, scales: Scales): readonly string[] {
  const resources = new Map(account.buckets.map(({ bucketId, resource }) => [bucketId, resource]));
  const rows = sessions.flatMap((session) =>
    session.services.map(({ key, unit, granted, validUntil, used, legs }) => [
      session.sessionId,
      formatInstant(session.openedAt),
      key,
      `${used} ${unit}`,
      `${granted} ${unit}`,
      formatInstant(validUntil),
      legs
        .filter(({ reserved }) => reserved > 0)
        .map(({ bucketId, ofOwner, reserved }) => {
          const name = ofOwner
            ? `${bucketId} of ${session.ownerAccountId ?? 'the owner'}`
            : bucketId;
          return `${name} ${amountText(reserved, resources.get(bucketId) ?? '', scales)}`;
        })
        .join('; '),
    ]),
  );
  if (rows.length === 0) return ['No open session.'];
  return formatTable(
    ['session', 'opened', 'service', 'used', 'granted', 'valid until', 'reserves'],
    rows,
  );
}

export interface ShownAccount extends LiveState {
  readonly place: AccountPlace;
  readonly buckets: readonly ExplainedBucket[];
  readonly events: readonly TimelineEvent[];
  readonly scales: Scales;
}

/** The account for a person: header, buckets, sessions, last events. */
export function describeAccount(shown: ShownAccount): readonly string[] {
  const { place, account, scales, buckets, events } = shown;
  const { tenant, partition, externalId, customerId } = place;
  const names = [
    ...(externalId === null ? [] : [`external id ${externalId}`]),
    ...(customerId === null ? [] : [`customer ${customerId}`]),
  ];
  return [
    `account ${account.accountId}, tenant ${tenant}${names.map((name) => `, ${name}`).join('')}`,
    `${account.standing}, partition ${partition}, event ${account.sequence} ` +
      `at ${formatInstant(account.lastSeen)}`,
    '',
    'Buckets, in the order in which they are used',
    ...describeBuckets(buckets, scales),
    '',
    'Reservations, by session',
    ...describeSessions(shown, scales),
    '',
    'Last events in Postgres',
    ...timelineTable(events, scales),
  ];
}
