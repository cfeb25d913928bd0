/** An account's buckets: those to grant, those to change, those that are as they were. */
import { toAmount } from '../../../domain/amounts.js';
import type { CreditOperation } from '../../../charging/provisioning.js';
import type { BucketFields } from '../format/account-format.js';
import type { FilePath } from '../reading/file-fault.js';
import type { Entry } from '../reading/read-file.js';
import type { AccountDraft } from './account-draft.js';
import type { IntentDraft } from './account-write.js';
import { compareGranted, type BucketChange } from './bucket-change.js';
import { planGrant } from './bucket-grant.js';
import type { AccountState } from './current-state.js';
import { declareBucket } from './declare-bucket.js';
import type { DeclaredBucket } from './declared-bucket.js';
import type { Findings } from './findings.js';
import type { PlannedTariffs } from './plan-tariffs.js';
import type { PlannedTenant } from './plan-tenants.js';

export interface BucketContext {
  readonly tenant: PlannedTenant;
  readonly tariffs: PlannedTariffs;
  readonly now: number;
  readonly findings: Findings;
}

/** Adds to the draft what becomes of the buckets that the account's entry declares. */
export function planBuckets(
  draft: AccountDraft,
  buckets: readonly Entry<BucketFields>[],
  context: BucketContext,
): void {
  const { id: account, declared, intents } = draft;
  const before = draft.before ?? undefined;
  // Buckets granted together keep the order of the file where nothing else tells them apart.
  let createdAt = context.now;
  for (const { fields, path } of buckets) {
    if (fields === null) continue;
    checkPredecessor(fields, path, declared, context.findings);
    const planned = planBucket({ account, fields, path, before, createdAt }, context);
    if (planned === null) continue;
    declared[fields.id] = planned.declared;
    if (planned.intent !== null) intents.push(planned.intent);
    createdAt += 1;
  }
}

/** What a bucket waits for is granted in front of it, or it would begin at once. */
function checkPredecessor(
  { id, validity }: BucketFields,
  path: FilePath,
  declared: Readonly<Record<string, DeclaredBucket>>,
  findings: Findings,
): void {
  const after = validity?.after;
  if (after === undefined || id in declared) return;
  const known = Object.entries(declared).some(
    ([other, { bundle }]) => other === after || bundle === after,
  );
  if (known) return;
  const message = `no bucket or bundle in front of ${id} is called ${after}`;
  findings.fault([...path, 'validity', 'after'], message, 'declare it first, or correct the name');
}

interface BucketInFile {
  readonly account: string;
  readonly fields: BucketFields;
  readonly path: FilePath;
  readonly before: AccountState | undefined;
  readonly createdAt: number;
}

function planBucket(
  bucket: BucketInFile,
  context: BucketContext,
): { readonly declared: DeclaredBucket; readonly intent: IntentDraft | null } | null {
  const { tenant, tariffs, findings } = context;
  const { fields, path, before } = bucket;
  const resource = tenant.resources.get(fields.resource);
  if (resource === undefined) {
    if (!tenant.faultyResources.has(fields.resource)) {
      const message = `there is no resource ${fields.resource}`;
      findings.fault([...path, 'resource'], message, 'declare it in resources');
    }
    return null;
  }
  const { timezone } = tenant;
  const { zones, bands } = tariffs;
  const declared = declareBucket(fields, { path, resource, timezone, zones, bands, findings });
  if (declared === null) return null;
  const name = `${tenant.code}/${bucket.account}/${fields.id}`;
  const granted = before?.declared[fields.id];
  if (before === undefined || granted === undefined) {
    const { account: accountId, createdAt } = bucket;
    const { id } = fields;
    const grant = { id, accountId, name, path, account: before, declared, resource, createdAt };
    return planGrant(grant, context);
  }
  const refusal = before.refused.get(fields.id);
  if (refusal !== undefined) {
    const message = `${name} was refused when it was granted (${refusal})`;
    findings.note(path, message, 'declare it by another id');
  }
  const { id } = fields;
  const change = compareGranted(
    { id, name, path, before: granted, after: declared, account: before, resource },
    findings,
  );
  return { declared, intent: change === null ? null : changeIntent(bucket, change, before) };
}

function changeIntent(
  { account, fields }: BucketInFile,
  change: BucketChange,
  before: AccountState,
): IntentDraft {
  const bucketId = fields.id;
  const { floor, endsAt } = change;
  const operations: CreditOperation[] = [];
  if (floor !== undefined) {
    const to = floor === null ? null : toAmount(floor);
    operations.push({ operation: 'set-floor', bucketId, floor: to });
  }
  if (endsAt !== undefined) operations.push({ operation: 'set-end', bucketId, endsAt });
  return {
    kind: 'adjustment',
    // The account's intents are counted while its row is locked: the same change made again later
    // has another number, and a repeated load finds nothing to change.
    idempotencyKey: `operator-file/${account}/${bucketId}/change-after-${before.lastIntent}`,
    operations,
  };
}
