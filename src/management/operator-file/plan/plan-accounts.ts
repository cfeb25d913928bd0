/** Accounts and the intents that grant and change their buckets. */
import { AMOUNT_MAX, toAmount } from '../../../domain/amounts.js';
import type { AccountStanding, BucketGrant, LedgerKind } from '../../../domain/events.js';
import type { CreditOperation } from '../../../charging/provisioning.js';
import type { AccountFields, BucketFields } from '../format/account-format.js';
import type { FilePath } from '../reading/file-fault.js';
import type { TenantEntry } from '../reading/read-file.js';
import { compareGranted, endText, floorText, type BucketChange } from './bucket-change.js';
import type { AccountState, CurrentState, ResourceState } from './current-state.js';
import { amountText, declareBucket, type DeclaredBucket } from './declare-bucket.js';
import { differences, type Findings } from './findings.js';
import type { PlannedTariffs } from './plan-tariffs.js';
import type { PlannedTenant } from './plan-tenants.js';

export interface AccountWrite {
  readonly id: string;
  readonly tenant: string;
  readonly isNew: boolean;
  readonly tariff: string | null;
  readonly standing: AccountStanding;
  readonly declared: Readonly<Record<string, DeclaredBucket>>;
  /** In the order of their numbers. */
  readonly intents: readonly IntentDraft[];
}

export interface IntentDraft {
  readonly kind: LedgerKind;
  /** Says what the intent does, so that it is never asked for twice. */
  readonly idempotencyKey: string;
  readonly operations: readonly CreditOperation[];
}

/** An account as it will be, for the subscribers that use it. */
export interface PlannedAccount {
  readonly tenant: string;
  readonly tariff: string | null;
  readonly isNew: boolean;
  /** False where it has a fault. */
  readonly sound: boolean;
}

export interface AccountContext {
  readonly tenant: PlannedTenant;
  readonly tariffs: PlannedTariffs;
  readonly current: CurrentState;
  readonly now: number;
  readonly findings: Findings;
  readonly plan: {
    readonly accounts: AccountWrite[];
    /** Accounts whose profiles must be published anew. */
    readonly republished: Set<string>;
  };
}

export function planAccounts(
  entry: TenantEntry,
  accounts: Map<string, PlannedAccount>,
  context: AccountContext,
): void {
  const { tenant, current, findings } = context;
  for (const declared of entry.accounts) {
    const { name, fields, path } = declared;
    if (name === null) continue;
    const owner = accounts.get(name)?.tenant ?? current.accounts.get(name)?.tenant;
    if (owner !== undefined && owner !== tenant.code) {
      const message = `account ${name} belongs to tenant ${owner}`;
      findings.fault(
        [...path, 'id'],
        message,
        'account ids are unique over all tenants: rename it',
      );
      continue;
    }
    const before = current.accounts.get(name);
    accounts.set(name, {
      tenant: tenant.code,
      tariff: fields?.tariff ?? null,
      isNew: before === undefined,
      sound: fields !== null,
    });
    if (fields === null) continue;
    planAccount(fields, path, before, context);
    checkDependents(fields, { entry, path, before }, findings);
  }
}

/** Subscribers that rely on the account's tariff keep one, those outside the file too. */
function checkDependents(
  fields: AccountFields,
  { entry, path, before }: { entry: TenantEntry; path: FilePath; before: AccountState | undefined },
  findings: Findings,
): void {
  if (fields.tariff !== undefined) return;
  const inFile = new Set(entry.subscribers.map(({ name }) => name));
  const [dependent] = before?.dependents.filter((id) => !inFile.has(id)) ?? [];
  if (dependent === undefined) return;
  const message = `subscriber ${dependent} is rated by the tariff of account ${fields.id}`;
  findings.fault(path, message, 'keep tariff here, or give the subscriber one of its own');
}

function planAccount(
  fields: AccountFields,
  path: FilePath,
  before: AccountState | undefined,
  context: AccountContext,
): void {
  const { tenant, tariffs, findings, plan } = context;
  const { id } = fields;
  if (fields.tariff !== undefined) {
    checkTariff(fields.tariff, [...path, 'tariff'], tariffs, findings);
  }
  const after = {
    tariff: fields.tariff ?? null,
    standing: fields.standing ?? before?.standing ?? 'active',
  };
  const details =
    before === undefined
      ? []
      : differences({ tariff: before.tariff, standing: before.standing }, after);
  if (before === undefined) findings.create('account', `${tenant.code}/${id}`);
  else findings.compare('account', `${tenant.code}/${id}`, details);
  const buckets = planBuckets(fields, path, before, context);
  const isNew = before === undefined;
  if (isNew || details.length > 0) plan.republished.add(id);
  if (!isNew && details.length === 0 && buckets.intents.length === 0 && !buckets.changed) return;
  plan.accounts.push({
    id,
    tenant: tenant.code,
    isNew,
    ...after,
    declared: buckets.declared,
    intents: buckets.intents,
  });
}

