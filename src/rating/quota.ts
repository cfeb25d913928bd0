/** Which quota settings a service has: the most specific declaration, completed by defaults. */
import { toAmount } from '../domain/amounts.js';
import type { CreditPool, FinalUnitAction } from '../domain/credit-control.js';
import { UNIT_KINDS, type UnitKind } from '../domain/units.js';
import type { FaultList } from './fault-list.js';
import type { QuotaSettings } from './rate-line.js';
import type { PoolRule, QuotaRule } from './tariff.js';

/** A grant's validity must end inside the windows of an answer (COVERED_AFTER_MS). */
const VALIDITY_SECONDS_MAX = 86_400;

const SHARED_DEFAULTS = {
  /** Of what is left, so that four sessions on one account can all make progress. */
  sharePercent: 25,
  validitySeconds: 3_600,
  /** The gateway reports when a fifth remains: time for the next grant without a pause. */
  thresholdPercent: 20,
  holdingSeconds: null,
  consumptionSeconds: null,
  pool: null,
} as const;

/** Quota of a service for which nothing is declared. */
export const QUOTA_DEFAULTS: Readonly<Record<UnitKind, QuotaSettings>> = {
  /** 10 MiB, at most 1 GiB; less than 64 KiB is not worth a message. */
  octets: {
    default: toAmount(10 * 2 ** 20),
    maximum: toAmount(2 ** 30),
    minimum: toAmount(64 * 2 ** 10),
    ...SHARED_DEFAULTS,
  },
  /** Five minutes, at most an hour, at least ten seconds. */
  seconds: {
    default: toAmount(300),
    maximum: toAmount(3_600),
    minimum: toAmount(10),
    ...SHARED_DEFAULTS,
  },
  events: {
    default: toAmount(1),
    maximum: toAmount(100),
    minimum: toAmount(1),
    ...SHARED_DEFAULTS,
  },
};

const FINAL_UNIT_DEFAULT: FinalUnitAction = { action: 'terminate' };

export interface CompiledQuota {
  readonly settings: QuotaSettings;
  readonly finalUnit: FinalUnitAction;
}

/** The default settings by unit, as an answer carries them. */
const COMPILED_DEFAULTS: Readonly<Record<UnitKind, CompiledQuota>> = {
  octets: { settings: QUOTA_DEFAULTS.octets, finalUnit: FINAL_UNIT_DEFAULT },
  seconds: { settings: QUOTA_DEFAULTS.seconds, finalUnit: FINAL_UNIT_DEFAULT },
  events: { settings: QUOTA_DEFAULTS.events, finalUnit: FINAL_UNIT_DEFAULT },
};

export interface QuotaTable {
  /** Rating group before service context before unit; the rest of a tie is refused on saving. */
  find(serviceContext: string, ratingGroup: number | null, unit: UnitKind): CompiledQuota;
}

interface QuotaEntry {
  readonly rule: QuotaRule;
  readonly rank: number;
  readonly byUnit: Readonly<Record<UnitKind, CompiledQuota>>;
}

/** Reads declarations that {@link checkQuotas} found sound. */
export function compileQuotas(rules: readonly QuotaRule[]): QuotaTable {
  const entries: QuotaEntry[] = rules.map((rule) => ({
    rule,
    rank:
      (rule.ratingGroups === undefined ? 0 : 4) +
      (rule.serviceContexts === undefined ? 0 : 2) +
      (rule.unit === undefined ? 0 : 1),
    byUnit: {
      octets: completed(rule, 'octets'),
      seconds: completed(rule, 'seconds'),
      events: completed(rule, 'events'),
    },
  }));
  entries.sort((a, b) => b.rank - a.rank);
  return {
    find(serviceContext, ratingGroup, unit) {
      const entry = entries.find(
        ({ rule }) =>
          (rule.unit ?? unit) === unit &&
          (rule.serviceContexts?.includes(serviceContext) ?? true) &&
          (rule.ratingGroups === undefined ||
            (ratingGroup !== null && rule.ratingGroups.includes(ratingGroup))),
      );
      return entry?.byUnit[unit] ?? COMPILED_DEFAULTS[unit];
    },
  };
}

