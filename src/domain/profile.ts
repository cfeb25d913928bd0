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
  /** Codes of the tariffs that rate this subscriber, by service context; "*" for any other. */
  readonly tariff: string;
  /** Account of the sharing group's owner, in the same partition; null when not shared. */
  readonly owner: string | null;
  /** Identities kept for the record, by kind. */
  readonly imsi?: string;
  readonly msisdn?: string;
  readonly userName?: string;
}
