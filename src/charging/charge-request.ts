/** A request to charge a session, and its octets as the scripts read them (docs/charging.md). */
import { hash } from 'node:crypto';
import type { Amount } from '../domain/amounts.js';
import { CONSUMPTION_ORDERS, type ConsumptionOrder } from '../domain/consumption-order.js';
import type { EventStamp } from '../domain/events.js';
import type { SharingMembership } from '../domain/profile.js';
import * as layout from './generated/layout.js';
import { pack, type Packable } from './packing.js';
import { packStamp } from './stamp-codec.js';

/** The part of a rate line that the scripts compute with. */
export interface PackableRateLine {
  readonly id: string;
  readonly pulses: readonly { readonly from: number; readonly step: number }[];
  readonly tiers: readonly { readonly from: number; readonly num: number; readonly den: number }[];
  readonly counter: string | null;
  readonly connectionFee: Amount;
  readonly minimumCharge: Amount;
  readonly cap: Amount | null;
  readonly unitsMax: Amount;
}
/** A rate window as the script reads it. */
export interface ChargeWindow {
  readonly fromMs: number;
  readonly untilMs: number;
  readonly currency: string;
  readonly line: PackableRateLine;
  /** Start of the period of the line's counter; 0 where it has none. */
  readonly periodStartMs: number;
  readonly kind: 'charged' | 'free' | 'not-chargeable';
  /** "<line id> <zone>": goes into the event as it is. */
  readonly label: string;
}

export interface ChargeQuota {
  readonly maximum: Amount;
  readonly minimum: Amount;
  readonly sharePercent: number;
  readonly validitySeconds: number;
  /** Given instead while other holders' units may come back. */
  readonly shortValiditySeconds: number;
}

/** A time band and when it is open; buckets may be limited to it. */
export interface ChargeBand {
  readonly fromMs: number;
  readonly untilMs: number;
  readonly band: string;
}

/** What a service counts, what may pay for it, how much is granted: the same for many requests. */
export interface ChargeTerms {
  /** Code of the resource that is counted: a kind of unit, or a currency for an amount of money. */
  readonly unit: string;
  readonly ratingGroup: number | null;
  readonly quota: ChargeQuota;
  /** Empty where the tariff has no price: only unit buckets pay. */
  readonly windows: readonly ChargeWindow[];
  readonly unitOrder: ConsumptionOrder;
  readonly moneyOrder: ConsumptionOrder;
  readonly serviceContext: string;
  readonly zones: readonly string[];
  readonly bands: readonly ChargeBand[];
}

/** One service of a charge request. Amounts are of the terms' unit. */
export interface ChargeService extends ChargeTerms {
  readonly key: string;
  /** Used since the last report, under the tariff of the reservation. */
  readonly used: Amount;
  /** Used after the tariff change that the last answer announced. */
  readonly usedAfter: Amount;
  /** Units asked for; null where none are. */
  readonly want: Amount | null;
  readonly reason: string | null;
  /** Whether the service may use what other services of the request were granted. */
  readonly pooled?: boolean;
  /**
   * The terms as {@link packTerms} packs them, where the caller kept the bytes: then they are only
   * named where Redis knows them.
   */
  readonly packedTerms?: Buffer;
}

export interface ChargePolicy {
  readonly unknownSession: 'recreate' | 'reject';
  readonly overuse: 'write-off' | 'debit';
  /** The least a silent session lives; twice a longer validity time where one is granted. */
  readonly supervisionMs: number;
  /** How long a finished session keeps its answers. */
  readonly retentionMs: number;
  /** How far a grant's validity may pass the end of a bucket it draws on. */
  readonly graceMs: number;
}

export interface ChargeRequest {
  readonly partition: number;
  readonly accountId: string;
  readonly profileVersion: number;
  readonly sessionId: string;
  readonly requestNumber: number;
  readonly phase: 'initial' | 'update' | 'terminate' | 'event';
  readonly stamp: EventStamp;
  readonly policy: ChargePolicy;
  readonly services: readonly ChargeService[];
  readonly cause: string | null;
  /** For an event: take what is asked for, or give it back. */
  readonly action?: 'debit' | 'refund';
  /** The sharing group that the account is a member of. */
  readonly sharing?: SharingMembership | null;
  /** Milliseconds since 1970, for tests; the Redis server's clock where absent. */
  readonly now?: number;
}

const PHASES = {
  initial: layout.PHASE_INITIAL,
  update: layout.PHASE_UPDATE,
  terminate: layout.PHASE_TERMINATE,
  event: layout.PHASE_EVENT,
} as const;

const WINDOW_KINDS = {
  charged: layout.WINDOW_CHARGED,
  free: layout.WINDOW_FREE,
  'not-chargeable': layout.WINDOW_NOT_CHARGEABLE,
} as const;

/** A charge request as the scripts take it, with all that is in it. */
export function packRequest(request: ChargeRequest): Buffer {
  return packParts(request, {
    fingerprint: fingerprintOf(request),
    stamp: packStamp(request.stamp),
    ids: 'in-request',
    termsOf,
  });
}

/** Whether the scripts have seen the terms before: the session's first request brought them. */
export function mayBeNamed(request: ChargeRequest): boolean {
  const { phase } = request;
  return (phase === 'update' || phase === 'terminate') && areTermsKept(request);
}

/**
 * The request; apart from it its stamp, which scripts pass on unread; and the terms of its services
 * unless they are only named. A numbered one is of the session and the account that its keys name.
 */
export function packApart(
  request: ChargeRequest,
  terms: 'named' | 'whole',
  fingerprint: string | false = fingerprintOf(request),
): Buffer[] {
  const stamp = packStamp(request.stamp);
  const ids = fingerprint === false ? 'in-request' : 'in-keys';
  if (terms === 'named') {
    return [packParts(request, { fingerprint, stamp: false, ids, termsOf: nameOfTerms }), stamp];
  }
  const bare = packParts(request, { fingerprint, stamp: false, ids, termsOf: () => false });
  return [bare, stamp, ...request.services.map(termsOf)];
}

