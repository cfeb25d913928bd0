/**
 * The rules that match one kind of question whatever the time, and its answers by time. An answer
 * holds while neither the version nor the open bands around it change, and is then the same object.
 */
import type { UnitKind } from '../domain/units.js';
import type { OpenBand } from './band-calendar.js';
import type { CompiledRule, CompiledTariff, CompiledVersion } from './compiled-tariff.js';
import { apnNetworkIdentifier } from './question-index.js';
import {
  COVERED_AFTER_MS,
  COVERED_BEFORE_MS,
  FOREVER_MS,
  type RatedService,
  type RateLine,
  type RateWindow,
  type RatingQuestion,
} from './rate-line.js';
import { compareRules } from './rule-order.js';
import type { RuleSet } from './rule-set-cache.js';
import type { Interval } from './time-band.js';

/** A question without its time, in the words that rules are written in. */
interface Facts extends Pick<
  RatingQuestion,
  'serviceContext' | 'ratingGroup' | 'serviceIdentifiers' | 'requestedUnitKinds'
> {
  readonly calledZones: readonly string[];
  readonly visitedZones: readonly string[];
  readonly apn: string | null;
  readonly ratType: string | null;
}

/** A stretch of time in which one rule decides. */
interface Segment extends Interval {
  readonly rule: CompiledRule;
}

/** The rules of one version that match, the deciding one first. */
interface Candidates {
  readonly version: CompiledVersion;
  readonly rules: readonly CompiledRule[];
}

export function createRuleSet(tariff: CompiledTariff, question: RatingQuestion): RuleSet {
  const facts = factsOf(tariff, question);
  const candidates = tariff.versions.map((version) => ({
    version,
    rules: candidatesOf(version, facts),
  }));
  const timed = candidates.some(({ rules }) =>
    rules.some((rule) => rule.band !== null || rule.usageCounter !== null),
  );
  let answer: RatedService | undefined;
  let validFromMs = 0;
  let validUntilMs = 0;
  return {
    answerAt(atMs) {
      if (answer !== undefined && atMs >= validFromMs && atMs < validUntilMs) return answer;
      const valid = validityAt(tariff, atMs, timed);
      answer = buildAnswer({ tariff, facts, candidates, valid, atMs });
      validFromMs = valid.fromMs;
      validUntilMs = valid.untilMs;
      return answer;
    },
  };
}

function factsOf(tariff: CompiledTariff, question: RatingQuestion): Facts {
  const { calledParty, visitedNetwork, apn, ratType } = question.context;
  return {
    serviceContext: question.serviceContext,
    ratingGroup: question.ratingGroup,
    serviceIdentifiers: question.serviceIdentifiers,
    requestedUnitKinds: question.requestedUnitKinds,
    calledZones: tariff.zones.ofNumber(calledParty).zones,
    visitedZones: tariff.zones.ofNetwork(visitedNetwork).zones,
    apn: apn === undefined ? null : apnNetworkIdentifier(apn),
    ratType: ratType === undefined ? null : ratType.toLowerCase(),
  };
}

function candidatesOf(version: CompiledVersion, facts: Facts): readonly CompiledRule[] {
  const zones = { called: facts.calledZones, visited: facts.visitedZones };
  return [...facts.calledZones, null]
    .flatMap((zone) => version.rulesByCalledZone.get(zone) ?? [])
    .filter((rule) => matches(rule, facts))
    .sort((a, b) => compareRules(a, b, zones));
}

/** Whether all that the rule names holds; its called zone and its band are looked at elsewhere. */
function matches({ match }: CompiledRule, facts: Facts): boolean {
  const names = <T>(values: readonly T[] | undefined, value: T | null): boolean =>
    values === undefined || (value !== null && values.includes(value));
  return (
    names(match.serviceContexts, facts.serviceContext) &&
    names(match.ratingGroups, facts.ratingGroup) &&
    (match.serviceIdentifiers === undefined ||
      facts.serviceIdentifiers.some((id) => match.serviceIdentifiers?.includes(id) === true)) &&
    (match.visitedZone === undefined || facts.visitedZones.includes(match.visitedZone)) &&
    names(match.apns, facts.apn) &&
    names(match.ratTypes, facts.ratType)
  );
}

/**
 * How long an answer given at an instant may be given again: for a stretch of time, or, where time
 * plays no part, for as long as nothing but the version of that instant is covered.
 */
function validityAt(tariff: CompiledTariff, atMs: number, timed: boolean): Interval {
  const version = tariff.versions.findLast((candidate) => candidate.fromMs <= atMs);
  if (version !== undefined && !timed) {
    const alone = {
      fromMs: version.fromMs + COVERED_BEFORE_MS,
      untilMs: version.untilMs - (version.untilMs === FOREVER_MS ? 0 : COVERED_AFTER_MS),
    };
    if (atMs >= alone.fromMs && atMs < alone.untilMs) return alone;
  }
  const stretch = tariff.bands.stretchAt(atMs);
  return {
    fromMs: Math.max(version?.fromMs ?? 0, stretch.fromMs),
    untilMs: Math.min(
      version?.untilMs ?? tariff.versions[0]?.fromMs ?? FOREVER_MS,
      stretch.untilMs,
    ),
  };
}

interface Occasion {
  readonly tariff: CompiledTariff;
  readonly facts: Facts;
  readonly candidates: readonly Candidates[];
  readonly valid: Interval;
  readonly atMs: number;
}

