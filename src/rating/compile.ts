/** Turns a declared tariff into one that answers in microseconds, or says all that is wrong. */
import { DateTime } from 'luxon';
import { AMOUNT_MAX, ZERO } from '../domain/amounts.js';
import { UNIT_KINDS, type UnitKind } from '../domain/units.js';
import { createBandCalendar } from './band-calendar.js';
import { compileRate, type CompiledRate } from './compiled-rate.js';
import type { CompiledRule, CompiledTariff, CompiledVersion } from './compiled-tariff.js';
import { FaultList } from './fault-list.js';
import { createLocalClock } from './local-time.js';
import {
  apnNetworkIdentifier,
  createQuestionIndex,
  keySpaces,
  type NamedValues,
} from './question-index.js';
import { checkQuotas, compileQuotas } from './quota.js';
import { FOREVER_MS, type RateLine } from './rate-line.js';
import { RuleSetCache } from './rule-set-cache.js';
import { checkRules } from './rule-check.js';
import {
  TARIFF_LIMITS,
  type Rule,
  type RuleMatch,
  type Tariff,
  type TariffFault,
  type TariffVersion,
} from './tariff.js';
import { checkTariff } from './tariff-check.js';
import { compileBand, type CompiledBand } from './time-band.js';
import { createPeriodCalendar } from './usage-period.js';
import { createZoneIndex, type ZoneIndex } from './zone-index.js';

export type CompileResult =
  | { readonly result: 'compiled'; readonly tariff: CompiledTariff }
  | { readonly result: 'refused'; readonly faults: readonly TariffFault[] };

/**
 * Checks and compiles a tariff. A tariff with any fault is refused with all of them, among them
 * every price that the engine could not charge exactly. Takes milliseconds: do it once per saved
 * tariff and process.
 */
export function compileTariff(tariff: Tariff): CompileResult {
  const faults = new FaultList();
  checkTariff(tariff, faults);
  // What follows reads zones, bands and times as sound.
  if (faults.faults.length > 0) return { result: 'refused', faults: faults.faults };
  const bands = (tariff.bands ?? []).map(compileBand);
  const versions = compileVersions(tariff, bands, faults);
  const zones = createZoneIndex(tariff.zones ?? []);
  const named = namedValues(tariff);
  checkKeySpaces(named, zones, faults);
  if (faults.faults.length > 0) return { result: 'refused', faults: faults.faults };
  const clock = createLocalClock(tariff.timezone);
  return {
    result: 'compiled',
    tariff: {
      code: tariff.code,
      currency: Object.freeze({ ...tariff.currency }),
      timezone: tariff.timezone,
      versions,
      zones,
      bands: createBandCalendar(bands, clock),
      periods: createPeriodCalendar(clock),
      index: createQuestionIndex(named, zones.chainCount),
      ruleSets: new RuleSetCache(),
    },
  };
}

interface Start {
  readonly version: TariffVersion;
  readonly path: string;
  readonly fromMs: number;
}

function compileVersions(
  tariff: Tariff,
  bands: readonly CompiledBand[],
  faults: FaultList,
): readonly CompiledVersion[] {
  const starts: Start[] = tariff.versions.map((version, index) => {
    const path = `versions[${index}]`;
    const start = DateTime.fromISO(version.startsAt, { zone: tariff.timezone }).toMillis();
    if (!(start >= 0 && start < FOREVER_MS)) {
      const message = `"${version.startsAt}" is no time after 1970`;
      faults.add(`${path}.startsAt`, message, 'write ISO 8601, such as "2026-01-01T00:00"');
    }
    return { version, path, fromMs: start };
  });
  starts.sort((a, b) => a.fromMs - b.fromMs);
  return starts.map((start, index) => {
    const next = starts[index + 1];
    if (next?.fromMs === start.fromMs) {
      const message = `it starts when "${start.version.id}" does`;
      faults.add(`${next.path}.startsAt`, message, 'move one of them, or remove it');
    }
    return compileVersion(tariff, { ...start, untilMs: next?.fromMs ?? FOREVER_MS }, bands, faults);
  });
}

function compileVersion(
  tariff: Tariff,
  { version, path, fromMs, untilMs }: Start & { readonly untilMs: number },
  bands: readonly CompiledBand[],
  faults: FaultList,
): CompiledVersion {
  faults.checkIds(`${path}.rates`, version.rates);
  faults.checkLength(`${path}.rates`, version.rates.length, TARIFF_LIMITS.ratesMax);
  const surroundings = {
    scale: tariff.currency.scale,
    tariffCode: tariff.code,
    counters: new Map((tariff.counters ?? []).map((counter) => [counter.id, counter])),
    faults,
  };
  const rates = new Map<string, CompiledRate>();
  for (const [index, rate] of version.rates.entries()) {
    const compiled = compileRate(rate, `${path}.rates[${index}]`, surroundings);
    if (compiled !== null) rates.set(rate.id, compiled);
  }
  checkRules(tariff, version, { path, faults });
  const quotas = version.quotas ?? [];
  faults.checkLength(`${path}.quotas`, quotas.length, TARIFF_LIMITS.quotasMax);
  checkQuotas(quotas, `${path}.quotas`, faults);
  const rules = new Map<string | null, CompiledRule[]>();
  for (const rule of version.rules) {
    const compiled = compileRule(rule, { tariff, version, rates, bands });
    const zone = rule.match?.calledZone ?? null;
    const listed = rules.get(zone);
    if (listed === undefined) rules.set(zone, [compiled]);
    else listed.push(compiled);
  }
  // A faulty quota can't be compiled; the tariff is then refused whatever stands here.
  const sound = faults.faults.length === 0;
  return {
    id: version.id,
    fromMs,
    untilMs,
    rulesByCalledZone: rules,
    quotas: compileQuotas(sound ? quotas : []),
  };
}

