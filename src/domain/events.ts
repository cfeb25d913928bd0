/**
 * What the engine says happened: one entry per script call, each with the events of that call, in
 * the order they took effect. These are the decoded forms; the packed layout that Lua writes is
 * known to `charging/event-codec.ts` alone. Facts only: an event never changes once written.
 */
import type { Amount } from './amounts.js';
import type { Protocol } from './credit-control.js';
import type { SteeringKind, SteeringOutcome, SteeringReason } from './steering.js';
import type { ReportingReason } from './units.js';

/** Place of an entry in its partition's outbox: `<epoch>-<n>`, n gapless within an epoch. */
export interface EntryId {
  readonly epoch: number;
  readonly n: number;
}

export interface OutboxEntry {
  readonly partition: number;
  readonly id: EntryId;
  /** The script's clock, milliseconds since 1970. */
  readonly at: number;
  readonly stamp: EventStamp | null;
  /** One section per account the call changed: the charged one, and a sharing group's owner. */
  readonly accounts: readonly AccountEvents[];
}

export interface AccountEvents {
  readonly accountId: string;
  /** Account sequence of the first event; the others follow without a gap. */
  readonly firstSequence: number;
  readonly events: readonly ChargingEvent[];
}

/**
 * Who and where, as the front knew it: carried through the script unread. Personal identifiers
 * stand apart so that the record can erase them.
 */
export interface EventStamp {
  readonly tenant: string;
  readonly customer: string | null;
  readonly subscription: string | null;
  readonly protocol: Protocol | 'management';
  readonly peer: string | null;
  readonly serviceContext: string | null;
  readonly personal: {
    readonly imsi?: string;
    readonly msisdn?: string;
    readonly userName?: string;
    readonly mac?: string;
    readonly address?: string;
    readonly calledParty?: string;
    readonly callingParty?: string;
  };
  readonly network: Readonly<Record<string, string>>;
  readonly eventTimestamp: number | null;
  /** Version of the compiled configuration that rated the request. */
  readonly configVersion: number;
}

/** One signed change of one bucket. */
export interface Impact {
  readonly bucketId: string;
  readonly resource: string;
  /** Negative for a debit. */
  readonly delta: Amount;
  /** What the bucket holds afterwards, reservations included. */
  readonly after: Amount;
  /** Units of the service that this impact paid for; 0 for credits and fees. */
  readonly units: Amount;
}

export type BucketState = 'pending' | 'armed' | 'active' | 'inactive';

/** A bucket as it was granted: with the impacts, all that is needed to rebuild it. */
export interface BucketGrant {
  readonly bucketId: string;
  readonly resource: string;
  readonly kind: 'units' | 'money';
  readonly priority: number;
  readonly state: BucketState;
  /** Milliseconds since 1970; null where open-ended (or, for the start, not yet known). */
  readonly startsAt: number | null;
  readonly endsAt: number | null;
  readonly createdAt: number;
  /** Lowest value that charging may reach; null for none (postpaid without a limit). */
  readonly floor: Amount | null;
  readonly granted: Amount;
  readonly step: number;
  readonly blocker: boolean;
  readonly bundleId: string | null;
  /** How long it lasts from its first use, in ms; null where its validity is fixed. */
  readonly durationMs?: number | null;
  /** The bundle or bucket that must be spent before this one starts. */
  readonly after?: string | null;
  /** Everything else of the bucket as the engine keeps it (scope, thresholds …). */
  readonly detail: Readonly<Record<string, unknown>>;
}

export type LedgerKind =
  | 'grant'
  | 'top-up'
  | 'adjustment'
  | 'reversal'
  | 'transfer'
  | 'expiry'
  | 'refund'
  /** The intent could not be applied; `reason` says why and nothing moved. */
  | 'refused'
  /** The record is made to say what the bucket holds; the bucket itself stays as it is. */
  | 'correction';

