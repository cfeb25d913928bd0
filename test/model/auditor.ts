/**
 * Holds the invariants of charging by what the scripts wrote and answered alone: it knows the
 * calls, the answers, the outbox and the accounts, and nothing of the model.
 */
import type { ChargeOutcome, ChargeRequest } from '../../src/charging/charge.js';
import type { AccountSnapshot } from '../../src/charging/snapshot.js';
import type {
  AccountEvents,
  ChargingEvent,
  Impact,
  OutboxEntry,
  UsageEvent,
} from '../../src/domain/events.js';
import type { Call } from './driver.js';

interface BucketBook {
  readonly accountId: string;
  floor: number | null;
  remaining: number;
  credits: number;
  debits: number;
  expired: number;
}

export class Auditor {
  readonly #buckets = new Map<string, BucketBook>();
  readonly #sequences = new Map<string, number>();
  readonly #thresholds = new Map<string, 'crossed' | 're-armed'>();
  /** Units by session, number and service: reported, and found in events. */
  readonly #reported = new Map<string, number>();
  readonly #recorded = new Map<string, number>();
  readonly #answers = new Map<string, string>();
  readonly #freeLines = new Set<string>();
  #lastEntry = -1;
  #overdraws = false;
  readonly violations: string[] = [];

  /** A call and what it was answered; calls come in the order in which they ran. */
  answered(call: Call, outcome: unknown): void {
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

  /** Invariant 6: a one-time event that was refused took nothing; all else is in an event. */
  #report(request: ChargeRequest, answer: Extract<ChargeOutcome, { kind: 'answered' }>): void {
    for (const [index, { key, used, usedAfter }] of request.services.entries()) {
      const isTaken =
        request.phase !== 'event' ||
        (request.action !== 'refund' && answer.services[index]?.result === 'settled');
      const name = `${request.sessionId} #${request.requestNumber} ${key}`;
      if (isTaken) this.#add(this.#reported, name, used + usedAfter);
    }
  }

  entry(entry: OutboxEntry): void {
    if (this.#lastEntry >= 0 && entry.id.n !== this.#lastEntry + 1) {
      this.#violate(9, `entry ${entry.id.n} follows ${this.#lastEntry}`);
    }
    this.#lastEntry = entry.id.n;
    for (const section of entry.accounts) {
      this.#sequence(section);
      for (const event of section.events) this.#event(section.accountId, event, entry);
    }
  }

  #sequence({ accountId, firstSequence, events }: AccountEvents): void {
    const before = this.#sequences.get(accountId) ?? 0;
    if (firstSequence !== before + 1) {
      this.#violate(9, `${accountId}: event ${firstSequence} follows ${before}`);
    }
    this.#sequences.set(accountId, firstSequence + events.length - 1);
  }

  #event(accountId: string, event: ChargingEvent, entry: OutboxEntry): void {
    switch (event.type) {
      case 'usage':
        this.#usage(event, entry);
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
    const nothing = { remaining: 0, credits: 0, debits: 0, expired: 0 };
    this.#buckets.set(grant.bucketId, { accountId, floor: grant.floor, ...nothing });
  }

  #usage(event: UsageEvent, entry: OutboxEntry): void {
    const name = `${event.sessionId} #${event.requestNumber} ${event.service}`;
    this.#add(this.#recorded, name, event.used);
    const isFree = event.tariffVersion !== null && this.#freeLines.has(event.tariffVersion);
    const shared = entry.accounts
      .flatMap(({ events }) => events)
      .filter((other) => other.type === 'shared-usage')
      .filter(
        ({ sessionId, service }) =>
          `${sessionId} ${service}` === `${event.sessionId} ${event.service}`,
      )
      .flatMap(({ impacts }) => impacts);
    const parts = entry.accounts
      .flatMap(({ events }) => events)
      .filter((other) => other.type === 'usage')
      .filter(({ service }) => service === event.service).length;
    // What an owner paid is not told apart by part where a report has two.
    if (isFree || (parts > 1 && shared.length > 0)) return;
    const paid = [...event.impacts, ...shared].reduce((sum, { units }) => sum + units, 0);
    if (paid + event.uncollected !== event.used) {
      this.#violate(6, `${name}: ${event.used} used, ${paid} paid, ${event.uncollected} not`);
    }
  }

  #move({ bucketId, delta, after }: Impact, kind: string): void {
    const book = this.#buckets.get(bucketId);
    if (book === undefined) {
      this.#violate(2, `${bucketId} moved before it was granted`);
      return;
    }
    book.remaining += delta;
    if (kind === 'expiry') book.expired -= delta;
    else if (kind === 'usage') book.debits -= delta;
    else book.credits += delta;
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
    for (const account of accounts) {
      if (account === null) continue;
      const last = this.#sequences.get(account.accountId) ?? 0;
      if (last !== account.sequence) {
        this.#violate(9, `${account.accountId} is at ${account.sequence}, its events at ${last}`);
      }
      for (const bucket of account.buckets) {
        const book = this.#buckets.get(bucket.bucketId);
        const sum = (book?.credits ?? 0) - (book?.debits ?? 0) - (book?.expired ?? 0);
        if (book === undefined || sum !== bucket.remaining) {
          this.#violate(
            2,
            `${bucket.bucketId} holds ${bucket.remaining}, its events sum to ${sum}`,
          );
        }
        if (bucket.reserved < 0) {
          this.#violate(3, `${bucket.bucketId} has ${bucket.reserved} reserved`);
        }
      }
    }
    for (const name of new Set([...this.#reported.keys(), ...this.#recorded.keys()])) {
      const [reported, recorded] = [this.#reported.get(name) ?? 0, this.#recorded.get(name) ?? 0];
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

  #add(sums: Map<string, number>, name: string, amount: number): void {
    if (amount > 0) sums.set(name, (sums.get(name) ?? 0) + amount);
  }

  #violate(invariant: number, text: string): void {
    this.violations.push(`invariant ${invariant}: ${text}`);
  }
}