interface RuleSurroundings {
  readonly tariff: Tariff;
  readonly version: TariffVersion;
  readonly rates: ReadonlyMap<string, CompiledRate>;
  readonly bands: readonly CompiledBand[];
}

function compileRule(
  rule: Rule,
  { tariff, version, rates, bands }: RuleSurroundings,
): CompiledRule {
  const match = normalMatch(rule.match ?? {});
  const band = bands.findIndex(({ id }) => id === match.band);
  const rate = 'rate' in rule ? rates.get(rule.rate) : undefined;
  const head = {
    tariffVersion: `${tariff.code}@${version.id}`,
    zone:
      [match.visitedZone, match.calledZone].filter((zone) => zone !== undefined).join('/') || null,
    band: match.band ?? null,
    currency: tariff.currency.code,
  };
  const id = `${head.tariffVersion}#${rule.id}`;
  const lines =
    rate === undefined
      ? new Map(UNIT_KINDS.map((unit) => [unit, freeLine({ ...head, id: `${id}:${unit}`, unit })]))
      : new Map([[rate.unit, pricedLine({ ...head, id }, rate)]]);
  return {
    id: rule.id,
    match,
    band: band === -1 ? null : band,
    bandRank: bandRank(bands, band),
    unit: rate?.unit ?? null,
    barred: 'barred' in rule,
    usageCounter: rate?.usageCounter ?? null,
    lineFor(unit) {
      const line = lines.get(unit);
      if (line === undefined) throw new Error(`rule ${id} has no price for ${unit}`);
      return line;
    },
  };
}

function normalMatch(match: RuleMatch): RuleMatch {
  return {
    ...match,
    ...(match.apns && { apns: match.apns.map(apnNetworkIdentifier) }),
    ...(match.ratTypes && { ratTypes: match.ratTypes.map((name) => name.toLowerCase()) }),
  };
}

function bandRank(bands: readonly CompiledBand[], band: number): number {
  if (band === -1) return 2 * bands.length;
  return bands[band]?.byDate === true ? band : bands.length + band;
}

type LineHead = Pick<RateLine, 'id' | 'tariffVersion' | 'zone' | 'band' | 'currency'>;

function pricedLine(head: LineHead, rate: CompiledRate): RateLine {
  const { unit, free, pulses, tiers, counter, connectionFee, minimumCharge, cap, unitsMax } = rate;
  return Object.freeze({
    ...head,
    unit,
    chargeable: true,
    free,
    pulses,
    tiers,
    counter,
    connectionFee,
    minimumCharge,
    cap,
    unitsMax,
  });
}

function freeLine(head: LineHead & { readonly unit: UnitKind }): RateLine {
  return Object.freeze({
    ...head,
    chargeable: false,
    free: true,
    pulses: [{ from: 0, step: 1 }],
    tiers: [{ from: 0, num: 0, den: 1 }],
    counter: null,
    connectionFee: ZERO,
    minimumCharge: ZERO,
    cap: null,
    unitsMax: AMOUNT_MAX,
  });
}

function namedValues({ versions }: Tariff): NamedValues {
  const matches = versions.flatMap(({ rules }) =>
    rules.map((rule) => normalMatch(rule.match ?? {})),
  );
  const quotas = versions.flatMap((version) => version.quotas ?? []);
  const services = [...matches, ...quotas];
  return {
    serviceContexts: new Set(services.flatMap((entry) => entry.serviceContexts ?? [])),
    ratingGroups: new Set(services.flatMap((entry) => entry.ratingGroups ?? [])),
    serviceIdentifiers: new Set(matches.flatMap((match) => match.serviceIdentifiers ?? [])),
    apns: new Set(matches.flatMap((match) => match.apns ?? [])),
    ratTypes: new Set(matches.flatMap((match) => match.ratTypes ?? [])),
  };
}

function checkKeySpaces(named: NamedValues, zones: ZoneIndex, faults: FaultList): void {
  if (keySpaces(named, zones.chainCount).every((size) => size <= Number.MAX_SAFE_INTEGER)) return;
  const message = 'the rules name too many different services, zones and access points';
  faults.add('versions', message, 'split the tariff');
}
