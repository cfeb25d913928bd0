/** What a plan counts of a session, rated: one service for octets, one for seconds, or both. */
import type { ConsumptionOrder } from '../../domain/consumption-order.js';
import type { Gauge, GaugeRates } from '../../charging/admission.js';
import { packTerms, type ChargeService, type ChargeTerms } from '../../charging/charge-request.js';
import type { AccessPlan, VolumeDirection } from '../../domain/access-plan.js';
import { toAmount, ZERO, type Amount } from '../../domain/amounts.js';
import type { NetworkContext } from '../../domain/credit-control.js';
import type { SubscriberProfile } from '../../domain/profile.js';
import type { CompiledCatalog } from '../../rating/catalog.js';
import type { RatedLines, RatedService } from '../../rating/rate-line.js';
import { openBands, rate } from '../../rating/rate.js';
import { FREE_WINDOW } from '../flat-window.js';
import { chargeWindows } from '../rated-service.js';

export const ACCESS_CONTEXT = 'radius';

/** A session's services, in the order of the charge. */
export interface MeteredServices {
  readonly services: readonly ChargeService[];
  readonly gauges: readonly Gauge[];
  readonly freeTerms: readonly Buffer[];
  /** Whether the tariff bars one of them. */
  readonly barred: boolean;
}

/** What says by which tariff and policy a subscriber is charged. */
export type RatedProfile = Pick<SubscriberProfile, 'tenant' | 'tariff' | 'plan'>;

