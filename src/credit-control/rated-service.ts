/** One service of a request, rated and put into the engine's terms. */
import type { ConsumptionOrder } from '../domain/consumption-order.js';
import {
  packTerms,
  type ChargeQuota,
  type ChargeService,
  type ChargeTerms,
  type ChargeWindow,
} from '../charging/charge-request.js';
import { addAmounts, toAmount, ZERO, type Amount } from '../domain/amounts.js';
import type { CreditControlRequest, ServiceRequest } from '../domain/credit-control.js';
import type { SubscriberProfile } from '../domain/profile.js';
import { UNIT_KINDS, type UnitAmounts, type UnitKind } from '../domain/units.js';
import type { CompiledCatalog } from '../rating/catalog.js';
import type { ChargingPolicy } from '../rating/charging-policy.js';
import type { RatedLines, RatedService } from '../rating/rate-line.js';
import type { CompiledTariff } from '../rating/compiled-tariff.js';
import { openBands, rate } from '../rating/rate.js';
import { FREE_WINDOW, flatWindow } from './flat-window.js';
import { amountInCurrency } from './money-event.js';

/** An amount of money that the peer itself names. */
export interface RatedMoney {
  readonly result: 'money';
  readonly currency: CompiledTariff['currency'];
}

/** A service ready to be charged, or why it is not charged. */
export interface PreparedService {
  readonly request: ServiceRequest;
  readonly rated: RatedService | RatedMoney;
  /** Null where there is nothing for the engine to do. */
  readonly charge: ChargeService | null;
}

export interface PreparationContext {
  readonly request: CreditControlRequest;
  readonly profile: SubscriberProfile;
  readonly catalog: CompiledCatalog;
  readonly at: number;
}

/** "<rating group>:<service identifiers>": one rated stream of a session. */
export function serviceKey(service: ServiceRequest): string {
  const group = service.ratingGroup === null ? '-' : String(service.ratingGroup);
  const identifiers = service.serviceIdentifiers;
  return identifiers.length === 0 ? group : `${group}:${identifiers.join('+')}`;
}

/** Why a service could not be charged now; null where it can, or needs not. */
export function refusalOf(
  rated: PreparedService['rated'],
): 'rating-failed' | 'authorization-rejected' | null {
  switch (rated.result) {
    case 'rating-failed':
      return 'rating-failed';
    case 'barred':
      return 'authorization-rejected';
    default:
      return null;
  }
}

/** Rates a service of a request and sizes what it asks for. */
export function prepareService(
  service: ServiceRequest,
  context: PreparationContext,
): PreparedService {
  const { request, profile, catalog, at } = context;
  const plan = profile.plan ?? null;
  const tariff = catalog.tariff(profile.tenant, profile.tariff, plan);
  const money = moneyOnly(service, request);
  if (money !== null && tariff !== undefined) return prepareMoney(service, money, tariff, context);
  const rated: RatedService =
    tariff === undefined
      ? { result: 'rating-failed', reason: 'no-version-in-force' }
      : rate(tariff, {
          serviceContext: request.serviceContext,
          ratingGroup: service.ratingGroup,
          serviceIdentifiers: service.serviceIdentifiers,
          requestedUnitKinds: unitKindsOf(service),
          context: request.context,
          at,
        });
  if (rated.result !== 'lines' || tariff === undefined) {
    return { request: service, rated, charge: unratedCharge(service, request, rated) };
  }
  const { unit, quota } = rated;
  const wanted = wantedUnits(service, unit, quota.default);
  const isEvent = request.phase === 'event';
  const terms = chargeTerms({ service, rated, tariff, context });
  const finalUnit = catalog.finalUnit(profile.tenant, plan);
  return {
    request: service,
    rated: finalUnit === undefined ? rated : { ...rated, finalUnit },
    // Spelled out: a spread of the terms costs several times as much, once per service.
    charge: {
      unit: terms.unit,
      ratingGroup: terms.ratingGroup,
      quota: terms.quota,
      windows: terms.windows,
      unitOrder: terms.unitOrder,
      moneyOrder: terms.moneyOrder,
      serviceContext: terms.serviceContext,
      zones: terms.zones,
      bands: terms.bands,
      packedTerms: terms.packedTerms,
      key: serviceKey(service),
      // A one-time event takes at once what it asks for [RFC 8506 6.3].
      used: isEvent ? (wanted ?? toAmount(1)) : usedUnits(service, unit),
      usedAfter: isEvent ? ZERO : usedUnits(service, unit, true),
      want: isEvent || request.phase === 'terminate' ? null : wanted,
      reason: isEvent ? 'event' : reasonOf(service),
      pooled: quota.pool !== null,
    },
  };
}

