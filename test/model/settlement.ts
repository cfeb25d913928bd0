/** Committing what is reported (docs/charging.md, step 4). */
import type {
  ChargeRequest,
  ChargeService,
  ChargeWindow,
} from '../../src/charging/charge-request.js';
import type { Amount } from '../../src/domain/amounts.js';
import type { Impact } from '../../src/domain/events.js';
import { retire, startArmed, startWaiting } from './lifecycle.js';
import { eligible } from './order.js';
import { pay } from './price.js';
import {
  emit,
  findBucket,
  floorOf,
  freeOf,
  release,
  type Account,
  type Books,
  type Bucket,
  type Service,
} from './state.js';
import { keepMeter, meterOf, walk, type Take } from './walk.js';

/** Units of a report that one price holds for, and what became of them. */
interface Part {
  readonly units: number;
  readonly window: ChargeWindow | null;
  left: number;
  cost: bigint;
  readonly takes: Take[];
}

export interface Report {
  readonly request: ChargeRequest;
  readonly ask: ChargeService;
  readonly service: Service;
  /** The price of now. */
  readonly window: ChargeWindow | null;
  readonly now: number;
}

/**
 * Charges a report and ends the service's reservation, unless a later request made it.
 * @returns whether balances moved, and the units that nothing covered.
 */
export function settle(books: Books, report: Report): { moved: boolean; uncollected: number } {
  const { request, ask, service } = report;
  // A one-time event has no part in what a session of its name holds.
  const ownsHolds = request.phase !== 'event' && request.requestNumber > service.lastNumber;
  const parts = partsOf(report);
  if (parts.length === 0) {
    const released = ownsHolds && service.holds.length > 0;
    if (released) release(service);
    return { moved: released, uncollected: 0 };
  }
  if (ownsHolds) {
    for (const part of parts) payFromHolds(books, report, part);
    release(service);
  }
  for (const part of parts) payFromOthers(books, report, part);
  const takes = parts.flatMap((part) => part.takes);
  startArmed(books, takes, report.now);
  service.used += ask.used + ask.usedAfter;
  // Parts are paid in turns; in their events one is paid behind the other.
  const left = new Map(takes.map(({ bucket }) => [bucket, bucket.remaining]));
  for (const { bucket, amount } of takes) left.set(bucket, (left.get(bucket) ?? 0) + amount);
  for (const part of parts) record(books, report, part, left);
  retire(books, takes, report.now);
  return { moved: true, uncollected: parts.reduce((sum, { left }) => sum + left, 0) };
}

/** A report is priced as its reservation was; what is said to be used after a change, by the next. */
function partsOf({ ask, service, window }: Report): readonly Part[] {
  const before = service.window ?? window;
  const part = (units: number, priced: ChargeWindow | null): Part[] =>
    units > 0 ? [{ units, window: priced, left: units, cost: 0n, takes: [] }] : [];
  return [
    ...part(ask.used, before),
    ...part(ask.usedAfter, service.nextWindow ?? window ?? before),
  ];
}

/** First what the service holds, in the order it was reserved, as far as it is still there. */
function payFromHolds(books: Books, report: Report, part: Part): void {
  const { service, now } = report;
  const inTime = now <= service.validUntil;
  // What was held at no cost does not keep its bucket.
  const held = new Map(
    service.holds.flatMap((hold) => {
      const bucket = findBucket(books, hold.bucketId);
      return bucket === null ? [] : [[bucket, hold] as const];
    }),
  );
  const usable = [...held.keys()].filter(({ endsAt }) => endsAt === null || endsAt > now || inTime);
  const free = (bucket: Bucket): number => {
    const hold = held.get(bucket)?.amount ?? 0;
    // Staff may have taken some of it, or raised the floor.
    return Math.max(0, Math.min(hold, bucket.remaining - floorOf(bucket)));
  };
  const taken = payWith(books, report, part, usable, free);
  for (const { bucket, amount } of taken) {
    const hold = held.get(bucket);
    if (hold !== undefined) hold.amount -= amount;
  }
}

/** Then what else is eligible, in consumption order, down to what waits behind it. */
function payFromOthers(books: Books, report: Report, part: Part): void {
  const { request, ask, now } = report;
  while (part.left > 0) {
    const list = eligible(books, ask, part.window, now, request.sharing ?? null);
    payWith(books, report, part, list, (bucket) => freeOf(books.world, bucket));
    if (part.left === 0) return;
    const started = books.accounts.map((account) => startWaiting(books, account, now, []));
    if (started.includes(true)) continue;
    if (request.policy.overuse === 'debit' && request.phase !== 'event') {
      overdraw(books, report, part, list);
    }
    return;
  }
}

