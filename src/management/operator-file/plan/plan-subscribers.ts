/** Subscribers and the identities by which the network asks for them. */
import { canonicalMac } from '../../../domain/access.js';
import type { IdentityKind } from '../../../domain/identity.js';
import type { IdentityFields, SubscriberFields } from '../format/account-format.js';
import type { FilePath } from '../reading/file-fault.js';
import type { TenantEntry } from '../reading/read-file.js';
import type { CurrentState, IdentityState, SubscriberState } from './current-state.js';
import { differences, type Findings } from './findings.js';
import { checkTariff, type PlannedAccount } from './plan-accounts.js';
import type { PlannedTariffs } from './plan-tariffs.js';
import type { PlannedTenant } from './plan-tenants.js';

/** Where identities are looked up when neither they nor a peer say so. */
export const NETWORK_SCOPE_DEFAULT = 'default';

export interface SubscriberWrite extends SubscriberState {
  readonly id: string;
  readonly isNew: boolean;
}

export interface IdentityWrite {
  readonly tenant: string;
  readonly subscriber: string;
  readonly account: string;
  readonly networkScope: string;
  readonly kind: IdentityKind;
  readonly value: string;
}

export interface SubscribersPlan {
  readonly subscribers: SubscriberWrite[];
  readonly identities: IdentityWrite[];
  /** Rows of identities that are in use no more. */
  readonly released: { readonly id: number; readonly account: string }[];
  /** Rows of identities that stay, and follow their subscriber to another account. */
  readonly moved: { readonly id: number; readonly account: string }[];
  readonly republished: Set<string>;
}

export interface SubscriberContext {
  readonly tenant: PlannedTenant;
  readonly tariffs: PlannedTariffs;
  readonly accounts: ReadonlyMap<string, PlannedAccount>;
  readonly current: CurrentState;
  readonly claims: IdentityClaims;
  readonly findings: Findings;
  readonly plan: SubscribersPlan;
}

/** Who has which identity while the file is read: of two that claim one, the second is told. */
export interface IdentityClaims {
  /** Subscriber ids of the file, over all tenants. */
  readonly subscribers: Map<string, string>;
  readonly inFile: Map<string, { readonly subscriber: string; readonly path: FilePath }>;
}

export function planSubscribers(entry: TenantEntry, context: SubscriberContext): void {
  const { tenant, current, claims, findings } = context;
  for (const { name, fields, path } of entry.subscribers) {
    if (name === null) continue;
    const owner = claims.subscribers.get(name) ?? current.subscribers.get(name)?.tenant;
    if (owner !== undefined && owner !== tenant.code) {
      const message = `subscriber ${name} belongs to tenant ${owner}`;
      const remedy = 'subscriber ids are unique over all tenants: rename it';
      findings.fault([...path, 'id'], message, remedy);
      continue;
    }
    claims.subscribers.set(name, tenant.code);
    if (fields !== null) planSubscriber(fields, path, context);
  }
}

function planSubscriber(
  fields: SubscriberFields,
  path: FilePath,
  context: SubscriberContext,
): void {
  const { tenant, current, findings, plan } = context;
  const { id } = fields;
  const before = current.subscribers.get(id);
  checkAccount(fields, path, context);
  const after: SubscriberState = {
    tenant: tenant.code,
    account: fields.account,
    tariff: fields.tariff ?? null,
    closed: fields.closed ?? false,
  };
  const details = before === undefined ? [] : differences({ ...before }, { ...after });
  if (before === undefined) findings.create('subscriber', `${tenant.code}/${id}`);
  else if (after.closed && !before.closed) findings.remove('subscriber', `${tenant.code}/${id}`);
  else findings.compare('subscriber', `${tenant.code}/${id}`, details);
  const changed = before === undefined || details.length > 0;
  if (changed) plan.subscribers.push({ id, isNew: before === undefined, ...after });
  if (changed) plan.republished.add(after.account);
  if (before !== undefined && before.account !== after.account)
    plan.republished.add(before.account);
  planIdentities(after, fields, path, context);
}

function checkAccount(fields: SubscriberFields, path: FilePath, context: SubscriberContext): void {
  const { tenant, tariffs, current, findings } = context;
  const account = context.accounts.get(fields.account) ?? current.accounts.get(fields.account);
  if (account === undefined || account.tenant !== tenant.code) {
    const message = `there is no account ${fields.account} of ${tenant.code}`;
    findings.fault([...path, 'account'], message, 'declare it in accounts, or correct the name');
  } else if (fields.tariff === undefined && account.tariff === null && fields.closed !== true) {
    if ('sound' in account && !account.sound) return;
    const message = `neither ${fields.id} nor account ${fields.account} has a tariff`;
    findings.fault(path, message, 'add tariff to one of them');
  }
  if (fields.tariff !== undefined) {
    checkTariff(fields.tariff, [...path, 'tariff'], tariffs, findings);
  }
}