/** A tariff that is named must be there and in use. */
export function checkTariff(
  code: string,
  path: FilePath,
  { usable, retired }: PlannedTariffs,
  findings: Findings,
): void {
  if (usable.has(code)) return;
  if (retired.has(code)) {
    findings.fault(path, `tariff ${code} is retired`, 'name another, or take it into use again');
  } else {
    findings.fault(
      path,
      `there is no tariff ${code}`,
      'declare it in tariffs, or correct the name',
    );
  }
}

interface PlannedBuckets {
  readonly declared: Readonly<Record<string, DeclaredBucket>>;
  readonly intents: readonly IntentDraft[];
  readonly changed: boolean;
}

function planBuckets(
  fields: AccountFields,
  path: FilePath,
  before: AccountState | undefined,
  context: AccountContext,
): PlannedBuckets {
  const declared: Record<string, DeclaredBucket> = { ...before?.declared };
  const intents: IntentDraft[] = [];
  const seen = new Set<string>();
  // Buckets granted together keep the order of the file where nothing else tells them apart.
  let createdAt = context.now;
  for (const [index, bucket] of (fields.buckets ?? []).entries()) {
    const at = [...path, 'buckets', index];
    if (seen.has(bucket.id)) {
      const message = `${fields.id} has a bucket ${bucket.id} already`;
      context.findings.fault([...at, 'id'], message, 'rename one of the two');
      continue;
    }
    seen.add(bucket.id);
    const planned = planBucket(
      { account: fields.id, fields: bucket, path: at, before, createdAt },
      context,
    );
    if (planned === null) continue;
    declared[bucket.id] = planned.declared;
    if (planned.intent !== null) intents.push(planned.intent);
    createdAt += 1;
  }
  return { declared, intents, changed: intents.length > 0 };
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
  context: AccountContext,
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
  if (granted === undefined) return planGrant({ ...bucket, name, declared, resource }, context);
  const refusal = before?.refused.get(fields.id);
  if (refusal !== undefined) {
    const message = `${name} was refused when it was granted (${refusal})`;
    findings.note(path, message, 'declare it by another id');
  }
  const account = before ?? null;
  if (account === null) return null;
  const compared = {
    id: fields.id,
    name,
    path,
    before: granted,
    after: declared,
    account,
    resource,
  };
  const change = compareGranted(compared, findings);
  return { declared, intent: change === null ? null : changeIntent(bucket, change, account) };
}

interface NewBucketInFile extends BucketInFile {
  readonly name: string;
  readonly declared: DeclaredBucket;
  readonly resource: ResourceState;
}

function planGrant(
  bucket: NewBucketInFile,
  { findings, now }: AccountContext,
): { readonly declared: DeclaredBucket; readonly intent: IntentDraft } | null {
  const { account, fields, path, before, name, declared, resource } = bucket;
  if (before?.held.has(fields.id) === true) {
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
  const grant = grantOf(fields.id, declared, { now, createdAt: bucket.createdAt });
  return {
    declared,
    intent: {
      kind: 'grant',
      idempotencyKey: grantKey(account, fields.id),
      operations: [{ operation: 'grant', bucket: grant }],
    },
  };
}

/** Key of the one intent that grants a declared bucket. */
export function grantKey(account: string, bucket: string): string {
  return `operator-file/${account}/${bucket}/grant`;
}

function describeGrant(declared: DeclaredBucket, resource: ResourceState): string[] {
  return [
    `grants ${amountText(declared.amount, resource)}`,
    ...(declared.floor === 0 ? [] : [`floor: ${floorText(declared.floor, resource)}`]),
    ...(declared.armed ? ['armed until its first use'] : []),
    ...(declared.untilMs === null ? [] : [`ends: ${endText(declared.untilMs)}`]),
  ];
}

/** The bucket as the engine takes it. */
function grantOf(
  bucketId: string,
  declared: DeclaredBucket,
  { now, createdAt }: { readonly now: number; readonly createdAt: number },
): BucketGrant & { readonly durationMs: number | null } {
  const { armed, durationMs, fromMs, untilMs, scope } = declared;
  const waits = fromMs !== null && fromMs > now;
  const startsAt = armed ? null : (fromMs ?? now);
  const ends = durationMs === null || startsAt === null ? untilMs : startsAt + durationMs;
  return {
    bucketId,
    resource: declared.resource,
    kind: declared.kind,
    priority: declared.priority,
    state: armed ? 'armed' : waits ? 'pending' : 'active',
    startsAt,
    endsAt: ends === null ? null : Math.min(ends, AMOUNT_MAX),
    durationMs: armed ? durationMs : null,
    createdAt,
    floor: declared.floor === null ? null : toAmount(declared.floor),
    granted: toAmount(declared.amount),
    step: declared.step,
    blocker: declared.blocker,
    bundleId: declared.bundle,
    detail: scope === null ? {} : { scope },
  };
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
