/** Granting what is asked for (docs/charging.md, step 5). */
import type { ChargedService } from '../../src/charging/charge-outcome.js';
import type {
  ChargeRequest,
  ChargeService,
  ChargeWindow,
} from '../../src/charging/charge-request.js';
import { isOver, startArmed, startWaiting } from './lifecycle.js';
import { eligible, suits } from './order.js';
import {
  freeOf,
  reservedBy,
  type Account,
  type Books,
  type Bucket,
  type Service,
} from './state.js';
import { walk, type Take, type Walk } from './walk.js';

export interface Question {
  readonly request: ChargeRequest;
  readonly ask: ChargeService;
  readonly service: Service;
  readonly window: ChargeWindow | null;
  readonly now: number;
}

export type Grant = Pick<ChargedService, 'validitySeconds' | 'last' | 'tariffChangeAt'> & {
  readonly units: number;
};

/** Reserves for what is asked for. The service holds nothing any more when this begins. */
export function grant(books: Books, question: Question): Grant {
  const { ask, service, window, now, request } = question;
  const { list, plan } = planGrant(books, question);
  const last = lastOf(books, question, list, plan);
  const seconds = last === 'shared' ? ask.quota.shortValiditySeconds : ask.quota.validitySeconds;
  let validitySeconds = validityOf(plan.takes, seconds, now, request.policy.graceMs);
  let { takes } = plan;
  let tariffChangeAt: number | null = null;
  service.window = window;
  service.nextWindow = null;
  if (window !== null && window.untilMs < now + validitySeconds * 1000) {
    const next = ask.windows.find(
      ({ fromMs, currency }) => fromMs === window.untilMs && currency === window.currency,
    );
    const later =
      next === undefined || plan.covered === 0
        ? null
        : planWalk(books, question, list, next, plan.covered, null);
    if (next !== undefined && later !== null && later.covered >= plan.covered) {
      tariffChangeAt = window.untilMs;
      service.nextWindow = next;
      // Held is what the units cost on the dearer side of the change.
      if (moneyOf(later.takes) > moneyOf(takes)) takes = later.takes;
    } else {
      validitySeconds = Math.max(1, Math.ceil((window.untilMs - now) / 1000));
    }
  }
  const [, owner] = books.accounts;
  service.holds = takes.map(({ bucket, amount }) => ({
    bucketId: bucket.id,
    ownerId: owner?.buckets.includes(bucket) === true ? owner.id : null,
    amount,
  }));
  service.granted = plan.covered;
  service.validUntil = now + validitySeconds * 1000;
  startArmed(books, takes, now);
  return { units: plan.covered, validitySeconds, last, tariffChangeAt };
}

interface GrantPlan {
  readonly list: readonly Bucket[];
  readonly plan: Walk;
}

/** Walks, and walks again while something that waits can start. */
function planGrant(books: Books, question: Question): GrantPlan {
  const { ask, window, now, request } = question;
  for (;;) {
    const list = eligible(books, ask, window, now, request.sharing ?? null);
    const size = sizeOf(books, question, list);
    const most = size < ask.quota.maximum ? ask.quota.maximum : null;
    const plan = planWalk(books, question, list, window, size, most);
    if (plan.covered >= size) return { list, plan };
    const started = books.accounts.map((account) => startWaiting(books, account, now, plan.takes));
    if (!started.includes(true)) return { list, plan };
  }
}

function planWalk(
  books: Books,
  { service }: Question,
  buckets: readonly Bucket[],
  window: ChargeWindow | null,
  units: number,
  most: number | null,
): Walk {
  const account = books.accounts[0] as Account;
  const free = (bucket: Bucket): number => freeOf(books.world, bucket);
  return walk({ buckets, free, account, service, window, units, most });
}

/** What is asked for, at most the maximum; near the end a share of what is left, down to the least. */
function sizeOf(books: Books, question: Question, list: readonly Bucket[]): number {
  const { ask, window } = question;
  const { maximum, minimum, sharePercent } = ask.quota;
  const size = Math.min(ask.want ?? 0, maximum);
  if (sharePercent >= 100) return size;
  const plenty = Math.ceil((size * 100) / sharePercent);
  const left = planWalk(books, question, list, window, plenty, null).covered;
  if (left >= plenty) return size;
  return Math.min(size, Math.max(minimum, Math.floor((left * sharePercent) / 100)));
}

/** Whether nothing is left beyond the plan, and then whether other sessions hold units. */
function lastOf(
  books: Books,
  question: Question,
  list: readonly Bucket[],
  plan: Walk,
): Grant['last'] {
  const { ask, window, now, request } = question;
  if (planWalk(books, question, list, window, plan.covered + 1, null).covered > plan.covered) {
    return 'no';
  }
  const waits = books.accounts.some((account) =>
    account.buckets.some(
      (bucket) =>
        bucket.state === 'pending' &&
        bucket.after !== null &&
        suits(bucket, ask, window, now) &&
        isOver(books, account, bucket.after, plan.takes),
    ),
  );
  if (waits) return 'no';
  const others = [...books.world.sessions.values()].filter(({ id }) => id !== request.sessionId);
  return list.some(({ id }) => reservedBy(others, id) > 0) ? 'shared' : 'final';
}

/** Whole seconds that do not pass the end of a bucket by more than the grace; at least one. */
function validityOf(takes: readonly Take[], seconds: number, now: number, graceMs: number): number {
  const ends = takes.flatMap(({ bucket: { state, durationMs, endsAt } }) =>
    state === 'armed' && durationMs !== null ? now + durationMs : (endsAt ?? []),
  );
  const rests = ends.map((end) => Math.floor((end + graceMs - now) / 1000));
  return Math.max(1, Math.min(seconds, ...rests));
}

function moneyOf(takes: readonly Take[]): number {
  return takes.reduce((sum, { bucket, amount }) => sum + (bucket.kind === 'money' ? amount : 0), 0);
}
