/** Accounts: who they belong to, what rates them, whether they may be used. */
import type { AccountHeadFields } from '../format/account-format.js';
import type { FilePath } from '../reading/file-fault.js';
import type { TenantEntry } from '../reading/read-file.js';
import type { AccountWrite } from './account-write.js';
import type { AccountState, CurrentState } from './current-state.js';
import { differences, type Findings } from './findings.js';
import { planBuckets, type PlannedBuckets } from './plan-buckets.js';
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
    const buckets = planBuckets(name, declared.buckets, before, context);
    if (fields === null) continue;
    planAccount(fields, { path, before, buckets }, context);
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
  around: {
    readonly path: FilePath;
    readonly before: AccountState | undefined;
    readonly buckets: PlannedBuckets;
  },
  { tenant, tariffs, findings, plan }: AccountContext,
): void {
  const { id } = fields;
  const { path, before, buckets } = around;
  const isNew = before === undefined;
  if (fields.tariff !== undefined) {
    checkTariff(fields.tariff, [...path, 'tariff'], tariffs, findings);
  }
  const after = {
    tariff: fields.tariff ?? null,
    standing: fields.standing ?? before?.standing ?? 'active',
  };
  const details = isNew
    ? []
    : differences({ tariff: before.tariff, standing: before.standing }, after);
  if (isNew) findings.create('account', `${tenant.code}/${id}`);
  else findings.compare('account', `${tenant.code}/${id}`, details);
  if (isNew || details.length > 0) plan.republished.add(id);
  if (!isNew && details.length === 0 && buckets.intents.length === 0) return;
  plan.accounts.push({ id, tenant: tenant.code, isNew, ...after, ...buckets });
}
