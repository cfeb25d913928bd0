/** One request of a charging session, from its answer to its events (docs/charging.md). */
import type { ChargedService, ChargeOutcome } from '../../src/charging/charge-outcome.js';
import type {
  ChargeRequest,
  ChargeService,
  ChargeWindow,
} from '../../src/charging/charge-request.js';
import type { Amount } from '../../src/domain/amounts.js';
import type { SessionEvent } from '../../src/domain/events.js';
import { grant } from './grant.js';
import { expireReleased, isDue, turn } from './lifecycle.js';
import { eligible } from './order.js';
import { pay } from './price.js';
import { settle } from './settlement.js';
import { nameStarved, noteFree, rememberStarving } from './starving.js';
import {
  accountOf,
  emit,
  floorOf,
  newService,
  openBooks,
  release,
  type Account,
  type Books,
  type Service,
  type Session,
  type World,
} from './state.js';
import { checkThresholds } from './thresholds.js';
import { meterOf } from './walk.js';

/** Requests of a session whose answers are kept. */
const ANSWERS_KEPT = 8;

export interface Decided {
  readonly outcome: ChargeOutcome;
  readonly books: Books | null;
  readonly at: number;
}

function refused(refusal: Extract<ChargeOutcome, { kind: 'refused' }>['refusal']): Decided {
  return { outcome: { kind: 'refused', refusal }, books: null, at: 0 };
}

/** What makes two requests of one number the same. */
function contentOf({ phase, action, services }: ChargeRequest): string {
  return JSON.stringify([
    phase,
    action ?? 'debit',
    services.map(({ key, unit, used, usedAfter, want }) => [key, unit, used, usedAfter, want]),
  ]);
}

export function decide(world: World, asked: ChargeRequest, mayGrant: boolean): Decided {
  if (world.closed) return refused('fenced');
  const before = world.sessions.get(asked.sessionId);
  const request = withHolder(asked, before ?? null);
  const { requestNumber: number, phase, policy } = request;
  if (before !== undefined) {
    const answer = before.answers.get(number);
    if (number <= before.lastNumber - ANSWERS_KEPT) return refused('stale-number');
    if (answer !== undefined) {
      if (answer.content !== contentOf(request)) return refused('conflict');
      const { outcome } = answer;
      return {
        outcome: outcome.kind === 'answered' ? { ...outcome, repeated: true } : outcome,
        books: null,
        at: 0,
      };
    }
    if (before.accountId !== request.accountId) {
      const outcome = { kind: 'other-account', accountId: before.accountId } as const;
      return { outcome, books: null, at: 0 };
    }
  } else if ((phase === 'update' || phase === 'terminate') && policy.unknownSession === 'reject') {
    return refused('unknown-session');
  }
  const account = world.accounts.get(request.accountId);
  if (account === undefined) return refused('unknown-account');
  if (account.profileVersion !== request.profileVersion) return refused('stale-profile');
  const owner = request.sharing ? world.accounts.get(request.sharing.ownerAccountId) : null;
  if (owner === undefined) return refused('unknown-account');
  const begins = phase === 'initial' || phase === 'event';
  if (begins && account.standing !== 'active') return refused(denialOf(account.standing));
  const passes = request.services.some(({ key, used, usedAfter }) => {
    const total = before?.services.get(key)?.used ?? 0;
    return BigInt(total) + BigInt(used) + BigInt(usedAfter) > BigInt(Number.MAX_SAFE_INTEGER);
  });
  if (passes) return refused('amount-out-of-range');
  return answer(world, request, owner === null ? [account] : [account, owner], mayGrant);
}

/** Suspended: not now. Closed: never again. Active, with nothing to grant: not now. */
export function denialOf(
  standing: Account['standing'] | undefined,
): 'service-denied' | 'authorization-rejected' {
  return standing === 'closed' ? 'authorization-rejected' : 'service-denied';
}

/**
 * Whose balances the request may draw on. Who has left a group settles what it held of the owner's,
 * and draws on nothing more of his.
 */
function withHolder(request: ChargeRequest, before: Session | null): ChargeRequest {
  const ownerAccountId = before?.ownerId ?? null;
  if (ownerAccountId === null || request.sharing?.ownerAccountId === ownerAccountId) return request;
  const nothing = { order: 'own-first', scope: null, resources: [] } as const;
  return { ...request, sharing: { ownerAccountId, ...nothing } };
}

