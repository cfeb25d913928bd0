/** One management intent, applied to an account (docs/architecture.md, docs/charging.md). */
import type {
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
  openBooks,
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
  const reason = refusalOf(account, operations);
  if (reason !== null) {
    tell(books, account, request, { kind: 'refused', reason, impacts: [], grant: null });
    checkThresholds(books);
    return { outcome: { kind: 'refused', reason }, books, at: now };
  }
  for (const operation of operations) apply(books, account, request, operation, now);
  if (operations.length === 0) {
    const { kind, reason: words } = request;
    tell(books, account, request, { kind, reason: words, impacts: [], grant: null });
  }
  turn(books, account, now);
  checkThresholds(books);
  const sessions = operations.some(mayFree) ? account.starved : [];
  if (operations.some(mayFree)) account.starved = [];
  return { outcome: { kind: 'applied', sessions }, books, at: now };
}

/** Whether sessions that got the last units may get more by it. */
function mayFree(operation: CreditOperation): boolean {
  if (operation.operation === 'set-thresholds') return false;
  return operation.operation !== 'add' || operation.amount > 0;
}

type Refusal = Extract<CreditOutcome, { kind: 'refused' }>['reason'];

/** Why the operations, one behind the other, cannot all be applied. */
function refusalOf(account: Account, operations: readonly CreditOperation[]): Refusal | null {
  const sums = new Map(
    account.buckets.map(({ id, remaining, granted }) => [
      id,
      { remaining: BigInt(remaining), granted: BigInt(granted) },
    ]),
  );
  for (const operation of operations) {
    if (operation.operation === 'set-thresholds' || operation.operation === 'correct') continue;
    if (operation.operation === 'grant') {
      const { bucketId, granted } = operation.bucket;
      if (sums.has(bucketId)) return 'bucket-exists';
      sums.set(bucketId, { remaining: BigInt(granted), granted: BigInt(granted) });
      continue;
    }
    const sum = sums.get(operation.bucketId);
    if (sum === undefined) return 'unknown-bucket';
    if (operation.operation !== 'add') continue;
    sum.remaining += BigInt(operation.amount);
    if (operation.amount > 0) sum.granted += BigInt(operation.amount);
    const most = BigInt(Number.MAX_SAFE_INTEGER);
    if (sum.remaining > most || sum.remaining < -most || sum.granted > most) {
      return 'amount-out-of-range';
    }
  }
  return null;
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
    const bucket = granted(operation.bucket);
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
    case 'add': {
      const usedUp = bucket.state === 'inactive' && bucket.remaining === 0;
      bucket.remaining += operation.amount;
      if (operation.amount > 0) {
        bucket.granted += operation.amount;
        const ended = bucket.endsAt !== null && bucket.endsAt <= now;
        if (usedUp && !ended) move(books, account, bucket, 'active', 'resumed');
      }
      const impacts = [impactOf(bucket, operation.amount)];
      tell(books, account, request, { kind, reason, impacts, grant: null });
      return;
    }
    case 'set-floor':
      bucket.floor = operation.floor;
      break;
    case 'set-end':
      bucket.endsAt = operation.endsAt;
      break;
    case 'set-state':
      if (operation.state !== bucket.state) {
        const cause = operation.state === 'inactive' ? 'suspended' : 'resumed';
        move(books, account, bucket, operation.state, cause);
      }
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

function granted(bucket: NewBucket): Bucket {
  return {
    id: bucket.bucketId,
    resource: bucket.resource,
    kind: bucket.kind,
    priority: bucket.priority,
    createdAt: bucket.createdAt,
    step: bucket.step,
    blocker: bucket.blocker,
    scope: (bucket.detail['scope'] as Scope | undefined) ?? null,
    bundleId: bucket.bundleId,
    durationMs: bucket.durationMs ?? null,
    after: bucket.after ?? null,
    state: bucket.state,
    startsAt: bucket.startsAt,
    endsAt: bucket.endsAt,
    floor: bucket.floor,
    granted: bucket.granted,
    remaining: bucket.granted,
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
    detail: bucket.scope === null ? {} : { scope: bucket.scope },
  };
}
