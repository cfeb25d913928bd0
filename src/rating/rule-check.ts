/** Faults of a version's rules: names that lead nowhere, and rules that nothing tells apart. */
import type { FaultList } from './fault-list.js';
import {
  TARIFF_LIMITS,
  type Rule,
  type RuleMatch,
  type Tariff,
  type TariffVersion,
} from './tariff.js';

/** Largest Rating-Group and Service-Identifier: Unsigned32 [RFC 8506 8.28, 8.29]. */
const UNSIGNED_32_MAX = 2 ** 32 - 1;

const LISTS = [
  'serviceContexts',
  'ratingGroups',
  'serviceIdentifiers',
  'apns',
  'ratTypes',
] as const satisfies readonly (keyof RuleMatch)[];

export function checkRules(
  tariff: Tariff,
  version: TariffVersion,
  { path, faults }: { path: string; faults: FaultList },
): void {
  faults.checkIds(`${path}.rules`, version.rules);
  faults.checkLength(`${path}.rules`, version.rules.length, TARIFF_LIMITS.rulesMax);
  const rates = new Set(version.rates.map((rate) => rate.id));
  const names = namesOf(tariff);
  const claimed = new Map<string, number>();
  for (const [index, rule] of version.rules.entries()) {
    const place = `${path}.rules[${index}]`;
    checkCharge(rule, rates, place, faults);
    checkNames(rule.match ?? {}, names, `${place}.match`, faults);
    const twin = checkLists(rule.match ?? {}, `${place}.match`, faults)
      ? claimAll(rule.match ?? {}, index, claimed)
      : undefined;
    if (twin === undefined) continue;
    faults.add(
      `${place}.match`,
      `it matches what ${path}.rules[${twin}] matches, no less specifically`,
      'name something more in one of them, or remove one',
    );
  }
}

function checkCharge(
  rule: Rule,
  rates: ReadonlySet<string>,
  path: string,
  faults: FaultList,
): void {
  const said = ['rate', 'notChargeable', 'barred'].filter((name) => name in rule);
  if (said.length > 1) {
    faults.add(path, `the rule has ${said.join(' and ')}`, 'leave one of them');
  } else if ('rate' in rule && !rates.has(rule.rate)) {
    faults.add(`${path}.rate`, `there is no rate "${rule.rate}"`, 'declare it in this version');
  }
}

interface Names {
  readonly calledZones: ReadonlySet<string>;
  readonly visitedZones: ReadonlySet<string>;
  readonly bands: ReadonlySet<string>;
}

function namesOf({ zones = [], bands = [] }: Tariff): Names {
  const having = (key: 'prefixes' | 'networks'): ReadonlySet<string> =>
    new Set(zones.filter((zone) => (zone[key] ?? []).length > 0).map((zone) => zone.id));
  return {
    calledZones: having('prefixes'),
    visitedZones: having('networks'),
    bands: new Set(bands.map((band) => band.id)),
  };
}

function checkNames(match: RuleMatch, names: Names, path: string, faults: FaultList): void {
  const { calledZone, visitedZone, band } = match;
  if (calledZone !== undefined && !names.calledZones.has(calledZone)) {
    const message = `there is no zone "${calledZone}" with prefixes`;
    faults.add(`${path}.calledZone`, message, 'declare it in zones');
  }
  if (visitedZone !== undefined && !names.visitedZones.has(visitedZone)) {
    const message = `there is no zone "${visitedZone}" with networks`;
    faults.add(`${path}.visitedZone`, message, 'declare it in zones');
  }
  if (band !== undefined && !names.bands.has(band)) {
    faults.add(`${path}.band`, `there is no band "${band}"`, 'declare it in bands');
  }
}

/** False where a list can't be expanded to the combinations it stands for. */
function checkLists(match: RuleMatch, path: string, faults: FaultList): boolean {
  let combinations = 1;
  for (const key of LISTS) {
    const values = match[key];
    combinations *= values?.length ?? 1;
    if (values?.length === 0) {
      faults.add(`${path}.${key}`, 'an empty list is never met', 'fill it, or leave it out');
    }
  }
  for (const key of ['ratingGroups', 'serviceIdentifiers'] as const) {
    for (const [index, value] of (match[key] ?? []).entries()) {
      faults.checkWhole(`${path}.${key}[${index}]`, value, 0, UNSIGNED_32_MAX);
    }
  }
  if (combinations > TARIFF_LIMITS.combinationsPerRuleMax) {
    faults.add(
      path,
      `the rule stands for ${combinations} combinations`,
      `split it: ${TARIFF_LIMITS.combinationsPerRuleMax} at most`,
    );
    return false;
  }
  return true;
}

/** Claims every combination for the rule; answers with the rule that had one of them before. */
function claimAll(
  match: RuleMatch,
  index: number,
  claimed: Map<string, number>,
): number | undefined {
  let keys = [JSON.stringify([match.calledZone, match.visitedZone, match.band])];
  for (const list of LISTS) {
    const values: readonly (string | number | null)[] = match[list] ?? [null];
    keys = keys.flatMap((key) => values.map((value) => key + JSON.stringify(value).toLowerCase()));
  }
  let twin: number | undefined;
  for (const key of keys) {
    const owner = claimed.get(key);
    if (owner === undefined) claimed.set(key, index);
    else if (owner !== index) twin ??= owner;
  }
  return twin;
}
