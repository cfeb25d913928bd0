/** Subscribers: which account they are charged to, and by which tariff. */
import type { SecretBox } from '../../../secret-box.js';
import type { SubscriberFields } from '../format/account-format.js';
import type { FilePath } from '../reading/file-fault.js';
import type { TenantEntry } from '../reading/read-file.js';
import type { AccountDrafts } from './account-draft.js';
import type { CurrentState, IdentityState, SubscriberState } from './current-state.js';
import { declareAccess } from './declare-access.js';
import { canonicalJson, differences, type Findings } from './findings.js';
import type { PlannedAccessPlans } from './plan-access-plans.js';
import type { PlannedAccount } from './plan-accounts.js';
import { grantPlan, planThresholds } from './plan-grants.js';
import { planIdentities, type IdentitiesPlan, type IdentityClaims } from './plan-identities.js';
import { findPlan, type PlannedPlans } from './plan-plans.js';
import { checkTariff, type PlannedTariffs } from './plan-tariffs.js';
import type { PlannedTenant } from './plan-tenants.js';

export interface SubscriberWrite extends SubscriberState {
  readonly id: string;
  readonly isNew: boolean;
  /** The revision of the plan that the subscriber got last. */
  readonly planRevision: number | null;
}

export interface SubscribersPlan extends IdentitiesPlan {
  readonly subscribers: SubscriberWrite[];
}

export interface SubscriberContext {
  readonly tenant: PlannedTenant;
  readonly tariffs: PlannedTariffs;
  readonly accessPlans: PlannedAccessPlans;
  /** NAS that are or will be there, by name. */
  readonly nas: ReadonlySet<string>;
  readonly secrets: SecretBox;
  readonly plans: PlannedPlans;
  readonly now: number;
  readonly drafts: AccountDrafts;
  readonly accounts: ReadonlyMap<string, PlannedAccount>;
  readonly current: CurrentState;
  /** Tenants of the subscribers that the file has named so far. */
  readonly owners: Map<string, string>;
  readonly identities: ReadonlyMap<string, readonly IdentityState[]>;
  readonly claims: IdentityClaims;
  readonly findings: Findings;
  readonly plan: SubscribersPlan;
}

export function planSubscribers(entry: TenantEntry, context: SubscriberContext): void {
  const { tenant, current, owners, findings } = context;
  for (const { name, fields, path } of entry.subscribers) {
    if (name === null) continue;
    const owner = owners.get(name) ?? current.subscribers.get(name)?.tenant;
    if (owner !== undefined && owner !== tenant.code) {
      const message = `subscriber ${name} belongs to tenant ${owner}`;
      const remedy = 'subscriber ids are unique over all tenants: rename it';
      findings.fault([...path, 'id'], message, remedy);
      continue;
    }
    owners.set(name, tenant.code);
    if (fields !== null) planSubscriber(fields, path, context);
  }
}

function planSubscriber(
  fields: SubscriberFields,
  path: FilePath,
  context: SubscriberContext,
): void {
  const { tenant, current, findings, plan } = context;
  const { id } = fields;
  const before = current.subscribers.get(id);
  checkAccount(fields, path, context);
  const after: SubscriberState = {
    tenant: tenant.code,
    account: fields.account,
    tariff: fields.tariff ?? null,
    access: declareAccess(fields, { ...context, path }),
    plan: fields.plan ?? null,
    closed: fields.closed ?? false,
  };
  const details = before === undefined ? [] : changesOf(before, after);
  if (before === undefined) findings.create('subscriber', `${tenant.code}/${id}`);
  else if (after.closed && !before.closed) findings.remove('subscriber', `${tenant.code}/${id}`);
  else findings.compare('subscriber', `${tenant.code}/${id}`, details);
  const changed = before === undefined || details.length > 0;
  const planRevision = planOf(fields, path, { before, context });
  if (changed) {
    plan.subscribers.push({ id, isNew: before === undefined, ...after, planRevision });
  }
  if (changed) plan.republished.add(after.account);
  if (before !== undefined && before.account !== after.account) {
    plan.republished.add(before.account);
  }
  planIdentities(fields, path, {
    tenant: tenant.code,
    account: after.account,
    had: context.identities.get(id) ?? [],
    claims: context.claims,
    findings,
    plan,
  });
}

/** What changes, without a word of secrets but that they do. */
function changesOf(before: SubscriberState, after: SubscriberState): string[] {
  const split = ({ access, ...rest }: SubscriberState) => {
    const { credential = null, ...open } = access ?? {};
    return { open: { ...rest, access: access === null ? null : open }, credential };
  };
  const [had, has] = [split(before), split(after)];
  const replaced =
    had.credential !== null &&
    has.credential !== null &&
    canonicalJson(had.credential) !== canonicalJson(has.credential);
  return [...differences(had.open, has.open), ...(replaced ? ['credential: replaced'] : [])];
}

/** Gives the subscriber what its plan grants. Returns the plan's revision, null for none. */
function planOf(
  fields: SubscriberFields,
  path: FilePath,
  around: {
    readonly before: SubscriberState | undefined;
    readonly context: SubscriberContext;
  },
): number | null {
  const { before, context } = around;
  const { tenant, plans, accounts, current, drafts, findings, now } = context;
  const { id, account } = fields;
  if (before !== undefined && before.account !== account) {
    const left = drafts.of(before.account, tenant.code);
    left.thresholds[id] = [];
  }
  // An account that is not there has a fault of its own.
  if (!accounts.has(account) && !current.accounts.has(account)) return null;
  const used =
    fields.plan === undefined ? null : findPlan(fields.plan, [...path, 'plan'], plans, findings);
  if (used === null && (before?.plan ?? null) === null) return null;
  const draft = drafts.of(account, tenant.code);
  const active = used !== null && fields.closed !== true;
  draft.thresholds[id] = active ? planThresholds(used, id) : [];
  if (active) grantPlan(used, { subscriber: id, draft, tenant, now, findings });
  return used?.revision ?? null;
}

function checkAccount(fields: SubscriberFields, path: FilePath, context: SubscriberContext): void {
  const { tenant, tariffs, current, findings } = context;
  const account = context.accounts.get(fields.account) ?? current.accounts.get(fields.account);
  if (account === undefined || account.tenant !== tenant.code) {
    const message = `there is no account ${fields.account} of ${tenant.code}`;
    findings.fault([...path, 'account'], message, 'declare it in accounts, or correct the name');
  } else if (
    (fields.tariff ?? fields.plan) === undefined &&
    account.tariff === null &&
    fields.closed !== true
  ) {
    if ('sound' in account && !account.sound) return;
    const message = `neither ${fields.id} nor account ${fields.account} has a tariff`;
    findings.fault(path, message, 'add tariff to one of them, or plan to the subscriber');
  }
  if (fields.tariff !== undefined) {
    checkTariff(fields.tariff, [...path, 'tariff'], tariffs, findings);
  }
}
