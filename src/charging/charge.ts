/** The charge and settle scripts: one request of a charging session (docs/charging.md). */
import { CONSUMPTION_ORDERS, type ConsumptionOrder } from '../domain/consumption-order.js';
import { hash } from 'node:crypto';
import type { Amount } from '../domain/amounts.js';
import type { EventStamp } from '../domain/events.js';
import type { SharingMembership } from '../domain/profile.js';
import { bytesOf, callScript, EngineReplyError, statusOf, type Engine } from './engine.js';
import * as layout from './generated/layout.js';
import { pack, unpack, unpackBytes, type Packable, type Unpacked } from './packing.js';
import type { ScriptReply } from './script-loader.js';
import { packStamp } from './stamp-codec.js';
import {
  asAmount,
  asArray,
  asBytes,
  asNumber,
  asText,
  asTextOrNull,
  asTimeOrNull,
} from './unpacked.js';

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

export interface ChargedService {
  readonly key: string;
  readonly result:
    | 'settled'
    | 'granted'
    | 'credit-limit-reached'
    | 'service-denied'
    /** The account is closed. */
    | 'authorization-rejected'
    | 'superseded'
    | 'rating-failed'
    | 'not-chargeable';
  readonly granted: Amount;
  readonly validitySeconds: number;
  /** Whether these are the last units: none, `final`, or `shared` while others hold some. */
  readonly last: 'no' | 'final' | 'shared';
  /** Money the service has cost in the session so far. */
  readonly cost: Amount;
  readonly currency: string | null;
  /** When the tariff changes inside the validity time, ms since 1970; null where it doesn't. */
  readonly tariffChangeAt: number | null;
}

export const CHARGE_REFUSALS = [
  'fenced',
  'newer-state',
  'unknown-account',
  'stale-profile',
  /** The account is on its way to another partition, or there already. */
  'moved',
  'unknown-session',
  'conflict',
  'stale-number',
  'service-denied',
  'authorization-rejected',
  /** A report that would carry a service's total past 2^53 - 1. */
  'amount-out-of-range',
] as const;
export type ChargeRefusal = (typeof CHARGE_REFUSALS)[number];

export type ChargeOutcome =
  | {
      readonly kind: 'answered';
      /** The request had been answered before: this is that answer. */
      readonly repeated: boolean;
      /** The script's clock when it was first answered. */
      readonly at: number;
      readonly services: readonly ChargedService[];
      /** Whether what the account has has fallen to a level that its subscriber is told of. */
      readonly lowBalance: boolean;
    }
  | { readonly kind: 'refused'; readonly refusal: ChargeRefusal }
  /** The session lives on another account, to which its route leads. */
  | { readonly kind: 'other-account'; readonly accountId: string };

/**
 * Charges what is reported and reserves what is asked for, in one atomic step.
 * @throws EngineUnavailableError, or EngineOutOfMemoryError when {@link settle} must be used.
 */
export function charge(engine: Engine, request: ChargeRequest): Promise<ChargeOutcome> {
  return call(engine, 'charge', request);
}

/** Charges what is reported and grants nothing; runs when memory is out. */
export function settle(engine: Engine, request: ChargeRequest): Promise<ChargeOutcome> {
  return call(engine, 'settle', request);
}

export type EnquiryOutcome =
  /** Units covered, in the order of the services, each as if it came alone. */
  | { readonly kind: 'enquired'; readonly covered: readonly Amount[] }
  | { readonly kind: 'refused'; readonly refusal: ChargeRefusal };

/**
 * How many of the units in each service's `used` the buckets would cover now; changes nothing.
 * @throws EngineUnavailableError
 */
export async function enquire(engine: Engine, request: ChargeRequest): Promise<EnquiryOutcome> {
  const { keys } = engine;
  const { partition, accountId, sharing } = request;
  const reply = await callScript(
    engine,
    'enquire',
    [
      keys.account(partition, accountId),
      keys.control(partition),
      ...(sharing ? [keys.account(partition, sharing.ownerAccountId)] : []),
    ],
    [packRequest(request)],
  );
  if (statusOf(reply) === layout.REPLY_DONE) {
    return { kind: 'enquired', covered: asArray(unpack(bytesOf(reply, 1))).map(asAmount) };
  }
  return { kind: 'refused', refusal: refusalOf(statusOf(reply)) };
}

