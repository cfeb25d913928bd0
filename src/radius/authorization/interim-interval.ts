/** How often a session reports. */

/** Acct-Interim-Interval is never below a minute [RFC 2869 5.16]. */
const INTERIM_SECONDS_MIN = 60;
/** Reports of sessions that began together spread over a tenth of the interval to either side. */
const SPREAD = 0.1;

/**
 * Spreads an interval by the session's nonce, so that sessions which began together do not report
 * together, and a resent request still gets the answer it got before.
 */
export function spreadInterimSeconds(seconds: number, nonce: string): number {
  const share = parseInt(nonce.slice(0, 8), 16) / 0xffff_ffff;
  const spread = Math.round(seconds * (1 - SPREAD + 2 * SPREAD * share));
  return Math.max(INTERIM_SECONDS_MIN, spread);
}

/**
 * The interval for a session that may use `octetsLeft` at `octetsPerSecond`: a quarter of the time
 * that takes, within the bounds. Many NAS fix it at the start, so it is chosen from what is left.
 */
export function chooseInterimSeconds(options: {
  readonly octetsLeft: number;
  readonly octetsPerSecond: number;
  readonly secondsMin: number;
  readonly secondsMax: number;
}): number {
  const { octetsLeft, octetsPerSecond, secondsMax } = options;
  const secondsMin = Math.max(INTERIM_SECONDS_MIN, options.secondsMin);
  if (octetsPerSecond <= 0) return Math.max(secondsMin, secondsMax);
  const quarter = Math.floor(octetsLeft / octetsPerSecond / 4);
  return Math.min(Math.max(secondsMin, secondsMax), Math.max(secondsMin, quarter));
}