export interface MeteringContext {
  readonly catalog: CompiledCatalog;
  readonly profile: RatedProfile;
  readonly plan: AccessPlan;
  readonly network: NetworkContext;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** Terms with their bytes, so that neither is made for each request. */
type PackedTerms = ChargeTerms & { readonly packedTerms: Buffer };

/** No grant is cut: what the line can use in two reports bounds it. */
const GRANT_MAX = toAmount(2 ** 50);
/**
 * A reservation lives as long as its session; its validity only bounds what a bucket that ends gives
 * after its end, beside the grace.
 */
const VALIDITY_SECONDS = 45;

/** The services of a session under its plan. One that counts nothing is still recorded, free. */
export function meterServices(context: MeteringContext): MeteredServices {
  const { charges } = context.plan;
  const volume = charges.volume === null ? null : meterService(context, charges.volume);
  const time = charges.time ? meterService(context, 'seconds') : null;
  if (volume === null) return time ?? recordedOnly(context);
  if (time === null) return volume;
  return {
    services: [...volume.services, ...time.services],
    gauges: [...volume.gauges, ...time.gauges],
    freeTerms: [...volume.freeTerms, ...time.freeTerms],
    barred: volume.barred || time.barred,
  };
}

/** By the rated lines they were made of: rating gives the same object while nothing changes. */
const KEPT = new WeakMap<RatedLines, Map<string, MeteredServices>>();

const NO_IDENTIFIERS: readonly number[] = [];
const UNIT_KINDS = { octets: ['octets'], seconds: ['seconds'] } as const;

function meterService(
  context: MeteringContext,
  gauge: VolumeDirection | 'seconds',
): MeteredServices {
  const unit = gauge === 'seconds' ? 'seconds' : 'octets';
  const { catalog, profile, plan, network, at } = context;
  const tariff = catalog.tariff(profile.tenant, profile.tariff, profile.plan ?? null);
  const rated: RatedService =
    tariff === undefined
      ? { result: 'rating-failed', reason: 'no-version-in-force' }
      : rate(tariff, {
          serviceContext: ACCESS_CONTEXT,
          ratingGroup: plan.ratingGroup,
          serviceIdentifiers: NO_IDENTIFIERS,
          requestedUnitKinds: UNIT_KINDS[unit],
          context: network,
          at,
        });
  if (rated.result !== 'lines') return ratedService(rated, gauge, context);
  let kept = KEPT.get(rated);
  if (kept === undefined) {
    kept = new Map();
    KEPT.set(rated, kept);
  }
  const chargingPlan = profile.plan ?? '-';
  const name = `${catalog.version} ${profile.tenant} ${chargingPlan} ${plan.ratingGroup} ${gauge}`;
  let metered = kept.get(name);
  if (metered === undefined) {
    metered = ratedService(rated, gauge, context);
    kept.set(name, metered);
  }
  return metered;
}

function ratedService(
  rated: RatedService,
  gauge: VolumeDirection | 'seconds',
  context: MeteringContext,
): MeteredServices {
  const { ratingGroup } = context.plan;
  const unit = gauge === 'seconds' ? 'seconds' : 'octets';
  const terms = termsOf(rated, unit, context);
  const key = gauge === 'seconds' ? `${ratingGroup}:seconds` : String(ratingGroup);
  const want = rated.result === 'lines' ? rated.quota.default : QUOTA_DEFAULT[unit];
  return {
    services: [{ ...terms, key, used: ZERO, usedAfter: ZERO, want, reason: null }],
    gauges: [gauge],
    freeTerms: [freeOf(terms).packedTerms],
    barred: rated.result === 'barred',
  };
}

/** Reserved where neither a speed nor the tariff says how much is used between two reports. */
const QUOTA_DEFAULT: Readonly<Record<'octets' | 'seconds', Amount>> = {
  octets: toAmount(100_000_000),
  seconds: toAmount(600),
};

function recordedOnly(context: MeteringContext): MeteredServices {
  const { ratingGroup } = context.plan;
  const terms = freeOf({ ...unratedTerms('octets', context), ratingGroup });
  const key = String(ratingGroup);
  const service = { ...terms, key, used: ZERO, usedAfter: ZERO, want: null, reason: null };
  return {
    services: [service],
    gauges: ['total'],
    freeTerms: [terms.packedTerms],
    barred: false,
  };
}

function termsOf(
  rated: RatedService,
  unit: 'octets' | 'seconds',
  context: MeteringContext,
): PackedTerms {
  if (rated.result === 'not-chargeable') return freeOf(unratedTerms(unit, context));
  // What has no price is paid by allowances alone.
  if (rated.result !== 'lines') return packed(unratedTerms(unit, context));
  const { catalog, profile, at } = context;
  const tariff = catalog.tariff(profile.tenant, profile.tariff, profile.plan ?? null);
  return packed({
    ...unratedTerms(unit, context),
    unit: rated.unit,
    windows: chargeWindows(rated),
    zones: rated.zones,
    bands:
      tariff === undefined
        ? []
        : openBands(tariff, at).flatMap(({ band, open }) =>
            open.map(({ fromMs, untilMs }) => ({ band, fromMs, untilMs })),
          ),
    moneyOrder: orderOf(context, rated.currency.code),
    quota: { ...quotaOf(context), sharePercent: rated.quota.sharePercent },
  });
}

function orderOf({ catalog, profile }: MeteringContext, code: string): ConsumptionOrder {
  return catalog.order(profile.tenant, profile.plan ?? null, code);
}

const SHARE_PERCENT_DEFAULT = 50;

function quotaOf({ catalog, profile }: MeteringContext): ChargeTerms['quota'] {
  const { shortValiditySeconds } = catalog.policy(profile.tenant, profile.plan ?? null);
  return {
    maximum: GRANT_MAX,
    minimum: ZERO,
    sharePercent: SHARE_PERCENT_DEFAULT,
    validitySeconds: VALIDITY_SECONDS,
    shortValiditySeconds: Math.min(shortValiditySeconds, VALIDITY_SECONDS),
  };
}

function unratedTerms(unit: 'octets' | 'seconds', context: MeteringContext): ChargeTerms {
  return {
    unit,
    ratingGroup: context.plan.ratingGroup,
    quota: quotaOf(context),
    windows: [],
    unitOrder: orderOf(context, unit),
    moneyOrder: 'earliest-expiring',
    serviceContext: ACCESS_CONTEXT,
    zones: [],
    bands: [],
  };
}

function packed(terms: ChargeTerms): PackedTerms {
  return { ...terms, packedTerms: packTerms(terms) };
}

function freeOf(terms: ChargeTerms): PackedTerms {
  return packed({ ...terms, windows: [FREE_WINDOW] });
}

const BITS = 8;

/** Octets a second that a plan's speed carries; 0 where it names none. */
export function gaugeRates(plan: Pick<AccessPlan, 'speed'>): GaugeRates {
  const { speed } = plan;
  if (speed === undefined) return { total: 0, download: 0, upload: 0 };
  const up = Math.max(speed.uploadBitsPerSecond, speed.burst?.rates.uploadBitsPerSecond ?? 0);
  const down = Math.max(speed.downloadBitsPerSecond, speed.burst?.rates.downloadBitsPerSecond ?? 0);
  return {
    total: Math.floor((up + down) / BITS),
    download: Math.floor(down / BITS),
    upload: Math.floor(up / BITS),
  };
}
