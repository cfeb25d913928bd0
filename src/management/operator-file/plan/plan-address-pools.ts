/** Address pools: every address is in one of them at most, or two sessions could have it. */
import type { AddressPool } from '../../../domain/access-plan.js';
import type { AddressPoolFields } from '../format/nas-format.js';
import { parseQuantity, QUANTITY_EXPECTED } from '../format/quantity.js';
import type { FilePath } from '../reading/file-fault.js';
import type { Entry } from '../reading/read-file.js';
import { formatIpv4, overlaps, parsePoolRange, type AddressSpan } from './address-range.js';
import type { AddressPoolState, CurrentState } from './current-state.js';
import type { KnownPools } from './declare-access-plan.js';
import { differences, type Findings } from './findings.js';

export interface AddressPoolsPlan {
  readonly addressPools: AddressPoolState[];
}

const REST_SECONDS_DEFAULT = 600;
/** A /12: what a lease table in memory still holds with ease. */
const POOL_SIZE_MAX = 1n << 20n;

export function planAddressPools(
  entries: readonly Entry<AddressPoolFields>[],
  {
    current,
    findings,
    plan,
  }: {
    readonly current: CurrentState;
    readonly findings: Findings;
    readonly plan: AddressPoolsPlan;
  },
): KnownPools {
  const after = new Map<string, AddressPoolState>(current.addressPools);
  const places = new Map<string, FilePath>();
  const faulty = new Set<string>();
  for (const { fields, name, path } of entries) {
    if (fields === null) {
      if (name !== null) faulty.add(name);
      continue;
    }
    const definition = declarePool(fields, path, findings);
    const declared = { definition, retired: fields.retired ?? false };
    places.set(fields.code, path);
    after.set(fields.code, declared);
    const before = current.addressPools.get(fields.code);
    const details =
      before === undefined
        ? []
        : differences(
            { ...before.definition, retired: before.retired },
            { ...definition, retired: declared.retired },
          );
    if (before === undefined) findings.create('address pool', fields.code);
    else findings.compare('address pool', fields.code, details);
    if (before === undefined || details.length > 0) plan.addressPools.push(declared);
  }
  checkOverlaps(after, places, findings);
  return { has: (code) => faulty.has(code) || after.get(code)?.retired === false };
}

function declarePool(fields: AddressPoolFields, path: FilePath, findings: Findings): AddressPool {
  const rest =
    fields.rest === undefined ? REST_SECONDS_DEFAULT : parseQuantity(fields.rest, 'seconds');
  if (rest === null) {
    findings.fault(
      [...path, 'rest'],
      `rest is "${fields.rest}"`,
      `write ${QUANTITY_EXPECTED.seconds}`,
    );
  }
  const spans = fields.ranges.flatMap((text, index): AddressSpan[] => {
    const span = parsePoolRange(text);
    if (span !== null) return [span];
    const message = `"${text}" is no range of IPv4 addresses`;
    const remedy = 'write "10.0.0.0/22" or "10.0.0.10-10.0.0.99"';
    findings.fault([...path, 'ranges', index], message, remedy);
    return [];
  });
  spans.sort((a, b) => (a.first < b.first ? -1 : 1));
  const size = spans.reduce((sum, { first, last }) => sum + last - first + 1n, 0n);
  if (size > POOL_SIZE_MAX) {
    const message = `the pool has ${size} addresses`;
    findings.fault([...path, 'ranges'], message, `at most ${POOL_SIZE_MAX}: make several pools`);
  }
  return {
    code: fields.code,
    ranges: spans.map(({ first, last }) => ({ first: formatIpv4(first), last: formatIpv4(last) })),
    restSeconds: rest ?? REST_SECONDS_DEFAULT,
  };
}

function checkOverlaps(
  all: ReadonlyMap<string, AddressPoolState>,
  places: ReadonlyMap<string, FilePath>,
  findings: Findings,
): void {
  const spans = [...all]
    .filter(([, { retired }]) => !retired)
    .flatMap(([code, { definition }]) =>
      definition.ranges.flatMap(({ first, last }) => {
        const span = parsePoolRange(`${first}-${last}`);
        return span === null ? [] : [{ code, span }];
      }),
    )
    .sort((a, b) => (a.span.first < b.span.first ? -1 : 1));
  // Of all spans that began before the next one, the one that reaches farthest.
  let one = spans[0];
  for (const next of spans.slice(1)) {
    const before = one;
    if (before === undefined || next.span.last > before.span.last) one = next;
    if (before === undefined || !overlaps(before.span, next.span)) continue;
    const [here, other] = places.has(next.code) ? [next, before] : [before, next];
    const place = places.get(here.code);
    // Neither is in the file: then it is not the file's fault.
    if (place === undefined) continue;
    const address = formatIpv4(next.span.first);
    const message =
      here.code === other.code
        ? `${address} is in two ranges of ${here.code}`
        : `${address} is in address pool ${other.code} too`;
    findings.fault([...place, 'ranges'], message, 'an address is in one range of one pool only');
  }
}
