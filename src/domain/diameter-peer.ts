/** A Diameter peer as the operator declares it, and the habits of gateways as switches. */

/**
 * How a gateway wants to be spoken to. What is absent follows the standard
 * (`diameter/peer.ts` holds the defaults).
 */
export interface PeerProfile {
  /**
   * Where "out of credit" (4012) is said when no service of a request can go on: in each
   * Multiple-Services-Credit-Control, or for the whole command.
   */
  readonly creditLimitAt: 'mscc' | 'command';
  /**
   * Result of a service that gets no units but a redirection or restriction: success
   * [RFC 8506 5.6.2, 5.6.3], or 4012 with the Final-Unit-Indication beside it.
   */
  readonly finalUnitWithoutGrant: 'success' | 'credit-limit-reached';
  /**
   * `qos`: redirections, and restrictions by Filter-Id, are said by QoS-Final-Unit-Indication, which
   * gateways of RFC 4006 don't know [RFC 8506 8.68].
   */
  readonly finalUnitIndication: 'basic' | 'qos';
  /** Rating group of a service that names none; null leaves it open. */
  readonly defaultRatingGroup: number | null;
  /** Validity-Time is never above this, so that a gateway without RAR comes back by itself. */
  readonly validityMaxSeconds: number | null;
  /** Whether the gateway acts on Re-Auth-Request. Some answer 2001 and then do nothing. */
  readonly reAuthorisation: boolean;
  /** Whether it acts on Abort-Session-Request. */
  readonly abortSession: boolean;
  /** CC-Session-Failover of every answer: any node of ours can go on with a session. */
  readonly sessionFailover: boolean;
  /** What the gateway does when no node answers [RFC 8506 8.14]; null leaves it to the gateway. */
  readonly failureHandling: 'terminate' | 'continue' | 'retry-and-terminate' | null;
  /** The same for one-time events [RFC 8506 8.15]. */
  readonly directDebitingFailureHandling: 'terminate-or-buffer' | 'continue' | null;
  /** What an increase of the peer's Origin-State-Id does to its open sessions. */
  readonly restart: 'suspect' | 'end';
}

/** Where a peer listens. */
export interface PeerAddress {
  /** A host name or an IP address. */
  readonly host: string;
  readonly port: number;
}

export interface DiameterPeer {
  /** As the operator names it: stamped on sessions and events. */
  readonly name: string;
  /** Its DiameterIdentity; null admits every host of the realm. */
  readonly originHost: string | null;
  readonly realm: string;
  /** Where the identities that it sends are looked up. */
  readonly networkScope: string;
  /** Source addresses it may connect from; any when absent. */
  readonly addresses?: readonly string[];
  /** `tls`: over TLS only, whoever connects. Absent: as it comes, and plain where we connect. */
  readonly security?: 'tls';
  /** Where we connect to it, tried in turn. Absent: it connects to us. */
  readonly connect?: readonly PeerAddress[];
  readonly profile?: Partial<PeerProfile>;
}
