/** One management intent, applied to an account (docs/architecture.md, docs/charging.md). */
import type {
  AccountThreshold,
  CreditOperation,
  CreditOutcome,
  CreditRequest,
} from '../../src/charging/provisioning.js';
import type { NewBucket } from '../../src/charging/event-codec.js';
import type { Amount } from '../../src/domain/amounts.js';
import type { BucketGrant, Impact } from '../../src/domain/events.js';
import { move, turn } from './lifecycle.js';
import { turnDue } from './session-request.js';
import {
  emit,
  floorOf,
  openBooks,
  reservedOf,
  type Account,
  type Books,
  type Bucket,
  type Scope,
  type World,
} from './state.js';
import { checkThresholds } from './thresholds.js';

export interface Credited {
  readonly outcome: CreditOutcome;
  readonly books: Books | null;
  readonly at: number;
}

export function credit(world: World, request: CreditRequest): Credited {
  const account = world.accounts.get(request.accountId);
  const only = (outcome: CreditOutcome): Credited => ({ outcome, books: null, at: 0 });
  if (account === undefined) return only({ kind: 'unknown-account' });
  const { intentNumber: number, operations } = request;
  if (number <= account.lastIntent) return only({ kind: 'repeated' });
  if (number !== account.lastIntent + 1) {
    return only({ kind: 'out-of-order', lastApplied: account.lastIntent });
  }
  const now = Math.max(request.now ?? 0, account.lastSeen);
  const books = openBooks(world, [account]);
  turnDue(books, now);
  account.lastIntent = number;
  account.lastSeen = now;
  const reason = refusalOf(world, account, operations);
  if (reason !== null) {
    tell(books, account, request, { kind: 'refused', reason, impacts: [], grant: null });
    checkThresholds(books);
    return { outcome: { kind: 'refused', reason }, books, at: now };
  }
  const changed = changedThresholds(account, operations);
  for (const operation of operations) apply(books, account, request, operation, now);
  if (operations.length === 0) {
    const { kind, reason: words } = request;
    tell(books, account, request, { kind, reason: words, impacts: [], grant: null });
  }
  turn(books, account, now);
  checkThresholds(books, operations.some(isCredit) || changed);
  const sessions = operations.some(mayFree) ? account.starved : [];
  for (const id of sessions) world.told.add(id);
  if (operations.some(mayFree)) account.starved = [];
  return { outcome: { kind: 'applied', sessions }, books, at: now };
}

/** Whether sessions that got the last units may get more by it. */
function mayFree(operation: CreditOperation): boolean {
  switch (operation.operation) {
    case 'set-thresholds':
    case 'correct':
    case 'take':
      return false;
    case 'add':
      return operation.amount > 0;
    default:
      return true;
  }
}

/** Whether it adds to what there is to use, so that thresholds may be armed again. */
function isCredit(operation: CreditOperation): boolean {
  if (operation.operation === 'add') return operation.amount > 0;
  if (operation.operation === 'set-state') return operation.state !== 'inactive';
  return operation.operation === 'grant';
}

/** Thresholds that watch something else from now on. */
function changedThresholds(
  { thresholds }: Account,
  operations: readonly CreditOperation[],
): ReadonlySet<string> {
  const what = ({ resource, bundleId, level }: AccountThreshold): string =>
    JSON.stringify([resource, bundleId, Object.entries(level)]);
  const changed = new Set<string>();
  let before: readonly AccountThreshold[] = thresholds;
  for (const operation of operations) {
    if (operation.operation !== 'set-thresholds') continue;
    for (const threshold of operation.thresholds) {
      const known = before.find(({ id }) => id === threshold.id);
      if (known === undefined) continue;
      if (what(known) === what(threshold)) changed.delete(threshold.id);
      else changed.add(threshold.id);
    }
    before = operation.thresholds;
  }
  return changed;
}

type Refusal = Extract<CreditOutcome, { kind: 'refused' }>['reason'];

