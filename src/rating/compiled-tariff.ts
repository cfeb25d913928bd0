/** A tariff made ready to answer: what `compile.ts` builds and `rate.ts` reads. */
import type { UnitKind } from '../domain/units.js';
import type { BandCalendar } from './band-calendar.js';
import type { QuestionIndex } from './question-index.js';
import type { QuotaTable } from './quota.js';
import type { RateLine } from './rate-line.js';
import type { RuleSetCache } from './rule-set-cache.js';
import type { RuleMatch, UsageCounter } from './tariff.js';
import type { PeriodCalendar } from './usage-period.js';
import type { ZoneIndex } from './zone-index.js';

/** Opaque to callers: ask it through `rate()` and `openBands()`. Never changes what it answers. */
export interface CompiledTariff {
  readonly code: string;
  readonly currency: { readonly code: string; readonly scale: number };
  readonly timezone: string;
  /** By start; each ends where the next begins. */
  readonly versions: readonly CompiledVersion[];
  readonly zones: ZoneIndex;
  readonly bands: BandCalendar;
  readonly periods: PeriodCalendar;
  readonly index: QuestionIndex;
  /** What has been asked before, with the answers in force. */
  readonly ruleSets: RuleSetCache;
}

export interface CompiledVersion {
  readonly id: string;
  readonly fromMs: number;
  readonly untilMs: number;
  /** Rules by the called zone that they name; null for those that name none. */
  readonly rulesByCalledZone: ReadonlyMap<string | null, readonly CompiledRule[]>;
  readonly quotas: QuotaTable;
}

export interface CompiledRule {
  readonly id: string;
  /** Access point and radio names in lower case. */
  readonly match: RuleMatch;
  /** Place of the band in the calendar; null where the rule names none. */
  readonly band: number | null;
  /** Bands by date first, then the others, each as declared; rules without a band last. */
  readonly bandRank: number;
  /** Null where the rule says "not chargeable" or "barred": it then applies to every unit. */
  readonly unit: UnitKind | null;
  readonly barred: boolean;
  readonly usageCounter: UsageCounter | null;
  /** The rule's line; without a rate a free one of the unit in question. */
  lineFor(unit: UnitKind): RateLine;
}
