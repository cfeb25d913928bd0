/**
 * A plan as the operator declares it: the tariff that rates a subscriber and what the subscriber is
 * granted. Nothing here is checked: `compilePlan` does that.
 */
import type { ConsumptionOrder } from '../domain/consumption-order.js';
import type { FinalUnitAction } from '../domain/credit-control.js';
import type { ChargingPolicy } from './charging-policy.js';
import type { Decimal } from './tariff.js';

export interface Plan {
  readonly code: string;
  readonly name?: string;
  /** Code of the tariff. */
  readonly tariff: string;
  /** Orders that differ from the resources' own; none twice. */
  readonly orders?: readonly { readonly resource: string; readonly order: ConsumptionOrder }[];
  readonly bundles: readonly Bundle[];
  readonly thresholds?: readonly PlanThreshold[];
  /** What happens when the last units are used; the tariff's quota decides where absent. */
  readonly finalUnit?: FinalUnitAction;
  /** What differs from the tenant's policy. */
  readonly policy?: Partial<ChargingPolicy>;
  /** At this much or less of a resource the balance is low. */
  readonly lowBalance?: { readonly resource: string; readonly amount: number | Decimal };
}

/** What charging must know of a plan; the rest is done when it is granted. */
export type ChargingPlan = Pick<Plan, 'code' | 'tariff' | 'orders' | 'finalUnit' | 'policy'>;

/** Buckets that start and end together. */
export interface Bundle {
  readonly id: string;
  readonly buckets: readonly PlanBucket[];
  /**
   * When its validity begins: when it is granted (where absent), at its first use, or when another
   * bundle of the plan has ended or is used up.
   */
  readonly begins?: 'grant' | 'first-use' | { readonly after: string };
  /** Endless where absent. */
  readonly validity?: Validity;
}

/**
 * Hours and weeks are lengths of time. Days and months are the calendar's, in the tariff's zone,
 * where the bundle begins when it is granted; elsewhere a day is 24 hours and months are refused,
 * as the engine knows no calendar.
 */
export interface Validity {
  readonly count: number;
  readonly unit: 'hours' | 'days' | 'weeks' | 'months';
  /** Ends at the midnight after the last day rather than at the hour it began. */
  readonly wholeDays?: boolean;
}

export interface PlanBucket {
  readonly id: string;
  readonly resource: string;
  /** Whole units, or money as a decimal. */
  readonly amount: number | Decimal;
  /** Lower is used first; {@link PRIORITY_DEFAULTS} where absent. */
  readonly priority?: number;
  /** Units are taken in whole multiples of this; 1 where absent. */
  readonly step?: number;
  /** Ends the search for units where it can't pay. */
  readonly blocker?: boolean;
  /** Money only: how far below zero it may go, null without end; "0" where absent. */
  readonly creditLimit?: Decimal | null;
  /** The services that may use it; all where absent. */
  readonly scope?: BucketScope;
}

/** Everything named must hold. */
export interface BucketScope {
  readonly serviceContexts?: readonly string[];
  readonly ratingGroups?: readonly number[];
  readonly zones?: readonly string[];
  readonly bands?: readonly string[];
}

/** Told once when what is left falls to it, and armed again by a credit above it. */
export interface PlanThreshold {
  readonly id: string;
  readonly resource: string;
  /** Of one bundle; of all that the account has of the resource where absent. */
  readonly bundle?: string;
  /** What is left, in percent of what was granted; or an amount. One of the two. */
  readonly percent?: number;
  readonly amount?: number | Decimal;
}

/** Unit allowances stand before money unless the plan says otherwise. */
export const PRIORITY_DEFAULTS = { units: 100, money: 200 } as const;

export const PLAN_LIMITS = {
  /** The engine walks an account's buckets. */
  bucketsMax: 50,
  bundlesMax: 50,
  thresholdsMax: 50,
  priorityMax: 1_000_000,
  validityCountMax: 10_000,
} as const;