/** Why the operations, one behind the other, cannot all be applied. */
function refusalOf(
  world: World,
  account: Account,
  operations: readonly CreditOperation[],
): Refusal | null {
  const sums = new Map(
    account.buckets.map(({ id, remaining, granted, floor, state }) => [
      id,
      { remaining: BigInt(remaining), granted: BigInt(granted), floor, state },
    ]),
  );
  for (const operation of operations) {
    if (operation.operation === 'set-thresholds' || operation.operation === 'correct') continue;
    if (operation.operation === 'grant') {
      const { bucketId, granted, floor, state } = operation.bucket;
      if (sums.has(bucketId)) return 'bucket-exists';
      const held = BigInt(granted);
      sums.set(bucketId, { remaining: held, granted: held, floor, state });
      if (held - lowest(floor) > MOST) return 'amount-out-of-range';
      continue;
    }
    const sum = sums.get(operation.bucketId);
    if (sum === undefined) return 'unknown-bucket';
    if (operation.operation === 'take') {
      if (sum.state !== 'active' && sum.state !== 'armed') return 'bucket-inactive';
      const held = BigInt(reservedOf(world, operation.bucketId));
      const rest = sum.remaining - held - BigInt(floorOf(sum)) - BigInt(operation.amount);
      if (rest < 0n) return 'below-floor';
      sum.remaining -= BigInt(operation.amount);
    } else if (operation.operation === 'add') {
      sum.remaining += BigInt(operation.amount);
      sum.granted += BigInt(grownBy(operation));
    } else if (operation.operation === 'set-floor') {
      sum.floor = operation.floor;
    } else if (operation.operation === 'set-state') {
      sum.state = operation.state;
    }
    const isExact =
      sum.remaining >= -MOST && sum.remaining - lowest(sum.floor) <= MOST && sum.granted <= MOST;
    if (!isExact) return 'amount-out-of-range';
  }
  return null;
}

const MOST = BigInt(Number.MAX_SAFE_INTEGER);

/** What is left down to the floor is to be a number, too. */
function lowest(floor: number | null): bigint {
  return BigInt(Math.min(0, floorOf({ floor })));
}

function grownBy({ amount, granted }: Extract<CreditOperation, { operation: 'add' }>): number {
  return granted ?? Math.max(0, amount);
}

function tell(
  books: Books,
  account: Account,
  { intentNumber, intentId }: CreditRequest,
  entry: {
    kind: CreditRequest['kind'];
    reason: string | null;
    impacts: Impact[];
    grant: BucketGrant | null;
    belowFloor?: boolean;
  },
): void {
  emit(books, account, { type: 'ledger', intentNumber, intentId, ...entry });
}

