/**
 * What charging notices of the flusher's work, told by probes: commands that Redis answers in turn
 * with the charges, behind the same syncs and on the same cores, wherever the fronts run.
 */
export interface LatenessOptions {
  /** Between the answer of a probe and the next probe. */
  readonly intervalMs: number;
}

/** Probes in calm whose tail is the measure; older ones are forgotten. */
const CALM_MAX = 500;
const CALM_QUANTILE = 0.98;
/** As many as make a tail. */
const CALM_MIN = 50;
/** A probe is late that takes so many times as long as nearly all do in calm. */
const LATE_FACTOR = 2;
/** Of all charges, so many may be late; one in a hundred is what the 99th percentile is. */
const LATE_MAX = 0.007;
/** Probes of work that count; as if so many had been seen before the first. */
const WORK_MEMORY = 400;
const LATE_AT_FIRST = 0.035;

export class Lateness {
  readonly #intervalMs: number;
  readonly #calm: number[] = [];
  #calmCount = 0;
  #sorted: readonly number[] | null = null;
  #late = LATE_AT_FIRST * WORK_MEMORY;
  #total = WORK_MEMORY;

  constructor({ intervalMs }: LatenessOptions) {
    this.#intervalMs = intervalMs;
  }

  /** Probes in calm since it was forgotten. */
  get calmCount(): number {
    return this.#calmCount;
  }

  /** Whether it is known what calm is. */
  get knowsCalm(): boolean {
    return this.#calm.length >= CALM_MIN;
  }

  /** What takes longer is late; infinite while calm isn't known. */
  get limitMs(): number {
    if (!this.knowsCalm) return Infinity;
    this.#sorted ??= [...this.#calm].sort((one, other) => one - other);
    return (
      LATE_FACTOR * (this.#sorted[Math.floor(this.#sorted.length * CALM_QUANTILE)] ?? Infinity)
    );
  }

  /** What calm was may be long ago. */
  forget(): void {
    this.#calm.length = 0;
    this.#calmCount = 0;
    this.#sorted = null;
  }

  /** A probe while the flusher rested. */
  calm(tookMs: number): void {
    this.#calm[this.#calmCount % CALM_MAX] = tookMs;
    this.#calmCount += 1;
    this.#sorted = null;
  }

  /**
   * A probe while the flusher worked. One that took long stands for those that would have been sent
   * meanwhile, and would have waited less long.
   */
  worked(tookMs: number): void {
    if (!this.knowsCalm) return;
    const overMs = tookMs - this.limitMs;
    const total = 1 + Math.floor(tookMs / this.#intervalMs);
    const late = overMs > 0 ? 1 + Math.floor(overMs / this.#intervalMs) : 0;
    const kept = Math.max(0, 1 - total / WORK_MEMORY);
    this.#late = this.#late * kept + late;
    this.#total = this.#total * kept + total;
  }

  /** The part of its time that the flusher may work, so that no more than {@link LATE_MAX} are late. */
  get share(): number {
    const lateRatio = this.#late / this.#total;
    return lateRatio <= LATE_MAX ? 1 : LATE_MAX / lateRatio;
  }
}
