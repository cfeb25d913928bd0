/** How a tenant, or a plan of it, wants charging to go where the rules leave it open. */

export interface ChargingPolicy {
  /** An update of a session that is not known: charge it in a new one, or refuse it. */
  readonly unknownSession: 'recreate' | 'reject';
  /** Units that no bucket covers: recorded as uncollected, or the money bucket goes negative. */
  readonly overuse: 'write-off' | 'debit';
  /** The least time after which a silent session is closed; twice a longer validity time. */
  readonly supervisionSecondsMin: number;
  /** How long a finished session keeps its answers for late retransmissions. */
  readonly retentionSeconds: number;
  /** How far a grant's validity may pass the end of a bucket. */
  readonly graceSeconds: number;
  /** Validity while other sessions hold units that may come back. */
  readonly shortValiditySeconds: number;
}

export const CHARGING_POLICY_DEFAULTS: ChargingPolicy = Object.freeze({
  unknownSession: 'recreate',
  overuse: 'write-off',
  supervisionSecondsMin: 600,
  retentionSeconds: 600,
  graceSeconds: 0,
  shortValiditySeconds: 60,
});
