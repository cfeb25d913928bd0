/** One service of a request, rated and put into the engine's terms. */
import {
  packRateLine,
  type ChargeQuota,
  type ChargeService,
  type ChargeWindow,
} from '../charging/charge.js';
import { addAmounts, toAmount, ZERO, type Amount } from '../domain/amounts.js';
import type { CreditControlRequest, ServiceRequest } from '../domain/credit-control.js';
import type { SubscriberProfile } from '../domain/profile.js';
import { UNIT_KINDS, type UnitAmounts, type UnitKind } from '../domain/units.js';
import type { ChargingPolicy, CompiledCatalog } from '../rating/catalog.js';
import type { RatedLines, RatedService } from '../rating/rate-line.js';
import { openBands, rate } from '../rating/rate.js';

/** A service ready to be charged, or why it is not charged. */
export interface PreparedService {
  readonly request: ServiceRequest;
  readonly rated: RatedService;
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

/** Rates a service of a request and sizes what it asks for. */
export function prepareService(
  service: ServiceRequest,
  context: PreparationContext,
): PreparedService {
  const { request, profile, catalog, at } = context;
  const tariff = catalog.tariff(profile.tenant, profile.tariff);
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
  const used = usedUnits(service, unit);
  const wanted = wantedUnits(service, unit, quota.default);
  const isEvent = request.phase === 'event';
  const policy = catalog.policy(profile.tenant);
  return {
    request: service,
    rated,
    charge: {
      key: serviceKey(service),
      unit,
      ratingGroup: service.ratingGroup,
      // A one-time event takes at once what it asks for [RFC 8506 6.3].
      used: isEvent ? (wanted ?? toAmount(1)) : used,
      usedAfter: isEvent ? ZERO : usedUnits(service, unit, true),
      want: isEvent || request.phase === 'terminate' ? null : wanted,
      quota: chargeQuota(rated, policy),
      windows: chargeWindows(rated),
      unitOrder: catalog.resource(profile.tenant, unit)?.consumptionOrder ?? 'earliest-expiring',
      moneyOrder:
        catalog.resource(profile.tenant, rated.currency.code)?.consumptionOrder ??
        'earliest-expiring',
      serviceContext: request.serviceContext,
      zones: rated.zones,
      bands: openBands(tariff, at).flatMap(({ band, open }) =>
        open.map(({ fromMs, untilMs }) => ({ band, fromMs, untilMs })),
      ),
      reason: isEvent ? 'event' : reasonOf(service),
    },
  };
}

/**
 * What has no price is granted nothing, but what was used of it is still recorded, once: no bucket
 * pays for it, so it ends as uncollected.
 */
function unratedCharge(
  service: ServiceRequest,
  request: CreditControlRequest,
  rated: RatedService,
): ChargeService | null {
  if (rated.result !== 'rating-failed' || request.phase === 'event') return null;
  const unit = UNIT_KINDS.find(
    (kind) => usedUnits(service, kind) + usedUnits(service, kind, true) > 0,
  );
  if (unit === undefined) return null;
  return {
    key: serviceKey(service),
    unit,
    ratingGroup: service.ratingGroup,
    used: usedUnits(service, unit),
    usedAfter: usedUnits(service, unit, true),
    want: null,
    quota: {
      maximum: ZERO,
      minimum: ZERO,
      sharePercent: 100,
      validitySeconds: 1,
      shortValiditySeconds: 1,
    },
    windows: [],
    unitOrder: 'earliest-expiring',
    moneyOrder: 'earliest-expiring',
    serviceContext: request.serviceContext,
    zones: [],
    bands: [],
    reason: reasonOf(service),
  };
}

function reasonOf(service: ServiceRequest): string | null {
  return service.reason ?? service.used.find((used) => used.reason !== undefined)?.reason ?? null;
}

function unitKindsOf(service: ServiceRequest): readonly UnitKind[] {
  const amounts = [service.requested ?? {}, ...service.used];
  return UNIT_KINDS.filter((unit) => amounts.some((each) => amountOf(each, unit) !== null));
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
  const used = service.used.filter((each) => (each.tariffChange === 'after') === after);
  return addAmounts(ZERO, ...used.map((each) => amountOf(each, unit) ?? ZERO));
}

function wantedUnits(service: ServiceRequest, unit: UnitKind, fallback: Amount): Amount | null {
  if (service.requested === undefined) return null;
  return amountOf(service.requested, unit) ?? fallback;
}

const WINDOWS = new WeakMap<RatedLines, readonly ChargeWindow[]>();

/** The windows of an answer as the script takes them; kept with the answer, which is shared. */
function chargeWindows(rated: RatedLines): readonly ChargeWindow[] {
  const kept = WINDOWS.get(rated);
  if (kept !== undefined) return kept;
  const packed = rated.lines.map(packRateLine);
  const windows = rated.windows.map(({ fromMs, untilMs, line: index, periodStartMs }) => {
    const line = rated.lines[index];
    const bytes = packed[index];
    if (line === undefined || bytes === undefined) throw new Error('a window names no line');
    return {
      fromMs: Math.max(0, fromMs),
      untilMs,
      currency: line.currency,
      line: bytes,
      periodStartMs: periodStartMs ?? 0,
      kind: windowKind(line),
      label: `${line.id} ${line.zone ?? ''}`,
    };
  });
  WINDOWS.set(rated, windows);
  return windows;
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
