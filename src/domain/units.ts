import type { Amount } from './amounts.js';

/** What the network counts; each is also the code of a built-in resource. */
export const UNIT_KINDS = ['octets', 'seconds', 'events'] as const;
export type UnitKind = (typeof UNIT_KINDS)[number];

/**
 * Units as a peer names them, side by side: the tariff of the service decides which is charged.
 * Octets are the total; input and output are kept where the peer splits them.
 */
export interface UnitAmounts {
  readonly octets?: Amount;
  readonly inputOctets?: Amount;
  readonly outputOctets?: Amount;
  readonly seconds?: Amount;
  readonly events?: Amount;
  /**
   * Money asked for or used, in micro-units of the currency: its letters by ISO 4217, or its number
   * where that lists none; null for the operator's own [RFC 8506 8.22].
   */
  readonly money?: { readonly currency: string | null; readonly amount: Amount };
}

/** Whether units were used before or after the announced tariff change [RFC 8506 8.27]. */
export type TariffChangeUsage = 'before' | 'after' | 'indeterminate';

/** 3GPP Reporting-Reason [TS 32.299 7.2.175], in our words. */
export const REPORTING_REASONS = [
  'threshold',
  'quota-holding-time',
  'final',
  'quota-exhausted',
  'validity-time',
  'other-quota-type',
  'rating-condition-change',
  'forced-reauthorisation',
  'pool-exhausted',
] as const;
export type ReportingReason = (typeof REPORTING_REASONS)[number];

export interface UsedUnits extends UnitAmounts {
  readonly reason?: ReportingReason;
  readonly tariffChange?: TariffChangeUsage;
}