function planIdentities(
  after: SubscriberState,
  fields: SubscriberFields,
  path: FilePath,
  context: SubscriberContext,
): void {
  const { tenant, current, findings, plan } = context;
  const had = current.identities.filter((identity) => identity.subscriber === fields.id);
  const kept = new Set<IdentityState>();
  const declared = fields.closed === true ? [] : (fields.identities ?? []);
  for (const [index, identity] of declared.entries()) {
    const at = [...path, 'identities', index];
    const value = normalised(identity, at, findings);
    if (value === null) continue;
    const { kind, networkScope = NETWORK_SCOPE_DEFAULT } = identity;
    const same = (other: IdentityState): boolean =>
      other.kind === kind && other.value === value && other.networkScope === networkScope;
    if (!claim({ kind, value, networkScope }, fields.id, at, context)) continue;
    const name = `${tenant.code}/${fields.id}/${networkScope}/${kind}/${value}`;
    const existing = had.find(same);
    if (existing === undefined) {
      findings.create('identity', name);
      const { account } = after;
      plan.identities.push({
        tenant: tenant.code,
        subscriber: fields.id,
        account,
        networkScope,
        kind,
        value,
      });
      plan.republished.add(account);
      continue;
    }
    kept.add(existing);
    findings.compare('identity', name, []);
    if (existing.account !== after.account)
      plan.moved.push({ id: existing.id, account: after.account });
  }
  for (const identity of had) {
    if (kept.has(identity)) continue;
    const { networkScope, kind, value } = identity;
    findings.remove(
      'identity',
      `${tenant.code}/${fields.id}/${networkScope}/${kind}/${value}`,
      'released',
    );
    plan.released.push({ id: identity.id, account: identity.account });
    plan.republished.add(identity.account);
  }
}

type Named = Pick<IdentityWrite, 'kind' | 'value' | 'networkScope'>;

/** Takes an identity for a subscriber; false, with a fault, where another has it. */
function claim(
  { kind, value, networkScope }: Named,
  subscriber: string,
  path: FilePath,
  { claims, findings }: SubscriberContext,
): boolean {
  const key = identityKey({ kind, value, networkScope });
  const other = claims.inFile.get(key);
  if (other === undefined) {
    claims.inFile.set(key, { subscriber, path });
    return true;
  }
  const whose = other.subscriber === subscriber ? 'it' : `subscriber ${other.subscriber}`;
  const message = `${whose} has ${kind} ${value} in scope ${networkScope} already`;
  findings.fault(path, message, 'remove it from one of the two, or name another networkScope');
  return false;
}

export function identityKey({
  kind,
  value,
  networkScope,
}: Omit<Named, 'kind'> & { kind: string }): string {
  return `${networkScope}\n${kind}\n${value}`;
}

/** Identities that the file claims and others keep: known once all subscribers are planned. */
export function checkForeignIdentities(
  claims: IdentityClaims,
  current: CurrentState,
  { findings, plan }: { readonly findings: Findings; readonly plan: SubscribersPlan },
): void {
  const released = new Set(plan.released.map(({ id }) => id));
  for (const identity of current.identities) {
    const claimed = claims.inFile.get(identityKey(identity));
    if (claimed === undefined || claimed.subscriber === identity.subscriber) continue;
    if (released.has(identity.id)) continue;
    const owner = identity.subscriber ?? `account ${identity.account}`;
    const message = `${identity.kind} ${identity.value} belongs to ${owner}`;
    const remedy = 'release it there first: declare that subscriber without it';
    findings.fault(claimed.path, message, remedy);
  }
}

/** The value as the network sends it; null, with a fault, where it can't be one. */
function normalised(
  { kind, value }: IdentityFields,
  path: FilePath,
  findings: Findings,
): string | null {
  const refuse = (remedy: string): null => {
    findings.fault([...path, 'value'], `"${value}" is no ${kind}`, remedy);
    return null;
  };
  switch (kind) {
    // [ITU-T E.212]: fifteen digits at most, the first three of them the country.
    case 'imsi':
      return /^\d{6,15}$/.test(value) ? value : refuse('write 6 to 15 digits in quotes');
    // [ITU-T E.164 6]
    case 'e164':
      return /^\+?\d{1,15}$/.test(value)
        ? value.replace('+', '')
        : refuse('write up to 15 digits in international form, in quotes');
    case 'mac':
      return canonicalMac(value) ?? refuse('write six octets in hexadecimal');
    case 'sip-uri':
      return /^(sips?|tel):/i.test(value) ? value : refuse('begin with "sip:", "sips:" or "tel:"');
    case 'nai':
    case 'private':
    case 'user-name':
      return value;
  }
}
