/**
 * A random history of accounts, written to the outbox streams the way scripts write it, and what
 * the record must hold once it is flushed. Entries travel as JSON, so that every kind of event takes
 * part, whether a script writes it yet or not.
 */
import type { Redis } from 'ioredis';
import type { Keys } from '../../../src/charging/keys.js';
import { parseEntryId } from '../../../src/charging/event-codec.js';
import type { Amount } from '../../../src/domain/amounts.js';
import type {
  AccountEvents,
  ChargingEvent,
  EventStamp,
  Impact,
  OutboxEntry,
} from '../../../src/domain/events.js';
import { newBucket } from '../../support/charge-requests.js';
import type { RandomSource } from '../../support/random-source.js';

export interface WorkloadOptions {
  readonly accounts: number;
  readonly partitions: number;
  readonly source: RandomSource;
  /** Part of each account's id, where several workloads share a database. */
  readonly name?: string;
}

interface Bucket {
  readonly bucketId: string;
  remaining: number;
  granted: number;
}

interface Account {
  readonly accountId: string;
  readonly partition: number;
  readonly buckets: Bucket[];
  sequence: number;
  session: { readonly sessionId: string; readonly openedAt: number; number: number } | null;
  intents: number;
}

const amount = (value: number): Amount => value as Amount;
const START = Date.UTC(2026, 10, 21, 10);

export function encodeAsJson(entry: Omit<OutboxEntry, 'partition' | 'id'>): Buffer {
  return Buffer.from(JSON.stringify(entry));
}

export function decodeFromJson(partition: number, id: string, packed: Buffer): OutboxEntry {
  const entry = JSON.parse(packed.toString()) as Omit<OutboxEntry, 'partition' | 'id'>;
  return { partition, id: parseEntryId(id), ...entry };
}

export function stampOf(accountId: string, changes: Partial<EventStamp> = {}): EventStamp {
  return {
    tenant: 'acme',
    customer: `customer of ${accountId}`,
    subscription: `subscription of ${accountId}`,
    protocol: 'gy',
    peer: 'pgw-1',
    serviceContext: '32251@3gpp.org',
    personal: { imsi: `26201${accountId}`, msisdn: `49151${accountId}` },
    network: { apn: 'internet', note: 'tab\there, line\nthere, back\\slash, quote"' },
    eventTimestamp: START,
    configVersion: 3,
    ...changes,
  };
}

export class Workload {
  readonly accounts: readonly Account[];
  /** For the message of what fails: the same seed makes the same history. */
  readonly seed: number;
  readonly name: string;
  /** Events written so far. */
  events = 0;
  /** Entries written so far, by partition. */
  readonly entries = new Map<number, number>();
  readonly #random: () => number;
  #clock = START;
  #sessions = 0;

  constructor({ accounts, partitions, source, name = '' }: WorkloadOptions) {
    this.name = name;
    this.seed = source.seed;
    this.#random = source.random;
    this.accounts = Array.from({ length: accounts }, (_, index) => ({
      accountId: `${name}a${index}`,
      partition: index % partitions,
      buckets: [],
      sequence: 0,
      session: null,
      intents: 0,
    }));
  }

  /** Writes `entries` more entries, of accounts taken at random. */
  async write(
    entries: number,
    {
      redis,
      keys,
      epoch = 1,
    }: { readonly redis: Redis; readonly keys: Keys; readonly epoch?: number },
  ): Promise<void> {
    const pipeline = redis.pipeline();
    for (let count = 0; count < entries; count += 1) {
      const account = this.#pick(this.accounts);
      this.#clock += Math.floor(this.#random() * 50);
      const entry = this.#act(account);
      this.entries.set(account.partition, (this.entries.get(account.partition) ?? 0) + 1);
      pipeline.xadd(keys.outbox(account.partition), `${epoch}-*`, 'e', encodeAsJson(entry));
    }
    const replies = await pipeline.exec();
    const failed = replies?.find(([error]) => error !== null);
    if (failed?.[0]) throw failed[0];
  }

