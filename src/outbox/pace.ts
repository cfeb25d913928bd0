/**
 * When and how much is written to Postgres (docs/adr/0010): as fast as charging lets it be, and no
 * faster. While events arrive and a backlog stands, the flusher writes small batches and rests after
 * each; with no backlog it writes what came, a part of the partitions at a time and some times a
 * second; else it goes at full speed.
 */
import { nearsRefusal, type BacklogLimits, type BacklogMeasure } from './backlog.js';
import type { Lateness } from './lateness.js';

export interface PaceOptions {
  /** A backlog is gone within this time, whatever charging notices; 0: always at full speed. */
  readonly catchUpSeconds: number;
  /** So many entries and a second's arrivals are no backlog: a round at full speed takes them. */
  readonly batchEntriesMax: number;
  readonly limits: BacklogLimits;
}

/** A round with little in it, and the rest before it. */
export interface PoliteRound {
  readonly kind: 'polite';
  readonly restMs: number;
  readonly entriesMax: number;
  /** They take turns. */
  readonly partitionsMax: number;
}

/** What came since the round before it, of some of the partitions: an ordinary day. */
export interface SteadyRound {
  readonly kind: 'steady';
  readonly restMs: number;
  readonly entriesMax: number;
  /** Within so many rounds all partitions have their turn. */
  readonly turns: number;
}

export type Round = { readonly kind: 'full' } | PoliteRound | SteadyRound;

export interface RoundDone {
  readonly entries: number;
  readonly workedMs: number;
}

/**
 * Some 15 ms of work on a core, one sync of Postgres, a reply that Redis makes in 0.3 ms. Fewer entries
 * cost the cores more in all (98 ms for 1,000 by 125 at a time, 79 by 250); by 1,000 at a time more
 * charges are very late.
 */
const ENTRIES_MAX = 250;
const PARTITIONS_MAX = 5;
/** Fewer arrivals a second are nobody's charging. */
const ARRIVING_MIN = 1;
/** A backlog shrinks at least half as fast as it would grow. */
const ARRIVING_FACTOR = 1.5;
/** What any machine does beside charging: a backlog of a few thousand is gone within seconds. */
const PER_SECOND_MIN = 1_000;
/** Before its first batch the flusher listens for so long, to know what calm is. */
const LISTEN_MS = 1_000;
/** How often calm is listened to anew, and for how long, where the rests alone are too short. */
const CALM_PERIOD_MS = 5_000;
const CALM_PROBES_MIN = 40;
const CALM_MS = 250;
/** So many measures in a row that small batches were too slow, even without a rest: large ones then. */
const SLOW_MEASURES = 3;
/** For so long, until small ones are tried again. */
const HURRY_MS = 10_000;
/** What was written, or not, so long ago neither allows a rest nor forbids one. */
const CREDIT_MAX_MS = 1_000;

/** Steady rounds begin so long after each other, and have half of the partitions each. */
const STEADY_MS = 250;
const STEADY_TURNS = 2;
/** Below it a round finds next to nothing, and what is charged is in the record at once. */
const STEADY_ARRIVING_MIN = 100;
/** Above it rounds at full speed are the cheaper ones, and cores are what gets short. */
const STEADY_ARRIVING_MAX = 4_000;
/** A round takes so many times what arrives between two, so that what a late one left is made up. */
const STEADY_FACTOR = 2;
const STEADY_ENTRIES_MIN = 500;

/** How long to rest, so that of work and rest together `share` is work. */
export function restAfter({
  workedMs,
  share,
}: {
  readonly workedMs: number;
  readonly share: number;
}): number {
  return workedMs * (1 / share - 1);
}

/** The least entries a second: see docs/operations.md. @param leftMs until the backlog must be gone */
export function leastSpeed({
  entries,
  arrivingPerSecond,
  leftMs,
}: {
  readonly entries: number;
  readonly arrivingPerSecond: number;
  readonly leftMs: number;
}): number {
  if (leftMs <= 0) return Infinity;
  const byDeadline = arrivingPerSecond + (entries * 1_000) / leftMs;
  return Math.max(PER_SECOND_MIN, ARRIVING_FACTOR * arrivingPerSecond, byDeadline);
}

/** Decides each round of a flusher. Times are of performance.now(). */
export class Pace {
  readonly #options: PaceOptions;
  readonly #lateness: Lateness;
  #measure: BacklogMeasure | null = null;
  /** Since when a backlog stands; null while none does. */
  #behindSince: number | null = null;
  #manner: Round['kind'] = 'full';
  /** When the last steady round was to begin. */
  #steadyAt = -Infinity;
  #hasListened = false;
  /** Polite rounds since the last measure. */
  #rounds = { entries: 0, workedMs: 0 };
  #slowMeasures = 0;
  #hurriesUntil = 0;
  /** How long the entries written so far allow to rest by the least speed. */
  #creditMs = 0;
  #creditAt = 0;
  #workedMs = 0;
  #calmAt = 0;
  #calmCount = 0;

  constructor(options: PaceOptions, { lateness }: { readonly lateness: Lateness }) {
    this.#options = options;
    this.#lateness = lateness;
  }

  /** The part of its time that charging leaves to the flusher; 1 at full speed. */
  get share(): number {
    return this.#manner === 'polite' ? this.#lateness.share : 1;
  }

