/** The identities by which the network asks for subscribers: claimed, kept, released. */
import type { IdentityKind } from '../../../domain/identity.js';
import type { SubscriberFields } from '../format/account-format.js';
import type { FilePath } from '../reading/file-fault.js';
import type { IdentityState } from './current-state.js';
import type { Findings } from './findings.js';
import { normalisedValue } from './identity-value.js';

/** Where identities are looked up when neither they nor a peer say so. */
export const NETWORK_SCOPE_DEFAULT = 'default';

export interface IdentityWrite {
  readonly tenant: string;
  readonly subscriber: string;
  readonly account: string;
  readonly networkScope: string;
  readonly kind: IdentityKind;
  readonly value: string;
}

export interface IdentitiesPlan {
  readonly identities: IdentityWrite[];
  /** Rows of identities that are in use no more. */
  readonly released: { readonly id: number; readonly account: string }[];
  /** Rows of identities that stay, and follow their subscriber to another account. */
  readonly moved: { readonly id: number; readonly account: string }[];
  /** Accounts whose profiles must be published anew. */
  readonly republished: Set<string>;
}

/** Who claims an identity in the file: of two that do, the second is told. */
export type IdentityClaims = Map<string, { readonly subscriber: string; readonly path: FilePath }>;

export interface IdentityContext {
  readonly tenant: string;
  /** The account that the subscriber will be charged to. */
  readonly account: string;
  /** What the subscriber has in use. */
  readonly had: readonly IdentityState[];
  readonly claims: IdentityClaims;
  readonly findings: Findings;
  readonly plan: IdentitiesPlan;
}

export function planIdentities(
  fields: SubscriberFields,
  path: FilePath,
  { tenant, account, had, claims, findings, plan }: IdentityContext,
): void {
  const { id: subscriber } = fields;
  const nameOf = ({ networkScope, kind, value }: Named): string =>
    `${tenant}/${subscriber}/${networkScope}/${kind}/${value}`;
  const kept = new Set<IdentityState>();
  const declared = fields.closed === true ? [] : (fields.identities ?? []);
  for (const [index, identity] of declared.entries()) {
    const at = [...path, 'identities', index];
    const value = normalisedValue(identity, at, findings);
    if (value === null) continue;
    const { kind, networkScope = NETWORK_SCOPE_DEFAULT } = identity;
    const named = { kind, value, networkScope };
    if (!claim(named, { subscriber, path: at }, claims, findings)) continue;
    const existing = had.find((other) => identityKey(other) === identityKey(named));
    if (existing === undefined) {
      findings.create('identity', nameOf(named));
      plan.identities.push({ tenant, subscriber, account, ...named });
      plan.republished.add(account);
      continue;
    }
    kept.add(existing);
    findings.compare('identity', nameOf(existing), []);
    if (existing.account !== account) plan.moved.push({ id: existing.id, account });
  }
  for (const identity of had) {
    if (kept.has(identity)) continue;
    findings.remove('identity', nameOf(identity), 'released');
    plan.released.push({ id: identity.id, account: identity.account });
    plan.republished.add(identity.account);
  }
}

type Named = Pick<IdentityState, 'networkScope' | 'kind' | 'value'>;

/** An identity is one per scope, kind and value. */
function identityKey({ kind, value, networkScope }: Named): string {
  return `${networkScope}\n${kind}\n${value}`;
}

/** Takes an identity for a subscriber; false, with a fault, where another has it. */
function claim(
  named: Named,
  claimant: { readonly subscriber: string; readonly path: FilePath },
  claims: IdentityClaims,
  findings: Findings,
): boolean {
  const key = identityKey(named);
  const other = claims.get(key);
  if (other === undefined) {
    claims.set(key, claimant);
    return true;
  }
  const { subscriber, path } = claimant;
  const whose = other.subscriber === subscriber ? 'it' : `subscriber ${other.subscriber}`;
  const message = `${whose} has ${named.kind} ${named.value} in scope ${named.networkScope} already`;
  findings.fault(path, message, 'remove it from one of the two, or name another networkScope');
  return false;
}

/** Identities that the file claims and others keep: known once all subscribers are planned. */
export function checkForeignIdentities(
  claims: IdentityClaims,
  current: readonly IdentityState[],
  { findings, plan }: { readonly findings: Findings; readonly plan: IdentitiesPlan },
): void {
  const released = new Set(plan.released.map(({ id }) => id));
  for (const identity of current) {
    const claimed = claims.get(identityKey(identity));
    if (claimed === undefined || claimed.subscriber === identity.subscriber) continue;
    if (released.has(identity.id)) continue;
    const owner = identity.subscriber ?? `account ${identity.account}`;
    const message = `${identity.kind} ${identity.value} belongs to ${owner}`;
    const remedy = 'release it there first: declare that subscriber without it';
    findings.fault(claimed.path, message, remedy);
  }
}