function buildAnswer({ tariff, facts, candidates, valid, atMs }: Occasion): RatedService {
  const covered: Interval = {
    fromMs: Math.max(0, valid.fromMs - COVERED_BEFORE_MS),
    untilMs: Math.min(FOREVER_MS, valid.untilMs + COVERED_AFTER_MS),
  };
  const near = candidates.filter(
    ({ version }) => version.fromMs < covered.untilMs && version.untilMs > covered.fromMs,
  );
  const now = near.findLast(({ version }) => version.fromMs <= atMs) ?? near[0];
  if (now === undefined) return failed('no-version-in-force');
  const unit = unitOf(now.rules, facts.requestedUnitKinds);
  const bands = tariff.bands.stretchAt(atMs).bands;
  const segments = near.flatMap(({ version, rules }) => {
    const ofUnit = rules.filter((rule) => rule.unit === null || rule.unit === unit);
    return segmentsOf(ofUnit, bands, {
      fromMs: Math.max(version.fromMs, covered.fromMs),
      untilMs: Math.min(version.untilMs, covered.untilMs),
    });
  });
  if (segments.length === 0) return failed('no-matching-rule');
  const allowed = segments.filter(({ rule }) => !rule.barred);
  if (allowed.length === 0) return BARRED;
  if (isNotChargeable(allowed, covered)) return NOT_CHARGEABLE;
  const quota = now.version.quotas.find(facts.serviceContext, facts.ratingGroup, unit);
  return Object.freeze({
    result: 'lines',
    unit,
    currency: tariff.currency,
    ...windowsOf(tariff, allowed, unit),
    barredOutside: allowed.length < segments.length,
    quota: quota.settings,
    finalUnit: quota.finalUnit,
    zones: Object.freeze([...facts.calledZones, ...facts.visitedZones]),
  });
}

const NOT_CHARGEABLE: RatedService = Object.freeze({ result: 'not-chargeable' });
const BARRED: RatedService = Object.freeze({ result: 'barred' });

function failed(reason: 'no-version-in-force' | 'no-matching-rule'): RatedService {
  return Object.freeze({ result: 'rating-failed', reason });
}

/** The unit of the most specific rule that prices one the peer names, else of the first priced. */
function unitOf(rules: readonly CompiledRule[], requested: readonly UnitKind[]): UnitKind {
  const priced = rules.flatMap(({ unit }) => unit ?? []);
  return priced.find((unit) => requested.includes(unit)) ?? priced[0] ?? requested[0] ?? 'octets';
}

/** Which rule decides when: the first whose band is open. Times that none covers are left out. */
function segmentsOf(
  rules: readonly CompiledRule[],
  bands: readonly OpenBand[],
  within: Interval,
): readonly Segment[] {
  const always = rules.findIndex((rule) => rule.band === null);
  const eligible = always === -1 ? rules : rules.slice(0, always + 1);
  const intervals = eligible.map(({ band }) =>
    band === null ? [within] : (bands[band]?.open ?? []),
  );
  const edges = new Set([within.fromMs, within.untilMs]);
  for (const { fromMs, untilMs } of intervals.flat()) {
    if (fromMs > within.fromMs && fromMs < within.untilMs) edges.add(fromMs);
    if (untilMs > within.fromMs && untilMs < within.untilMs) edges.add(untilMs);
  }
  const sorted = [...edges].sort((a, b) => a - b);
  const segments: Segment[] = [];
  for (const [index, fromMs] of sorted.entries()) {
    const untilMs = sorted[index + 1];
    if (untilMs === undefined) break;
    const deciding = intervals.findIndex((spans) =>
      spans.some((span) => span.fromMs <= fromMs && span.untilMs > fromMs),
    );
    const rule = eligible[deciding];
    if (rule !== undefined) append(segments, { fromMs, untilMs, rule });
  }
  return segments;
}

function append(segments: Segment[], segment: Segment): void {
  const last = segments.at(-1);
  if (last?.rule !== segment.rule || last.untilMs !== segment.fromMs) segments.push(segment);
  else segments[segments.length - 1] = { ...last, untilMs: segment.untilMs };
}

/** Whether nothing is charged for as long as the answer looks. */
function isNotChargeable(segments: readonly Segment[], covered: Interval): boolean {
  let untilMs = covered.fromMs;
  for (const segment of segments) {
    if (segment.rule.unit !== null || segment.fromMs > untilMs) return false;
    untilMs = segment.untilMs;
  }
  return untilMs >= covered.untilMs;
}

function windowsOf(
  tariff: CompiledTariff,
  segments: readonly Segment[],
  unit: UnitKind,
): { readonly lines: readonly RateLine[]; readonly windows: readonly RateWindow[] } {
  const lines = [...new Set(segments.map(({ rule }) => rule.lineFor(unit)))];
  const windows = segments.flatMap(({ rule, fromMs, untilMs }): RateWindow[] => {
    const line = lines.indexOf(rule.lineFor(unit));
    const { usageCounter } = rule;
    if (usageCounter === null) return [{ fromMs, untilMs, line, periodStartMs: null }];
    const parts: RateWindow[] = [];
    for (let at = fromMs; at < untilMs;) {
      const period = tariff.periods.periodAt(usageCounter.period, at);
      const end = Math.min(period.untilMs, untilMs);
      parts.push({ fromMs: at, untilMs: end, line, periodStartMs: period.fromMs });
      at = end;
    }
    return parts;
  });
  return {
    lines: Object.freeze(lines),
    windows: Object.freeze(windows.map((window) => Object.freeze(window))),
  };
}
