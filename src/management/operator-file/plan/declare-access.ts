/** How a subscriber may come in, as its profile has it, from what a file writes. */
import { isIPv6 } from 'node:net';
import type { AccessProfile, StoredCredential } from '../../../domain/access-profile.js';
import { canonicalMac, type Ipv6Assignment } from '../../../domain/access.js';
import { SECRET_USES, type SecretBox } from '../../../secret-box.js';
import type { SubscriberFields } from '../format/account-format.js';
import type { SubscriberAccessFields } from '../format/access-format.js';
import type { FilePath } from '../reading/file-fault.js';
import { parseNetwork } from './address-range.js';
import { momentOf } from './declare-validity.js';
import type { Findings } from './findings.js';
import type { PlannedAccessPlans } from './plan-access-plans.js';
import { missingKey } from './plan-nas.js';

export interface AccessContext {
  /** Of the subscriber. */
  readonly path: FilePath;
  readonly accessPlans: PlannedAccessPlans;
  /** NAS that are or will be there, by name. */
  readonly nas: ReadonlySet<string>;
  readonly secrets: SecretBox;
  /** By whose clock an end is meant that says no offset. */
  readonly tenant: { readonly timezone: string };
  readonly findings: Findings;
}

const NT_HASH = /^[0-9A-Fa-f]{32}$/;

/** Null for a subscriber that does not come in over RADIUS, or one with faults. */
export function declareAccess(
  subscriber: SubscriberFields,
  context: AccessContext,
): AccessProfile | null {
  const { access } = subscriber;
  if (access === undefined) return null;
  const path = [...context.path, 'access'];
  checkIdentities(subscriber, context);
  checkPlan(access, path, context);
  checkNas(access, path, context);
  const credential = declareCredential(subscriber.id, access, path, context);
  const stations = declareStations(access, path, context.findings);
  const { connections, nas, sessions, address, netmask, routes, vlan } = access;
  const ipv6 = declareIpv6(access, path, context.findings);
  const { timezone } = context.tenant;
  const { findings } = context;
  const expiresAt = momentOf(access.until, { path: [...path, 'until'], timezone, findings });
  if (netmask !== undefined && address === undefined) {
    const message = 'a netmask without an address';
    context.findings.fault([...path, 'netmask'], message, 'add address, or remove it');
  }
  if (credential === null) return null;
  return {
    credential,
    plan: access.plan,
    ...(connections !== undefined && { connections }),
    ...(nas !== undefined && { nas }),
    ...(stations !== null && { stations }),
    ...(sessions !== undefined && { sessionsMax: sessions }),
    ...(expiresAt !== null && { expiresAt }),
    ...(address !== undefined && {
      ipv4: { kind: 'fixed', address, ...(netmask !== undefined && { netmask }) },
    }),
    ...(ipv6 !== null && { ipv6 }),
    ...(routes !== undefined && { routes }),
    ...(vlan !== undefined && { vlan }),
  };
}

/** The names that a NAS can ask by. */
function checkIdentities(
  { identities = [], access, closed }: SubscriberFields,
  { path, findings }: AccessContext,
): void {
  if (closed === true) return;
  const wanted = access?.station === true ? ['mac'] : ['user-name', 'nai'];
  if (identities.some(({ kind }) => wanted.includes(kind))) return;
  const message = `no identity of kind ${wanted[0]} says whom the NAS asks for`;
  findings.fault([...path, 'identities'], message, `add { kind: ${wanted[0]}, value: … }`);
}

function checkPlan(
  { plan }: SubscriberAccessFields,
  path: FilePath,
  { accessPlans, findings }: AccessContext,
): void {
  const state = accessPlans.state(plan);
  if (state === 'active') return;
  const message =
    state === 'retired' ? `access plan ${plan} is retired` : `there is no access plan ${plan}`;
  findings.fault([...path, 'plan'], message, 'declare it in accessPlans, or name another');
}

function checkNas(
  { nas = [] }: SubscriberAccessFields,
  path: FilePath,
  { nas: known, findings }: AccessContext,
): void {
  for (const [index, name] of nas.entries()) {
    if (known.has(name)) continue;
    findings.fault([...path, 'nas', index], `there is no NAS ${name}`, 'declare it in nas');
  }
}

function declareCredential(
  id: string,
  { password, ntHash, station }: SubscriberAccessFields,
  path: FilePath,
  { secrets, findings }: AccessContext,
): StoredCredential | null {
  const isStation = station === true;
  if (password !== undefined && ntHash !== undefined) {
    findings.fault([...path, 'ntHash'], 'both password and ntHash are there', 'remove one of them');
    return null;
  }
  if (isStation && ntHash !== undefined) {
    const message = 'a device logs in by its MAC and a password in clear';
    findings.fault([...path, 'ntHash'], message, 'remove it, or write password');
    return null;
  }
  const secret = password ?? ntHash;
  if (secret === undefined) {
    if (isStation) return { kind: 'station', password: null };
    const message = 'nothing proves who the subscriber is';
    findings.fault(path, message, 'add password, ntHash, or station: true');
    return null;
  }
  if (ntHash !== undefined && !NT_HASH.test(ntHash)) {
    findings.fault([...path, 'ntHash'], 'ntHash has not 32 hex digits', 'write the NT hash in hex');
    return null;
  }
  if (!secrets.canSeal) {
    missingKey(path, ntHash === undefined ? 'password' : 'ntHash', findings);
    return null;
  }
  const sealed = secrets.seal(SECRET_USES.subscriber(id), secret);
  if (ntHash !== undefined) return { kind: 'nt-hash', hash: sealed };
  return isStation ? { kind: 'station', password: sealed } : { kind: 'clear', password: sealed };
}

function declareStations(
  { stations }: SubscriberAccessFields,
  path: FilePath,
  findings: Findings,
): readonly string[] | null {
  if (stations === undefined) return null;
  return stations.flatMap((text, index) => {
    const mac = canonicalMac(text);
    if (mac !== null) return [mac];
    const message = `"${text}" is no MAC address`;
    findings.fault([...path, 'stations', index], message, 'write it as "AA:BB:CC:DD:EE:FF"');
    return [];
  });
}

function declareIpv6(
  { ipv6 }: SubscriberAccessFields,
  path: FilePath,
  findings: Findings,
): Ipv6Assignment | null {
  if (ipv6 === undefined) return null;
  if (ipv6.address !== undefined && !isIPv6(ipv6.address)) {
    const at = [...path, 'ipv6', 'address'];
    findings.fault(at, `"${ipv6.address}" is no IPv6 address`, 'write one as "2001:db8::1"');
  }
  for (const key of ['framedPrefix', 'delegatedPrefix'] as const) {
    const prefix = ipv6[key];
    if (prefix === undefined) continue;
    if (prefix.includes('/') && parseNetwork(prefix)?.family === 6) continue;
    const message = `"${prefix}" is no IPv6 prefix`;
    findings.fault([...path, 'ipv6', key], message, 'write one as "2001:db8:1::/64"');
  }
  return ipv6;
}
