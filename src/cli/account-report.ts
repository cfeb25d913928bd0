/** An account in columns, for people. */
import type { SessionSnapshot } from '../charging/session-snapshot.js';
import type { AccountSnapshot } from '../charging/snapshot.js';
import { formatDecimal, toAmount } from '../domain/amounts.js';
import type { AccountGroup, AccountPlace, AccountTies } from '../records/account-lookup.js';
import type { TimelineEvent } from '../records/account-timeline.js';
import { describeScope, type ExplainedBucket } from './bucket-order.js';
import { timelineTable } from './events.js';
import { formatTable } from './output.js';

/** What Redis holds. */
export interface LiveState {
  readonly account: AccountSnapshot;
  /** Of a member of a sharing group: the owner it draws on; null where it draws on none now. */
  readonly owner: AccountSnapshot | null;
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

function describeBuckets(
  buckets: readonly ExplainedBucket[],
  owner: AccountSnapshot | null,
  scales: Scales,
): readonly string[] {
  const rows = buckets.map(({ bucket, ofOwner, place, why }) => {
    const { bucketId, resource, priority, state, remaining, reserved, granted, endsAt } = bucket;
    return [
      place === null ? '-' : String(place),
      ofOwner ? `${bucketId} of ${owner?.accountId ?? 'the owner'}` : bucketId,
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
function describeSessions(
  { account, owner, sessions }: LiveState,
  scales: Scales,
): readonly string[] {
  const resources = new Map(
    [...account.buckets, ...(owner?.buckets ?? [])].map(({ bucketId, resource }) => [
      bucketId,
      resource,
    ]),
  );
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

/** What fires when the balance falls to it, and whether it would fire now. */
function describeThresholds({ account }: LiveState, scales: Scales): readonly string[] {
  if (account.thresholds.length === 0) return ['None.'];
  const rows = account.thresholds.map(({ id, resource, bundleId, isPercent, level, armed }) => [
    id,
    bundleId === null ? resource : `${resource} of bundle ${bundleId}`,
    isPercent ? `${level} % of what was granted` : amountText(level, resource, scales),
    armed ? 'armed: fires at the next crossing' : 'fired: armed again above its level',
  ]);
  return formatTable(['threshold', 'watches', 'level', 'state'], rows);
}

function describeGroup(group: AccountGroup, accountId: string): string {
  const { id, state, ownerAccountId, members, memberCount, order, resources, scope } = group;
  const isOwner = ownerAccountId === accountId;
  const others = memberCount - members.length;
  const who = isOwner
    ? `owner, drawn on by ${members.join(', ') || 'nobody'}${others > 0 ? ` and ${others} more` : ''}`
    : `member, draws on ${ownerAccountId}`;
  const first = order === 'shared-first' ? "the owner's buckets first" : "a member's own first";
  const what = resources === null ? 'all resources' : resources.join(', ');
  return [
    `sharing group ${id} (${state}): ${who}`,
    `at one priority ${first}`,
    what,
    ...describeScope(scope ?? {}),
  ].join('; ');
}

function describeTies(
  { subscriptions, groups }: AccountTies,
  accountId: string,
): readonly string[] {
  return [
    ...subscriptions.map(({ id, plan, revision, state }) => {
      const name = plan === null ? 'no plan' : `plan ${plan}`;
      return `subscription ${id} (${state}): ${name}${revision === null ? '' : `, revision ${revision}`}`;
    }),
    ...groups.map((group) => describeGroup(group, accountId)),
  ];
}

export interface ShownAccount extends LiveState {
  readonly place: AccountPlace;
  readonly ties: AccountTies;
  readonly buckets: readonly ExplainedBucket[];
  readonly events: readonly TimelineEvent[];
  readonly scales: Scales;
}

/** The account for a person: header, buckets, sessions, last events. */
export function describeAccount(shown: ShownAccount): readonly string[] {
  const { place, account, owner, ties, scales, buckets, events } = shown;
  const { tenant, partition, externalId, customerId } = place;
  const names = [
    ...(externalId === null ? [] : [`external id ${externalId}`]),
    ...(customerId === null ? [] : [`customer ${customerId}`]),
  ];
  return [
    `account ${account.accountId}, tenant ${tenant}${names.map((name) => `, ${name}`).join('')}`,
    `${account.standing}, partition ${partition}, event ${account.sequence} ` +
      `at ${formatInstant(account.lastSeen)}`,
    ...describeTies(ties, account.accountId),
    '',
    'Buckets, in the order in which they are used',
    ...describeBuckets(buckets, owner, scales),
    '',
    'Thresholds',
    ...describeThresholds(shown, scales),
    '',
    'Reservations, by session',
    ...describeSessions(shown, scales),
    '',
    'Last events in Postgres',
    ...timelineTable(events, scales),
  ];
}
