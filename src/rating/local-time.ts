/**
 * The clock on the wall of a time zone. Local times are written as the milliseconds that UTC would
 * show for the same reading, so that days and hours are plain arithmetic. luxon tells the offsets;
 * nothing here runs while a request is decided.
 */
import { IANAZone } from 'luxon';

const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;
export const DAY_MS = 86_400_000;

/** Days whose offsets are remembered: asking luxon costs some 10 us and leaves garbage behind. */
const DAYS_KEPT = 1_024;

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

/** What luxon said of one day, from midnight to midnight in UTC. */
interface Day {
  readonly offsetMs: number;
  /** When the offset becomes another; null where it stays until the next midnight and then on. */
  readonly changeMs: number | null;
  readonly afterMs: number;
}

export function createLocalClock(timezone: string): LocalClock {
  const zone = IANAZone.create(timezone);
  const days = new Map<number, Day>();
  const offsetAt = (atMs: number): number => zone.offset(atMs) * MINUTE_MS;

  function dayOf(number: number): Day {
    const known = days.get(number);
    if (known !== undefined) return known;
    const [fromMs, untilMs] = [number * DAY_MS, (number + 1) * DAY_MS];
    const [offsetMs, afterMs] = [offsetAt(fromMs), offsetAt(untilMs)];
    const changeMs = offsetMs === afterMs ? null : firstWith(afterMs, fromMs, untilMs);
    if (days.size >= DAYS_KEPT) days.clear();
    const day = { offsetMs, changeMs, afterMs };
    days.set(number, day);
    return day;
  }

  /** The first minute in (lowMs, highMs] with an offset. No zone changes twice within a day. */
  function firstWith(offsetMs: number, lowMs: number, highMs: number): number {
    let [low, high] = [lowMs / MINUTE_MS, highMs / MINUTE_MS];
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (offsetAt(middle * MINUTE_MS) === offsetMs) high = middle;
      else low = middle;
    }
    return high * MINUTE_MS;
  }

  function spans(fromMs: number, untilMs: number): readonly OffsetSpan[] {
    const found: OffsetSpan[] = [];
    let start = fromMs;
    for (let number = Math.floor(fromMs / DAY_MS); number * DAY_MS < untilMs; number += 1) {
      const { offsetMs, changeMs } = dayOf(number);
      if (changeMs === null || changeMs <= start || changeMs >= untilMs) continue;
      found.push({ fromMs: start, untilMs: changeMs, offsetMs });
      start = changeMs;
    }
    if (start < untilMs) found.push({ fromMs: start, untilMs, offsetMs: offsetOf(start) });
    return found;
  }

  function offsetOf(atMs: number): number {
    const { offsetMs, changeMs, afterMs } = dayOf(Math.floor(atMs / DAY_MS));
    return changeMs === null || atMs < changeMs ? offsetMs : afterMs;
  }

  function instantOf(localMs: number): number {
    for (const { fromMs, untilMs, offsetMs } of spans(localMs - DAY_MS, localMs + DAY_MS)) {
      const instant = Math.max(fromMs, localMs - offsetMs);
      if (instant < untilMs) return instant;
    }
    throw new Error(`${timezone} is more than a day away from UTC`);
  }

  return { localOf: (atMs) => atMs + offsetOf(atMs), instantOf, spans };
}
