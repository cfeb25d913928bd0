/** A plan of the file as rating reads it, with its faults told at their places in the file. */
import { UNIT_KINDS } from '../../../domain/units.js';
import type { Bundle, Plan, PlanBucket, PlanThreshold } from '../../../rating/plan.js';
import type { TariffFault } from '../../../rating/tariff.js';
import type { BundleFields, PlanFields } from '../format/plan-format.js';
import { parseQuantity, QUANTITY_EXPECTED } from '../format/quantity.js';
import type { FilePath } from '../reading/file-fault.js';
import type { ResourceState } from './current-state.js';
import { declareFinalUnit } from './declare-tariff.js';
import type { Findings } from './findings.js';

export interface PlanSurroundings {
  readonly path: FilePath;
  readonly resources: ReadonlyMap<string, ResourceState>;
  readonly findings: Findings;
}

/** The declared plan. What says no clear thing becomes a fault, and 0 stands in its place. */
export function declarePlan(fields: PlanFields, around: PlanSurroundings): Plan {
  const { code, name, tariff, consumptionOrders, finalUnit, policy, lowBalance } = fields;
  const { path } = around;
  return {
    code,
    ...(name !== undefined && { name }),
    tariff,
    ...(consumptionOrders && { orders: consumptionOrders }),
    bundles: (fields.bundles ?? []).map((bundle, index) =>
      declareBundle(bundle, { ...around, path: [...path, 'bundles', index] }),
    ),
    ...(fields.thresholds && {
      thresholds: fields.thresholds.map(({ amount, ...threshold }, index): PlanThreshold => {
        const at = [...path, 'thresholds', index, 'amount'];
        if (amount === undefined) return threshold;
        return { ...threshold, amount: amountOf(amount, threshold.resource, at, around) };
      }),
    }),
    ...(finalUnit && { finalUnit: declareFinalUnit(finalUnit, around) }),
    ...(policy && { policy }),
    ...(lowBalance && {
      lowBalance: {
        resource: lowBalance.resource,
        amount: amountOf(
          lowBalance.amount,
          lowBalance.resource,
          [...path, 'lowBalance', 'amount'],
          around,
        ),
      },
    }),
  };
}

function declareBundle(
  { id, begins, after, validity, buckets }: BundleFields,
  around: PlanSurroundings,
): Bundle {
  const { path, findings } = around;
  if (begins !== undefined && after !== undefined) {
    const remedy = 'remove begins: it begins when the other is over';
    findings.fault([...path, 'begins'], `bundle ${id} begins ${begins} and after another`, remedy);
  }
  return {
    id,
    ...(begins === 'first-use' && { begins }),
    ...(after !== undefined && { begins: { after } }),
    ...(validity && { validity }),
    buckets: buckets.map(({ amount, step, creditLimit, ...bucket }, index): PlanBucket => {
      const at = [...path, 'buckets', index];
      const { resource } = bucket;
      return {
        ...bucket,
        amount: amountOf(amount, resource, [...at, 'amount'], around),
        ...(step !== undefined && { step: stepOf(step, resource, [...at, 'step'], around) }),
        ...(creditLimit !== undefined && {
          creditLimit: creditLimit === 'unlimited' ? null : creditLimit,
        }),
      };
    }),
  };
}

/** Money has none, which the check of the plan says. */
function stepOf(
  written: number | string,
  code: string,
  path: FilePath,
  around: PlanSurroundings,
): number {
  const counts = UNIT_KINDS.some((kind) => kind === code);
  return counts ? Number(amountOf(written, code, path, around)) : 1;
}

/** Units as a number, money as it was written; 0, with a fault, where it is neither. */
function amountOf(
  written: number | string,
  code: string,
  path: FilePath,
  { resources, findings }: PlanSurroundings,
): number | string {
  const unit = UNIT_KINDS.find((kind) => kind === code);
  if (unit !== undefined) {
    const units = parseQuantity(written, unit);
    if (units !== null) return units;
    const remedy = `write ${QUANTITY_EXPECTED[unit]}`;
    findings.fault(path, `"${written}" is no number of ${unit}`, remedy);
    return 0;
  }
  if (typeof written === 'number' && (resources.get(code)?.scale ?? 0) > 0) {
    const remedy = `write money in quotes: "${written}"`;
    findings.fault(path, `${String(path.at(-1))} is a number`, remedy);
    return '0';
  }
  return String(written);
}

/** A fault that the check of the plan found, at its place in the file. */
export function placePlanFault(
  fault: TariffFault,
  path: FilePath,
): { readonly path: FilePath; readonly message: string; readonly remedy: string } {
  const steps = fault.path
    .split(/[.[\]]+/)
    .filter((step) => step !== '')
    .map((step) => (/^\d+$/.test(step) ? Number(step) : step));
  if (steps[0] === 'orders') steps[0] = 'consumptionOrders';
  const begins = steps.indexOf('begins');
  if (begins >= 0 && steps[begins + 1] === 'after') steps.splice(begins, 1);
  return { ...fault, path: [...path, ...steps] };
}
