/** Access plans of a tenant: declared whole by each file that names them. */
import type { AccessPlan } from '../../../domain/access-plan.js';
import type { TenantEntry } from '../reading/read-file.js';
import type { AccessPlanState, CurrentState } from './current-state.js';
import { declareAccessPlan, type KnownPools } from './declare-access-plan.js';
import { differences, type Findings } from './findings.js';

export interface AccessPlanWrite extends AccessPlanState {
  readonly tenant: string;
}

export interface AccessPlansPlan {
  readonly accessPlans: AccessPlanWrite[];
}

/** What subscribers may name; one with a fault counts as there. */
export interface PlannedAccessPlans {
  state(code: string): 'active' | 'retired' | 'unknown';
}

export function planAccessPlans(
  { accessPlans: entries, fields, name }: TenantEntry,
  {
    current,
    pools,
    findings,
    plan,
  }: {
    readonly current: CurrentState;
    readonly pools: KnownPools;
    readonly findings: Findings;
    readonly plan: AccessPlansPlan;
  },
): PlannedAccessPlans {
  const tenant = fields?.code ?? name ?? '';
  const had = current.accessPlans.get(tenant) ?? new Map<string, AccessPlanState>();
  const states = new Map<string, 'active' | 'retired'>(
    [...had].map(([code, { retired }]) => [code, retired ? 'retired' : 'active']),
  );
  for (const entry of entries) {
    if (entry.name !== null) states.set(entry.name, 'active');
    if (entry.fields === null) continue;
    const definition = declareAccessPlan(entry.fields, { path: entry.path, pools, findings });
    const after: AccessPlanState = { definition, retired: entry.fields.retired ?? false };
    if (after.retired) {
      states.set(definition.code, 'retired');
      checkUnused(entry, { tenant, current, findings });
    }
    const before = had.get(definition.code);
    const shownName = `${tenant}/${definition.code}`;
    const details = before === undefined ? [] : changesOf(before, after);
    if (before === undefined) findings.create('access plan', shownName);
    else if (after.retired && !before.retired) {
      findings.remove('access plan', shownName, 'retired');
    } else findings.compare('access plan', shownName, details);
    if (before === undefined || details.length > 0) plan.accessPlans.push({ tenant, ...after });
  }
  return { state: (code) => states.get(code) ?? 'unknown' };
}

function changesOf(before: AccessPlanState, after: AccessPlanState): string[] {
  const flat = ({ definition, retired }: AccessPlanState): Readonly<Record<string, unknown>> => {
    const { code: _, ...rest }: AccessPlan = definition;
    return { ...rest, retired };
  };
  return differences(flat(before), flat(after));
}

function checkUnused(
  { fields, path }: TenantEntry['accessPlans'][number],
  {
    tenant,
    current,
    findings,
  }: { readonly tenant: string; readonly current: CurrentState; readonly findings: Findings },
): void {
  const user = current.accessPlanUses.find(
    (use) => use.tenant === tenant && use.plan === fields?.code,
  );
  if (user === undefined || fields === null) return;
  const message = `access plan ${fields.code} is used by subscriber ${user.subscriber}`;
  findings.fault([...path, 'retired'], message, 'give it another plan first');
}