/** What a one-time event asks for in money, where it names no units that a tariff could price. */
function moneyOnly(
  service: ServiceRequest,
  request: CreditControlRequest,
): NonNullable<UnitAmounts['money']> | null {
  if (request.phase !== 'event' || unitKindsOf(service).length > 0) return null;
  return service.requested?.money ?? null;
}

/** Counts the currency itself, one for one: no allowance is of that kind. */
function prepareMoney(
  service: ServiceRequest,
  money: NonNullable<UnitAmounts['money']>,
  tariff: CompiledTariff,
  { request, profile, catalog }: PreparationContext,
): PreparedService {
  const { currency } = tariff;
  const used = amountInCurrency(money, currency);
  if (used === null) {
    const rated = { result: 'rating-failed', reason: 'no-matching-rule' } as const;
    return { request: service, rated, charge: null };
  }
  const charge: ChargeService = {
    ...recordedTerms(service, request, currency.code),
    key: serviceKey(service),
    used,
    usedAfter: ZERO,
    want: null,
    windows: [flatWindow(`${tariff.code}#money`, currency.code, 1)],
    moneyOrder: catalog.order(profile.tenant, profile.plan ?? null, currency.code),
    reason: 'event',
  };
  return { request: service, rated: { result: 'money', currency }, charge };
}

/** Terms by the answer they were made from: rating gives the same object while nothing changes. */
const TERMS = new WeakMap<RatedLines, Map<string, PackedTerms>>();

type PackedTerms = ChargeTerms & { readonly packedTerms: Buffer };

function chargeTerms({
  service,
  rated,
  tariff,
  context,
}: {
  readonly service: ServiceRequest;
  readonly rated: RatedLines;
  readonly tariff: CompiledTariff;
  readonly context: PreparationContext;
}): PackedTerms {
  const { request, profile, catalog, at } = context;
  const plan = profile.plan ?? null;
  const key = `${catalog.version} ${profile.tenant} ${plan ?? '-'} ${service.ratingGroup ?? '-'} ${request.serviceContext}`;
  let byKey = TERMS.get(rated);
  if (byKey === undefined) {
    byKey = new Map<string, PackedTerms>();
    TERMS.set(rated, byKey);
  }
  const kept = byKey.get(key);
  if (kept !== undefined) return kept;
  const orderOf = (code: string): ConsumptionOrder => catalog.order(profile.tenant, plan, code);
  const terms: ChargeTerms = {
    unit: rated.unit,
    ratingGroup: service.ratingGroup,
    quota: chargeQuota(rated, catalog.policy(profile.tenant, plan)),
    windows: chargeWindows(rated),
    unitOrder: orderOf(rated.unit),
    moneyOrder: orderOf(rated.currency.code),
    serviceContext: request.serviceContext,
    zones: rated.zones,
    bands: openBands(tariff, at).flatMap(({ band, open }) =>
      open.map(({ fromMs, untilMs }) => ({ band, fromMs, untilMs })),
    ),
  };
  const packed = { ...terms, packedTerms: packTerms(terms) };
  byKey.set(key, packed);
  return packed;
}

/**
 * What has no price or is barred is granted nothing, but what was used of it is still recorded, once:
 * no money pays for it, and what no allowance takes ends as uncollected. What is not chargeable and
 * was reported all the same is recorded as free.
 */
