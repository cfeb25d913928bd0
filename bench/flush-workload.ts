/** Outbox entries as an installation writes them in a busy hour: usage of sessions that go on. */
import type { Redis } from 'ioredis';
import { encodeEntry } from '../src/charging/event-codec.js';
import type { Keys } from '../src/charging/keys.js';
import { toAmount } from '../src/domain/amounts.js';
import type { ChargingEvent, EventStamp, OutboxEntry } from '../src/domain/events.js';
import { newBucket } from '../test/support/charge-requests.js';

export interface FlushWorkloadOptions {
  readonly accounts: number;
  readonly partitions: number;
}

interface Account {
  readonly accountId: string;
  readonly partition: number;
  readonly stamp: EventStamp;
  sequence: number;
  remaining: number;
  requestNumber: number;
}

const START = Date.now();
const GRANTED = 1_000_000_000_000;
const USED = 5_242_880;
const WRITTEN_AT_ONCE = 2_000;

export class FlushWorkload {
  readonly #accounts: readonly Account[];
  #written = 0;

  constructor({ accounts, partitions }: FlushWorkloadOptions) {
    this.#accounts = Array.from({ length: accounts }, (_, index) => ({
      accountId: uuidLike(index),
      partition: index % partitions,
      stamp: stampOf(index),
      sequence: 0,
      remaining: GRANTED,
      requestNumber: 0,
    }));
  }

  /** Creates every account with two buckets and opens its session: one entry each. */
  async writeOpenings(redis: Redis, keys: Keys): Promise<number> {
    await this.#write(this.#accounts, { redis, keys, events: openings });
    return this.#accounts.length;
  }

  /** Usage of accounts in no order that an index would like; one event an entry. */
  async writeUsage(entries: number, redis: Redis, keys: Keys): Promise<void> {
    const count = this.#accounts.length;
    const chosen = Array.from({ length: entries }, (_, index) => {
      const shuffled = ((this.#written + index) * 2_654_435_761) % count;
      return this.#accounts[shuffled] as Account;
    });
    this.#written += entries;
    await this.#write(chosen, { redis, keys, events: (account) => [usage(account)] });
  }

  async #write(
    accounts: readonly Account[],
    {
      redis,
      keys,
      events,
    }: {
      readonly redis: Redis;
      readonly keys: Keys;
      readonly events: (account: Account) => readonly ChargingEvent[];
    },
  ): Promise<void> {
    for (let from = 0; from < accounts.length; from += WRITTEN_AT_ONCE) {
      const pipeline = redis.pipeline();
      for (const account of accounts.slice(from, from + WRITTEN_AT_ONCE)) {
        const entry = entryOf(account, events(account));
        pipeline.xadd(keys.outbox(account.partition), '1-*', 'e', encodeEntry(entry));
      }
      const replies = (await pipeline.exec()) ?? [];
      const failed = replies.find(([error]) => error !== null);
      if (failed?.[0]) throw failed[0];
    }
  }
}

/** Ids as random as real ones, and the same in every run. */
function uuidLike(index: number): string {
  const hex = ((index * 2_654_435_761) % 4_294_967_296).toString(16).padStart(8, '0');
  return `0192f3a0-7c00-7000-8000-${hex}0000`;
}

function stampOf(index: number): EventStamp {
  const digits = String(index).padStart(10, '0');
  return {
    tenant: 'acme',
    customer: uuidLike(index + 100_000_000),
    subscription: uuidLike(index + 200_000_000),
    protocol: 'gy',
    peer: 'pgw-1',
    serviceContext: '32251@3gpp.org',
    personal: { imsi: `26201${digits}`, msisdn: `4915${digits}` },
    network: { apn: 'internet', ratType: '06', visitedNetwork: '26201', sgsnAddress: '10.1.2.3' },
    eventTimestamp: START,
    configVersion: 17,
  };
}

function sessionOf({ accountId }: Account): string {
  return `pgw-1.example.net;1763719200;${accountId.slice(-12)};1`;
}

function entryOf(account: Account, events: readonly ChargingEvent[]): OutboxEntry {
  const { accountId, partition, stamp } = account;
  const firstSequence = account.sequence + 1;
  account.sequence += events.length;
  const at = START + account.sequence;
  const accounts = [{ accountId, firstSequence, events }];
  return { partition, id: { epoch: 1, n: 0 }, at, stamp, accounts };
}

function openings(account: Account): readonly ChargingEvent[] {
  return [
    { type: 'account', change: 'created', standing: 'active', profileVersion: 1 },
    grant('data', 'octets'),
    grant('cash', 'EUR'),
    {
      type: 'session',
      sessionId: sessionOf(account),
      change: 'opened',
      requestNumber: 0,
      cause: null,
      openedAt: START,
    },
  ];
}

function grant(bucketId: string, resource: string): ChargingEvent {
  const amount = toAmount(GRANTED);
  return {
    type: 'ledger',
    kind: 'grant',
    intentNumber: null,
    intentId: null,
    reason: null,
    impacts: [{ bucketId, resource, delta: amount, after: amount, units: toAmount(0) }],
    grant: newBucket(bucketId, resource, GRANTED, {
      priority: 10,
      startsAt: START,
      createdAt: START,
    }),
  };
}

function usage(account: Account): ChargingEvent {
  account.remaining -= USED;
  account.requestNumber += 1;
  const used = toAmount(USED);
  return {
    type: 'usage',
    sessionId: sessionOf(account),
    requestNumber: account.requestNumber,
    service: '10:1',
    ratingGroup: 10,
    unit: 'octets',
    used,
    uncollected: toAmount(0),
    cost: toAmount(0),
    currency: null,
    tariffVersion: 'standard@v3#data',
    zone: null,
    reason: 'threshold',
    impacts: [
      {
        bucketId: 'data',
        resource: 'octets',
        delta: toAmount(-USED),
        after: toAmount(account.remaining),
        units: used,
      },
    ],
    serviceAfter: {
      used: toAmount(USED * account.requestNumber),
      cost: toAmount(0),
      carry: [],
    },
  };
}
