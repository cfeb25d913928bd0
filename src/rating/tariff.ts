/**
 * A tariff as the operator declares it. Nothing here is checked: `compileTariff` does that and
 * answers with every fault at once.
 */
import type { FinalUnitAction } from '../domain/credit-control.js';
import type { UnitKind } from '../domain/units.js';

/** A decimal number as text ("0.20"): never a float. */
export type Decimal = string;

export interface Tariff {
  readonly code: string;
  readonly name?: string;
  /** IANA time zone in which bands, periods and starts without an offset are read. */
  readonly timezone: string;
  /** Code of the money resource, and the decimals of its smallest unit (6: micro-units). */
  readonly currency: { readonly code: string; readonly scale: number };
  readonly zones?: readonly Zone[];
  readonly bands?: readonly TimeBand[];
  readonly counters?: readonly UsageCounter[];
  readonly versions: readonly TariffVersion[];
}

/** Called numbers or visited networks that are priced alike. */
export interface Zone {
  readonly id: string;
  /** E.164 digits; the longest prefix of the called party decides. */
  readonly prefixes?: readonly string[];
  /** "262-01" or "26201" for a network, "262" for all of a country; the network goes first. */
  readonly networks?: readonly string[];
}

export const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
export type Weekday = (typeof WEEKDAYS)[number];

/** A band is open when the clock on the wall, in the tariff's zone, is in one of its windows. */
export interface TimeBand {
  readonly id: string;
  readonly windows: readonly BandWindow[];
}

export interface BandWindow {
  /** Every day where absent. */
  readonly days?: readonly Weekday[];
  /** "2026-12-25", "12-25" for every year, or "2026-07-01/2026-08-31", both days included. */
  readonly dates?: readonly string[];
  /** "HH:MM", from the start of the day where absent. */
  readonly from?: string;
  /**
   * "HH:MM", excluded; "24:00" or absent for the end of the day. At or before `from`: the window
   * runs past midnight, and days and dates are those on which it begins.
   */
  readonly until?: string;
}

export const PERIODS = ['hour', 'day', 'week', 'month', 'quarter', 'year'] as const;
export type Period = (typeof PERIODS)[number];

/** Counts billed units of an account; starts again with each period of the tariff's zone. */
export interface UsageCounter {
  readonly id: string;
  readonly unit: UnitKind;
  /** Weeks begin on Monday. */
  readonly period: Period;
}

/** In force from its start to the start of the next. */
export interface TariffVersion {
  readonly id: string;
  /** ISO 8601; read in the tariff's zone where it carries no offset. */
  readonly startsAt: string;
  readonly rates: readonly Rate[];
  readonly rules: readonly Rule[];
  readonly quotas?: readonly QuotaRule[];
}

/** `amount` of the currency for `per` units (1 where absent). "0" is a price. */
export interface Price {
  readonly amount: Decimal;
  readonly per?: number;
}

export type Rate = RateHead & (FlatPrice | SlotPrices | TierPrices);

export interface RateHead {
  readonly id: string;
  readonly unit: UnitKind;
  /** Once per service and session, with the first unit that money pays. */
  readonly connectionFee?: Decimal;
  /** The least a service costs in a session once money pays for a unit of it. */
  readonly minimumCharge?: Decimal;
  /** The most a service costs in a session, fee included. */
  readonly cap?: Decimal;
}

/** One price, whatever the use; 60/30 is `firstStep: 60, step: 30`. */
export interface FlatPrice {
  readonly price: Price;
  /** 1 where absent. */
  readonly step?: number;
  readonly firstStep?: number;
}

/** Prices and steps by the units of the session so far. */
export interface SlotPrices {
  readonly slots: readonly {
    /** Units of the session after which the slot begins; 0 for the first. */
    readonly from: number;
    readonly price: Price;
    readonly step?: number;
  }[];
}

/** Prices by what the account's counter holds in the period so far. */
export interface TierPrices {
  readonly counter: string;
  readonly tiers: readonly { readonly from: number; readonly price: Price }[];
  readonly step?: number;
  readonly firstStep?: number;
}

/**
 * Says what the services it matches cost. Of several that match, the most specific decides: see
 * `rule-order.ts`.
 */
export type Rule = { readonly id: string; readonly match?: RuleMatch } & (
  | { readonly rate: string }
  /** Free and without credit control: the gateway need not ask again. */
  | { readonly notChargeable: true }
  /** May not be used: the gateway is told to end the service. */
  | { readonly barred: true }
);

/** Everything named must hold; what is absent matches anything, missing values too. */
export interface RuleMatch {
  readonly serviceContexts?: readonly string[];
  readonly ratingGroups?: readonly number[];
  readonly serviceIdentifiers?: readonly number[];
  /** Zone of the called party. */
  readonly calledZone?: string;
  /** Zone of the visited network. */
  readonly visitedZone?: string;
  /** Network identifiers ("internet"), in any case; an operator identifier is not compared. */
  readonly apns?: readonly string[];
  readonly ratTypes?: readonly string[];
  readonly band?: string;
}

/** Quota of the services it matches; what is absent has the default of `quota.ts`. */
export interface QuotaRule {
  readonly serviceContexts?: readonly string[];
  readonly ratingGroups?: readonly number[];
  /** Must be named where an amount of units is. */
  readonly unit?: UnitKind;
  readonly default?: number;
  readonly maximum?: number;
  readonly minimum?: number;
  readonly sharePercent?: number;
  readonly validitySeconds?: number;
  readonly thresholdPercent?: number;
  readonly holdingSeconds?: number;
  readonly consumptionSeconds?: number;
  readonly pool?: PoolRule;
  readonly finalUnit?: FinalUnitAction;
}

/** Services of one session whose quotas name one pool may use each other's grants. */
export interface PoolRule {
  readonly id: number;
  /** What a unit of the service counts as in the pool: a decimal above 0; "1" where absent. */
  readonly multiplier?: string;
}

/** What is wrong with a tariff or plan, where, and what to do about it. */
export interface TariffFault {
  /** "versions[0].rates[2].price.amount". */
  readonly path: string;
  readonly message: string;
  readonly remedy: string;
}

/** Largest sizes taken, so that a declaration can't exhaust a process. */
export const TARIFF_LIMITS = {
  /** Longest identifier, in characters: it travels in every usage event. */
  idLengthMax: 64,
  versionsMax: 100,
  zonesMax: 10_000,
  /** Prefixes of all zones together; the index holds some 100 octets for each. */
  prefixesMax: 500_000,
  bandsMax: 100,
  bandWindowsMax: 400,
  countersMax: 100,
  ratesMax: 100_000,
  rulesMax: 100_000,
  /** Combinations of the values that one rule names. */
  combinationsPerRuleMax: 10_000,
  /** Slots or tiers of a rate: the charge script walks them. */
  tiersMax: 32,
  quotasMax: 10_000,
  /** Decimals of a price's amount. */
  priceDecimalsMax: 15,
} as const;
