/** Accounts: who they belong to, what rates them, whether they may be used. */
import type { AccountHeadFields } from '../format/account-format.js';
import type { FilePath } from '../reading/file-fault.js';
import type { TenantEntry } from '../reading/read-file.js';
import { OWN_THRESHOLDS, type AccountDraft, type AccountDrafts } from './account-draft.js';
import type { AccountState, CurrentState } from './current-state.js';
import { declareThresholds } from './declare-threshold.js';
import { differences, type Findings } from './findings.js';
import { planBuckets } from './plan-buckets.js';
import { checkTariff, type PlannedTariffs } from './plan-tariffs.js';
import type { PlannedTenant } from './plan-tenants.js';

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
  readonly drafts: AccountDrafts;
  readonly plan: {
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
  const subscribers = new Set(entry.subscribers.map(({ name }) => name));
  for (const declared of entry.accounts) {
    const { name, fields, path } = declared;
    if (name === null) continue;
    const owner = accounts.get(name)?.tenant ?? current.accounts.get(name)?.tenant;
    if (owner !== undefined && owner !== tenant.code) {
      const message = `account ${name} belongs to tenant ${owner}`;
      const remedy = 'account ids are unique over all tenants: rename it';
      findings.fault([...path, 'id'], message, remedy);
      continue;
    }
    const before = current.accounts.get(name);
    accounts.set(name, {
      tenant: tenant.code,
      tariff: fields?.tariff ?? null,
      isNew: before === undefined,
      sound: fields !== null,
    });
    const draft = context.drafts.of(name, tenant.code);
    planBuckets(draft, declared.buckets, context);
    if (fields === null) continue;
    planAccount(fields, { path, draft }, context);
    checkDependents(fields, { path, before, subscribers }, findings);
  }
}

/** Subscribers that rely on the account's tariff keep one, those outside the file too. */
function checkDependents(
  fields: AccountHeadFields,
  around: {
    readonly path: FilePath;
    readonly before: AccountState | undefined;
    /** Those that the file declares anew. */
    readonly subscribers: ReadonlySet<string | null>;
  },
  findings: Findings,
): void {
  if (fields.tariff !== undefined) return;
  const dependents = around.before?.dependents ?? [];
  const dependent = dependents.find((id) => !around.subscribers.has(id));
  if (dependent === undefined) return;
  const message = `subscriber ${dependent} is rated by the tariff of account ${fields.id}`;
  findings.fault(around.path, message, 'keep tariff here, or give the subscriber one of its own');
}

function planAccount(
  fields: AccountHeadFields,
  { path, draft }: { readonly path: FilePath; readonly draft: AccountDraft },
  { tenant, tariffs, findings, plan }: AccountContext,
): void {
  const { id } = fields;
  const { before } = draft;
  if (fields.tariff !== undefined) {
    checkTariff(fields.tariff, [...path, 'tariff'], tariffs, findings);
  }
  draft.tariff = fields.tariff ?? null;
  draft.standing = fields.standing ?? draft.standing;
  const { tariff, standing } = draft;
  const details =
    before === null
      ? []
      : differences({ tariff: before.tariff, standing: before.standing }, { tariff, standing });
  if (before === null) findings.create('account', `${tenant.code}/${id}`);
  else findings.compare('account', `${tenant.code}/${id}`, details);
  if (before === null || details.length > 0) {
    draft.changed = true;
    plan.republished.add(id);
  }
  const bundles = new Set(Object.values(draft.declared).map(({ bundle }) => bundle));
  const around = { path: [...path, 'thresholds'], tenant, bundles, findings };
  draft.thresholds[OWN_THRESHOLDS] = declareThresholds(fields.thresholds ?? [], around);
}
