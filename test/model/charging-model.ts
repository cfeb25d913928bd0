/**
 * The rules of charging once more, in plain TypeScript and in memory: written from the rules, for
 * whoever wants to read them, and to hold the scripts to. It answers as the scripts must.
 */
import { PartitionFencedError } from '../../src/charging/provisioning.js';
import type { EnquiryOutcome } from '../../src/charging/charge-outcome.js';
import type { ChargeRequest } from '../../src/charging/charge-request.js';
import type { DecodedBucket } from '../../src/charging/event-codec.js';
import type { AccountProvision, CreditRequest } from '../../src/charging/provisioning.js';
import type { AccountSnapshot } from '../../src/charging/snapshot.js';
import type { DueTimer } from '../../src/charging/sweeping.js';
import type { Amount } from '../../src/domain/amounts.js';
import type { EventStamp, OutboxEntry } from '../../src/domain/events.js';
import type { SessionState } from '../support/charging-subject.js';
import { credit, definitionOf } from './credit.js';
import { nextChangeOf } from './lifecycle.js';
import { eligible, listed } from './order.js';
import { decide, denialOf, windowAt } from './session-request.js';
import {
  emit,
  freeOf,
  newService,
  openBooks,
  reservedOf,
  type Account,
  type Books,
  type Bucket,
  type World,
} from './state.js';
import { sweep } from './sweep.js';
import { walk } from './walk.js';

/** One partition. Everything happens at once, so nothing here waits. */
export class ChargingModel {
  readonly world: World = {
    accounts: new Map(),
    sessions: new Map(),
    told: new Set(),
    closed: false,
  };
  readonly #stamps = new Map<string, EventStamp>();
  #entries: OutboxEntry[] = [];
  #count = 0;

  charge(request: ChargeRequest): ReturnType<typeof decide>['outcome'] {
    return this.#decide(request, true);
  }

  settle(request: ChargeRequest): ReturnType<typeof decide>['outcome'] {
    return this.#decide(request, false);
  }