/** The owner of whom the session holds units, or for whose units it waits. */
function ownerAfter({ accounts }: Books, session: Session): string | null {
  const [, owner] = accounts;
  if (owner !== undefined && session.state === 'open' && session.starving.size > 0) return owner.id;
  const holds = [...session.services.values()].flatMap((service) => service.holds);
  return holds.find(({ ownerId }) => ownerId !== null)?.ownerId ?? null;
}

function answer(
  world: World,
  request: ChargeRequest,
  accounts: Account[],
  mayGrant: boolean,
): Decided {
  const now = Math.max(request.now ?? 0, ...accounts.map(({ lastSeen }) => lastSeen));
  let books = openBooks(world, accounts);
  let changed = turnDue(books, now);
  const freeBefore = noteFree(books, request.sessionId);
  const before = world.sessions.get(request.sessionId) ?? null;
  const behind = before !== null && request.requestNumber <= before.lastNumber;
  let session = openSession(books, request, before, behind, now);
  const work: Work = { request, now, behind, mayGrant, wasOpen: session.state === 'open' };

  let results: Map<string, ChargedService['result']> = new Map();
  if (request.phase === 'event') {
    // Whole or not at all: tried, and taken back as a whole where it was not enough.
    const kept = structuredClone({ accounts, session, events: books.events });
    const tried = takeEvent(books, session, work);
    if (tried === 'not-enough') {
      for (const stored of kept.accounts) world.accounts.set(stored.id, stored);
      world.sessions.set(kept.session.id, kept.session);
      session = kept.session;
      books = { world, accounts: kept.accounts, events: kept.events };
      results = new Map(request.services.map((ask) => [ask.key, lackOf(ask, now)]));
    } else {
      changed ||= tried.changed;
      results = tried.results;
    }
  } else {
    for (const ask of settlingOrder(session, request)) {
      const service = serviceOf(session, ask);
      const window = windowAt(ask.windows, now);
      changed = settle(books, { request, ask, service, window, now }).moved || changed;
    }
  }

  const services = request.services.map((ask): ChargedService => {
    const service = serviceOf(session, ask);
    const answered = answerService(books, session, ask, service, work, results.get(ask.key));
    changed ||= answered.reserved;
    if (request.requestNumber > service.lastNumber) service.lastNumber = request.requestNumber;
    const { result, granted, validitySeconds, last, tariffChangeAt } = answered;
    const currency = (service.window ?? windowAt(ask.windows, now))?.currency ?? null;
    const cost = Number(service.cost) as Amount;
    return { key: ask.key, result, granted, validitySeconds, last, cost, currency, tariffChangeAt };
  });

  changed = close(books, session, work, before === null) || changed;
  session.ownerId = ownerAfter(books, session);
  if (changed) {
    if (request.phase !== 'event') {
      for (const account of books.accounts) rememberStarving(account, session);
    }
    // A session that begins gives nothing back.
    const isRefund = request.phase === 'event' && request.action === 'refund';
    if (before !== null || isRefund) nameStarved(books, freeBefore, session.id, now);
    expireReleased(books, now);
    checkThresholds(books, isRefund);
  }
  const emitted = books.accounts.some(({ id }) => (books.events.get(id)?.length ?? 0) > 0);
  if (changed || emitted) for (const account of books.accounts) account.lastSeen = now;
  const { thresholds = [] } = books.accounts[0] ?? {};
  const lowBalance = thresholds.some((each) => each.lowBalance === true && !each.armed);
  keepAnswer(session, request, { services, lowBalance }, now);
  return {
    outcome: session.answers.get(request.requestNumber)?.outcome as ChargeOutcome,
    books,
    at: now,
  };
}

interface Work {
  readonly request: ChargeRequest;
  readonly now: number;
  /** A later request was answered before this one came. */
  readonly behind: boolean;
  readonly mayGrant: boolean;
  readonly wasOpen: boolean;
}

export function turnDue(books: Books, now: number): boolean {
  let due = false;
  for (const account of books.accounts) {
    if (!isDue(books, account, now)) continue;
    turn(books, account, now);
    due = true;
  }
  return due;
}

