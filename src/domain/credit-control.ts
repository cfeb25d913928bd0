/**
 * The one conversation between a protocol front and credit control. `diameter` and `radius` each
 * build a request, hand it to a {@link CreditControlHandler} and turn the outcome into their own
 * result codes; neither knows the other, nor who answers.
 */
import type { Amount } from './amounts.js';
import type { SubscriberIdentity } from './identity.js';
import type { ReportingReason, UnitAmounts, UnitKind, UsedUnits } from './units.js';

export type Protocol = 'gy' | 'radius';

/** CC-Request-Type [RFC 8506 8.3]: a session's first, middle and last request, or a lone event. */
export type RequestPhase = 'initial' | 'update' | 'terminate' | 'event';

/** Requested-Action [RFC 8506 8.41]; read only for events. */
export type EventAction = 'debit' | 'refund' | 'balance-check' | 'price-enquiry';

/** One Multiple-Services-Credit-Control, or the command-level units of an RFC 4006 request. */
export interface ServiceRequest {
  /** Null where the peer sent none: the peer profile's default applies. */
  readonly ratingGroup: number | null;
  readonly serviceIdentifiers: readonly number[];
  /**
   * Units asked for. An empty object asks for the default quota (an empty RSU); absent means that
   * nothing is asked for.
   */
  readonly requested?: UnitAmounts;
  /** Use since the last report (Gy). Empty when nothing is reported. */
  readonly used: readonly UsedUnits[];
  readonly reason?: ReportingReason;
}

/**
 * What the network said about the request. It is stamped on the event and may steer rating; every
 * value is text as the wire gave it, already escaped and bounded by the front.
 * Keys named here steer rating; fronts may add others (`chargingId`, `sgsnAddress`, …).
 */
export interface NetworkContext {
  /** Called party in E.164 digits: the zone is found by its longest prefix. */
  readonly calledParty?: string;
  /** Called party that is no number. */
  readonly calledAddress?: string;
  readonly callingParty?: string;
  /** Visited network as MCC + MNC digits ("26201"). */
  readonly visitedNetwork?: string;
  readonly apn?: string;
  readonly ratType?: string;
  readonly [key: string]: string | undefined;
}

export interface CreditControlRequest {
  readonly protocol: Protocol;
  readonly phase: RequestPhase;
  /** Diameter Session-Id, or the key of a RADIUS session; at most 255 octets. */
  readonly sessionId: string;
  /** CC-Request-Number [RFC 8506 8.2]. */
  readonly requestNumber: number;
  /** The peer or NAS as the operator named it, and the scope its identities live in. */
  readonly peer: string;
  readonly networkScope: string;
  /** Origin-Host and Origin-Realm, or the NAS: where a re-authorisation is sent. */
  readonly origin: { readonly host: string; readonly realm: string };
  readonly identities: readonly SubscriberIdentity[];
  /** Service-Context-Id ("32251@3gpp.org"), or "radius". */
  readonly serviceContext: string;
  readonly services: readonly ServiceRequest[];
  readonly action?: EventAction;
  /** Set by a peer that may have sent the request before (T flag). A hint, never trusted. */
  readonly retransmitted: boolean;
  /** Event-Timestamp in milliseconds since 1970; information, the engine has its own clock. */
  readonly eventTimestamp?: number;
  /** Termination-Cause or Acct-Terminate-Cause by name. */
  readonly terminationCause?: string;
  readonly context: NetworkContext;
}

/** What a gateway does when the last granted units are used [RFC 8506 5.6]. */
export type FinalUnitAction =
  | { readonly action: 'terminate' }
  | {
      readonly action: 'redirect';
      readonly addressType: 'ipv4' | 'ipv6' | 'url' | 'sip-uri';
      readonly address: string;
    }
  | {
      readonly action: 'restrict';
      readonly filterIds: readonly string[];
      readonly filterRules: readonly string[];
    };

/** What became of one service of a request. */
export type ServiceResult =
  | 'granted'
  /** Usage was settled and nothing was asked for. */
  | 'settled'
  | 'credit-limit-reached'
  /** Free of charge and not controlled: the gateway may go on without asking. */
  | 'not-chargeable'
  | 'rating-failed'
  /** Not now: the account is suspended, or memory is out. */
  | 'service-denied'
  /** Never: the tariff bars the service, or the account is closed. */
  | 'authorization-rejected'
  /** Asked for out of order, or while a later request holds the grant. */
  | 'superseded';

export interface ServiceOutcome {
  readonly ratingGroup: number | null;
  readonly serviceIdentifiers: readonly number[];
  readonly result: ServiceResult;
  readonly granted?: { readonly unit: UnitKind; readonly amount: Amount };
  readonly validitySeconds?: number;
  readonly finalUnit?: FinalUnitAction;
  /** Remaining quota at which the gateway should report, in the granted unit. */
  readonly quotaThreshold?: Amount;
  readonly quotaHoldingSeconds?: number;
  /** Silence on a time quota that is not counted as use. */
  readonly quotaConsumptionSeconds?: number;
  /** The pool whose services may use each other's grants [RFC 8506 5.1.2]. */
  readonly pool?: CreditPool;
  /** When the tariff changes inside the validity time, in milliseconds since 1970. */
  readonly tariffChangeAt?: number;
  /** Cost so far of this service in this session, in the money resource's smallest unit. */
  readonly cost?: Money;
}

/** Links the grants of services: each unit of this one counts as `digits` x 10^`exponent` of the pool. */
export interface CreditPool {
  readonly id: number;
  readonly digits: number;
  readonly exponent: number;
}

export interface Money {
  readonly amount: Amount;
  /** Code of the money resource ("EUR"). */
  readonly resource: string;
  /** Decimals of the smallest unit (6: micro-units). */
  readonly scale: number;
}

/** Why a whole request was refused; nothing was changed. */
export const REFUSALS = [
  'unknown-subscriber',
  'unknown-session',
  'service-denied',
  'authorization-rejected',
  'rating-failed',
  'credit-limit-reached',
  /** The same request number with other charging content. */
  'conflicting-duplicate',
  /** A request number below the window of those still answerable. */
  'stale-request-number',
  'session-closed',
  'invalid-request',
  /** The engine's queue is full: try another node. */
  'overloaded',
  /** Redis or memory is not to be had: nothing was decided. */
  'unavailable',
] as const;
export type Refusal = (typeof REFUSALS)[number];

export type CreditControlOutcome =
  | {
      readonly kind: 'answered';
      /** The request had been answered before; this is that answer again. */
      readonly repeated: boolean;
      readonly services: readonly ServiceOutcome[];
      readonly lowBalance: boolean;
      /** Price of a price enquiry, or cost of a whole event. */
      readonly cost?: Money;
      /** Answer to a balance check. */
      readonly enoughCredit?: boolean;
    }
  | { readonly kind: 'refused'; readonly refusal: Refusal; readonly detail: string };

/** Decides a request. Resolves only after the decision is durable; never rejects for a business reason. */
export type CreditControlHandler = (request: CreditControlRequest) => Promise<CreditControlOutcome>;
