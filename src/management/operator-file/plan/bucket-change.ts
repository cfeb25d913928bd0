/** What becomes of a bucket that was granted already, when a file declares it otherwise. */
import type { FilePath } from '../reading/file-fault.js';
import type { AccountState, ResourceState } from './current-state.js';
import { amountText } from './declare-bucket.js';
import type { DeclaredBucket } from './declared-bucket.js';
import { canonicalJson, type Findings } from './findings.js';

/** Changes of a granted bucket that an intent can make. */
export interface BucketChange {
  readonly floor?: number | null;
  readonly endsAt?: number | null;
}

export interface GrantedBucket {
  /** "demo/alice/main". */
  readonly name: string;
  readonly id: string;
  readonly path: FilePath;
  readonly before: DeclaredBucket;
  readonly after: DeclaredBucket;
  readonly account: AccountState;
  readonly resource: ResourceState;
}

/** Members that stand as they were granted, by the name the file has for them. */
const FIXED = [
  ['priority', 'priority'],
  ['step', 'step'],
  ['blocker', 'blocker'],
  ['bundle', 'bundle'],
  ['scope', 'scope'],
  ['fromMs', 'validity'],
  ['durationMs', 'validity'],
  ['armed', 'validity'],
  ['after', 'validity'],
] as const satisfies readonly (readonly [keyof DeclaredBucket, string])[];

/** Compares; what cannot change becomes a fault. Null where it has one, or where nothing changes. */
export function compareGranted(granted: GrantedBucket, findings: Findings): BucketChange | null {
  const { name, path, before, after, resource } = granted;
  const faults = findings.faults.length;
  if (before.resource !== after.resource) {
    findings.fault(
      [...path, 'resource'],
      `${name} was granted in ${before.resource}, which stays as it is`,
      'restore it, or add a bucket of another id',
    );
    return null;
  }
  if (before.amount !== after.amount) {
    findings.fault(
      [...path, 'amount'],
      `${name} was granted ${amountText(before.amount, resource)}, and no file sets what it holds`,
      `restore the amount; to give more, add a bucket of another id`,
    );
  }
  const fixed = new Set(
    FIXED.filter(([key]) => canonicalJson(before[key]) !== canonicalJson(after[key])).map(
      ([, field]) => field,
    ),
  );
  for (const field of fixed) {
    findings.fault(
      [...path, field],
      `${name} was granted with another ${field}, which stays as it is`,
      'restore it, or add a bucket of another id',
    );
  }
  const change: BucketChange = {
    ...(before.floor !== after.floor && { floor: after.floor }),
    ...(before.untilMs !== after.untilMs && { endsAt: after.untilMs }),
  };
  if (change.endsAt !== undefined) checkEnd(granted, findings);
  if (findings.faults.length > faults) return null;
  findings.compare('bucket', name, [
    ...(change.floor === undefined ? [] : [`floor: ${floorText(change.floor, resource)}`]),
    ...(change.endsAt === undefined ? [] : [`ends: ${endText(change.endsAt)}`]),
  ]);
  return Object.keys(change).length > 0 ? change : null;
}

/** An end can move while the bucket lives and is not counted from its start. */
function checkEnd({ id, name, path, after, account }: GrantedBucket, findings: Findings): void {
  const at = [...path, 'validity'];
  if (account.held.get(id) === 'inactive') {
    const remedy = 'restore its validity; to give more, add a bucket of another id';
    findings.fault(at, `${name} has ended, and stays so`, remedy);
  } else if (after.armed) {
    const remedy = 'restore it, or add a bucket of another id';
    findings.fault(at, `${name} may have begun: its last moment to begin stays`, remedy);
  }
}

export function floorText(floor: number | null, resource: ResourceState): string {
  return floor === null ? 'none' : amountText(floor, resource);
}

export function endText(endsAt: number | null): string {
  return endsAt === null ? 'never' : new Date(endsAt).toISOString();
}