function openSession(
  books: Books,
  request: ChargeRequest,
  before: Session | null,
  behind: boolean,
  now: number,
): Session {
  const session = before ?? {
    id: request.sessionId,
    accountId: request.accountId,
    ownerId: null,
    openedAt: now,
    retentionMs: request.policy.retentionMs,
    state: 'open',
    lastNumber: -1,
    deadline: 0,
    services: new Map(),
    starving: new Set(),
    answers: new Map(),
  };
  books.world.sessions.set(session.id, session);
  if (before === null) {
    if (request.phase !== 'event') say(books, session, 'opened', request.requestNumber, null);
    return session;
  }
  const { phase, policy } = request;
  const late = phase === 'update' && policy.unknownSession === 'recreate' && !behind;
  if (before.state === 'expired' && late) {
    before.state = 'open';
    say(books, before, 'opened', request.requestNumber, 'reopened');
  }
  return session;
}

export function say(
  books: Books,
  session: Session,
  change: SessionEvent['change'],
  requestNumber: number,
  cause: string | null,
): void {
  const [own] = books.accounts;
  if (own === undefined) return;
  const { id: sessionId, openedAt } = session;
  emit(books, own, { type: 'session', sessionId, change, requestNumber, cause, openedAt });
}

function serviceOf(session: Session, ask: ChargeService): Service {
  const found = session.services.get(ask.key) ?? newService(ask.key, ask.unit);
  session.services.set(ask.key, found);
  return found;
}

/** Of a pool those that used more than they were granted come behind those that give back. */
function settlingOrder(session: Session, { services }: ChargeRequest): readonly ChargeService[] {
  const isOver = (ask: ChargeService): boolean =>
    ask.pooled === true && ask.used + ask.usedAfter > serviceOf(session, ask).granted;
  const over = new Set(services.filter(isOver));
  return [...services.filter((ask) => !over.has(ask)), ...over];
}

export function windowAt(windows: readonly ChargeWindow[], now: number): ChargeWindow | null {
  return windows.find(({ fromMs, untilMs }) => fromMs <= now && now < untilMs) ?? null;
}

function hasRate(ask: ChargeService, now: number): boolean {
  return ask.windows.length === 0 || windowAt(ask.windows, now) !== null;
}

function lackOf(ask: ChargeService, now: number): ChargedService['result'] {
  return hasRate(ask, now) ? 'credit-limit-reached' : 'rating-failed';
}

function takeEvent(
  books: Books,
  session: Session,
  { request, now }: Work,
): 'not-enough' | { changed: boolean; results: Map<string, ChargedService['result']> } {
  const results = new Map<string, ChargedService['result']>();
  let changed = false;
  for (const ask of settlingOrder(session, request)) {
    const service = serviceOf(session, ask);
    const window = windowAt(ask.windows, now);
    if (request.action === 'refund') {
      const given = giveBack(books, request, ask, service, window, now);
      if (!given) results.set(ask.key, lackOf(ask, now));
      changed ||= given;
    } else {
      const { moved, uncollected } = settle(books, { request, ask, service, window, now });
      if (uncollected > 0 || !hasRate(ask, now)) return 'not-enough';
      changed ||= moved;
    }
  }
  return { changed, results };
}

/**
 * To the first bucket in consumption order that may have paid: the units to an allowance of which as
 * many are gone, or their price to money. Where nothing has a price, else to the first allowance.
 */
