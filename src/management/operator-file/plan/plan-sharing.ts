/** Sharing groups: who owns them, who draws on them, and on what. */
import type { SharingGroupFields } from '../format/sharing-format.js';
import type { FilePath } from '../reading/file-fault.js';
import type { TenantEntry } from '../reading/read-file.js';
import type {
  AccountState,
  CurrentState,
  SharingGroupState,
  SharingTerms,
} from './current-state.js';
import { scopeFaults } from './declare-bucket.js';
import { differences, type Findings } from './findings.js';
import type { PlannedAccount } from './plan-accounts.js';
import type { PlannedTariffs } from './plan-tariffs.js';
import type { PlannedTenant } from './plan-tenants.js';

export interface SharingGroupWrite extends SharingGroupState {
  readonly tenant: string;
  readonly id: string;
}

/** An account joins a group, or leaves one. */
export interface MembershipWrite {
  readonly account: string;
  /** Null: it belongs to none any more. */
  readonly group: string | null;
  /** Whose partition it goes to; its own where there is none. */
  readonly owner: string | null;
}

export interface SharingPlan {
  readonly sharingGroups: SharingGroupWrite[];
  readonly memberships: MembershipWrite[];
  readonly republished: Set<string>;
}

export interface SharingContext {
  readonly tenant: PlannedTenant;
  readonly tariffs: PlannedTariffs;
  readonly accounts: ReadonlyMap<string, PlannedAccount>;
  readonly current: CurrentState;
  readonly findings: Findings;
  readonly plan: SharingPlan;
}

/** The group that an account belongs to when all is loaded, and where the file says so. */
interface Member {
  readonly group: string;
  readonly path: FilePath | null;
}

export function planSharing(entry: TenantEntry, context: SharingContext): void {
  const { tenant, current, findings } = context;
  const groups = new Map(current.sharingGroups.get(tenant.code));
  const members = currentMembers(entry, context);
  for (const { fields, path } of entry.sharingGroups) {
    if (fields === null) continue;
    const after = declareGroup(fields, path, context);
    planGroup({ fields, path, after, before: groups.get(fields.id) }, members, context);
    groups.set(fields.id, after);
  }
  checkOwners(entry, groups, members, findings);
}

/** Members that stay: those of groups that the file says nothing of. */
function currentMembers(
  entry: TenantEntry,
  { tenant, current }: SharingContext,
): Map<string, Member> {
  const declared = new Set(entry.sharingGroups.map(({ name }) => name));
  return new Map(
    [...current.accounts].flatMap(([id, account]): [string, Member][] => {
      const group = account.tenant === tenant.code ? account.sharingGroup : null;
      return group === null || declared.has(group) ? [] : [[id, { group, path: null }]];
    }),
  );
}

function declareGroup(
  fields: SharingGroupFields,
  path: FilePath,
  { tenant, tariffs, findings }: SharingContext,
): SharingGroupState {
  const { owner, order = 'own-first', resources, scope, status = 'active' } = fields;
  for (const [index, code] of (resources ?? []).entries()) {
    if (tenant.resources.has(code) || tenant.faultyResources.has(code)) continue;
    const message = `there is no resource ${code}`;
    findings.fault([...path, 'resources', index], message, 'declare it in resources');
  }
  scopeFaults(scope, { path, ...tariffs, findings });
  const definition: SharingTerms = {
    order,
    resources: resources ?? null,
    scope:
      scope === undefined
        ? null
        : {
            contexts: scope.serviceContexts ?? null,
            ratingGroups: scope.ratingGroups ?? null,
            zones: scope.zones ?? null,
            bands: scope.bands ?? null,
          },
  };
  return { owner, definition, status };
}

function planGroup(
  {
    fields,
    path,
    after,
    before,
  }: {
    readonly fields: SharingGroupFields;
    readonly path: FilePath;
    readonly after: SharingGroupState;
    readonly before: SharingGroupState | undefined;
  },
  members: Map<string, Member>,
  context: SharingContext,
): void {
  const { tenant, current, findings, plan } = context;
  const { id, owner } = fields;
  const name = `${tenant.code}/${id}`;
  checkAccount(owner, [...path, 'owner'], context);
  if (before !== undefined && before.owner !== owner) {
    const message = `${name} belongs to ${before.owner}, and stays so`;
    findings.fault([...path, 'owner'], message, 'restore it, or declare a group of another id');
  }
  const details =
    before === undefined
      ? []
      : differences(
          { ...before.definition, status: before.status },
          { ...after.definition, status: after.status },
        );
  const ends = after.status === 'cancelled' && before?.status !== 'cancelled';
  if (before === undefined) findings.create('sharing group', name);
  else if (ends) findings.remove('sharing group', name, 'cancelled');
  else findings.compare('sharing group', name, details);
  const changed = before === undefined || details.length > 0;
  if (changed) plan.sharingGroups.push({ tenant: tenant.code, id, ...after });
  const wanted = new Set(after.status === 'cancelled' ? [] : fields.members);
  for (const [index, account] of (fields.members ?? []).entries()) {
    const at = [...path, 'members', index];
    checkAccount(account, at, context);
    if (wanted.has(account)) joins(account, { group: id, path: at }, members, findings);
  }
  for (const account of wanted) {
    if (current.accounts.get(account)?.sharingGroup === id) {
      findings.compare('member', `${name}/${account}`, []);
      // Its profile says what it may draw on.
      if (changed) plan.republished.add(account);
      continue;
    }
    findings.create('member', `${name}/${account}`);
    // What a group in front of this one said of its leaving is not the last word.
    const left = plan.memberships.findIndex((write) => write.account === account);
    if (left >= 0) plan.memberships.splice(left, 1);
    plan.memberships.push({ account, group: id, owner });
    plan.republished.add(account);
  }
  for (const [account, { sharingGroup }] of current.accounts) {
    if (sharingGroup !== id || wanted.has(account)) continue;
    findings.remove('member', `${name}/${account}`, 'left');
    // Unless another group of the file takes it in.
    if (plan.memberships.some((write) => write.account === account)) continue;
    plan.memberships.push({ account, group: null, owner: null });
    plan.republished.add(account);
  }
}

function joins(
  account: string,
  member: Member,
  members: Map<string, Member>,
  findings: Findings,
): void {
  const other = members.get(account);
  if (other !== undefined && member.path !== null) {
    const message = `account ${account} is a member of ${other.group} already`;
    findings.fault(member.path, message, 'remove it from one of the two');
  }
  members.set(account, member);
}

function checkAccount(
  id: string,
  path: FilePath,
  { tenant, accounts, current, findings }: SharingContext,
): void {
  const account: PlannedAccount | AccountState | undefined =
    accounts.get(id) ?? current.accounts.get(id);
  if (account?.tenant === tenant.code) return;
  const message = `there is no account ${id} of ${tenant.code}`;
  findings.fault(path, message, 'declare it in accounts, or correct the name');
}

/** A member has one owner, and an owner is no member. */
function checkOwners(
  entry: TenantEntry,
  groups: ReadonlyMap<string, SharingGroupState>,
  members: ReadonlyMap<string, Member>,
  findings: Findings,
): void {
  const places = new Map(entry.sharingGroups.map(({ name, path }) => [name, path]));
  for (const [id, { owner, status }] of groups) {
    const member = members.get(owner);
    if (status === 'cancelled' || member === undefined) continue;
    const place = places.get(id);
    const path = place === undefined ? (member.path ?? entry.path) : [...place, 'owner'];
    const message = `account ${owner} owns ${id} and is a member of ${member.group}`;
    findings.fault(path, message, 'let it leave the other group, or name another account');
  }
}
