/** Tariffs: checked, compiled for a try, and compared with the revision in force. */
import { DateTime } from 'luxon';
import { compileTariff } from '../../../rating/compile.js';
import type { Tariff } from '../../../rating/tariff.js';
import type { TariffFields } from '../format/tariff-format.js';
import type { FilePath } from '../reading/file-fault.js';
import type { Entry, TenantEntry } from '../reading/read-file.js';
import type { CurrentState, TariffState } from './current-state.js';
import { declareTariff, placeTariffFault } from './declare-tariff.js';
import { canonicalJson, type Findings } from './findings.js';
import type { PlannedTenant } from './plan-tenants.js';

/** A new revision; the one before it is retired. */
export interface TariffWrite {
  readonly tenant: string;
  readonly code: string;
  readonly revision: number;
  readonly definition: Tariff;
  readonly retired: boolean;
}

/** A tenant's tariffs as they will be. */
export interface PlannedTariffs {
  /** Codes that may be named: those with a fault, too, so that none is reported twice. */
  readonly usable: ReadonlySet<string>;
  readonly retired: ReadonlySet<string>;
  /** Those in use that have no fault. */
  readonly definitions: readonly Tariff[];
  /** Null where a tariff has a fault: then anything may be a zone or band of it. */
  readonly zones: ReadonlySet<string> | null;
  readonly bands: ReadonlySet<string> | null;
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

interface TariffContext {
  readonly current: CurrentState;
  readonly now: number;
  readonly findings: Findings;
  readonly plan: { readonly tariffs: TariffWrite[] };
}

export function planTariffs(
  entry: TenantEntry,
  tenant: PlannedTenant,
  context: TariffContext,
): PlannedTariffs {
  const before = context.current.tariffs.get(tenant.code) ?? new Map<string, TariffState>();
  const after = new Map([...before].map(([code, state]) => [code, stateOf(state)]));
  for (const declared of entry.tariffs) {
    const code = declared.fields?.code ?? declared.name;
    if (code !== null) after.set(code, planTariff(declared, tenant, before.get(code), context));
  }
  const states = [...after];
  const withFault = states.some(([, state]) => state.definition === null);
  const active = states.filter(([, state]) => !state.retired);
  const names = (list: 'zones' | 'bands'): ReadonlySet<string> =>
    new Set(
      active.flatMap(([, { definition }]) => {
        const declared: readonly { readonly id: string }[] = definition?.[list] ?? [];
        return declared.map(({ id }) => id);
      }),
    );
  return {
    usable: new Set(active.map(([code]) => code)),
    definitions: active.flatMap(([, { definition }]) => definition ?? []),
    retired: new Set(states.filter(([, { retired }]) => retired).map(([code]) => code)),
    zones: withFault ? null : names('zones'),
    bands: withFault ? null : names('bands'),
  };
}

interface Outcome {
  readonly retired: boolean;
  readonly definition: Tariff | null;
}

function stateOf({ retired, definition }: TariffState): Outcome {
  return { retired, definition };
}

function planTariff(
  { fields, path }: Entry<TariffFields>,
  tenant: PlannedTenant,
  before: TariffState | undefined,
  { findings, plan, now }: TariffContext,
): Outcome {
  const failed: Outcome = { retired: fields?.retired ?? false, definition: null };
  if (fields === null) return failed;
  const resource = tenant.resources.get(fields.currency);
  if (resource?.kind !== 'money') {
    if (!tenant.faultyResources.has(fields.currency)) {
      const message = `${fields.currency} is no money resource of ${tenant.code}`;
      findings.fault([...path, 'currency'], message, 'declare it in resources');
    }
    return failed;
  }
  const { timezone } = tenant;
  const currency = { code: resource.code, scale: resource.scale };
  const faultsBefore = findings.faults.length;
  const definition = declareTariff(fields, { path, timezone, currency, findings });
  const unclear = findings.faults.slice(faultsBefore).map((fault) => fault.path);
  const retired = fields.retired ?? false;
  const name = `${tenant.code}/${fields.code}`;
  const same =
    before !== undefined && canonicalJson(before.definition) === canonicalJson(definition);
  if (unclear.length === 0 && same && before.retired === retired) {
    findings.compare('tariff', name, []);
    return { retired, definition };
  }
  const compiles = checkCompiled(definition, { fields, path, unclear }, findings);
  if (!compiles || unclear.length > 0) return failed;
  const revision = (before?.revision ?? 0) + 1;
  plan.tariffs.push({ tenant: tenant.code, code: fields.code, revision, definition, retired });
  if (before === undefined) findings.create('tariff', name);
  else if (retired && !before.retired) findings.remove('tariff', name, 'retired');
  else {
    findings.compare('tariff', name, changesOf(before.definition, definition));
    noteRunningVersions({ before: before.definition, after: definition, path, now }, findings);
  }
  return { retired, definition };
}

/** Faults that rating finds, except those of what was unclear anyway. */
function checkCompiled(
  definition: Tariff,
  written: {
    readonly fields: TariffFields;
    readonly path: FilePath;
    readonly unclear: readonly FilePath[];
  },
  findings: Findings,
): boolean {
  const compiled = compileTariff(definition);
  if (compiled.result === 'compiled') return true;
  for (const fault of compiled.faults) {
    const placed = placeTariffFault(fault, written.fields, written.path);
    if (written.unclear.some((path) => leadsInto(path, placed.path))) continue;
    findings.fault(placed.path, placed.message, placed.remedy);
  }
  return false;
}

/** Whether one path is the beginning of the other. */
function leadsInto(left: FilePath, right: FilePath): boolean {
  const length = Math.min(left.length, right.length);
  return left.slice(0, length).every((step, index) => step === right[index]);
}

/** Which parts of a tariff differ: a whole diff would be longer than the file. */
function changesOf(before: Tariff, after: Tariff): string[] {
  const heads = ['name', 'timezone', 'currency', 'zones', 'bands', 'counters'] as const;
  const details: string[] = heads.filter(
    (key) => canonicalJson(before[key]) !== canonicalJson(after[key]),
  );
  const ids = new Set([...before.versions, ...after.versions].map(({ id }) => id));
  for (const id of ids) {
    const old = before.versions.find((version) => version.id === id);
    const next = after.versions.find((version) => version.id === id);
    if (old === undefined) details.push(`version ${id} added`);
    else if (next === undefined) details.push(`version ${id} removed`);
    else if (canonicalJson(old) !== canonicalJson(next)) details.push(`version ${id}`);
  }
  return details.length > 0 ? details : ['in use again'];
}

function noteRunningVersions(
  change: {
    readonly before: Tariff;
    readonly after: Tariff;
    readonly path: FilePath;
    readonly now: number;
  },
  findings: Findings,
): void {
  const { before, after, path, now } = change;
  for (const old of before.versions) {
    const next = after.versions.find(({ id }) => id === old.id);
    const startsAt = DateTime.fromISO(old.startsAt, { zone: before.timezone }).toMillis();
    if (next === undefined || startsAt > now || canonicalJson(old) === canonicalJson(next))
      continue;
    findings.note(
      path,
      `version ${old.id} of tariff ${after.code} is in force and changes: open sessions follow ` +
        'from their next grant',
      'to keep the old prices for what was used before, add a version with a later startsAt',
    );
  }
}
