/** When an unanswered request is sent again [RFC 5080 2.2.1]. */

export interface RetransmissionOptions {
  /** IRT: until the first resend. */
  readonly initialMs: number;
  /** MRT: the longest wait between two. */
  readonly waitMaxMs: number;
  /** MRC: how often the request is sent in all. */
  readonly triesMax: number;
  /** MRD: how long it is tried in all. */
  readonly durationMaxMs: number;
}

export const RETRANSMISSION_DEFAULTS: RetransmissionOptions = {
  initialMs: 2_000,
  waitMaxMs: 16_000,
  triesMax: 5,
  durationMaxMs: 30_000,
};

/** The share by which a wait is longer or shorter, so that clients do not resend in step. */
const JITTER = 0.1;

/**
 * The next wait in milliseconds.
 * @param previousMs the wait before; null for the first.
 * @param random from 0 to below 1.
 */
export function nextWaitMs(
  previousMs: number | null,
  options: RetransmissionOptions,
  random: number,
): number {
  const jitter = JITTER * (2 * random - 1);
  if (previousMs === null) return options.initialMs * (1 + jitter);
  const doubled = previousMs * (2 + jitter);
  return doubled > options.waitMaxMs ? options.waitMaxMs * (1 + jitter) : doubled;
}
