/**
 * Invariants 5 and 1 by what can be seen of a request with one service: where it took or reserved
 * something of a bucket, nothing was left in the eligible ones before; where it was granted, or
 * paid, less than there was to cover, nothing is left in any; no reservation reaches below a floor.
 * It has an order of its own, and looks away where it can't tell: at buckets whose state or content
 * the call changed otherwise.
 */
import type { ChargedService, ChargeOutcome } from '../../src/charging/charge-outcome.js';
import type {
  ChargeRequest,
  ChargeService,
  ChargeWindow,
} from '../../src/charging/charge-request.js';
import type { DecodedBucket } from '../../src/charging/event-codec.js';
import type { ChargingEvent } from '../../src/domain/events.js';
import type { SharingMembership } from '../../src/domain/profile.js';
import type { AuditedStep } from './audited-step.js';
import { holdingsIn, type Holding } from './holdings-audit.js';
import { floorOf } from './state.js';

export interface OrderViolation {
  readonly invariant: 1 | 5;
  readonly text: string;
}

interface Seen {
  readonly bucket: DecodedBucket;
  readonly isShared: boolean;
  /** What the service holds of it now. */
  readonly held: number;
  /** What the report took of it beyond what the service held. */
  readonly overused: number;
  /** Changed by more than this request's use and grant. */
  readonly isDisturbed: boolean;
}

interface View {
  readonly request: ChargeRequest;
  readonly ask: ChargeService;
  readonly answer: ChargedService;
  readonly at: number;
  readonly seen: readonly Seen[];
  readonly isBlocked: boolean;
  /** Units the line may be unable to price were used or asked for: money may be left then. */
  readonly isHuge: boolean;
  readonly events: readonly ChargingEvent[];
}

/** @param heldBefore what the session held when the call came */
export function auditOrder(
  step: AuditedStep,
  heldBefore: readonly Holding[],
): readonly OrderViolation[] {
  const view = viewOf(step, heldBefore);
  return view === null ? [] : [...auditGrant(view), ...auditReport(view)];
}

function viewOf(step: AuditedStep, heldBefore: readonly Holding[]): View | null {
  const { call, entries, accounts, session } = step;
  if (call.kind !== 'charge' && call.kind !== 'settle') return null;
  const { request } = call;
  const outcome = step.answer as ChargeOutcome;
  const [ask] = request.services;
  if (outcome.kind !== 'answered' || outcome.repeated || ask === undefined) return null;
  const [answer] = outcome.services;
  const overtaken = session !== null && session.lastRequestNumber !== request.requestNumber;
  if (request.services.length !== 1 || answer === undefined || overtaken) return null;
  // The end of a session gives back, after the report, what its other services hold.
  const others = heldBefore.some(({ service }) => service !== ask.key);
  if (request.phase === 'terminate' && others) return null;
  const events = entries.flatMap(({ accounts: sections }) =>
    sections.flatMap((each) => each.events),
  );
  const before = request.phase === 'event' ? [] : heldBefore;
  const now = request.phase === 'event' ? [] : holdingsIn(step);
  const sum = (holdings: readonly Holding[], id: string): number =>
    holdings
      .filter(({ bucketId, service }) => bucketId === id && service === ask.key)
      .reduce((total, { amount }) => total + amount, 0);
  const disturbed = disturbedBy(events);
  const seenIn = (accountId: string, isShared: boolean): readonly Seen[] =>
    (accounts.get(accountId)?.buckets ?? []).map((bucket) => ({
      bucket,
      isShared,
      held: sum(now, bucket.bucketId),
      overused: Math.max(0, takenOf(events, bucket.bucketId) - sum(before, bucket.bucketId)),
      isDisturbed: disturbed.has(bucket.bucketId),
    }));
  const owner = request.sharing ? accounts.get(request.sharing.ownerAccountId) : null;
  const used = session?.services.find(({ key }) => key === ask.key)?.used ?? 0;
  const seen = [
    ...seenIn(request.accountId, false),
    ...(owner?.standing === 'active' ? seenIn(owner.accountId, true) : []),
  ];
  return {
    ...{ request, ask, answer, at: outcome.at, events, seen },
    // A blocker that was used up has left the list, and still ended the walk.
    isBlocked: seen.some(({ bucket, isDisturbed }) => isDisturbed && bucket.blocker),
    isHuge: used + ask.used + (ask.want ?? 0) > 1e12,
  };
}

