/**
 * Who a request speaks of. An identity is unique per network scope, kind and service type; the
 * scope comes from the peer or NAS that sent the request, never from the request itself.
 */
export const IDENTITY_KINDS = [
  'imsi',
  'e164',
  'sip-uri',
  'nai',
  'private',
  'user-name',
  'mac',
] as const;

/** Subscription-Id-Type of RFC 8506 8.47, with RADIUS' user name and station address. */
export type IdentityKind = (typeof IDENTITY_KINDS)[number];

export interface SubscriberIdentity {
  readonly kind: IdentityKind;
  readonly value: string;
}