function payWith(
  books: Books,
  { service }: Report,
  part: Part,
  buckets: readonly Bucket[],
  free: (bucket: Bucket) => number,
): readonly Take[] {
  const account = ownAccount(books);
  const { window } = part;
  const { takes, covered, meter } = walk({
    buckets,
    free,
    account,
    service,
    window,
    units: part.left,
    most: null,
  });
  debit(service, part, takes);
  if (meter !== null && window !== null) {
    part.cost += meter.cost - service.cost;
    keepMeter(account, service, window, meter);
  }
  part.left -= covered;
  return takes;
}

/** What nothing covers drives the last money bucket below its floor, where that is the policy. */
function overdraw(books: Books, { service }: Report, part: Part, list: readonly Bucket[]): void {
  const payer = list.findLast(({ kind }) => kind === 'money');
  if (payer === undefined || part.window === null) return;
  const account = ownAccount(books);
  const before = meterOf(account, service, part.window);
  // As far as numbers are exact.
  const units = Math.min(part.left, Number(BigInt(part.window.line.unitsMax) - before.units));
  if (units <= 0) return;
  const meter = pay(part.window.line, before, BigInt(units));
  const amount = Number(meter.cost - before.cost);
  if (payer.remaining - amount < -Number.MAX_SAFE_INTEGER) return;
  debit(service, part, [{ bucket: payer, amount, units }]);
  part.cost += meter.cost - before.cost;
  keepMeter(account, service, part.window, meter);
  part.left -= units;
}

function debit(service: Service, part: Part, takes: readonly Take[]): void {
  for (const take of takes) {
    const { bucket, amount, units } = take;
    bucket.remaining -= amount;
    if (bucket.step > 1) service.steps.set(bucket.id, (service.steps.get(bucket.id) ?? 0) + units);
    part.takes.push(take);
  }
}

/** One usage event; what a sharing owner paid of it stands in an event of the owner's. */
function record(
  books: Books,
  { request, ask, service }: Report,
  part: Part,
  left: Map<Bucket, number>,
): void {
  const [own, owner] = books.accounts;
  if (own === undefined) return;
  emit(books, own, {
    type: 'usage',
    sessionId: request.sessionId,
    requestNumber: request.requestNumber,
    service: ask.key,
    ratingGroup: ask.ratingGroup,
    unit: ask.unit,
    used: part.units as Amount,
    uncollected: part.left as Amount,
    cost: Number(part.cost) as Amount,
    currency: part.window?.currency ?? null,
    tariffVersion: part.window?.label.split(' ')[0] ?? null,
    zone: part.window?.label.split(' ')[1] || null,
    reason: ask.reason as null,
    impacts: impactsOn(own, part, left),
    serviceAfter: {
      used: service.used as Amount,
      cost: Number(service.cost) as Amount,
      carry: null,
    },
  });
  const shared = owner === undefined ? [] : impactsOn(owner, part, left);
  if (owner === undefined || shared.length === 0) return;
  emit(books, owner, {
    type: 'shared-usage',
    memberAccountId: own.id,
    sessionId: request.sessionId,
    requestNumber: request.requestNumber,
    service: ask.key,
    impacts: shared,
  });
}

/** One impact for each bucket, however often it was taken from. */
function impactsOn(account: Account, part: Part, left: Map<Bucket, number>): readonly Impact[] {
  const impacts = new Map<string, Impact>();
  for (const { bucket, amount, units } of part.takes) {
    if (!account.buckets.includes(bucket)) continue;
    const after = (left.get(bucket) ?? 0) - amount;
    left.set(bucket, after);
    const before = impacts.get(bucket.id);
    impacts.set(bucket.id, {
      bucketId: bucket.id,
      resource: bucket.resource,
      delta: ((before?.delta ?? 0) - amount) as Amount,
      after: after as Amount,
      units: ((before?.units ?? 0) + units) as Amount,
    });
  }
  return [...impacts.values()];
}

function ownAccount(books: Books): Account {
  const [own] = books.accounts;
  if (own === undefined) throw new Error('books without an account');
  return own;
}
