/**
 * Every limit of the Diameter front, with its unit and its reason. A server or a client takes
 * overrides; nothing else in this folder holds a bound of its own.
 */
export interface DiameterLimits {
  /** Octets of one message. Larger ones are refused unread (5015): no charging message is near it. */
  readonly messageSizeMax: number;
  /** AVPs of one message, at all depths. Bounds the work one message can ask for. */
  readonly avpsMax: number;
  /** Groups inside groups. The deepest charging AVP stands at five. */
  readonly depthMax: number;
  /** Octets of an offending AVP that are sent back inside Failed-AVP. */
  readonly failedAvpSizeMax: number;
  /** Requests of one connection that wait for their answer. At the limit its socket isn't read. */
  readonly inFlightPerConnectionMax: number;
  /** Octets of answers that a peer hasn't taken. Above it the peer's requests aren't read. */
  readonly outputBufferedMax: number;
  /** Milliseconds a peer may refuse to take anything before its connection is dropped. */
  readonly outputStalledMs: number;
  /** Connections at once; more are closed when they arrive. */
  readonly connectionsMax: number;
  /** Connections that haven't exchanged capabilities; strangers can't crowd out peers. */
  readonly strangersMax: number;
  /** Milliseconds from the connection to the end of the capabilities exchange. */
  readonly capabilitiesMs: number;
  /** Messages that are kept of a connection whose capabilities wait for an election. */
  readonly postponedMax: number;
  /** Milliseconds until a peer that we connect to is tried again; doubled by each failure. */
  readonly reconnectMinMs: number;
  /** The longest such pause: Tc of RFC 6733 section 12. */
  readonly reconnectMaxMs: number;
  /** The pause after a peer said that it is busy, or doesn't want to talk [RFC 6733 5.4.3]. */
  readonly reconnectUnwantedMs: number;
  /** Milliseconds to wait for an answer to a request of ours. */
  readonly requestMs: number;
  /** Times that one request to a gateway is sent before it is given up. */
  readonly serverRequestAttemptsMax: number;
  /** Milliseconds to wait for the answer to DPR before closing anyway. */
  readonly disconnectMs: number;
  /** Milliseconds that requests in flight get to finish when the server closes. */
  readonly drainMs: number;
  /** Tw of RFC 3539 in milliseconds; at least 6 seconds on a real network. */
  readonly watchdogMs: number;
  /** The watchdog timer varies by up to this many milliseconds either way [RFC 3539 3.4.1]. */
  readonly watchdogJitterMs: number;
}

export const DIAMETER_LIMITS: DiameterLimits = Object.freeze({
  messageSizeMax: 65_536,
  avpsMax: 1_024,
  depthMax: 8,
  failedAvpSizeMax: 4_096,
  inFlightPerConnectionMax: 1_024,
  outputBufferedMax: 1_048_576,
  outputStalledMs: 30_000,
  connectionsMax: 4_096,
  strangersMax: 256,
  capabilitiesMs: 10_000,
  postponedMax: 64,
  reconnectMinMs: 1_000,
  reconnectMaxMs: 30_000,
  reconnectUnwantedMs: 600_000,
  requestMs: 10_000,
  serverRequestAttemptsMax: 3,
  disconnectMs: 2_000,
  drainMs: 5_000,
  watchdogMs: 30_000,
  watchdogJitterMs: 2_000,
});
