/** Thresholds of an account's own entry, in the engine's numbers. */
import type { ThresholdFields } from '../format/account-format.js';
import type { FilePath } from '../reading/file-fault.js';
import type { DeclaredThreshold } from './account-write.js';
import { readAmount } from './declare-bucket.js';
import type { Findings } from './findings.js';
import type { PlannedTenant } from './plan-tenants.js';

export interface ThresholdSurroundings {
  /** Of the list. */
  readonly path: FilePath;
  readonly tenant: PlannedTenant;
  /** Bundles that the account has. */
  readonly bundles: ReadonlySet<string | null>;
  readonly findings: Findings;
}

/** Reads thresholds, with a fault for each that says no clear thing. */
export function declareThresholds(
  thresholds: readonly ThresholdFields[],
  around: ThresholdSurroundings,
): readonly DeclaredThreshold[] {
  const { path, findings } = around;
  const places = new Map<string, number>();
  return thresholds.flatMap((fields, index) => {
    const at = [...path, index];
    const first = places.get(fields.id);
    if (first !== undefined) {
      const message = `threshold ${fields.id} is also entry ${first + 1} of the list`;
      findings.fault([...at, 'id'], message, 'rename or remove one');
    }
    places.set(fields.id, first ?? index);
    return declareThreshold(fields, at, around) ?? [];
  });
}

function declareThreshold(
  { id, resource: code, bundle, percent, amount }: ThresholdFields,
  path: FilePath,
  { tenant, bundles, findings }: ThresholdSurroundings,
): DeclaredThreshold | null {
  const resource = tenant.resources.get(code);
  if (resource === undefined) {
    if (!tenant.faultyResources.has(code)) {
      const message = `there is no resource ${code}`;
      findings.fault([...path, 'resource'], message, 'declare it in resources');
    }
    return null;
  }
  if (bundle !== undefined && !bundles.has(bundle)) {
    const message = `the account has no bundle ${bundle}`;
    findings.fault([...path, 'bundle'], message, 'name it in a bucket, or correct the name');
  }
  if ((percent === undefined) === (amount === undefined)) {
    const found = percent === undefined ? 'no level' : 'two levels';
    const remedy = 'write one of percent and amount';
    findings.fault(path, `threshold ${id} has ${found}`, remedy);
    return null;
  }
  return {
    id,
    resource: code,
    bundleId: bundle ?? null,
    percent: percent ?? null,
    amount:
      amount === undefined ? null : readAmount(amount, 'amount', { path, resource, findings }),
    lowBalance: false,
  };
}