async function call(
  engine: Engine,
  script: 'charge' | 'settle',
  request: ChargeRequest,
  mayRaise = false,
): Promise<ChargeOutcome> {
  const { keys } = engine;
  const { partition, accountId, sessionId, sharing } = request;
  const touched = [
    keys.account(partition, accountId),
    keys.session(partition, sessionId),
    keys.control(partition),
    keys.outbox(partition),
    keys.timers(partition),
    ...(sharing || mayRaise ? [keys.account(partition, sharing?.ownerAccountId ?? accountId)] : []),
    ...(mayRaise ? [keys.steer(partition), keys.tasks(partition)] : []),
  ];
  const run = (terms: 'named' | 'whole'): Promise<ScriptReply> =>
    callScript(engine, script, touched, packApart(request, terms));
  let reply = await run(mayBeNamed(request) ? 'named' : 'whole');
  // Redis started anew, or has forgotten them among many others: from now on it knows them.
  if (statusOf(reply) === layout.REPLY_TERMS_UNKNOWN) reply = await run('whole');
  if (statusOf(reply) === layout.REPLY_OWNER_NEEDED) {
    // The member left its group, or joined another, while it held units of the owner: they are
    // settled and given back, and nothing more is drawn there.
    const ownerAccountId = bytesOf(reply, 1).toString('utf8');
    const left = { ownerAccountId, order: 'own-first', scope: null, resources: [] } as const;
    return call(engine, script, { ...request, sharing: left }, mayRaise);
  }
  if (statusOf(reply) === layout.REPLY_STEERING_NEEDED) {
    // Seldom enough that no other request carries the keys: somebody else waits for units.
    return call(engine, script, request, true);
  }
  return outcomeOf(reply);
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
function mayBeNamed(request: ChargeRequest): boolean {
  const { phase } = request;
  return (phase === 'update' || phase === 'terminate') && areTermsKept(request);
}

/**
 * The request; apart from it its stamp, which scripts pass on unread; and the terms of its services
 * unless they are only named. A numbered one is of the session and the account that its keys name.
 */
function packApart(
  request: ChargeRequest,
  terms: 'named' | 'whole',
  fingerprint: string | false = fingerprintOf(request),
): Buffer[] {
  const stamp = packStamp(request.stamp);
  const ids = fingerprint === false ? 'in-request' : 'in-keys';
  if (terms === 'named') {
    const named = (service: ChargeService): string => digestOf(termsOf(service));
    return [packParts(request, { fingerprint, stamp: false, ids, termsOf: named }), stamp];
  }
  const bare = packParts(request, { fingerprint, stamp: false, ids, termsOf: () => false });
  return [bare, stamp, ...request.services.map(termsOf)];
}

/** A request that is told from a repeated one by something else, so that no answer of it is kept. */
export function packUnnumbered(request: ChargeRequest, terms: 'named' | 'whole'): Buffer[] {
  return packApart(request, terms, false);
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

function outcomeOf(reply: ScriptReply): ChargeOutcome {
  const status = statusOf(reply);
  switch (status) {
    case layout.REPLY_DONE:
    case layout.REPLY_REPEATED: {
      const [, , answer] = asArray(unpackBytes(bytesOf(reply, 1)));
      const [at, services, low] = asArray(unpack(asBytes(answer)));
      return {
        kind: 'answered',
        repeated: status === layout.REPLY_REPEATED,
        at: asNumber(at),
        services: asArray(services).map(chargedService),
        lowBalance: low === true,
      };
    }
    case layout.REPLY_OTHER_ACCOUNT:
      return { kind: 'other-account', accountId: bytesOf(reply, 1).toString('utf8') };
    default:
      return { kind: 'refused', refusal: refusalOf(status) };
  }
}

function refusalOf(status: number): ChargeRefusal {
  const refusal = REFUSALS.get(status);
  if (refusal === undefined) throw new EngineReplyError(`charge replied status ${status}`);
  return refusal;
}

const REFUSALS: ReadonlyMap<number, ChargeRefusal> = new Map([
  [layout.REPLY_FENCED, 'fenced'],
  [layout.REPLY_NEWER_STATE, 'newer-state'],
  [layout.REPLY_UNKNOWN_ACCOUNT, 'unknown-account'],
  [layout.REPLY_STALE_PROFILE, 'stale-profile'],
  [layout.REPLY_MOVED, 'moved'],
  [layout.REPLY_UNKNOWN_SESSION, 'unknown-session'],
  [layout.REPLY_CONFLICT, 'conflict'],
  [layout.REPLY_STALE_NUMBER, 'stale-number'],
  [layout.REPLY_SERVICE_DENIED, 'service-denied'],
  [layout.REPLY_AUTHORIZATION_REJECTED, 'authorization-rejected'],
  [layout.REPLY_AMOUNT_RANGE, 'amount-out-of-range'],
]);

const RESULTS: ReadonlyMap<number, ChargedService['result']> = new Map([
  [layout.RESULT_SETTLED, 'settled'],
  [layout.RESULT_GRANTED, 'granted'],
  [layout.RESULT_CREDIT_LIMIT, 'credit-limit-reached'],
  [layout.RESULT_SERVICE_DENIED, 'service-denied'],
  [layout.RESULT_AUTHORIZATION_REJECTED, 'authorization-rejected'],
  [layout.RESULT_SUPERSEDED, 'superseded'],
  [layout.RESULT_RATING_FAILED, 'rating-failed'],
  [layout.RESULT_NOT_CHARGEABLE, 'not-chargeable'],
]);

const LAST = ['no', 'final', 'shared'] as const;

function chargedService(packed: Unpacked): ChargedService {
  const [key, code, granted, validity, last, cost, currency, changeAt] = asArray(packed);
  const result = RESULTS.get(asNumber(code));
  if (result === undefined) throw new EngineReplyError(`charge answered result ${String(code)}`);
  return {
    key: asText(key),
    result,
    granted: asAmount(granted),
    validitySeconds: asNumber(validity),
    last: LAST[asNumber(last)] ?? 'no',
    cost: asAmount(cost),
    currency: asTextOrNull(currency),
    tariffChangeAt: asTimeOrNull(changeAt),
  };
}

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
