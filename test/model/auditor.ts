/**
 * Holds the invariants of charging by what the scripts wrote and answered alone: it knows the
 * calls, the answers, the outbox and the accounts, and nothing of the model.
 */
import type { ChargeOutcome } from '../../src/charging/charge-outcome.js';
import type { ChargeRequest } from '../../src/charging/charge-request.js';
import type { CreditOutcome, CreditRequest } from '../../src/charging/provisioning.js';
import type { AccountSnapshot } from '../../src/charging/snapshot.js';
import type { AccountEvents, ChargingEvent, Impact, OutboxEntry } from '../../src/domain/events.js';
import { alike, canonical } from './comparison.js';
import { sessionOf, type AuditedStep } from './audited-step.js';
import type { Call } from './driver.js';
import { HoldingsAudit } from './holdings-audit.js';
import { auditOrder } from './order-audit.js';
import { SlicingAudit } from './slicing-audit.js';

interface BucketBook {
  readonly accountId: string;
  floor: number | null;
  remaining: number;
  /** What came and went over time may pass what any one moment may hold. */
  credits: bigint;
  debits: bigint;
  expired: bigint;
}

export class Auditor {
  readonly #buckets = new Map<string, BucketBook>();
  readonly #sequences = new Map<string, number>();
  readonly #thresholds = new Map<string, 'crossed' | 're-armed'>();
  /** Units by session, number and service: reported, and found in events; sums pass 2^53. */
  readonly #reported = new Map<string, bigint>();
  readonly #recorded = new Map<string, bigint>();
  readonly #answers = new Map<string, string>();
  readonly #freeLines = new Set<string>();
  readonly #accounts = new Map<string, AccountSnapshot | null>();
  readonly #holdings = new HoldingsAudit();
  readonly #slicing = new SlicingAudit();
  #lastEntry = -1;
  #overdraws = false;
  readonly violations: string[] = [];

  /** One call with all that it did, in the order in which calls ran: every invariant, at once. */
  step(step: AuditedStep): void {
    const { call, answer, entries, accounts } = step;
    this.answered(call, answer);
    for (const entry of entries) this.entry(entry);
    for (const account of accounts.values()) this.#account(account);
    this.#checkReported(namesOf(call));
    const heldBefore = this.#holdings.of(sessionOf(call) ?? '');
    if ((answer as ChargeOutcome | null)?.kind === 'answered') {
      const { repeated } = answer as Extract<ChargeOutcome, { kind: 'answered' }>;
      if (repeated) this.#unchanged(step);
    }
    for (const text of this.#holdings.step(step)) this.#violate(3, text);
    for (const { invariant, text } of auditOrder(step, heldBefore)) {
      this.#violate(invariant, text);
    }
    for (const text of this.#slicing.step(step)) this.#violate(7, text);
    for (const [id, account] of accounts) this.#accounts.set(id, account);
  }

  /** Invariant 4: what was answered before changes nothing. */
  #unchanged({ call, entries, accounts }: AuditedStep): void {
    for (const [id, account] of accounts) {
      const known = this.#accounts.get(id);
      if (entries.length > 0 || (known !== undefined && !alike(known, account))) {
        this.#violate(4, `a repeated ${call.kind} changed ${id}: ${canonical(account)}`);
      }
    }
  }

  /** A call and what it was answered; calls come in the order in which they ran. */
  answered(call: Call, outcome: unknown): void {
    if (call.kind === 'credit') this.#replaceThresholds(call.request, outcome as CreditOutcome);
    if (call.kind !== 'charge' && call.kind !== 'settle') return;
    const { request } = call;
    this.#overdraws ||= request.policy.overuse === 'debit';
    for (const { windows } of request.services) {
      for (const { kind, line } of windows) if (kind !== 'charged') this.#freeLines.add(line.id);
    }
    const answer = outcome as ChargeOutcome;
    if (answer.kind !== 'answered') return;
    const name = `${request.sessionId} #${request.requestNumber}`;
    const text = JSON.stringify(answer.services);
    const before = this.#answers.get(name);
    if (!answer.repeated) {
      this.#answers.set(name, text);
      this.#report(request, answer);
    } else if (before !== undefined && before !== text) {
      this.#violate(4, `${name} was answered ${before}, and again ${text}`);
    }
  }

  /** A threshold that is gone and comes again begins anew. */
  #replaceThresholds({ accountId, operations }: CreditRequest, outcome: CreditOutcome): void {
    if (outcome.kind !== 'applied') return;
    for (const operation of operations) {
      if (operation.operation !== 'set-thresholds') continue;
      const wanted = new Set(operation.thresholds.map(({ id }) => `${accountId} ${id}`));
      for (const name of this.#thresholds.keys()) {
        if (name.startsWith(`${accountId} `) && !wanted.has(name)) this.#thresholds.delete(name);
      }
    }
  }