function disturbedBy(events: readonly ChargingEvent[]): ReadonlySet<string> {
  return new Set(
    events.flatMap((event) => {
      if (event.type === 'bucket-state') return [event.bucketId];
      return event.type === 'ledger' ? event.impacts.map(({ bucketId }) => bucketId) : [];
    }),
  );
}

function takenOf(events: readonly ChargingEvent[], id: string): number {
  return events
    .flatMap((event) =>
      event.type === 'usage' || event.type === 'shared-usage' ? event.impacts : [],
    )
    .filter(({ bucketId }) => bucketId === id)
    .reduce((sum, { delta }) => sum - delta, 0);
}

function auditGrant(view: View): readonly OrderViolation[] {
  const { request, ask, answer, at, seen, isHuge } = view;
  const window = ask.windows.find(({ fromMs, untilMs }) => fromMs <= at && at < untilMs) ?? null;
  const isGrant = answer.result === 'granted' || answer.result === 'credit-limit-reached';
  if (!isGrant || ask.want === null || request.phase === 'event') return [];
  // What a later price made dearer is held by another walk.
  if ((window !== null && window.kind !== 'charged') || answer.tariffChangeAt !== null) return [];
  const list = inOrder(seen, request, ask, window?.currency ?? null, at, ({ bucket, held }) => {
    return bucket.remaining - bucket.reserved + held;
  });
  const priced = isHuge ? null : window;
  const left = ({ bucket }: Seen): number => bucket.remaining - bucket.reserved;
  const wanted = Math.min(ask.want, ask.quota.maximum);
  const isShort = !view.isBlocked && ask.quota.sharePercent === 100 && answer.granted < wanted;
  const below = list.filter(
    (each) => each.held > 0 && !each.isDisturbed && left(each) < floorOf(each.bucket),
  );
  return [
    ...below.map(({ bucket, held }) => ({
      invariant: 1 as const,
      text: `${held} reserved of ${bucket.bucketId} reach below its floor`,
    })),
    ...passedOver(list, ({ held }) => held > 0, left, priced, isShort),
  ];
}

function auditReport(view: View): readonly OrderViolation[] {
  const { request, ask, at, seen, events, isHuge } = view;
  const [usage, second] = events.filter((event) => event.type === 'usage');
  if (usage === undefined || second !== undefined) return [];
  const window = ask.windows.find(({ line }) => line.id === usage.tariffVersion) ?? null;
  if (window !== null && window.kind !== 'charged') return [];
  const priced = isHuge ? null : window;
  const left = ({ bucket, held }: Seen): number => bucket.remaining - bucket.reserved + held;
  const list = inOrder(
    seen,
    request,
    ask,
    usage.currency,
    at,
    (each) => left(each) + each.overused,
  );
  const overdraws = request.policy.overuse === 'debit' && request.phase !== 'event';
  const isPayer = ({ bucket, overused }: Seen): boolean =>
    overused > 0 && !(overdraws && bucket.kind === 'money');
  return passedOver(list, isPayer, left, priced, !view.isBlocked && usage.uncollected > 0);
}

/** Buckets that had something left, although the walk went on behind them or found too little. */
function passedOver(
  list: readonly Seen[],
  isPayer: (seen: Seen) => boolean,
  left: (seen: Seen) => number,
  window: ChargeWindow | null,
  isShort: boolean,
): readonly OrderViolation[] {
  const lastPayer = list.findLastIndex((each) => !each.isDisturbed && isPayer(each));
  const blocker = list.findIndex(({ bucket }) => bucket.blocker);
  const violations: OrderViolation[] = [];
  for (const [place, each] of list.entries()) {
    const { bucket } = each;
    const isReached = place < lastPayer || (isShort && (blocker < 0 || place <= blocker));
    if (each.isDisturbed || !isReached) continue;
    const free = left(each) - floorOf(bucket);
    if (free >= leastUseful(bucket, window)) {
      violations.push({
        invariant: 5,
        text: `${bucket.bucketId} was passed over with ${free} left`,
      });
    }
    if (bucket.blocker && place < lastPayer) {
      violations.push({ invariant: 5, text: `something was taken behind ${bucket.bucketId}` });
    }
  }
  return violations;
}

