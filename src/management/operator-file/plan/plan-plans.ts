/** Plans: checked against their tariffs, and compared with the revision in force. */
import { compilePlan, type CompiledPlan } from '../../../rating/compiled-plan.js';
import type { Plan } from '../../../rating/plan.js';
import type { PlanFields } from '../format/plan-format.js';
import type { FilePath } from '../reading/file-fault.js';
import type { Entry, TenantEntry } from '../reading/read-file.js';
import type { CurrentState, PlanState } from './current-state.js';
import { declarePlan, placePlanFault } from './declare-plan.js';
import { canonicalJson, differences, type Findings } from './findings.js';
import { checkTariff, type PlannedTariffs } from './plan-tariffs.js';
import type { PlannedTenant } from './plan-tenants.js';

/** A new revision; the one before it is retired. */
export interface PlanWrite {
  readonly tenant: string;
  readonly code: string;
  readonly revision: number;
  readonly definition: Plan;
  readonly retired: boolean;
}

export interface UsablePlan {
  readonly revision: number;
  readonly compiled: CompiledPlan;
}

/** A tenant's plans as they will be. */
export interface PlannedPlans {
  /** Null for one that has a fault: what names it gets none of its own. */
  readonly usable: ReadonlyMap<string, UsablePlan | null>;
  readonly retired: ReadonlySet<string>;
}

/** The plan of a code; null, with a fault where that has not been told, where there is none. */
export function findPlan(
  code: string,
  path: FilePath,
  { usable, retired }: PlannedPlans,
  findings: Findings,
): UsablePlan | null {
  const plan = usable.get(code);
  if (plan !== undefined) return plan;
  if (retired.has(code)) {
    findings.fault(path, `plan ${code} is retired`, 'name another, or take it into use again');
  } else {
    const remedy = 'declare it in plans, or correct the name';
    findings.fault(path, `there is no plan ${code}`, remedy);
  }
  return null;
}

interface PlanContext {
  readonly tenant: PlannedTenant;
  readonly tariffs: PlannedTariffs;
  readonly current: CurrentState;
  readonly findings: Findings;
  readonly plan: { readonly plans: PlanWrite[] };
}

export function planPlans(entry: TenantEntry, context: PlanContext): PlannedPlans {
  const { tenant, current } = context;
  const before = current.plans.get(tenant.code) ?? new Map<string, PlanState>();
  const usable = new Map<string, UsablePlan | null>();
  const retired = new Set<string>();
  const declared = new Set(entry.plans.map(({ name }) => name));
  for (const [code, state] of before) {
    if (declared.has(code)) continue;
    if (state.retired) retired.add(code);
    else usable.set(code, recompiled(code, state, entry, context));
  }
  for (const each of entry.plans) {
    const code = each.fields?.code ?? each.name;
    if (code === null) continue;
    const planned = planPlan(each, before.get(code), context);
    if (each.fields?.retired === true) retired.add(code);
    else usable.set(code, planned);
  }
  return { usable, retired };
}

/** A plan beside the file must still fit the tariff that the file may have changed. */
function recompiled(
  code: string,
  { definition, revision }: PlanState,
  entry: TenantEntry,
  { tenant, tariffs, findings }: PlanContext,
): UsablePlan | null {
  const result = compilePlan(definition, surroundings(tenant, tariffs));
  if (result.result === 'compiled') return { revision, compiled: result.plan };
  const index = entry.tariffs.findIndex(({ name }) => name === definition.tariff);
  const [fault] = result.faults;
  if (index >= 0 && tariffs.usable.has(definition.tariff) && fault !== undefined) {
    const path = entry.tariffs[index]?.path ?? entry.path;
    const message = `plan ${code} does not fit this tariff any more: ${fault.message}`;
    findings.fault(path, message, 'keep what the plan names, or change the plan too');
  }
  return null;
}

function surroundings(tenant: PlannedTenant, tariffs: PlannedTariffs) {
  return { tariffs: tariffs.definitions, resources: [...tenant.resources.values()] };
}

function planPlan(
  { fields, path }: Entry<PlanFields>,
  before: PlanState | undefined,
  { tenant, tariffs, findings, plan }: PlanContext,
): UsablePlan | null {
  if (fields === null) return null;
  const faults = findings.faults.length;
  checkTariff(fields.tariff, [...path, 'tariff'], tariffs, findings);
  const { resources } = tenant;
  const definition = declarePlan(fields, { path, resources, findings });
  const isChecked = tariffs.definitions.some(({ code }) => code === fields.tariff);
  if (findings.faults.length > faults || !isChecked) return null;
  const result = compilePlan(definition, surroundings(tenant, tariffs));
  if (result.result === 'refused') {
    for (const fault of result.faults) {
      const placed = placePlanFault(fault, path);
      findings.fault(placed.path, placed.message, placed.remedy);
    }
    return null;
  }
  const retired = fields.retired ?? false;
  const name = `${tenant.code}/${fields.code}`;
  const details =
    before === undefined ? [] : differences({ ...before.definition }, { ...definition });
  const same =
    before?.retired === retired && canonicalJson(before.definition) === canonicalJson(definition);
  if (before === undefined) findings.create('plan', name);
  else if (retired && !before.retired) findings.remove('plan', name, 'retired');
  else if (same) findings.compare('plan', name, []);
  else
    findings.compare('plan', name, details.length > 0 ? changedParts(details) : ['in use again']);
  if (same) return { revision: before.revision, compiled: result.plan };
  const revision = (before?.revision ?? 0) + 1;
  plan.plans.push({ tenant: tenant.code, code: fields.code, revision, definition, retired });
  return { revision, compiled: result.plan };
}

/** Which parts differ: a whole diff would be longer than the file. */
function changedParts(details: readonly string[]): string[] {
  return details.map((detail) => detail.slice(0, detail.indexOf(':')));
}
