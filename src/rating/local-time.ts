/**
 * The clock on the wall of a time zone. Local times are written as the milliseconds that UTC would
 * show for the same reading, so that days and hours are plain arithmetic. luxon tells the offsets;
 * nothing here runs while a request is decided.
 */
import { IANAZone } from 'luxon';

export const HOUR_MS = 3_600_000;
export const DAY_MS = 86_400_000;

/** Transitions of a zone are never closer to each other than this. */
const PROBE_MS = 3 * HOUR_MS;

/** A span of time in which the zone's offset does not change. */
export interface OffsetSpan {
  readonly fromMs: number;
  readonly untilMs: number;
  readonly offsetMs: number;
}

export interface LocalClock {
  /** What the wall shows at an instant. */
  localOf(atMs: number): number;
  /** The first instant at which the wall shows `localMs` or, where that is skipped, later. */
  instantOf(localMs: number): number;
  /** The spans of constant offset that make up [fromMs, untilMs). */
  spans(fromMs: number, untilMs: number): readonly OffsetSpan[];
}

/** Whether the runtime knows the time zone. */
export function isTimeZone(name: string): boolean {
  return IANAZone.isValidZone(name);
}

export function createLocalClock(timezone: string): LocalClock {
  const zone = IANAZone.create(timezone);
  const offsetAt = (atMs: number): number => zone.offset(atMs) * 60_000;

  /** The instant in (lowMs, highMs] from which on the offset is that of `highMs`. */
  function transition(lowMs: number, highMs: number): number {
    const after = offsetAt(highMs);
    let low = lowMs;
    let high = highMs;
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (offsetAt(middle) === after) high = middle;
      else low = middle;
    }
    return high;
  }

  function instantOf(localMs: number): number {
    const low = localMs - DAY_MS;
    const high = localMs + DAY_MS;
    const before = offsetAt(low);
    const after = offsetAt(high);
    if (before === after) return localMs - before;
    const change = transition(low, high);
    return localMs - before < change ? localMs - before : Math.max(change, localMs - after);
  }

  function spans(fromMs: number, untilMs: number): readonly OffsetSpan[] {
    const found: OffsetSpan[] = [];
    let start = fromMs;
    let probed = fromMs;
    while (probed < untilMs) {
      const next = Math.min(probed + PROBE_MS, untilMs);
      if (offsetAt(next) !== offsetAt(probed)) {
        const change = transition(probed, next);
        found.push({ fromMs: start, untilMs: change, offsetMs: offsetAt(probed) });
        start = change;
      }
      probed = next;
    }
    if (start < untilMs) {
      found.push({ fromMs: start, untilMs, offsetMs: offsetAt(start) });
    }
    return found;
  }

  return { localOf: (atMs) => atMs + offsetAt(atMs), instantOf, spans };
}