function unratedCharge(
  service: ServiceRequest,
  request: CreditControlRequest,
  rated: RatedService,
): ChargeService | null {
  if (request.phase === 'event') return null;
  const unit = UNIT_KINDS.find(
    (kind) => usedUnits(service, kind) + usedUnits(service, kind, true) > 0,
  );
  if (unit === undefined) return null;
  return {
    ...recordedTerms(service, request, unit),
    key: serviceKey(service),
    used: usedUnits(service, unit),
    usedAfter: usedUnits(service, unit, true),
    want: null,
    windows: rated.result === 'not-chargeable' ? [FREE_WINDOW] : [],
    reason: reasonOf(service),
  };
}

/** Terms of what is granted nothing. */
function recordedTerms(
  { ratingGroup }: ServiceRequest,
  { serviceContext }: CreditControlRequest,
  unit: string,
): Omit<ChargeTerms, 'windows'> {
  return {
    unit,
    ratingGroup,
    quota: {
      maximum: ZERO,
      minimum: ZERO,
      sharePercent: 100,
      validitySeconds: 1,
      shortValiditySeconds: 1,
    },
    unitOrder: 'earliest-expiring',
    moneyOrder: 'earliest-expiring',
    serviceContext,
    zones: [],
    bands: [],
  };
}

function reasonOf(service: ServiceRequest): string | null {
  return service.reason ?? service.used.find((used) => used.reason !== undefined)?.reason ?? null;
}

function unitKindsOf(service: ServiceRequest): readonly UnitKind[] {
  const { requested, used } = service;
  return UNIT_KINDS.filter(
    (unit) =>
      (requested !== undefined && amountOf(requested, unit) !== null) ||
      used.some((each) => amountOf(each, unit) !== null),
  );
}

/** Units of one kind in what a peer sent; octets are the total, or else input and output. */
function amountOf(amounts: UnitAmounts, unit: UnitKind): Amount | null {
  if (unit !== 'octets') return amounts[unit] ?? null;
  if (amounts.octets !== undefined) return amounts.octets;
  if (amounts.inputOctets === undefined && amounts.outputOctets === undefined) return null;
  return addAmounts(amounts.inputOctets ?? ZERO, amounts.outputOctets ?? ZERO);
}

/**
 * Units used before a tariff change, or after it. What a gateway cannot tell apart counts as before:
 * the tariff that the user was told of first [RFC 8506 8.27].
 */
function usedUnits(service: ServiceRequest, unit: UnitKind, after = false): Amount {
  let total = ZERO;
  for (const each of service.used) {
    if ((each.tariffChange === 'after') !== after) continue;
    total = addAmounts(total, amountOf(each, unit) ?? ZERO);
  }
  return total;
}

function wantedUnits(service: ServiceRequest, unit: UnitKind, fallback: Amount): Amount | null {
  if (service.requested === undefined) return null;
  return amountOf(service.requested, unit) ?? fallback;
}

/** The windows of rated lines as the scripts take them. */
export function chargeWindows(rated: RatedLines): readonly ChargeWindow[] {
  return rated.windows.map(({ fromMs, untilMs, line: index, periodStartMs }) => {
    const line = rated.lines[index];
    if (line === undefined) throw new Error('a window names no line');
    return {
      fromMs: Math.max(0, fromMs),
      untilMs,
      currency: line.currency,
      line,
      periodStartMs: periodStartMs ?? 0,
      kind: windowKind(line),
      label: `${line.id} ${line.zone ?? ''}`,
    };
  });
}

function windowKind(line: RatedLines['lines'][number]): ChargeWindow['kind'] {
  if (!line.chargeable) return 'not-chargeable';
  return line.free ? 'free' : 'charged';
}

function chargeQuota(rated: RatedLines, policy: ChargingPolicy): ChargeQuota {
  const { maximum, minimum, sharePercent, validitySeconds } = rated.quota;
  return {
    maximum,
    minimum,
    sharePercent,
    validitySeconds,
    shortValiditySeconds: Math.min(policy.shortValiditySeconds, validitySeconds),
  };
}