  /** Hears of each measure of the backlog. */
  measured(measure: BacklogMeasure, now: number): void {
    this.#measure = measure;
    if (!this.#isBehind(measure)) this.#behindSince = null;
    else if (this.#behindSince === null) {
      this.#behindSince = now;
      this.#hasListened = false;
    }
    if (this.#isTooSlow(now)) this.#hurriesUntil = now + HURRY_MS;
    this.#manner = this.#mannerFor(measure, now);
  }

  /** What the next round is to be. */
  next(now: number): Round {
    switch (this.#manner) {
      case 'full':
        return { kind: 'full' };
      case 'steady':
        return this.#steadyRound(now);
      case 'polite': {
        const sizes = { entriesMax: ENTRIES_MAX, partitionsMax: PARTITIONS_MAX };
        return { kind: 'polite', restMs: this.#restMs(now), ...sizes };
      }
    }
  }

  #steadyRound(now: number): SteadyRound {
    const at = Math.max(now, this.#steadyAt + STEADY_MS);
    this.#steadyAt = at;
    const expected = ((this.#measure?.arrivingPerSecond ?? 0) * STEADY_MS) / 1_000;
    const most = Math.max(STEADY_ENTRIES_MIN, Math.ceil(STEADY_FACTOR * expected));
    return { kind: 'steady', restMs: at - now, entriesMax: most, turns: STEADY_TURNS };
  }

  /** Hears of each polite round. */
  done({ entries, workedMs }: RoundDone, now: number): void {
    this.#workedMs += workedMs;
    this.#creditMs += (entries * 1_000) / this.#leastSpeed(now);
    this.#rounds.entries += entries;
    this.#rounds.workedMs += workedMs;
  }

  #restMs(now: number): number {
    const workedMs = this.#workedMs;
    this.#workedMs = 0;
    if (!this.#hasListened) {
      this.#hasListened = true;
      this.#lateness.forget();
      this.#calmAt = now + LISTEN_MS;
      this.#calmCount = 0;
      this.#creditMs = 0;
      this.#creditAt = now + LISTEN_MS;
      return LISTEN_MS;
    }
    this.#creditMs = clamp(this.#creditMs - (now - this.#creditAt), CREDIT_MAX_MS);
    this.#creditAt = now;
    const wishedMs = Math.max(
      restAfter({ workedMs, share: this.#lateness.share }),
      this.#lacksCalm(now) ? CALM_MS : 0,
    );
    return Math.max(0, Math.min(wishedMs, this.#creditMs));
  }

  /** Rests that are too short to listen in leave the measure of calm to grow old. */
  #lacksCalm(now: number): boolean {
    if (now - this.#calmAt < CALM_PERIOD_MS) return false;
    const heard = this.#lateness.calmCount - this.#calmCount;
    this.#calmAt = now;
    this.#calmCount = this.#lateness.calmCount;
    return heard < CALM_PROBES_MIN;
  }

  /** A backlog is more than a round at full speed would take, and stands until little is left. */
  #isBehind({ entries, arrivingPerSecond }: BacklogMeasure): boolean {
    const { batchEntriesMax } = this.#options;
    const isNew = this.#behindSince === null;
    const few = isNew ? batchEntriesMax : Math.min(batchEntriesMax, 2 * ENTRIES_MAX);
    return entries > few + (arrivingPerSecond ?? 0);
  }

  #mannerFor(measure: BacklogMeasure, now: number): Round['kind'] {
    const { catchUpSeconds, limits } = this.#options;
    if (catchUpSeconds === 0 || nearsRefusal(measure, limits)) return 'full';
    if (now < this.#hurriesUntil) return 'full';
    return this.#behindSince === null ? this.#ordinary(measure) : this.#behind(measure, now);
  }

  #behind({ arrivingPerSecond }: BacklogMeasure, now: number): 'polite' | 'full' {
    // Whether somebody charges shows by the second measure.
    if (arrivingPerSecond !== null && arrivingPerSecond < ARRIVING_MIN) return 'full';
    return this.#leastSpeed(now) < Infinity ? 'polite' : 'full';
  }

  #ordinary({ arrivingPerSecond }: BacklogMeasure): 'steady' | 'full' {
    const arriving = arrivingPerSecond ?? 0;
    // Rounds set to be smaller than what comes between two would fall behind.
    const most = Math.min(
      STEADY_ARRIVING_MAX,
      (this.#options.batchEntriesMax * 1_000) / STEADY_MS / STEADY_FACTOR,
    );
    return arriving >= STEADY_ARRIVING_MIN && arriving <= most ? 'steady' : 'full';
  }

  /** Whether small batches, one after the other, can't reach the least speed. */
  #isTooSlow(now: number): boolean {
    const { entries, workedMs } = this.#rounds;
    this.#rounds = { entries: 0, workedMs: 0 };
    const isSlow = workedMs > 0 && (entries * 1_000) / workedMs < this.#leastSpeed(now);
    this.#slowMeasures = isSlow ? this.#slowMeasures + 1 : 0;
    return this.#slowMeasures >= SLOW_MEASURES;
  }

  #leastSpeed(now: number): number {
    const { entries = 0, arrivingPerSecond = null } = this.#measure ?? {};
    const passedMs = now - (this.#behindSince ?? now);
    return leastSpeed({
      entries,
      arrivingPerSecond: arrivingPerSecond ?? 0,
      leftMs: this.#options.catchUpSeconds * 1_000 - passedMs,
    });
  }
}

function clamp(value: number, most: number): number {
  return Math.max(-most, Math.min(most, value));
}
