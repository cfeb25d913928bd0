/** How one subscriber may come in: what proves who it is, and what is its alone. */
import type { ConnectionKind, Ipv4Assignment, Ipv6Assignment } from './access.js';
import type { SealedText } from './sealed-text.js';

/** A secret as it is kept; opened, it is an `AccessSecret`. */
export type StoredCredential =
  | { readonly kind: 'clear'; readonly password: SealedText }
  /** 32 hex digits, sealed. */
  | { readonly kind: 'nt-hash'; readonly hash: SealedText }
  /** The station address is the credential; with this password, or none or the MAC where null. */
  | { readonly kind: 'station'; readonly password: SealedText | null };

/** Part of a subscriber's profile, found with it by identity. Absent: anything is allowed. */
export interface AccessProfile {
  readonly credential: StoredCredential;
  /** Code of the tenant's access plan. */
  readonly plan: string;
  readonly connections?: readonly ConnectionKind[];
  /** NAS that it may come in through, by name. */
  readonly nas?: readonly string[];
  /** Canonical MACs that it may come in from. */
  readonly stations?: readonly string[];
  /** Instead of the plan's. */
  readonly sessionsMax?: number;
  /** When what was bought ends, to the millisecond since 1970: a session is cut there. */
  readonly expiresAt?: number;
  /** Its own address, which comes before any pool. */
  readonly ipv4?: Extract<Ipv4Assignment, { readonly kind: 'fixed' }>;
  readonly ipv6?: Ipv6Assignment;
  readonly routes?: readonly string[];
  readonly vlan?: number;
}
