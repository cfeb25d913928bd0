/**
 * Numbers what a tariff's rules and quotas name, so that a question becomes two keys of a Map.
 * Values that nothing names are all alike and share number 0: what a network may send is
 * unbounded, what is kept of it is not.
 */
import { UNIT_KINDS, type UnitKind } from '../domain/units.js';
import type { RatingQuestion } from './rate-line.js';
import type { ZoneChain } from './zone-index.js';

/** What the rules of all versions name. */
export interface NamedValues {
  readonly serviceContexts: ReadonlySet<string>;
  readonly ratingGroups: ReadonlySet<number>;
  readonly serviceIdentifiers: ReadonlySet<number>;
  readonly apns: ReadonlySet<string>;
  readonly ratTypes: ReadonlySet<string>;
}

export interface QuestionIndex {
  /** By service and unit; null for a list of service identifiers beyond those kept. */
  serviceKey(question: RatingQuestion): number | null;
  /** By zone and access. */
  networkKey(question: RatingQuestion, called: ZoneChain, visited: ZoneChain): number;
}

/** Lists of more than one named service identifier that are told apart. */
const IDENTIFIER_LISTS_MAX = 4_096;

const UNIT_BITS: Readonly<Record<UnitKind, number>> = { octets: 1, seconds: 2, events: 4 };
const UNIT_SETS = 2 ** UNIT_KINDS.length;

/** An access point's network identifier, without its operator identifier [TS 23.003 9.1]. */
export function apnNetworkIdentifier(apn: string): string {
  return apn.toLowerCase().replace(/\.mnc\d{3}\.mcc\d{3}\.gprs$/, '');
}

function unitSet(units: readonly UnitKind[]): number {
  let set = 0;
  for (const unit of units) set |= UNIT_BITS[unit];
  return set;
}

/**
 * How many keys the named values make, in each of the two dimensions; both must stay below 2^53.
 */
export function keySpaces(named: NamedValues, chainCount: number): readonly [number, number] {
  return [
    UNIT_SETS *
      (named.serviceContexts.size + 1) *
      (named.ratingGroups.size + 1) *
      (named.serviceIdentifiers.size + 1 + IDENTIFIER_LISTS_MAX),
    chainCount * chainCount * (named.apns.size + 1) * (named.ratTypes.size + 1),
  ];
}

export function createQuestionIndex(named: NamedValues, chainCount: number): QuestionIndex {
  const serviceContexts = numbered(named.serviceContexts);
  const ratingGroups = numbered(named.ratingGroups);
  const identifiers = numbered(named.serviceIdentifiers);
  const apns = numbered(named.apns);
  const ratTypes = numbered(named.ratTypes);
  const identifierLists = new Map<string, number>();

  function identifiersKey(values: readonly number[]): number | null {
    const [first] = values;
    if (first === undefined) return 0;
    if (values.length === 1) return identifiers.get(first) ?? 0;
    const known = [...new Set(values.flatMap((value) => identifiers.get(value) ?? []))];
    if (known.length < 2) return known[0] ?? 0;
    const list = known.sort((a, b) => a - b).join('+');
    const number = identifierLists.get(list);
    if (number !== undefined) return number;
    if (identifierLists.size >= IDENTIFIER_LISTS_MAX) return null;
    const next = identifiers.size + 1 + identifierLists.size;
    identifierLists.set(list, next);
    return next;
  }

  return {
    serviceKey({ serviceContext, ratingGroup, serviceIdentifiers, requestedUnitKinds }) {
      const list = identifiersKey(serviceIdentifiers);
      if (list === null) return null;
      let key = serviceContexts.get(serviceContext) ?? 0;
      const group = ratingGroup === null ? 0 : (ratingGroups.get(ratingGroup) ?? 0);
      key = key * (ratingGroups.size + 1) + group;
      key = key * (identifiers.size + 1 + IDENTIFIER_LISTS_MAX) + list;
      return key * UNIT_SETS + unitSet(requestedUnitKinds);
    },
    networkKey({ context: { apn, ratType } }, called, visited) {
      let key = called.index * chainCount + visited.index;
      key =
        key * (apns.size + 1) + (apn === undefined ? 0 : numberOf(apns, apn, apnNetworkIdentifier));
      return (
        key * (ratTypes.size + 1) +
        (ratType === undefined ? 0 : numberOf(ratTypes, ratType, (name) => name.toLowerCase()))
      );
    },
  };
}

function numbered<T>(values: ReadonlySet<T>): ReadonlyMap<T, number> {
  return new Map([...values].map((value, index) => [value, index + 1]));
}

function numberOf(
  numbers: ReadonlyMap<string, number>,
  text: string,
  normal: (text: string) => string,
): number {
  if (numbers.size === 0) return 0;
  return numbers.get(text) ?? numbers.get(normal(text)) ?? 0;
}