/** What surely covers one more unit: a step, or for money more than a step of the line can cost. */
function leastUseful({ kind, step }: DecodedBucket, window: ChargeWindow | null): number {
  if (kind === 'units') return Math.max(1, step);
  if (window === null) return Infinity;
  const { line } = window;
  // A line that can price only so many units may be at its end.
  if (line.unitsMax < 1e12) return Infinity;
  const longest = Math.max(...line.pulses.map((pulse) => pulse.step));
  const dearest = Math.max(...line.tiers.map(({ num, den }) => num / den));
  const rounded = Math.ceil(longest * dearest) + line.tiers.length;
  return line.connectionFee + line.minimumCharge + rounded + 1;
}

function inOrder(
  seen: readonly Seen[],
  request: ChargeRequest,
  ask: ChargeService,
  currency: string | null,
  at: number,
  unreserved: (seen: Seen) => number,
): readonly Seen[] {
  const sharedFirst = request.sharing?.order === 'shared-first';
  const keys = (each: Seen): readonly (number | string)[] => {
    const { priority, kind, createdAt, bucketId } = each.bucket;
    const order = kind === 'money' ? ask.moneyOrder : ask.unitOrder;
    return [
      priority,
      each.isShared === sharedFirst ? 0 : 1,
      kind === 'money' ? 1 : 0,
      placeIn(order, each.bucket, unreserved(each)),
      createdAt,
      bucketId,
    ];
  };
  return seen
    .filter(({ bucket, isShared }) =>
      isUsable(bucket, ask, currency, at, isShared ? (request.sharing ?? null) : null),
    )
    .map((each) => ({ each, key: keys(each) }))
    .toSorted((a, b) => compareKeys(a.key, b.key))
    .map(({ each }) => each);
}

function placeIn(order: ChargeService['unitOrder'], bucket: DecodedBucket, left: number): number {
  switch (order) {
    case 'earliest-expiring':
      return bucket.endsAt ?? Infinity;
    case 'earliest-started':
      return bucket.startsAt ?? 0;
    case 'latest-started':
      return -(bucket.startsAt ?? 0);
    case 'smallest':
      return left;
    case 'largest':
      return -left;
  }
}

function compareKeys(a: readonly (number | string)[], b: readonly (number | string)[]): number {
  for (const [place, left] of a.entries()) {
    const right = b[place] ?? 0;
    if (left !== right) return left < right ? -1 : 1;
  }
  return 0;
}

function isUsable(
  bucket: DecodedBucket,
  ask: ChargeService,
  currency: string | null,
  at: number,
  sharing: SharingMembership | null,
): boolean {
  const { resource, state, startsAt, endsAt, detail } = bucket;
  const scope = (detail['scope'] ?? null) as SharingMembership['scope'];
  return (
    (resource === ask.unit || resource === currency) &&
    (state === 'active' || state === 'armed') &&
    (startsAt ?? 0) <= at &&
    (endsAt === null || at < endsAt) &&
    isInside(scope, ask, at) &&
    (sharing === null ||
      (isInside(sharing.scope, ask, at) && (sharing.resources?.includes(resource) ?? true)))
  );
}

function isInside(scope: SharingMembership['scope'], ask: ChargeService, at: number): boolean {
  const bands = ask.bands.filter(({ fromMs, untilMs }) => fromMs <= at && at < untilMs);
  const has = (set: readonly (string | number)[] | null | undefined, values: unknown[]): boolean =>
    (set ?? null) === null || values.some((value) => (set as unknown[]).includes(value));
  return (
    has(scope?.contexts, [ask.serviceContext]) &&
    has(scope?.ratingGroups, [ask.ratingGroup]) &&
    has(scope?.zones, [...ask.zones]) &&
    has(
      scope?.bands,
      bands.map(({ band }) => band),
    )
  );
}
