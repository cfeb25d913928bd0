/** Declared peers with every switch of their profile decided. */
import type { DiameterPeer, PeerProfile } from '../domain/diameter-peer.js';

/** What the standard has, where a profile is silent. */
export const PEER_PROFILE_DEFAULTS: PeerProfile = Object.freeze({
  creditLimitAt: 'mscc',
  finalUnitWithoutGrant: 'success',
  finalUnitIndication: 'basic',
  defaultRatingGroup: null,
  validityMaxSeconds: null,
  reAuthorisation: true,
  abortSession: true,
  sessionFailover: true,
  failureHandling: null,
  directDebitingFailureHandling: null,
  restart: 'suspect',
});

export interface ResolvedPeer extends DiameterPeer {
  readonly profile: PeerProfile;
}

export function resolvePeer(peer: DiameterPeer): ResolvedPeer {
  return { ...peer, profile: { ...PEER_PROFILE_DEFAULTS, ...peer.profile } };
}
