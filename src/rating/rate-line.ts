/**
 * What rating tells charging about one service of a request: the lines that may price it and the
 * time windows in which each is in force. The charge script picks the window by its own clock;
 * `charge.ts` is the reference of the arithmetic.
 */
import type { Amount } from '../domain/amounts.js';
import type { CreditPool, FinalUnitAction, NetworkContext } from '../domain/credit-control.js';
import type { UnitKind } from '../domain/units.js';

/** An answer covers at least this much time before the question's instant … */
export const COVERED_BEFORE_MS = 2 * 3_600_000;
/** … and this much after it: a day of validity time and skewed clocks on top. */
export const COVERED_AFTER_MS = 26 * 3_600_000;
/** End of a window that has none: the last instant of ECMAScript, below 2^53. */
export const FOREVER_MS = 8_640_000_000_000_000;

/** What is asked of a tariff for one service of a request. */
export interface RatingQuestion {
  /** Service-Context-Id as the peer sent it, or "radius". */
  readonly serviceContext: string;
  readonly ratingGroup: number | null;
  readonly serviceIdentifiers: readonly number[];
  /** Kinds the peer asks for or reports; empty where it names none: the tariff decides. */
  readonly requestedUnitKinds: readonly UnitKind[];
  readonly context: NetworkContext;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/**
 * How billed units are rounded: from `from` units of the line's total on, up to the next multiple
 * of `step` counted from `from`. Sorted by `from`, the first from 0; all but the last are a whole
 * number of their steps long (a first step of 60 is one pulse of 60, then the next from 60).
 */
export interface Pulse {
  readonly from: number;
  readonly step: number;
}

/**
 * The price from position `from` on: `num / den` of the currency's smallest unit per resource
 * unit, reduced; `num * den` stays below 2^53. Sorted by `from`, the first from 0.
 */
export interface RateTier {
  readonly from: number;
  readonly num: number;
  readonly den: number;
}

/**
 * A price as charging needs it. Compiled once per rule: the same `id` is the same object in every
 * answer of a compiled tariff, and totals kept under an id go on when its window opens again.
 */
export interface RateLine {
  /** "<tariff>@<version>#<rule>"; a rule that is not chargeable has one for each unit, ":octets". */
  readonly id: string;
  /** "<tariff>@<version>". */
  readonly tariffVersion: string;
  /** The zones that the rule names, "<visited>/<called>" where it names both. */
  readonly zone: string | null;
  readonly band: string | null;
  readonly unit: UnitKind;
  /** Code of the money resource. */
  readonly currency: string;
  /** False: free and not controlled while its window is open, though another window charges. */
  readonly chargeable: boolean;
  /** No unit, however many, can cost anything: no bucket need be touched. */
  readonly free: boolean;
  /** Rounding of the line's total in the session, before the price: at least one. */
  readonly pulses: readonly Pulse[];
  /**
   * Prices by position, at least one. Position is the line's billed total in the session where
   * `counter` is null, else what the account's period counter holds.
   */
  readonly tiers: readonly RateTier[];
  /**
   * Key of the account's counter of billed units under tiers by period; the window says when the
   * period began. Null for a flat rate and for tiers within the session.
   */
  readonly counter: string | null;
  /** Due once per service and session, with the first unit that money pays. */
  readonly connectionFee: Amount;
  /** The least a service costs in a session once money pays for a unit of it. */
  readonly minimumCharge: Amount;
  /** The most a service costs in a session, fee included; null for no limit. */
  readonly cap: Amount | null;
  /** Largest total whose charge, before the cap, is below 2^53: money pays for no more. */
  readonly unitsMax: Amount;
}

/** `lines[line]` is in force from `fromMs` (inclusive) to `untilMs` (exclusive). */
export interface RateWindow {
  readonly fromMs: number;
  readonly untilMs: number;
  readonly line: number;
  /** Start of the counter's period; null where the line has no counter. */
  readonly periodStartMs: number | null;
}

/** How much is granted at a time, in the unit of the service. */
export interface QuotaSettings {
  /** Granted where the peer asks for units but names no amount. */
  readonly default: Amount;
  readonly maximum: Amount;
  /** Near exhaustion a grant is not made smaller than this while that much is left. */
  readonly minimum: Amount;
  /** Near exhaustion a grant takes no more than this share of what is left, 1 to 100. */
  readonly sharePercent: number;
  readonly validitySeconds: number;
  /** Share of the grant that remains when the gateway should report; 0 for no threshold. */
  readonly thresholdPercent: number;
  /** Silence after which the gateway gives quota back; null leaves it to the gateway. */
  readonly holdingSeconds: number | null;
  /** Silence on a time quota that the gateway doesn't count; null leaves it to the gateway. */
  readonly consumptionSeconds: number | null;
  /** The pool that the service's grants belong to; null for none. */
  readonly pool: CreditPool | null;
}

/** Why no price was found. */
export type RatingFailure =
  /** No version of the tariff is in force around the instant. */
  | 'no-version-in-force'
  /** No rule matches the service, zone, network and time. */
  | 'no-matching-rule';

export interface RatedLines {
  readonly result: 'lines';
  readonly unit: UnitKind;
  readonly currency: { readonly code: string; readonly scale: number };
  /** Every line that a window names, once each. */
  readonly lines: readonly RateLine[];
  /**
   * Sorted, never overlapping, covering at least COVERED_BEFORE_MS before and COVERED_AFTER_MS
   * after the question's instant. A time in that span that no window covers is not rated: the
   * service fails there. Neighbours differ in line or in period.
   */
  readonly windows: readonly RateWindow[];
  /** Whether the service is barred, rather than without a price, where no window is. */
  readonly barredOutside: boolean;
  readonly quota: QuotaSettings;
  readonly finalUnit: FinalUnitAction;
  /** Every zone the request lies in, most specific first, whichever of them a rule names. */
  readonly zones: readonly string[];
}

/**
 * Answers are frozen and shared: the same object comes back while nothing changes, so that a
 * caller may keep what it derives from one in a WeakMap.
 */
export type RatedService =
  | RatedLines
  | { readonly result: 'not-chargeable' }
  /** A rule says that the service may not be used. */
  | { readonly result: 'barred' }
  | { readonly result: 'rating-failed'; readonly reason: RatingFailure };

/** The window in force at an instant, or null where none is. */
export function windowAt(rated: RatedLines, atMs: number): RateWindow | null {
  for (const window of rated.windows) {
    if (atMs < window.untilMs) return atMs >= window.fromMs ? window : null;
  }
  return null;
}