  /** Invariant 6: a one-time event that was refused took nothing; all else is in an event. */
  #report(request: ChargeRequest, answer: Extract<ChargeOutcome, { kind: 'answered' }>): void {
    for (const [index, { key, used, usedAfter }] of request.services.entries()) {
      const isTaken =
        request.phase !== 'event' ||
        (request.action !== 'refund' && answer.services[index]?.result === 'settled');
      const name = `${request.sessionId} #${request.requestNumber} ${key}`;
      if (isTaken) this.#add(this.#reported, name, BigInt(used) + BigInt(usedAfter));
    }
  }

  entry(entry: OutboxEntry): void {
    if (this.#lastEntry >= 0 && entry.id.n !== this.#lastEntry + 1) {
      this.#violate(9, `entry ${entry.id.n} follows ${this.#lastEntry}`);
    }
    this.#lastEntry = entry.id.n;
    this.#paid(entry);
    for (const section of entry.accounts) {
      this.#sequence(section);
      for (const event of section.events) this.#event(section.accountId, event);
    }
  }

  #sequence({ accountId, firstSequence, events }: AccountEvents): void {
    const before = this.#sequences.get(accountId) ?? 0;
    if (firstSequence !== before + 1) {
      this.#violate(9, `${accountId}: event ${firstSequence} follows ${before}`);
    }
    this.#sequences.set(accountId, firstSequence + events.length - 1);
  }

  #event(accountId: string, event: ChargingEvent): void {
    switch (event.type) {
      case 'usage':
        this.#add(
          this.#recorded,
          `${event.sessionId} #${event.requestNumber} ${event.service}`,
          BigInt(event.used),
        );
        for (const impact of event.impacts) this.#move(impact, 'usage');
        break;
      case 'shared-usage':
        for (const impact of event.impacts) this.#move(impact, 'usage');
        break;
      case 'ledger':
        if (event.grant !== null) this.#define(accountId, event.grant);
        for (const impact of event.impacts) this.#move(impact, event.kind);
        break;
      case 'threshold': {
        const name = `${accountId} ${event.thresholdId}`;
        const isAbove = event.value > event.level;
        if (
          this.#thresholds.get(name) === event.direction ||
          isAbove !== (event.direction === 're-armed')
        ) {
          this.#violate(8, `${name} ${event.direction} at ${event.value} of ${event.level}`);
        }
        this.#thresholds.set(name, event.direction);
        break;
      }
      default:
    }
  }

  #define(accountId: string, grant: { bucketId: string; floor: number | null }): void {
    const known = this.#buckets.get(grant.bucketId);
    if (known !== undefined) {
      known.floor = grant.floor;
      return;
    }
    const nothing = { remaining: 0, credits: 0n, debits: 0n, expired: 0n };
    this.#buckets.set(grant.bucketId, { accountId, floor: grant.floor, ...nothing });
  }

  /** Invariant 6: what a service reports in one request is paid for, free, or uncollected. */
  #paid(entry: OutboxEntry): void {
    const events = entry.accounts.flatMap(({ events: own }) => own);
    const usages = events.filter((event) => event.type === 'usage');
    for (const { sessionId, requestNumber, service } of usages) {
      const charged = usages.filter(
        (event) =>
          event.service === service && !this.#freeLines.has(event.tariffVersion ?? 'no tariff'),
      );
      const shared = events.filter(
        (event) => event.type === 'shared-usage' && event.service === service,
      );
      const paid = [...charged, ...shared]
        .flatMap((event) => ('impacts' in event ? event.impacts : []))
        .reduce((sum, { units }) => sum + BigInt(units), 0n);
      const used = charged.reduce((sum, event) => sum + BigInt(event.used), 0n);
      const uncollected = charged.reduce((sum, event) => sum + BigInt(event.uncollected), 0n);
      if (paid + uncollected !== used) {
        const name = `${sessionId} #${requestNumber} ${service}`;
        this.#violate(6, `${name}: ${used} used, ${paid} paid, ${uncollected} not`);
      }
    }
  }

  #move({ bucketId, delta, after }: Impact, kind: string): void {
    const book = this.#buckets.get(bucketId);
    if (book === undefined) {
      this.#violate(2, `${bucketId} moved before it was granted`);
      return;
    }
    book.remaining += delta;
    if (kind === 'expiry') book.expired -= BigInt(delta);
    else if (kind === 'usage') book.debits -= BigInt(delta);
    else book.credits += BigInt(delta);
    if (book.remaining !== after) {
      this.#violate(2, `${bucketId} holds ${book.remaining}, an event says ${after}`);
      book.remaining = after;
    }
    const below = book.floor !== null && after < book.floor && delta < 0;
    if (kind === 'usage' && below && !this.#overdraws) {
      this.#violate(1, `${bucketId} fell to ${after}, below ${book.floor ?? 0}`);
    }
  }

  /** The accounts as they are when all calls have run. */
  finish(accounts: readonly (AccountSnapshot | null)[]): void {
    for (const account of accounts) this.#account(account);
    this.#checkReported([...this.#reported.keys(), ...this.#recorded.keys()]);
  }

  /** Invariants 2 and 9: what an account holds is what its events say. */
  #account(account: AccountSnapshot | null): void {
    if (account === null) return;
    const last = this.#sequences.get(account.accountId) ?? 0;
    if (last !== account.sequence) {
      this.#violate(9, `${account.accountId} is at ${account.sequence}, its events at ${last}`);
    }
    for (const { bucketId, remaining, reserved } of account.buckets) {
      const book = this.#buckets.get(bucketId);
      const sum = book === undefined ? 0n : book.credits - book.debits - book.expired;
      if (book === undefined || sum !== BigInt(remaining)) {
        this.#violate(2, `${bucketId} holds ${remaining}, its events sum to ${sum}`);
      }
      if (reserved < 0) this.#violate(3, `${bucketId} has ${reserved} reserved`);
    }
  }

  #checkReported(names: Iterable<string>): void {
    for (const name of new Set(names)) {
      const [reported, recorded] = [this.#reported.get(name) ?? 0n, this.#recorded.get(name) ?? 0n];
      if (reported !== recorded) {
        this.#violate(6, `${name} reported ${reported}, events hold ${recorded}`);
      }
    }
  }

  /** Invariant 3 once no session lives any more: nothing is reserved. */
  ended(accounts: readonly (AccountSnapshot | null)[]): void {
    for (const bucket of accounts.flatMap((account) => account?.buckets ?? [])) {
      if (bucket.reserved !== 0) {
        this.#violate(3, `${bucket.bucketId} has ${bucket.reserved} reserved by nobody`);
      }
    }
  }

  #add(sums: Map<string, bigint>, name: string, amount: bigint): void {
    if (amount > 0n) sums.set(name, (sums.get(name) ?? 0n) + amount);
  }

  #violate(invariant: number, text: string): void {
    this.violations.push(`invariant ${invariant}: ${text}`);
  }
}

/** What a request reports, by the names under which events record it. */
function namesOf(call: Call): readonly string[] {
  if (call.kind !== 'charge' && call.kind !== 'settle') return [];
  const { sessionId, requestNumber, services } = call.request;
  return services.map(({ key }) => `${sessionId} #${requestNumber} ${key}`);
}