function giveBack(
  books: Books,
  request: ChargeRequest,
  ask: ChargeService,
  service: Service,
  window: ChargeWindow | null,
  now: number,
): boolean {
  if (window !== null && window.kind !== 'charged') return true;
  const [own] = books.accounts;
  if (own === undefined) return false;
  const list = eligible(books, ask, window, now, request.sharing ?? null);
  const bucket =
    list.find(({ kind, granted, remaining }) => {
      return kind === 'money' || granted - remaining >= ask.used;
    }) ?? (window === null ? list[0] : undefined);
  if (bucket === undefined) return false;
  let amount: number = ask.used;
  if (window !== null && bucket.kind === 'money') {
    if (ask.used > window.line.unitsMax) return false;
    const meter = meterOf(own, service, window);
    amount = Number(pay(window.line, meter, BigInt(ask.used)).cost - meter.cost);
  }
  const lowest = BigInt(Math.min(0, floorOf(bucket)));
  if (BigInt(bucket.remaining + amount) - lowest > BigInt(Number.MAX_SAFE_INTEGER)) return false;
  bucket.remaining += amount;
  emit(books, accountOf(books, bucket), {
    type: 'ledger',
    kind: 'refund',
    intentNumber: null,
    intentId: null,
    reason: request.sessionId,
    impacts: [
      {
        bucketId: bucket.id,
        resource: bucket.resource,
        delta: amount as Amount,
        after: bucket.remaining as Amount,
        units: 0 as Amount,
      },
    ],
    grant: null,
  });
  return true;
}

type ServiceAnswer = Omit<ChargedService, 'key' | 'cost' | 'currency'> & {
  readonly reserved: boolean;
};

function answerService(
  books: Books,
  session: Session,
  ask: ChargeService,
  service: Service,
  { request, now, behind, mayGrant, wasOpen }: Work,
  decided: ChargedService['result'] | undefined,
): ServiceAnswer {
  const nothing = (result: ChargedService['result']): ServiceAnswer => ({
    result,
    granted: 0 as Amount,
    validitySeconds: 0,
    last: 'no',
    tariffChangeAt: null,
    reserved: false,
  });
  if (decided !== undefined) return nothing(decided);
  if (ask.want === null || ask.want === 0) return nothing('settled');
  const overtaken = behind && request.requestNumber <= service.lastNumber;
  if (overtaken || !wasOpen || request.phase === 'terminate') return nothing('superseded');
  const [own] = books.accounts;
  if (own?.standing !== 'active' || !mayGrant) return nothing(denialOf(own?.standing));
  const window = windowAt(ask.windows, now);
  if (!hasRate(ask, now)) return nothing('rating-failed');
  if (window?.kind === 'not-chargeable') return nothing('not-chargeable');
  const { units, validitySeconds, last, tariffChangeAt } = grant(books, {
    request,
    ask,
    service,
    window,
    now,
  });
  if (last === 'no') session.starving.delete(ask.key);
  else session.starving.add(ask.key);
  return {
    result: units > 0 ? 'granted' : 'credit-limit-reached',
    granted: units as Amount,
    validitySeconds,
    last,
    tariffChangeAt,
    reserved: true,
  };
}

/** Ends the session where the request does, and says until when silence is borne. */
function close(books: Books, session: Session, work: Work, isNew: boolean): boolean {
  const { request, now, wasOpen } = work;
  let released = false;
  if (request.phase === 'event') {
    if (isNew) session.state = 'closed';
  } else if (request.phase === 'terminate' && wasOpen) {
    for (const service of session.services.values()) release(service);
    session.state = 'closed';
    say(books, session, 'closed', request.requestNumber, request.cause);
    released = true;
  }
  session.lastNumber = Math.max(session.lastNumber, request.requestNumber);
  session.deadline =
    session.state === 'open' ? silenceBorne(session, work) : now + session.retentionMs;
  return released;
}

/**
 * The supervision time from now, or twice what is left of the longest validity; services that were
 * not spoken of keep what they had.
 */
function silenceBorne(session: Session, { request, now }: Work): number {
  const spoken = new Set(request.services.map(({ key }) => key));
  const deadline = Math.max(
    now + request.policy.supervisionMs,
    ...[...session.services.values()]
      .filter(({ key }) => spoken.has(key))
      .map(({ validUntil }) => now + 2 * (validUntil - now)),
  );
  return spoken.size < session.services.size ? Math.max(deadline, session.deadline) : deadline;
}

function keepAnswer(
  session: Session,
  request: ChargeRequest,
  { services, lowBalance }: { services: readonly ChargedService[]; lowBalance: boolean },
  now: number,
): void {
  session.answers.set(request.requestNumber, {
    content: contentOf(request),
    outcome: { kind: 'answered', repeated: false, at: now, services, lowBalance },
  });
  for (const number of session.answers.keys()) {
    if (number <= session.lastNumber - ANSWERS_KEPT) session.answers.delete(number);
  }
}
