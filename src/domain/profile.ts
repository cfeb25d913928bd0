import type { AccessProfile } from './access-profile.js';

/**
 * What charging must know of a subscriber, found by identity in one read. It is a hint: the script
 * compares `version` with the account's own and refuses a stale one (`stale-profile`), and the
 * caller reads again.
 */
export interface SubscriberProfile {
  readonly accountId: string;
  readonly partition: number;
  readonly version: number;
  readonly tenant: string;
  readonly customer: string | null;
  readonly subscription: string | null;
  /** Code of the tariff that rates this subscriber; empty where that is its plan's. */
  readonly tariff: string;
  /** Code of the subscriber's plan; absent where it has none. */
  readonly plan?: string;
  /** The sharing group whose owner's balances this member may draw on; null when none. */
  readonly sharing: SharingMembership | null;
  /** How it may come in over RADIUS; absent: not at all. */
  readonly access?: AccessProfile;
  /** Identities kept for the record, by kind. */
  readonly imsi?: string;
  readonly msisdn?: string;
  readonly userName?: string;
}

export interface SharingMembership {
  /** In the same partition as the member. */
  readonly ownerAccountId: string;
  /** At one priority: the member's own buckets first, or the owner's. */
  readonly order: 'own-first' | 'shared-first';
  /** Services that may draw on the owner; null for all, as is a set inside. */
  readonly scope: {
    readonly contexts: readonly string[] | null;
    readonly ratingGroups: readonly number[] | null;
    readonly zones: readonly string[] | null;
    readonly bands: readonly string[] | null;
  } | null;
  /** Resources that are shared; null for all. */
  readonly resources: readonly string[] | null;
}
