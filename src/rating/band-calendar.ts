/**
 * Open times of a tariff's bands, kept for a few stretches of time around the present, so that
 * time zones are consulted a few times a day and not once per request.
 */
import type { LocalClock } from './local-time.js';
import { COVERED_AFTER_MS, COVERED_BEFORE_MS } from './rate-line.js';
import { openIntervals, type CompiledBand, type Interval } from './time-band.js';

/** Answers that depend on the time are built anew at multiples of this. */
const STRETCH_MS = 6 * 3_600_000;

/** Stretches remembered: the present one, the next, and late requests. */
const STRETCHES_MAX = 8;

/** When a band is open: sorted, apart, cut at the edges of what is covered. */
export interface OpenBand {
  readonly band: string;
  readonly open: readonly Interval[];
}

/** A stretch and the open times, by band, of all that an answer inside it covers. */
export interface Stretch extends Interval {
  readonly bands: readonly OpenBand[];
}

export interface BandCalendar {
  readonly bands: readonly CompiledBand[];
  stretchAt(atMs: number): Stretch;
}

export function createBandCalendar(
  bands: readonly CompiledBand[],
  clock: LocalClock,
): BandCalendar {
  const stretches = new Map<number, Stretch>();
  return {
    bands,
    stretchAt(atMs) {
      const fromMs = Math.floor(atMs / STRETCH_MS) * STRETCH_MS;
      const known = stretches.get(fromMs);
      if (known !== undefined) return known;
      const untilMs = fromMs + STRETCH_MS;
      const spans = clock.spans(fromMs - COVERED_BEFORE_MS, untilMs + COVERED_AFTER_MS);
      const open = bands.map((band) =>
        Object.freeze({ band: band.id, open: openIntervals(band, spans) }),
      );
      const [oldest] = stretches.keys();
      if (oldest !== undefined && stretches.size >= STRETCHES_MAX) stretches.delete(oldest);
      const stretch = { fromMs, untilMs, bands: Object.freeze(open) };
      stretches.set(fromMs, stretch);
      return stretch;
    },
  };
}