function completed(rule: QuotaRule, unit: UnitKind): CompiledQuota {
  const defaults = QUOTA_DEFAULTS[unit];
  const settings: QuotaSettings = {
    default: toAmount(rule.default ?? defaults.default),
    maximum: toAmount(rule.maximum ?? defaults.maximum),
    minimum: toAmount(rule.minimum ?? defaults.minimum),
    sharePercent: rule.sharePercent ?? defaults.sharePercent,
    validitySeconds: rule.validitySeconds ?? defaults.validitySeconds,
    thresholdPercent: rule.thresholdPercent ?? defaults.thresholdPercent,
    holdingSeconds: rule.holdingSeconds ?? defaults.holdingSeconds,
    consumptionSeconds: rule.consumptionSeconds ?? defaults.consumptionSeconds,
    pool: rule.pool === undefined ? defaults.pool : poolOf(rule.pool),
  };
  return Object.freeze({
    settings: Object.freeze(settings),
    finalUnit: rule.finalUnit ?? FINAL_UNIT_DEFAULT,
  });
}

const MULTIPLIER = /^(\d{1,9})(?:\.(\d{1,6}))?$/;
const UNSIGNED_32_MAX = 2 ** 32 - 1;

/** The pool with its multiplier as the wire has it: "0.25" is 25 x 10^-2. */
function poolOf({ id, multiplier = '1' }: PoolRule): CreditPool {
  const [, whole = '', decimals = ''] = MULTIPLIER.exec(multiplier) ?? [];
  return Object.freeze({ id, digits: Number(whole + decimals), exponent: 0 - decimals.length });
}

/** Adds a fault for each declaration that can't be meant, or that another contradicts. */
export function checkQuotas(rules: readonly QuotaRule[], path: string, faults: FaultList): void {
  const known = new Map<string, number>();
  for (const [index, rule] of rules.entries()) {
    const place = `${path}[${index}]`;
    checkNumbers(rule, place, faults);
    checkAmounts(rule, place, faults);
    checkPool(rule, place, faults);
    for (const ratingGroup of rule.ratingGroups ?? ['*']) {
      for (const serviceContext of rule.serviceContexts ?? ['*']) {
        const key = JSON.stringify([ratingGroup, serviceContext, rule.unit ?? '*']);
        const first = known.get(key);
        known.set(key, first ?? index);
        if (first === undefined || first === index) continue;
        faults.add(place, `it matches the same services as ${path}[${first}]`, 'join the two');
      }
    }
  }
}

function checkNumbers(rule: QuotaRule, path: string, faults: FaultList): void {
  const bounds = [
    ['default', 1, Number.MAX_SAFE_INTEGER],
    ['maximum', 1, Number.MAX_SAFE_INTEGER],
    ['minimum', 1, Number.MAX_SAFE_INTEGER],
    ['sharePercent', 1, 100],
    ['validitySeconds', 1, VALIDITY_SECONDS_MAX],
    ['thresholdPercent', 0, 99],
    ['holdingSeconds', 0, VALIDITY_SECONDS_MAX],
    ['consumptionSeconds', 0, VALIDITY_SECONDS_MAX],
  ] as const;
  for (const [key, min, max] of bounds) {
    const value = rule[key];
    if (value !== undefined) faults.checkWhole(`${path}.${key}`, value, min, max);
  }
}

function checkPool({ pool }: QuotaRule, path: string, faults: FaultList): void {
  if (pool === undefined) return;
  const { id, multiplier = '1' } = pool;
  faults.checkWhole(`${path}.pool.id`, id, 0, UNSIGNED_32_MAX);
  if (MULTIPLIER.test(multiplier) && poolOf(pool).digits > 0) return;
  faults.add(
    `${path}.pool.multiplier`,
    `"${multiplier}" is no decimal above 0 with at most six places`,
    'write what a unit counts as in the pool, such as "1" or "0.25"',
  );
}

function checkAmounts(rule: QuotaRule, path: string, faults: FaultList): void {
  const named = [rule.default, rule.maximum, rule.minimum].some((value) => value !== undefined);
  if (!named) return;
  const { unit } = rule;
  if (unit === undefined || !UNIT_KINDS.includes(unit)) {
    faults.add(
      path,
      'amounts are given without their unit',
      `add unit: ${UNIT_KINDS.join(' or ')}`,
    );
    return;
  }
  const filled = { ...QUOTA_DEFAULTS[unit], ...rule };
  if (filled.minimum <= filled.default && filled.default <= filled.maximum) return;
  faults.add(
    path,
    `minimum ${filled.minimum}, default ${filled.default} and maximum ${filled.maximum} ` +
      'do not rise (what is not named has its default)',
    'name all three, none above the next',
  );
}
