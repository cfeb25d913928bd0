/**
 * Which of several matching rules decides: the more specific one, criterion by criterion in the
 * order of {@link compareRules}. Two rules that no criterion tells apart are refused on saving, so
 * the order is total.
 */
import type { CompiledRule } from './compiled-tariff.js';

/** Sorts the more specific rule first. */
export function compareRules(
  a: CompiledRule,
  b: CompiledRule,
  zones: { readonly called: readonly string[]; readonly visited: readonly string[] },
): number {
  const [m, n] = [a.match, b.match];
  return (
    named(m.serviceContexts) - named(n.serviceContexts) ||
    named(m.ratingGroups) - named(n.ratingGroups) ||
    named(m.serviceIdentifiers) - named(n.serviceIdentifiers) ||
    zoneRank(m.calledZone, zones.called) - zoneRank(n.calledZone, zones.called) ||
    zoneRank(m.visitedZone, zones.visited) - zoneRank(n.visitedZone, zones.visited) ||
    named(m.apns) - named(n.apns) ||
    named(m.ratTypes) - named(n.ratTypes) ||
    a.bandRank - b.bandRank
  );
}

function named(values: readonly unknown[] | undefined): number {
  return values === undefined ? 1 : 0;
}

/** The longest prefix has the lowest rank; a rule that names no zone comes after all. */
function zoneRank(zone: string | undefined, zones: readonly string[]): number {
  return zone === undefined ? zones.length : zones.indexOf(zone);
}