  #pick<T>(items: readonly T[]): T {
    return items[Math.floor(this.#random() * items.length)] as T;
  }

  /** One entry of an account: what it does next depends on how far it is. */
  #act(account: Account): Omit<OutboxEntry, 'partition' | 'id'> {
    const events =
      account.sequence === 0
        ? [this.#created()]
        : account.buckets.length === 0
          ? [this.#grant(account, 1_000_000)]
          : this.#live(account);
    const sections = [this.#section(account, events)];
    const stamp = stampOf(account.accountId);
    return { at: this.#clock, stamp, accounts: sections };
  }

  #section(account: Account, events: readonly ChargingEvent[]): AccountEvents {
    const firstSequence = account.sequence + 1;
    account.sequence += events.length;
    this.events += events.length;
    return { accountId: account.accountId, firstSequence, events };
  }

  #created(): ChargingEvent {
    return { type: 'account', change: 'created', standing: 'active', profileVersion: 1 };
  }

  #grant(account: Account, granted: number): ChargingEvent {
    const bucket = { bucketId: `b${account.buckets.length}`, remaining: granted, granted };
    account.buckets.push(bucket);
    account.intents += 1;
    return {
      type: 'ledger',
      kind: 'grant',
      intentNumber: account.intents,
      intentId: `${account.accountId}-i${account.intents}`,
      reason: null,
      impacts: [impactOf(bucket, granted, 0)],
      grant: newBucket(bucket.bucketId, 'octets', granted, {
        startsAt: START,
        createdAt: this.#clock,
        durationMs: null,
        detail: { scope: { ratingGroups: [10] } },
      }),
    };
  }

  #live(account: Account): readonly ChargingEvent[] {
    const choice = this.#random();
    if (choice < 0.05) return [this.#topUp(account)];
    if (choice < 0.07) return [this.#grant(account, 500_000)];
    if (choice < 0.09) return this.#expire(account);
    if (account.session === null) return [this.#opened(account)];
    if (choice < 0.25) return [this.#usage(account), this.#closed(account)];
    return [this.#usage(account)];
  }

  #topUp(account: Account): ChargingEvent {
    const bucket = this.#pick(account.buckets);
    const added = Math.floor(this.#random() * 100_000) + 1;
    bucket.remaining += added;
    bucket.granted += added;
    account.intents += 1;
    return {
      type: 'ledger',
      kind: 'top-up',
      intentNumber: account.intents,
      intentId: `${account.accountId}-i${account.intents}`,
      reason: 'paid',
      impacts: [impactOf(bucket, added, 0)],
      grant: null,
    };
  }

  #expire(account: Account): readonly ChargingEvent[] {
    const bucket = this.#pick(account.buckets);
    const rest = bucket.remaining;
    bucket.remaining = 0;
    return [
      {
        type: 'bucket-state',
        bucketId: bucket.bucketId,
        bundleId: null,
        from: 'active',
        to: 'inactive',
        cause: 'expired',
        startsAt: START,
        endsAt: this.#clock,
      },
      {
        type: 'ledger',
        kind: 'expiry',
        intentNumber: null,
        intentId: null,
        reason: null,
        impacts: [impactOf(bucket, -rest, 0)],
        grant: null,
      },
      {
        type: 'threshold',
        thresholdId: 'low',
        resource: 'octets',
        direction: 'crossed',
        level: amount(10),
        value: amount(0),
      },
    ];
  }

  #opened(account: Account): ChargingEvent {
    this.#sessions += 1;
    const sessionId = `${this.name}pgw-1;${this.#sessions}`;
    account.session = { sessionId, openedAt: this.#clock, number: 0 };
    return {
      type: 'session',
      sessionId,
      change: 'opened',
      requestNumber: 0,
      cause: null,
      openedAt: this.#clock,
    };
  }

  #closed(account: Account): ChargingEvent {
    const { sessionId, openedAt, number } = account.session as NonNullable<Account['session']>;
    account.session = null;
    return {
      type: 'session',
      sessionId,
      change: 'closed',
      requestNumber: number,
      cause: 'logout',
      openedAt,
    };
  }

  #usage(account: Account): ChargingEvent {
    const session = account.session as NonNullable<Account['session']>;
    session.number += 1;
    const used = Math.floor(this.#random() * 50_000);
    const impacts: Impact[] = [];
    let left = used;
    for (const bucket of account.buckets) {
      const taken = Math.min(left, bucket.remaining);
      if (taken === 0) continue;
      bucket.remaining -= taken;
      left -= taken;
      impacts.push(impactOf(bucket, -taken, taken));
    }
    return {
      type: 'usage',
      sessionId: session.sessionId,
      requestNumber: session.number,
      service: '10:1',
      ratingGroup: 10,
      unit: 'octets',
      used: amount(used),
      uncollected: amount(left),
      cost: amount(0),
      currency: null,
      tariffVersion: null,
      zone: null,
      reason: 'threshold',
      impacts,
      serviceAfter: { used: amount(used), cost: amount(0), carry: [1, [2, 3]] },
    };
  }
}

function impactOf(bucket: Bucket, delta: number, units: number): Impact {
  return {
    bucketId: bucket.bucketId,
    resource: 'octets',
    delta: amount(delta),
    after: amount(bucket.remaining),
    units: amount(units),
  };
}