function apply(
  books: Books,
  account: Account,
  request: CreditRequest,
  operation: CreditOperation,
  now: number,
): void {
  const { kind, reason } = request;
  if (operation.operation === 'set-thresholds') {
    const before = account.thresholds;
    account.thresholds = operation.thresholds.map((threshold) => ({
      ...threshold,
      armed: before.find(({ id }) => id === threshold.id)?.armed ?? true,
    }));
    tell(books, account, request, { kind, reason, impacts: [], grant: null });
    return;
  }
  if (operation.operation === 'grant') {
    const bucket = granted(operation.bucket, now);
    account.buckets.push(bucket);
    const impacts = [impactOf(bucket, bucket.remaining)];
    tell(books, account, request, { kind, reason, impacts, grant: definitionOf(bucket) });
    return;
  }
  const bucket = account.buckets.find(({ id }) => id === operation.bucketId);
  if (operation.operation === 'correct') {
    const { bucketId, resource, amount: delta } = operation;
    const after = (bucket?.remaining ?? 0) as Amount;
    const impacts = [{ bucketId, resource, delta, after, units: 0 as Amount }];
    tell(books, account, request, { kind, reason, impacts, grant: null });
    return;
  }
  if (bucket === undefined) throw new Error('checked before');
  switch (operation.operation) {
    case 'add':
    case 'take': {
      const delta = operation.operation === 'take' ? 0 - operation.amount : operation.amount;
      const usedUp = bucket.state === 'inactive' && !bucket.suspended && bucket.remaining <= 0;
      bucket.remaining += delta;
      if (operation.operation === 'add') {
        bucket.granted = Math.max(0, bucket.granted + grownBy(operation));
      }
      const ended = bucket.endsAt !== null && bucket.endsAt <= now;
      if (usedUp && bucket.remaining > 0 && !ended) {
        move(books, account, bucket, 'active', 'resumed');
      }
      tell(books, account, request, {
        kind,
        reason,
        impacts: [impactOf(bucket, delta)],
        grant:
          operation.operation === 'add' && operation.granted !== undefined
            ? definitionOf(bucket)
            : null,
        ...(delta < 0 && isBelow(bucket) && { belowFloor: true }),
      });
      return;
    }
    case 'set-floor':
      bucket.floor = operation.floor;
      tell(books, account, request, {
        kind,
        reason,
        impacts: [],
        grant: definitionOf(bucket),
        ...(isBelow(bucket) && { belowFloor: true }),
      });
      return;
    case 'set-end':
      bucket.endsAt = operation.endsAt;
      break;
    case 'set-state':
      if (operation.state !== bucket.state) {
        const cause = operation.state === 'inactive' ? 'suspended' : 'resumed';
        move(books, account, bucket, operation.state, cause);
      }
      bucket.suspended = operation.state === 'inactive';
      break;
  }
  tell(books, account, request, { kind, reason, impacts: [], grant: definitionOf(bucket) });
}

function impactOf(bucket: Bucket, delta: number): Impact {
  return {
    bucketId: bucket.id,
    resource: bucket.resource,
    delta: delta as Amount,
    after: bucket.remaining as Amount,
    units: 0 as Amount,
  };
}

function isBelow(bucket: Bucket): boolean {
  return bucket.remaining < floorOf(bucket);
}

/** A bucket that is granted as active begins with its grant, unless it is said when. */
function granted(bucket: NewBucket, now: number): Bucket {
  const begins = bucket.state === 'active' && bucket.startsAt === null;
  const { durationMs = null } = bucket;
  const lasts = begins && durationMs !== null && bucket.endsAt === null;
  return {
    id: bucket.bucketId,
    resource: bucket.resource,
    kind: bucket.kind,
    priority: bucket.priority,
    createdAt: bucket.createdAt === 0 ? now : bucket.createdAt,
    step: bucket.step,
    blocker: bucket.blocker,
    scope: (bucket.detail['scope'] as Scope | undefined) ?? null,
    bundleId: bucket.bundleId,
    durationMs: bucket.durationMs ?? null,
    after: bucket.after ?? null,
    state: bucket.state,
    startsAt: begins ? now : bucket.startsAt,
    endsAt: lasts ? now + durationMs : bucket.endsAt,
    floor: bucket.floor,
    granted: bucket.granted,
    remaining: bucket.granted,
    suspended: bucket.detail['suspended'] === true,
  };
}

/** What an event says of a bucket that it creates or changes. */
export function definitionOf(bucket: Bucket): BucketGrant {
  return {
    bucketId: bucket.id,
    resource: bucket.resource,
    kind: bucket.kind,
    priority: bucket.priority,
    state: bucket.state,
    startsAt: bucket.startsAt,
    endsAt: bucket.endsAt,
    createdAt: bucket.createdAt,
    floor: bucket.floor as Amount | null,
    granted: bucket.granted as Amount,
    step: bucket.step,
    blocker: bucket.blocker,
    bundleId: bucket.bundleId,
    durationMs: bucket.durationMs,
    detail: {
      ...(bucket.scope !== null && { scope: bucket.scope }),
      ...(bucket.suspended && { suspended: true }),
    },
  };
}
