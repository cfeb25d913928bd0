/** What a plan grants to a subscriber: its bundles, once each, and what is watched. */
import { toAmount } from '../../../domain/amounts.js';
import {
  bundleTerm,
  type CompiledBucket,
  type CompiledBundle,
} from '../../../rating/compiled-plan.js';
import type { CreditOperation } from '../../../charging/provisioning.js';
import type { AccountDraft } from './account-draft.js';
import type { DeclaredThreshold } from './account-write.js';
import { floorText } from './bucket-change.js';
import { describeGrant, grantKey, grantOf } from './bucket-grant.js';
import type { DeclaredBucket, DeclaredScope } from './declared-bucket.js';
import type { Findings } from './findings.js';
import type { UsablePlan } from './plan-plans.js';
import type { PlannedTenant } from './plan-tenants.js';

export interface PlanGrantContext {
  readonly subscriber: string;
  readonly draft: AccountDraft;
  readonly tenant: PlannedTenant;
  readonly now: number;
  readonly findings: Findings;
}

/** "alice:plan:bundle": names of a file have no colon, so these never meet those of an entry. */
function bundleName(subscriber: string, plan: string, bundle: string): string {
  return `${subscriber}:${plan}:${bundle}`;
}

/**
 * Grants the bundles that the subscriber has not had of this plan, all in one intent, so that what
 * waits for another finds it there. What was granted stays; its credit limit follows the plan.
 */
export function grantPlan({ compiled }: UsablePlan, context: PlanGrantContext): void {
  const { subscriber, draft, tenant, now, findings } = context;
  const operations: CreditOperation[] = [];
  let first: string | null = null;
  for (const bundle of compiled.bundles) {
    const bundleId = bundleName(subscriber, compiled.code, bundle.id);
    const after =
      bundle.after === null ? null : bundleName(subscriber, compiled.code, bundle.after);
    for (const bucket of bundle.buckets) {
      const id = `${bundleId}:${bucket.id}`;
      const had = draft.declared[id];
      if (had !== undefined) {
        followLimit({ id, had, bucket }, context);
        continue;
      }
      const declared = declaredBucket(bucket, { bundle, bundleId, after, now });
      const createdAt = now + operations.length;
      const resource = tenant.resources.get(bucket.resource);
      if (resource === undefined) continue;
      draft.declared[id] = declared;
      const name = `${tenant.code}/${draft.id}/${id}`;
      findings.create('bucket', name, ...describeGrant(declared, resource));
      operations.push({ operation: 'grant', bucket: grantOf(id, declared, { now, createdAt }) });
      first ??= id;
    }
  }
  if (first === null) return;
  draft.intents.push({ kind: 'grant', idempotencyKey: grantKey(draft.id, first), operations });
}

function declaredBucket(
  bucket: CompiledBucket,
  {
    bundle,
    bundleId,
    after,
    now,
  }: {
    readonly bundle: CompiledBundle;
    readonly bundleId: string;
    readonly after: string | null;
    readonly now: number;
  },
): DeclaredBucket {
  const { state, endsAt, durationMs } = bundleTerm(bundle, now);
  const { resource, kind, amount, priority, step, blocker, floor } = bucket;
  return {
    resource,
    kind,
    amount,
    priority,
    step,
    blocker,
    bundle: bundleId,
    scope: scopeOf(bucket),
    floor,
    fromMs: null,
    untilMs: endsAt,
    durationMs,
    armed: state === 'armed',
    ...(after !== null && { after }),
  };
}

function scopeOf({ scope }: CompiledBucket): DeclaredScope | null {
  if (scope === null) return null;
  const { serviceContexts, ...rest } = scope;
  return { ...rest, ...(serviceContexts && { contexts: serviceContexts }) };
}

function followLimit(
  {
    id,
    had,
    bucket,
  }: {
    readonly id: string;
    readonly had: DeclaredBucket;
    readonly bucket: CompiledBucket;
  },
  { draft, tenant, findings }: PlanGrantContext,
): void {
  const resource = tenant.resources.get(had.resource);
  if (had.floor === bucket.floor || had.resource !== bucket.resource || resource === undefined) {
    findings.compare('bucket', `${tenant.code}/${draft.id}/${id}`, []);
    return;
  }
  const { floor } = bucket;
  draft.declared[id] = { ...had, floor };
  const number = (draft.before?.lastIntent ?? 0) + draft.intents.length;
  findings.compare('bucket', `${tenant.code}/${draft.id}/${id}`, [
    `floor: ${floorText(floor, resource)}`,
  ]);
  const to = floor === null ? null : toAmount(floor);
  draft.intents.push({
    kind: 'adjustment',
    idempotencyKey: `operator-file/${draft.id}/${id}/change-after-${number}`,
    operations: [{ operation: 'set-floor', bucketId: id, floor: to }],
  });
}

/** What is watched for a subscriber of a plan. */
export function planThresholds(
  { compiled }: UsablePlan,
  subscriber: string,
): readonly DeclaredThreshold[] {
  const { thresholds, lowBalance, code } = compiled;
  const declared = thresholds.map(({ id, resource, bundle, level }): DeclaredThreshold => {
    return {
      id: `${subscriber}:${id}`,
      resource,
      bundleId: bundle === null ? null : bundleName(subscriber, code, bundle),
      percent: 'percent' in level ? level.percent : null,
      amount: 'amount' in level ? level.amount : null,
      lowBalance: false,
    };
  });
  if (lowBalance === null) return declared;
  const { resource, amount } = lowBalance;
  const low = { id: `${subscriber}:low-balance`, resource, bundleId: null, percent: null, amount };
  return [...declared, { ...low, lowBalance: true }];
}
