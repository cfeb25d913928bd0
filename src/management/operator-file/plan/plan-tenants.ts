/** Tenants and what their buckets count. */
import type { ResourceDeclaration } from '../../../rating/catalog.js';
import type { ChargingPolicy } from '../../../rating/charging-policy.js';
import { isTimeZone } from '../../../rating/local-time.js';
import { UNIT_KINDS } from '../../../domain/units.js';
import type { ResourceFields } from '../format/file-format.js';
import type { Entry, TenantEntry } from '../reading/read-file.js';
import type { CurrentState, ResourceState, TenantState } from './current-state.js';
import { differences, type Findings } from './findings.js';

/** Decimals of a currency that names none: micro-units. */
const MONEY_SCALE_DEFAULT = 6;

export interface TenantWrite extends TenantState {
  readonly code: string;
}

export interface ResourceWrite extends ResourceState {
  readonly tenant: string;
}

/** A tenant as it will be, for what refers to it. */
export interface PlannedTenant {
  readonly code: string;
  readonly timezone: string;
  readonly resources: ReadonlyMap<string, ResourceState>;
  /** Resources that have a fault: what names them gets none of its own. */
  readonly faultyResources: ReadonlySet<string>;
}

export interface TenantsPlan {
  readonly tenants: TenantWrite[];
  readonly resources: ResourceWrite[];
}

/** Plans a tenant's own row and its resources. Returns null for one that can't be read. */
export function planTenant(
  entry: TenantEntry,
  current: CurrentState,
  { findings, plan }: { findings: Findings; plan: TenantsPlan },
): PlannedTenant | null {
  const code = entry.fields?.code ?? entry.name;
  if (code === null) return null;
  const before = current.tenants.get(code);
  const after: TenantState = {
    name: entry.fields?.name ?? before?.name ?? code,
    timezone: entry.fields?.timezone ?? before?.timezone ?? 'UTC',
    policy: policyOf(entry) ?? before?.policy ?? {},
  };
  if (!isTimeZone(after.timezone)) {
    findings.fault(
      [...entry.path, 'timezone'],
      `"${after.timezone}" is no known time zone`,
      'name one of the IANA database, such as "Europe/Berlin"',
    );
  }
  if (before === undefined) {
    findings.create('tenant', code);
    plan.tenants.push({ code, ...after });
  } else {
    const details = differences({ ...before }, { ...after });
    findings.compare('tenant', code, details);
    if (details.length > 0) plan.tenants.push({ code, ...after });
  }
  return {
    code,
    timezone: isTimeZone(after.timezone) ? after.timezone : 'UTC',
    ...planResources(code, entry.resources, current, { findings, plan }),
  };
}

/** The policy that the file names, without what it leaves at the default. */
function policyOf(entry: TenantEntry): Partial<ChargingPolicy> | null {
  return entry.fields?.policy ?? null;
}

function planResources(
  tenant: string,
  entries: readonly Entry<ResourceFields>[],
  current: CurrentState,
  { findings, plan }: { findings: Findings; plan: TenantsPlan },
): Pick<PlannedTenant, 'resources' | 'faultyResources'> {
  const before = current.resources.get(tenant) ?? new Map<string, ResourceState>();
  const resources = new Map(before);
  const faulty = new Set<string>();
  const put = (after: ResourceState): void => {
    const existing = before.get(after.code);
    const details = existing === undefined ? [] : differences({ ...existing }, { ...after });
    if (existing === undefined) {
      const built = UNIT_KINDS.some((unit) => unit === after.code);
      findings.create('resource', `${tenant}/${after.code}`, ...(built ? ['built in'] : []));
    } else findings.compare('resource', `${tenant}/${after.code}`, details);
    if (existing === undefined || details.length > 0) plan.resources.push({ tenant, ...after });
    resources.set(after.code, after);
  };
  for (const { fields, name, path } of entries) {
    const declared = fields === null ? null : declareResource(fields, path, findings);
    if (declared === null) {
      if (name !== null) faulty.add(name);
      continue;
    }
    const existing = before.get(declared.code);
    if (existing !== undefined && existing.scale !== declared.scale) {
      findings.fault(
        [...path, 'scale'],
        `${declared.code} has ${existing.scale} decimals, and balances are kept in them`,
        `write scale: ${existing.scale}, or declare a resource of another code`,
      );
      faulty.add(declared.code);
      continue;
    }
    put(declared);
  }
  for (const code of UNIT_KINDS) {
    if (resources.has(code) || faulty.has(code)) continue;
    put({ code, name: null, kind: 'units', scale: 0, consumptionOrder: 'earliest-expiring' });
  }
  return { resources, faultyResources: faulty };
}

function declareResource(
  fields: ResourceFields,
  path: Entry<unknown>['path'],
  findings: Findings,
): ResourceState | null {
  const builtIn = UNIT_KINDS.some((unit) => unit === fields.code);
  const kind: ResourceDeclaration['kind'] = builtIn ? 'units' : 'money';
  if (fields.kind !== undefined && fields.kind !== kind) {
    findings.fault(
      [...path, 'kind'],
      builtIn
        ? `${fields.code} is built in and counts units`
        : `units are counted in ${UNIT_KINDS.join(', ')} only`,
      builtIn ? 'remove the kind' : 'write kind: money; a token of your own has scale: 0',
    );
    return null;
  }
  if (builtIn && (fields.scale ?? 0) !== 0) {
    findings.fault([...path, 'scale'], 'units are whole', 'remove the scale');
    return null;
  }
  return {
    code: fields.code,
    name: fields.name ?? null,
    kind,
    scale: builtIn ? 0 : (fields.scale ?? MONEY_SCALE_DEFAULT),
    consumptionOrder: fields.consumptionOrder ?? 'earliest-expiring',
  };
}