  #decide(request: ChargeRequest, mayGrant: boolean): ReturnType<typeof decide>['outcome'] {
    const isNew = !this.world.sessions.has(request.sessionId);
    const { outcome, books, at } = decide(this.world, request, mayGrant);
    if (isNew && books !== null) this.#stamps.set(request.sessionId, request.stamp);
    this.#write(books, at, request.stamp);
    return outcome;
  }

  enquire(request: ChargeRequest): EnquiryOutcome {
    const { world } = this;
    const account = world.accounts.get(request.accountId);
    if (world.closed) return { kind: 'refused', refusal: 'fenced' };
    if (account === undefined) return { kind: 'refused', refusal: 'unknown-account' };
    if (account.profileVersion !== request.profileVersion) {
      return { kind: 'refused', refusal: 'stale-profile' };
    }
    if (account.standing !== 'active') {
      return { kind: 'refused', refusal: denialOf(account.standing) };
    }
    const owner = request.sharing ? world.accounts.get(request.sharing.ownerAccountId) : undefined;
    const books = openBooks(world, owner === undefined ? [account] : [account, owner]);
    const now = Math.max(request.now ?? 0, account.lastSeen);
    const covered = request.services.map((ask) => {
      const window = windowAt(ask.windows, now);
      if (window === null && ask.windows.length > 0) return 0 as Amount;
      return walk({
        buckets: eligible(books, ask, window, now, request.sharing ?? null),
        free: (bucket) => freeOf(world, bucket),
        account,
        service: newService(ask.key, ask.unit),
        window,
        units: ask.used,
        most: null,
      }).covered as Amount;
    });
    return { kind: 'enquired', covered };
  }

  credit(request: CreditRequest): ReturnType<typeof credit>['outcome'] {
    if (this.world.closed) throw new PartitionFencedError(request.partition);
    const { outcome, books, at } = credit(this.world, request);
    this.#write(books, at, request.stamp);
    return outcome;
  }

  provision(request: AccountProvision): boolean {
    const { world } = this;
    if (world.closed) throw new PartitionFencedError(request.partition);
    const { standing, profileVersion } = request;
    const before = world.accounts.get(request.accountId);
    if (before !== undefined) {
      const same = before.standing === standing && before.profileVersion === profileVersion;
      if (same || profileVersion < before.profileVersion) return false;
    }
    const account = before ?? newAccount(request.accountId);
    world.accounts.set(account.id, account);
    const now = Math.max(request.now ?? 0, account.lastSeen);
    Object.assign(account, { standing, profileVersion, lastSeen: now });
    const books = openBooks(world, [account]);
    const change = before === undefined ? 'created' : 'changed';
    emit(books, account, { type: 'account', change, standing, profileVersion });
    this.#write(books, now, request.stamp);
    return true;
  }

  sweep({ member }: DueTimer, now: number): ReturnType<typeof sweep>['outcome'] {
    const { outcome, books, at } = sweep(this.world, member, now);
    this.#write(books, at, this.#stamps.get(member.slice(2)) ?? null);
    return outcome;
  }

  /** Every timer that must have come: sessions to end or forget, accounts to turn. */
  dueTimers(partition: number, now: number): readonly DueTimer[] {
    const { accounts, sessions } = this.world;
    const turning = [...accounts.values()].filter(({ buckets }) =>
      buckets.some((bucket) => nextChangeOf(bucket, -1) !== null && isPast(bucket, now)),
    );
    const silent = [...sessions.values()].filter(({ deadline }) => deadline <= now);
    return [...turning.map(({ id }) => `a:${id}`), ...silent.map(({ id }) => `s:${id}`)].map(
      (member) => ({ partition, member }),
    );
  }

  account(accountId: string): AccountSnapshot | null {
    const account = this.world.accounts.get(accountId);
    if (account === undefined) return null;
    return {
      accountId,
      sequence: account.sequence,
      lastSeen: account.lastSeen,
      standing: account.standing,
      profileVersion: account.profileVersion,
      lastIntent: account.lastIntent,
      nextChangeAt: null,
      buckets: listed(this.world, account).map((bucket) => this.#snapshot(bucket)),
      starvedSessions: account.starved,
      counters: [...account.counters].map(([key, { periodStartMs, units }]) => ({
        key,
        period: periodStartMs,
        units: units as Amount,
      })),
      thresholds: account.thresholds.map(({ id, resource, bundleId, level, armed }) => ({
        id,
        resource,
        bundleId,
        isPercent: 'percent' in level,
        level: ('percent' in level ? level.percent : level.amount) as Amount,
        armed,
      })),
    };
  }

  session(sessionId: string): SessionState | null {
    const session = this.world.sessions.get(sessionId);
    if (session === undefined) return null;
    const { accountId, ownerId: ownerAccountId, state, openedAt, services } = session;
    return {
      ...{ sessionId, accountId, ownerAccountId, state, openedAt },
      lastRequestNumber: session.lastNumber,
      services: [...services.values()].map((service) => ({
        key: service.key,
        unit: service.unit,
        used: service.used as Amount,
        cost: Number(service.cost) as Amount,
        validUntil: service.validUntil === 0 ? null : service.validUntil,
        legs: service.holds.map(({ bucketId, amount }) => ({
          bucketId,
          reserved: amount as Amount,
        })),
      })),
    };
  }

  /** Of what has ended nothing is kept but the record, once that has it all. */
  purge(accountId: string, recordedSequence: number): number | null {
    const account = this.world.accounts.get(accountId);
    if (account === undefined || this.world.closed) return null;
    if (account.sequence > recordedSequence) return null;
    const before = account.buckets.length;
    account.buckets = account.buckets.filter(({ id, state, endsAt, remaining }) => {
      const hasEnded = state === 'inactive' && endsAt !== null && endsAt <= account.lastSeen;
      return !hasEnded || remaining !== 0 || reservedOf(this.world, id) !== 0;
    });
    return before - account.buckets.length;
  }

  newEntries(): readonly OutboxEntry[] {
    const entries = this.#entries;
    this.#entries = [];
    return entries;
  }

  #snapshot(bucket: Bucket): DecodedBucket {
    return {
      ...definitionOf(bucket),
      remaining: bucket.remaining as Amount,
      reserved: reservedOf(this.world, bucket.id) as Amount,
      durationMs: bucket.durationMs,
      after: bucket.after,
    };
  }

  /** One entry for what one call did; each account's events are numbered without a gap. */
  #write(books: Books | null, at: number, stamp: EventStamp | null): void {
    const accounts = (books?.accounts ?? []).flatMap((account) => {
      const events = books?.events.get(account.id) ?? [];
      if (events.length === 0) return [];
      const firstSequence = account.sequence + 1;
      account.sequence += events.length;
      return [{ accountId: account.id, firstSequence, events }];
    });
    if (accounts.length === 0) return;
    this.#entries.push({ partition: 0, id: { epoch: 1, n: this.#count }, at, stamp, accounts });
    this.#count += 1;
  }
}

function isPast({ state, startsAt, endsAt, remaining }: Bucket, now: number): boolean {
  const begins = state === 'pending' && startsAt !== null && startsAt <= now;
  const ends = endsAt !== null && endsAt <= now && (state !== 'inactive' || remaining > 0);
  return begins || ends;
}

function newAccount(id: string): Account {
  return {
    id,
    standing: 'active',
    profileVersion: 0,
    sequence: 0,
    lastSeen: 0,
    lastIntent: 0,
    buckets: [],
    counters: new Map(),
    thresholds: [],
    starved: [],
  };
}
