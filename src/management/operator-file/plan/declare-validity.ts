/** When a bucket of the file may be used, in milliseconds since 1970. */
import { DateTime } from 'luxon';
import type { ValidityFields } from '../format/account-format.js';
import { parseQuantity, QUANTITY_EXPECTED } from '../format/quantity.js';
import type { FilePath } from '../reading/file-fault.js';
import type { DeclaredBucket } from './declared-bucket.js';
import type { Findings } from './findings.js';

export interface ValiditySurroundings {
  readonly path: FilePath;
  readonly timezone: string;
  readonly findings: Findings;
}

type Validity = Pick<DeclaredBucket, 'fromMs' | 'untilMs' | 'durationMs' | 'armed' | 'after'>;

/** Reads when a bucket may be used, with a fault for each contradiction. */
export function validityOf(validity: ValidityFields, around: ValiditySurroundings): Validity {
  const { findings } = around;
  const path = [...around.path, 'validity'];
  const { duration } = validity;
  const armed = validity.starts === 'first-use';
  const seconds = duration === undefined ? null : parseQuantity(duration, 'seconds');
  const durationMs = seconds === null ? null : seconds * 1000;
  if (duration !== undefined && (durationMs === null || !isPeriod(durationMs))) {
    const remedy = `write ${QUANTITY_EXPECTED.seconds}, 100 years at most`;
    findings.fault([...path, 'duration'], `"${duration}" is no length of time`, remedy);
  }
  const fromMs = momentOf(validity.from, { ...around, path: [...path, 'from'] });
  const untilMs = momentOf(validity.until, { ...around, path: [...path, 'until'] });
  if (armed && duration === undefined) {
    const remedy = 'add duration, such as "30 days"';
    findings.fault(path, 'it starts at first use and has no duration', remedy);
  }
  if (armed && fromMs !== null) {
    findings.fault([...path, 'from'], 'it starts at first use and from', 'remove one of the two');
  }
  const { after } = validity;
  if (after !== undefined && (armed || fromMs !== null || untilMs !== null)) {
    const remedy = 'remove from, until and starts; duration says how long it lasts from then';
    findings.fault([...path, 'after'], `it waits for ${after} and says when it begins`, remedy);
  }
  if (!armed && duration !== undefined && untilMs !== null) {
    findings.fault(path, 'it ends by duration and until', 'remove one of the two');
  }
  if (fromMs !== null && untilMs !== null && untilMs <= fromMs) {
    findings.fault([...path, 'until'], 'it ends before it begins', 'move one of them');
  }
  return { fromMs, untilMs, durationMs, armed, ...(after !== undefined && { after }) };
}

const CENTURY_MS = 36_525 * 86_400_000;

function isPeriod(durationMs: number): boolean {
  return durationMs > 0 && durationMs <= CENTURY_MS;
}

/** A moment in milliseconds since 1970, by the clock of a time zone where it says no offset. */
export function momentOf(
  written: string | undefined,
  { path, timezone, findings }: ValiditySurroundings,
): number | null {
  if (written === undefined) return null;
  const at = DateTime.fromISO(written, { zone: timezone }).toMillis();
  if (at > 0) return at;
  findings.fault(path, `"${written}" is no date after 1970`, 'correct it');
  return null;
}
