/**
 * Compares an operator file with what is there: what would be written, what can't be, and what a
 * person should know. Pure: the same file, state and time give the same plan.
 */
import type { SecretBox } from '../../../secret-box.js';
import type { PathFault } from '../reading/file-fault.js';
import type { OperatorFile, TenantEntry } from '../reading/read-file.js';
import type { AddressPoolState, CurrentState, IdentityState } from './current-state.js';
import { createFindings, type Findings, type PlannedChange } from './findings.js';
import type { AccountWrite } from './account-write.js';
import { AccountDrafts } from './account-draft.js';
import { planAccounts, type PlannedAccount } from './plan-accounts.js';
import { planAccessPlans, type AccessPlanWrite } from './plan-access-plans.js';
import { planAddressPools } from './plan-address-pools.js';
import { planNas, type NasWrite } from './plan-nas.js';
import { planPeers, type PeerWrite } from './plan-peers.js';
import {
  checkForeignIdentities,
  type IdentityClaims,
  type IdentityWrite,
} from './plan-identities.js';
import { planPlans, type PlanWrite } from './plan-plans.js';
import {
  planSharing,
  type MembershipWrite,
  type SharingGroupWrite,
  type SharingPlan,
} from './plan-sharing.js';
import { planSubscribers, type SubscriberWrite, type SubscribersPlan } from './plan-subscribers.js';
import { planTariffs, type PlannedTariffs, type TariffWrite } from './plan-tariffs.js';
import {
  planTenant,
  type PlannedTenant,
  type ResourceWrite,
  type TenantWrite,
} from './plan-tenants.js';

/** Rows to write, each in the order in which it may be written. */
export interface Plan extends SubscribersPlan, SharingPlan {
  readonly tenants: TenantWrite[];
  readonly resources: ResourceWrite[];
  readonly tariffs: TariffWrite[];
  readonly plans: PlanWrite[];
  readonly peers: PeerWrite[];
  readonly nas: NasWrite[];
  readonly addressPools: AddressPoolState[];
  readonly accessPlans: AccessPlanWrite[];
  accounts: readonly AccountWrite[];
  readonly sharingGroups: SharingGroupWrite[];
  readonly memberships: MembershipWrite[];
  readonly subscribers: SubscriberWrite[];
  readonly identities: IdentityWrite[];
  readonly republished: Set<string>;
}

export interface PlanResult {
  readonly plan: Plan;
  readonly changes: readonly PlannedChange[];
  readonly notes: readonly PathFault[];
  readonly faults: readonly PathFault[];
}

export interface PlanOptions {
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Seals the secrets of the file. */
  readonly secrets: SecretBox;
}

export function planLoad(
  file: OperatorFile,
  current: CurrentState,
  { now, secrets }: PlanOptions,
): PlanResult {
  const findings = createFindings();
  const plan: Plan = {
    tenants: [],
    resources: [],
    tariffs: [],
    plans: [],
    sharingGroups: [],
    memberships: [],
    peers: [],
    nas: [],
    addressPools: [],
    accessPlans: [],
    accounts: [],
    subscribers: [],
    identities: [],
    released: [],
    moved: [],
    republished: new Set(),
  };
  const drafts = new AccountDrafts(current);
  const accounts = new Map<string, PlannedAccount>();
  const claims: IdentityClaims = new Map();
  const owners = new Map<string, string>();
  const identities = bySubscriber(current.identities);
  const pools = planAddressPools(file.addressPools, { current, findings, plan });
  planNas(file.nas, { current, secrets, findings, plan });
  const nas = new Set([...current.nas.keys(), ...file.nas.flatMap(({ name }) => name ?? [])]);
  const planned = file.tenants.map((entry) => {
    const tenant = planTenant(entry, current, { findings, plan });
    if (tenant === null) return null;
    const tariffs = planTariffs(entry, tenant, { current, now, findings, plan });
    const plans = planPlans(entry, { tenant, tariffs, current, findings, plan });
    planAccounts(entry, accounts, { tenant, tariffs, current, now, drafts, findings, plan });
    const accessPlans = planAccessPlans(entry, { current, pools, findings, plan });
    return { entry, tenant, tariffs, plans, accessPlans };
  });
  for (const each of planned) {
    if (each === null) continue;
    const { entry, tenant, tariffs, plans, accessPlans } = each;
    planSubscribers(entry, {
      tenant,
      tariffs,
      plans,
      now,
      drafts,
      accessPlans,
      nas,
      secrets,
      accounts,
      current,
      owners,
      identities,
      claims,
      findings,
      plan,
    });
    planSharing(entry, { tenant, tariffs, accounts, current, findings, plan });
    checkRetired(entry, { tenant, tariffs }, current, findings);
    checkRetiredPlans(entry, tenant, current, findings);
  }
  plan.accounts = drafts.finish(findings);
  checkForeignIdentities(claims, current.identities, { findings, plan });
  planPeers(file.diameterPeers, current, { findings, plan });
  const { changes, notes, faults } = findings;
  return { plan, changes, notes, faults };
}

function bySubscriber(
  identities: readonly IdentityState[],
): ReadonlyMap<string, readonly IdentityState[]> {
  const groups = new Map<string, IdentityState[]>();
  for (const identity of identities) {
    if (identity.subscriber === null) continue;
    const group = groups.get(identity.subscriber);
    if (group === undefined) groups.set(identity.subscriber, [identity]);
    else group.push(identity);
  }
  return groups;
}

/** A tariff that the file retires must be named by nobody, in the file or beside it. */
function checkRetired(
  entry: TenantEntry,
  { tenant, tariffs }: { readonly tenant: PlannedTenant; readonly tariffs: PlannedTariffs },
  current: CurrentState,
  findings: Findings,
): void {
  const inFile = {
    account: new Set(entry.accounts.map(({ name }) => name)),
    subscriber: new Set(entry.subscribers.map(({ name }) => name)),
    plan: new Set(entry.plans.map(({ name }) => name)),
  };
  for (const { fields, path } of entry.tariffs) {
    if (fields === null || !tariffs.retired.has(fields.code)) continue;
    const user = current.tariffUses.find(
      (use) =>
        use.tenant === tenant.code && use.tariff === fields.code && !inFile[use.kind].has(use.id),
    );
    if (user === undefined) continue;
    const message = `tariff ${fields.code} is used by ${user.kind} ${user.id}`;
    findings.fault([...path, 'retired'], message, 'give it another tariff first');
  }
}

/** A plan that the file retires must be named by nobody beside it. */
function checkRetiredPlans(
  entry: TenantEntry,
  tenant: PlannedTenant,
  current: CurrentState,
  findings: Findings,
): void {
  const inFile = new Set(entry.subscribers.map(({ name }) => name));
  for (const { fields, path } of entry.plans) {
    if (fields?.retired !== true) continue;
    const user = current.planUses.find(
      (use) =>
        use.tenant === tenant.code && use.plan === fields.code && !inFile.has(use.subscriber),
    );
    if (user === undefined) continue;
    const message = `plan ${fields.code} is used by subscriber ${user.subscriber}`;
    findings.fault([...path, 'retired'], message, 'give it another plan first');
  }
}
