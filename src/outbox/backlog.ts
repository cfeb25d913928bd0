/**
 * How far the record is behind charging, and what follows from it: first an alert, then no new
 * sessions, before Redis or its disk is full. Reports and stops are always taken.
 */
export interface BacklogMeasure {
  /** Entries of all partitions that Postgres does not have. */
  readonly entries: number;
  /** Age of the oldest of them; 0 where there is none. */
  readonly oldestAgeSeconds: number;
  /** Entries added each second since the measure before; null at the first. */
  readonly arrivingPerSecond: number | null;
  /** Redis' memory in use over what it may use; 0 without a limit. */
  readonly memoryRatio: number;
  /** Free space for Redis' append-only files over that memory; null where it isn't known. */
  readonly diskRoom: number | null;
}

export const BACKLOG_STATES = ['ok', 'alert', 'refuse-new-sessions'] as const;
export type BacklogState = (typeof BACKLOG_STATES)[number];

/** Null for no limit. */
export interface BacklogLimits {
  readonly alertEntries: number | null;
  readonly alertAgeSeconds: number | null;
  readonly alertMemoryRatio: number | null;
  readonly alertDiskRoom: number | null;
  readonly refuseEntries: number | null;
  readonly refuseAgeSeconds: number | null;
  readonly refuseMemoryRatio: number | null;
  readonly refuseDiskRoom: number | null;
}

export const BACKLOG_LIMIT_DEFAULTS: BacklogLimits = Object.freeze({
  /** A minute of a busy installation. */
  alertEntries: 500_000,
  alertAgeSeconds: 60,
  alertMemoryRatio: 0.75,
  /** A rewrite of the files of a full Redis no longer fits. */
  alertDiskRoom: 1,
  /** Numbers and age alone fill nothing: memory decides, unless the operator says otherwise. */
  refuseEntries: null,
  refuseAgeSeconds: null,
  refuseMemoryRatio: 0.9,
  /** Redis ends itself when its disk is full: what is left is kept for reports and stops. */
  refuseDiskRoom: 0.25,
});

/**
 * Whether new sessions may soon be refused: half of what refuses them by number or age is there, or
 * memory or disk is as short as the alert says.
 */
export function nearsRefusal(
  { entries, oldestAgeSeconds, memoryRatio, diskRoom }: BacklogMeasure,
  limits: BacklogLimits,
): boolean {
  const reaches = (value: number, limit: number | null): boolean =>
    limit !== null && value >= limit;
  const half = (limit: number | null): number | null => (limit === null ? null : limit / 2);
  return (
    reaches(entries, half(limits.refuseEntries)) ||
    reaches(oldestAgeSeconds, half(limits.refuseAgeSeconds)) ||
    reaches(memoryRatio, limits.alertMemoryRatio) ||
    (diskRoom !== null && limits.alertDiskRoom !== null && diskRoom <= limits.alertDiskRoom)
  );
}

/** A state is left only when the measure is this far below its limit, so that it doesn't flutter. */
const RELEASE_FACTOR = 0.9;

/** Judges a measure; `before` is the state until now. */
export function judgeBacklog(
  measure: BacklogMeasure,
  limits: BacklogLimits,
  before: BacklogState,
): BacklogState {
  const { entries, oldestAgeSeconds: age, memoryRatio: memory, diskRoom } = measure;
  const reaches = (value: number, limit: number | null, held: boolean): boolean =>
    limit !== null && value >= (held ? limit * RELEASE_FACTOR : limit);
  const isShort = (limit: number | null, held: boolean): boolean =>
    limit !== null && diskRoom !== null && diskRoom <= (held ? limit / RELEASE_FACTOR : limit);
  const refused = before === 'refuse-new-sessions';
  if (
    reaches(entries, limits.refuseEntries, refused) ||
    reaches(age, limits.refuseAgeSeconds, refused) ||
    reaches(memory, limits.refuseMemoryRatio, refused) ||
    isShort(limits.refuseDiskRoom, refused)
  ) {
    return 'refuse-new-sessions';
  }
  const alerted = before !== 'ok';
  const alert =
    reaches(entries, limits.alertEntries, alerted) ||
    reaches(age, limits.alertAgeSeconds, alerted) ||
    reaches(memory, limits.alertMemoryRatio, alerted) ||
    isShort(limits.alertDiskRoom, alerted);
  return alert ? 'alert' : 'ok';
}