/** A request that is told from a repeated one by something else, so that no answer of it is kept. */
export function packUnnumbered(request: ChargeRequest, terms: 'named' | 'whole'): Buffer[] {
  return packApart(request, terms, false);
}

/** What names the terms of a service. */
export function nameOfTerms(service: ChargeService): string {
  return digestOf(termsOf(service));
}

/** Terms by their name or as they are, where a request says more of them than those of its services. */
export function sayTerms(packed: readonly Buffer[], terms: 'named' | 'whole'): readonly Packable[] {
  return terms === 'named' ? packed.map(digestOf) : packed;
}

/** Whether the terms of a request's services can be named: the caller kept them packed. */
export function areTermsKept({ services }: ChargeRequest): boolean {
  return services.every(({ packedTerms }) => packedTerms !== undefined);
}

const digests = new WeakMap<Buffer, string>();

/** What names packed terms (digest_of in lua/include/open_terms.lua). */
function digestOf(packedTerms: Buffer): string {
  let digest = digests.get(packedTerms);
  if (digest === undefined) {
    digest = hash('sha1', packedTerms, 'hex').slice(0, 20);
    digests.set(packedTerms, digest);
  }
  return digest;
}

interface RequestParts {
  readonly fingerprint: string | false;
  readonly stamp: Buffer | false;
  /** Where the script finds the ids of session and account. */
  readonly ids: 'in-request' | 'in-keys';
  readonly termsOf: (service: ChargeService) => Buffer | string | false;
}

function packParts(request: ChargeRequest, parts: RequestParts): Buffer {
  const { policy } = request;
  const isWhole = parts.ids === 'in-request';
  return pack([
    request.now ?? 0,
    isWhole && request.sessionId,
    request.requestNumber,
    PHASES[request.phase],
    parts.fingerprint,
    isWhole && request.accountId,
    request.profileVersion,
    parts.stamp,
    [
      policy.unknownSession === 'recreate'
        ? layout.UNKNOWN_SESSION_RECREATE
        : layout.UNKNOWN_SESSION_REJECT,
      policy.overuse === 'debit' ? layout.OVERUSE_DEBIT : layout.OVERUSE_WRITE_OFF,
      policy.supervisionMs,
      policy.retentionMs,
      policy.graceMs,
    ],
    request.services.map((service) => packService(service, parts.termsOf(service))),
    request.cause ?? false,
    packSharing(request.sharing ?? null),
    request.action === 'refund' ? layout.ACTION_REFUND : layout.ACTION_DEBIT,
  ]);
}

function packSharing(sharing: SharingMembership | null): Packable {
  if (sharing === null) return false;
  const { scope } = sharing;
  return [
    sharing.ownerAccountId,
    sharing.order === 'own-first' ? layout.SHARING_OWN_FIRST : layout.SHARING_SHARED_FIRST,
    scope !== null && [
      scope.contexts ?? false,
      scope.ratingGroups ?? false,
      scope.zones ?? false,
      scope.bands ?? false,
    ],
    sharing.resources ?? false,
  ];
}

function termsOf(service: ChargeService): Buffer {
  return service.packedTerms ?? packTerms(service);
}

function packService(service: ChargeService, terms: Buffer | string | false): Packable {
  return [
    service.key,
    service.used,
    service.usedAfter,
    service.want ?? layout.WANT_NOTHING,
    service.reason ?? false,
    terms,
    // Absent from nearly every request, which is so what lua/include/charge_plainly.lua knows.
    ...(service.pooled === true ? [true] : []),
  ];
}

/**
 * Packs what is the same for many requests; a caller that keeps the bytes with what they were made
 * from spares itself and Redis the work ({@link ChargeService.packedTerms}).
 */
export function packTerms(service: ChargeTerms): Buffer {
  const { quota } = service;
  return pack([
    service.unit,
    service.serviceContext,
    service.ratingGroup ?? false,
    service.zones,
    service.bands.map(({ fromMs, untilMs, band }) => [Math.max(0, fromMs), untilMs, band]),
    CONSUMPTION_ORDERS.indexOf(service.unitOrder) + 1,
    CONSUMPTION_ORDERS.indexOf(service.moneyOrder) + 1,
    quota.maximum,
    quota.minimum,
    quota.sharePercent,
    quota.validitySeconds,
    quota.shortValiditySeconds,
    service.windows.map((window) =>
      pack([
        window.fromMs,
        window.untilMs,
        window.currency,
        packableLine(window.line),
        window.periodStartMs,
        WINDOW_KINDS[window.kind],
        window.label,
      ]),
    ),
  ]);
}

/**
 * What makes two requests of one number the same: what they report and ask, not how they came.
 * 96 bits of a digest: a chance match among a session's last numbers is out of the question.
 */
function fingerprintOf(request: ChargeRequest): string {
  const content = [
    request.phase,
    request.action ?? 'debit',
    ...request.services.map(({ key, unit, used, usedAfter, want }) => [
      key,
      unit,
      used,
      usedAfter,
      want,
    ]),
  ];
  return hash('sha1', JSON.stringify(content), 'base64url').slice(0, 16);
}
function packableLine(line: PackableRateLine): Packable {
  return [
    line.id,
    line.pulses.flatMap(({ from, step }) => [from, step]),
    line.tiers.flatMap(({ from, num, den }) => [from, num, den]),
    line.counter ?? false,
    line.connectionFee,
    line.minimumCharge,
    line.cap ?? false,
    line.unitsMax,
  ];
}