/** Reported units of one service in one request, charged or uncollected. */
export interface UsageEvent {
  readonly type: 'usage';
  readonly sessionId: string;
  readonly requestNumber: number;
  /** "<rating group>:<service identifiers joined by +>"; "-" where the peer gave none. */
  readonly service: string;
  readonly ratingGroup: number | null;
  /** What is counted: a kind of unit, or the code of a currency. */
  readonly unit: string;
  readonly used: Amount;
  readonly uncollected: Amount;
  readonly cost: Amount;
  readonly currency: string | null;
  readonly tariffVersion: string | null;
  readonly zone: string | null;
  readonly reason: ReportingReason | 'event' | 'late' | null;
  readonly impacts: readonly Impact[];
  /** The service's running totals after this event, so that a session can be rebuilt. */
  readonly serviceAfter: ServiceTotals;
}

export interface ServiceTotals {
  /** Units used in the session so far, charged and uncollected. */
  readonly used: Amount;
  readonly cost: Amount;
  /** Engine-private carries (rounding totals per rate line, step totals per bucket). */
  readonly carry: unknown;
}

/**
 * What a member's usage took from its sharing group's owner. The units stand in the member's usage
 * event, of the same entry; here are only the owner's impacts.
 */
export interface SharedUsageEvent {
  readonly type: 'shared-usage';
  readonly memberAccountId: string;
  readonly sessionId: string;
  readonly requestNumber: number;
  readonly service: string;
  readonly impacts: readonly Impact[];
}

/** A change of balance that no session caused. */
export interface LedgerEvent {
  readonly type: 'ledger';
  readonly kind: LedgerKind;
  /** Number of the intent in the account's order; null for what the engine does by itself. */
  readonly intentNumber: number | null;
  readonly intentId: string | null;
  readonly reason: string | null;
  readonly impacts: readonly Impact[];
  /** The bucket as it is afterwards, where the entry creates it or changes its definition. */
  readonly grant: BucketGrant | null;
  /** Staff took a bucket below its floor, or raised the floor above it; left out where not. */
  readonly belowFloor?: boolean;
}

export interface SessionEvent {
  readonly type: 'session';
  readonly sessionId: string;
  readonly change: 'opened' | 'closed' | 'expired';
  readonly requestNumber: number;
  readonly cause: string | null;
  readonly openedAt: number;
}

/** A bucket or a bundle moved from one state to another. */
export interface BucketStateEvent {
  readonly type: 'bucket-state';
  readonly bucketId: string;
  readonly bundleId: string | null;
  readonly from: BucketState;
  readonly to: BucketState;
  readonly cause: 'first-use' | 'expired' | 'exhausted' | 'suspended' | 'succeeded' | 'resumed';
  readonly startsAt: number | null;
  readonly endsAt: number | null;
}

export interface ThresholdEvent {
  readonly type: 'threshold';
  readonly thresholdId: string;
  readonly resource: string;
  readonly direction: 'crossed' | 're-armed';
  readonly level: Amount;
  readonly value: Amount;
}

/** What became of one attempt to steer a session by a request to its gateway. */
export interface SteeringEvent {
  readonly type: 'steering';
  readonly sessionId: string;
  readonly kind: SteeringKind;
  readonly reason: SteeringReason;
  readonly outcome: SteeringOutcome;
  /** What the gateway said: a Result-Code, an Error-Cause. */
  readonly detail: string | null;
  /** Attempts so far; a crash may have cut off earlier ones unrecorded. */
  readonly attempt: number;
  /** When it was first asked for, milliseconds since 1970. */
  readonly raisedAt: number;
  /** Whether it is over: settled, pointless or given up. */
  readonly final: boolean;
}

/** The account itself came into being, changed its header, or moved between partitions. */
export interface AccountEvent {
  readonly type: 'account';
  readonly change: 'created' | 'changed' | 'moved-out' | 'moved-in';
  readonly standing: AccountStanding;
  readonly profileVersion: number;
}

export type AccountStanding = 'active' | 'suspended' | 'closed';

export type ChargingEvent =
  | UsageEvent
  | SharedUsageEvent
  | LedgerEvent
  | SessionEvent
  | BucketStateEvent
  | ThresholdEvent
  | SteeringEvent
  | AccountEvent;
