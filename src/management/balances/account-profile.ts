/** The profiles that an account's identities lead to, from the rows that declare them. */
import type { AccessProfile } from '../../domain/access-profile.js';
import {
  IDENTITY_KINDS,
  type IdentityKind,
  type SubscriberIdentity,
} from '../../domain/identity.js';
import type { SharingMembership, SubscriberProfile } from '../../domain/profile.js';

/** An active identity with what its subscriber says. */
export interface IdentityRow {
  readonly accountId: string;
  readonly subscription: string | null;
  readonly customer: string | null;
  readonly networkScope: string;
  readonly kind: string;
  readonly value: string;
  /** The subscriber's own tariff. */
  readonly tariff: string | null;
  /** How the subscriber comes in over RADIUS, secrets sealed. */
  readonly access: AccessProfile | null;
  readonly plan: string | null;
}

export interface AccountRow {
  readonly id: string;
  readonly tenant: string;
  readonly partition: number;
  readonly customer: string | null;
  readonly tariff: string | null;
  readonly profileVersion: number;
  /** Owner of the sharing group that the account is a member of; null where it may not draw. */
  readonly sharingOwner: string | null;
  readonly sharingTerms: Omit<SharingMembership, 'ownerAccountId'> | null;
}

export interface PublishedIdentity {
  readonly networkScope: string;
  readonly identity: SubscriberIdentity;
  readonly profile: SubscriberProfile;
}

/** The kind of a row; null for one that a newer version wrote. */
export function identityKind(text: string): IdentityKind | null {
  return IDENTITY_KINDS.find((kind) => kind === text) ?? null;
}

/** Each identity of the account with its profile. Rows of other accounts are passed over. */
export function profilesOf(
  account: AccountRow,
  rows: readonly IdentityRow[],
): readonly PublishedIdentity[] {
  const own = rows.filter(({ accountId }) => accountId === account.id);
  return own.flatMap((row) => {
    const kind = identityKind(row.kind);
    if (kind === null) return [];
    const { networkScope, value } = row;
    return [{ networkScope, identity: { kind, value }, profile: profileOf(account, row, own) }];
  });
}

function profileOf(
  account: AccountRow,
  row: IdentityRow,
  rows: readonly IdentityRow[],
): SubscriberProfile {
  const siblings = rows.filter(({ subscription }) => subscription === row.subscription);
  const first = (...kinds: readonly IdentityKind[]): string | undefined =>
    siblings.find(({ kind }) => kinds.some((wanted) => wanted === kind))?.value;
  const [imsi, msisdn, userName] = [first('imsi'), first('e164'), first('user-name', 'nai')];
  return {
    accountId: account.id,
    partition: account.partition,
    version: account.profileVersion,
    tenant: account.tenant,
    customer: row.customer ?? account.customer,
    subscription: row.subscription,
    // No tariff: that of the plan. Without one, rating fails for the subscriber, and says so.
    tariff: row.tariff ?? (row.plan === null ? account.tariff : null) ?? '',
    sharing: sharingOf(account),
    ...(row.plan !== null && { plan: row.plan }),
    ...(row.access !== null && { access: row.access }),
    ...(imsi !== undefined && { imsi }),
    ...(msisdn !== undefined && { msisdn }),
    ...(userName !== undefined && { userName }),
  };
}

function sharingOf({ sharingOwner, sharingTerms }: AccountRow): SharingMembership | null {
  if (sharingOwner === null) return null;
  const { order = 'own-first', scope = null, resources = null } = sharingTerms ?? {};
  return { ownerAccountId: sharingOwner, order, scope, resources };
}
