/** The first declaration of a bucket: the intent that grants it, once and for all. */
import { AMOUNT_MAX, toAmount } from '../../../domain/amounts.js';
import type { BucketGrant } from '../../../domain/events.js';
import type { IntentDraft } from './account-write.js';
import { endText, floorText } from './bucket-change.js';
import type { FilePath } from '../reading/file-fault.js';
import type { AccountState, ResourceState } from './current-state.js';
import { amountText } from './declare-bucket.js';
import type { DeclaredBucket } from './declared-bucket.js';
import type { Findings } from './findings.js';

export interface NewBucket {
  readonly id: string;
  readonly accountId: string;
  /** "demo/alice/main". */
  readonly name: string;
  readonly path: FilePath;
  readonly account: AccountState | undefined;
  readonly declared: DeclaredBucket;
  readonly resource: ResourceState;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
}

/** Plans the grant; null, with a note or a fault, where there is none. */
export function planGrant(
  { id, accountId, name, path, account, declared, resource, createdAt }: NewBucket,
  { findings, now }: { readonly findings: Findings; readonly now: number },
): { readonly declared: DeclaredBucket; readonly intent: IntentDraft } | null {
  if (account?.held.has(id) === true) {
    const message = `${name} exists and comes from elsewhere`;
    findings.fault([...path, 'id'], message, 'declare it by another id');
    return null;
  }
  if (declared.untilMs !== null && declared.untilMs <= now) {
    const message = `${name} ended ${endText(declared.untilMs)} and was never granted: it is left out`;
    findings.note([...path, 'validity'], message, 'remove it, or move its end');
    return null;
  }
  findings.create('bucket', name, ...describeGrant(declared, resource));
  const grant = grantOf(id, declared, { now, createdAt });
  return {
    declared,
    intent: {
      kind: 'grant',
      idempotencyKey: grantKey(accountId, id),
      operations: [{ operation: 'grant', bucket: grant }],
    },
  };
}

/** Key of the one intent that grants a declared bucket. */
export function grantKey(account: string, bucket: string): string {
  return `operator-file/${account}/${bucket}/grant`;
}

export function describeGrant(declared: DeclaredBucket, resource: ResourceState): string[] {
  return [
    `grants ${amountText(declared.amount, resource)}`,
    ...(declared.floor === 0 ? [] : [`floor: ${floorText(declared.floor, resource)}`]),
    ...(declared.armed ? ['armed until its first use'] : []),
    ...(declared.after === undefined ? [] : [`waits for ${declared.after}`]),
    ...(declared.untilMs === null ? [] : [`ends: ${endText(declared.untilMs)}`]),
  ];
}

/**
 * The bucket as the engine takes it. One that begins with its grant has no start here: it begins by the
 * clock of the engine, when it is there.
 */
export function grantOf(
  bucketId: string,
  declared: DeclaredBucket,
  { now, createdAt }: { readonly now: number; readonly createdAt: number },
): BucketGrant & { readonly durationMs: number | null; readonly after: string | null } {
  const { armed, durationMs, fromMs, untilMs, scope, after } = declared;
  const queued = after !== undefined;
  const waits = queued || (fromMs !== null && fromMs > now);
  const startsAt = armed || queued ? null : fromMs;
  const ends = durationMs === null || startsAt === null ? untilMs : startsAt + durationMs;
  return {
    bucketId,
    resource: declared.resource,
    kind: declared.kind,
    priority: declared.priority,
    state: armed ? 'armed' : waits ? 'pending' : 'active',
    startsAt,
    endsAt: ends === null ? null : Math.min(ends, AMOUNT_MAX),
    durationMs: startsAt === null ? durationMs : null,
    after: after ?? null,
    createdAt,
    floor: declared.floor === null ? null : toAmount(declared.floor),
    granted: toAmount(declared.amount),
    step: declared.step,
    blocker: declared.blocker,
    bundleId: declared.bundle,
    detail: scope === null ? {} : { scope },
  };
}
