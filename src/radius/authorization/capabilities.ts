/**
 * What each kind of NAS understands, by vendor and connection: how the terms of a session are
 * written in an Access-Accept, and which of them a CoA-Request can change while it lasts.
 */
import type { AccessTerms, ConnectionKind, TermName } from '../../domain/access.js';
import type { NasVendor } from '../../domain/nas.js';
import type { RawAttribute } from '../attribute.js';
import {
  ciscoPolicy,
  encryption,
  erxDns,
  erxService,
  filterIds,
  framedIpv4,
  framedIpv6,
  framedRoutes,
  hotspotIpv4,
  huaweiDns,
  huaweiProfile,
  huaweiRedirect,
  huaweiSpeed,
  idleTimeout,
  interimInterval,
  microsoftDns,
  mikrotikAddressList,
  mikrotikChangedVolume,
  mikrotikGroup,
  mikrotikHotspotChangedVolume,
  mikrotikHotspotVolume,
  mikrotikIpv6,
  mikrotikPppVolume,
  mikrotikSpeed,
  portLimit,
  sessionTimeout,
  tunnelVlan,
  wisprRedirect,
  wisprSpeed,
  type TermWriter,
} from './term-writers.js';

interface Capabilities {
  /** What an Access-Accept says. */
  readonly accept: readonly TermWriter[];
  /** What a CoA-Request may say: neither addresses nor the interim interval anywhere. */
  readonly change: readonly TermWriter[];
}

const LIMITS = [sessionTimeout, idleTimeout, interimInterval, filterIds, encryption] as const;
const ADDRESSES = [framedIpv4, framedIpv6, framedRoutes] as const;
const CHANGED_LIMITS = [sessionTimeout, idleTimeout, filterIds] as const;

/** RouterOS documents no change of Address-List; operators report that it works on both services. */
const MIKROTIK_CHANGE = [...CHANGED_LIMITS, mikrotikGroup, mikrotikAddressList] as const;

const MIKROTIK_PPP: Capabilities = {
  accept: [
    ...LIMITS,
    framedIpv4,
    mikrotikIpv6,
    framedRoutes,
    mikrotikSpeed,
    mikrotikPppVolume,
    mikrotikAddressList,
    mikrotikGroup,
  ],
  change: [...MIKROTIK_CHANGE, mikrotikSpeed, mikrotikChangedVolume],
};

/**
 * The hotspot is IPv4 only. Its manual names the rate among what a CoA changes, and some operators saw
 * no effect: it is sent, and a session whose totals stay as fast as before has to log in again.
 */
const MIKROTIK_HOTSPOT: Capabilities = {
  accept: [
    ...LIMITS,
    hotspotIpv4,
    portLimit,
    mikrotikSpeed,
    mikrotikHotspotVolume,
    mikrotikAddressList,
    mikrotikGroup,
    wisprRedirect,
  ],
  change: [...MIKROTIK_CHANGE, mikrotikSpeed, mikrotikHotspotChangedVolume, portLimit],
};

const GENERIC: Capabilities = {
  accept: [...LIMITS, ...ADDRESSES, microsoftDns, tunnelVlan, portLimit, wisprSpeed, wisprRedirect],
  change: [...CHANGED_LIMITS, wisprSpeed],
};

const CISCO: Capabilities = {
  accept: [...LIMITS, ...ADDRESSES, microsoftDns, tunnelVlan, portLimit, ciscoPolicy],
  change: [...CHANGED_LIMITS, ciscoPolicy],
};

const JUNIPER_ERX: Capabilities = {
  accept: [...LIMITS, ...ADDRESSES, erxDns, portLimit, erxService],
  change: [...CHANGED_LIMITS, erxService],
};

const HUAWEI: Capabilities = {
  accept: [
    ...LIMITS,
    ...ADDRESSES,
    huaweiDns,
    portLimit,
    huaweiSpeed,
    huaweiProfile,
    huaweiRedirect,
  ],
  change: [...CHANGED_LIMITS, huaweiSpeed, huaweiProfile],
};

const TABLE: Readonly<Record<NasVendor, (connection: ConnectionKind) => Capabilities>> = {
  mikrotik: (connection) => (connection === 'hotspot' ? MIKROTIK_HOTSPOT : MIKROTIK_PPP),
  cisco: () => CISCO,
  'juniper-erx': () => JUNIPER_ERX,
  huawei: () => HUAWEI,
  generic: () => GENERIC,
};

export interface WrittenTerms {
  readonly attributes: readonly RawAttribute[];
  /** Terms that this NAS cannot be told. */
  readonly left: readonly TermName[];
}

function writeTerms(terms: AccessTerms, writers: readonly TermWriter[]): WrittenTerms {
  const attributes: RawAttribute[] = [];
  const told: TermName[] = [];
  for (const { covers, write } of writers) {
    const isWanted = covers.some((name) => terms[name] !== undefined && !told.includes(name));
    const written = isWanted ? write(terms) : null;
    if (written === null) continue;
    attributes.push(...written);
    told.push(...covers);
  }
  const names = Object.keys(terms) as TermName[];
  const left = names.filter((name) => terms[name] !== undefined && !told.includes(name));
  return { attributes, left };
}

export interface TermsTarget {
  readonly vendor: NasVendor;
  readonly connection: ConnectionKind;
}

/**
 * Writes the terms of a session for an Access-Accept.
 * @throws RangeError for values that no attribute can hold (a speed of 0, a bad address).
 */
export function writeAcceptTerms(terms: AccessTerms, target: TermsTarget): WrittenTerms {
  return writeTerms(terms, TABLE[target.vendor](target.connection).accept);
}

/**
 * Writes changed terms for a CoA-Request.
 * @param only where the operator knows better than the table what a NAS can change: these terms
 *   and no others, written as in an Access-Accept.
 * @throws RangeError as {@link writeAcceptTerms}.
 */
export function writeChangedTerms(
  terms: AccessTerms,
  target: TermsTarget,
  only?: readonly TermName[],
): WrittenTerms {
  const { accept, change } = TABLE[target.vendor](target.connection);
  if (only === undefined) return writeTerms(terms, change);
  const listed = accept.filter(({ covers }) => covers.some((name) => only.includes(name)));
  return writeTerms(terms, listed);
}
