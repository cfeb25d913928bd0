/** Who may open a connection, once the other side has said who it is [RFC 6733 5.3, 13.1]. */
import type { Capabilities } from './messages/capabilities-exchange.js';
import { ResultCode } from './generated/enumerations.js';
import { PeerDirectory } from './peer-directory.js';
import type { ResolvedPeer } from './peer.js';

/** What is known of the other end before it speaks. */
export interface FarEnd {
  readonly role: 'responder' | 'initiator';
  readonly remoteAddress: string;
  /** Names in its certificate; null when the connection is not over TLS. */
  readonly certificateNames: readonly string[] | null;
}

export interface Refusal {
  readonly resultCode: number;
  readonly reason: string;
}

export type Verdict = { readonly peer: ResolvedPeer } | Refusal;

/** The declared peer, or why it is none: 3010 for a stranger, 5017 for one that must use TLS. */
export function admitPeer(
  directory: PeerDirectory,
  { originHost, originRealm }: Pick<Capabilities, 'originHost' | 'originRealm'>,
  { role, remoteAddress, certificateNames }: FarEnd,
): Verdict {
  const peer = directory.find(originHost, originRealm);
  if (peer === null) return stranger('unknown peer');
  if (role === 'responder' && !PeerDirectory.mayConnectFrom(peer, remoteAddress)) {
    return stranger('declared, but not from this address');
  }
  if (certificateNames === null) {
    if (peer.security !== 'tls') return { peer };
    const resultCode = ResultCode.DIAMETER_NO_COMMON_SECURITY;
    return { resultCode, reason: 'declared to use TLS' };
  }
  const host = originHost.toLowerCase();
  if (certificateNames.some((name) => name.toLowerCase() === host)) return { peer };
  return stranger('its certificate does not name its Origin-Host');
}

function stranger(reason: string): Verdict {
  return { resultCode: ResultCode.DIAMETER_UNKNOWN_PEER, reason };
}

/**
 * Who goes on when both sides connect at once: the one whose Origin-Host comes later wins, and
 * closes the connection that it opened [RFC 6733 5.6.4]. Names compare without case.
 */
export function winsElection(ownHost: string, otherHost: string): boolean {
  const [own, other] = [ownHost.toLowerCase(), otherHost.toLowerCase()];
  return Buffer.compare(Buffer.from(own), Buffer.from(other)) > 0;
}
