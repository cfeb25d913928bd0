/** A bucket of the file in the engine's numbers: what is granted, and what a later file compares. */
import {
  AmountRangeError,
  formatDecimal,
  parseDecimal,
  toAmount,
  ZERO,
  type Amount,
} from '../../../domain/amounts.js';
import { UNIT_KINDS, type UnitKind } from '../../../domain/units.js';
import { PRIORITY_DEFAULTS } from '../../../rating/plan.js';
import type { BucketFields, ScopeFields } from '../format/account-format.js';
import { parseQuantity, QUANTITY_EXPECTED } from '../format/quantity.js';
import type { FilePath } from '../reading/file-fault.js';
import type { ResourceState } from './current-state.js';
import { validityOf } from './declare-validity.js';
import type { DeclaredBucket, DeclaredScope } from './declared-bucket.js';
import type { Findings } from './findings.js';

/** Prices and buckets of a unit are read in the same measures. */
function unitOf(resource: ResourceState): UnitKind | null {
  return UNIT_KINDS.find((unit) => unit === resource.code) ?? null;
}

export interface BucketSurroundings {
  readonly path: FilePath;
  readonly resource: ResourceState;
  readonly timezone: string;
  /** Names that a scope may use; null where not all are known. */
  readonly zones: ReadonlySet<string> | null;
  readonly bands: ReadonlySet<string> | null;
  readonly findings: Findings;
}

/** Reads a bucket; null, with a fault for each reason, where it says no clear thing. */
export function declareBucket(
  fields: BucketFields,
  around: BucketSurroundings,
): DeclaredBucket | null {
  const { findings, resource } = around;
  const before = findings.faults.length;
  const declared: DeclaredBucket = {
    resource: resource.code,
    kind: resource.kind,
    amount: readAmount(fields.amount, 'amount', around),
    priority: fields.priority ?? PRIORITY_DEFAULTS[resource.kind],
    step: stepOf(fields, around),
    blocker: fields.blocker ?? false,
    bundle: fields.bundle ?? null,
    scope: scopeOf(fields, around),
    floor: floorOf(fields, around),
    ...validityOf(fields.validity ?? {}, around),
  };
  return findings.faults.length > before ? null : declared;
}

export function readAmount(
  written: number | string,
  key: string,
  { path, resource, findings }: Pick<BucketSurroundings, 'path' | 'resource' | 'findings'>,
): Amount {
  const at = [...path, key];
  const unit = unitOf(resource);
  if (unit !== null) {
    const units = parseQuantity(written, unit);
    if (units !== null) return units;
    const message = `"${written}" is no number of ${unit}`;
    findings.fault(at, message, `write ${QUANTITY_EXPECTED[unit]}`);
    return ZERO;
  }
  if (typeof written === 'number' && resource.scale > 0) {
    findings.fault(at, `${key} is a number`, `write money in quotes: "${written}"`);
    return ZERO;
  }
  return moneyOf(String(written), key, { path, resource, findings });
}

function moneyOf(
  written: string,
  key: string,
  { path, resource, findings }: Pick<BucketSurroundings, 'path' | 'resource' | 'findings'>,
): Amount {
  try {
    return parseDecimal(written, resource.scale);
  } catch (error) {
    if (!(error instanceof AmountRangeError)) throw error;
    findings.fault(
      [...path, key],
      `"${written}" is no amount of ${resource.code}`,
      `write a decimal number of at most ${resource.scale} decimals, below 2^53 smallest units`,
    );
    return ZERO;
  }
}

function stepOf({ step }: BucketFields, around: BucketSurroundings): number {
  if (step === undefined) return 1;
  const { resource, findings, path } = around;
  if (resource.kind === 'money') {
    const remedy = 'remove it: the rate says how what money pays is rounded';
    findings.fault([...path, 'step'], 'a money bucket has no step', remedy);
    return 1;
  }
  const units = readAmount(step, 'step', around);
  if (units > 0) return units;
  findings.fault([...path, 'step'], 'step is 0', 'write 1 or more, or remove it');
  return 1;
}

function scopeOf({ scope }: BucketFields, around: BucketSurroundings): DeclaredScope | null {
  if (scope === undefined) return null;
  scopeFaults(scope, around);
  const { serviceContexts, ...rest } = scope;
  return { ...rest, ...(serviceContexts && { contexts: serviceContexts }) };
}

/** A fault for each name of a scope that no tariff of the tenant knows. */
export function scopeFaults(
  scope: ScopeFields | undefined,
  {
    path,
    zones,
    bands,
    findings,
  }: Pick<BucketSurroundings, 'path' | 'zones' | 'bands' | 'findings'>,
): void {
  for (const [list, known] of [
    ['zones', zones],
    ['bands', bands],
  ] as const) {
    for (const [index, name] of (scope?.[list] ?? []).entries()) {
      if (known === null || known.has(name)) continue;
      const message = `no tariff of the tenant has ${list.slice(0, -1)} "${name}"`;
      findings.fault([...path, 'scope', list, index], message, 'correct the name, or declare it');
    }
  }
}

function floorOf(fields: BucketFields, around: BucketSurroundings): number | null {
  const { creditLimit, floor } = fields;
  const { findings, path, resource } = around;
  if (creditLimit === undefined && floor === undefined) return 0;
  const key = creditLimit === undefined ? 'floor' : 'creditLimit';
  if (creditLimit !== undefined && floor !== undefined) {
    findings.fault(path, 'creditLimit and floor say the same thing', 'write one of the two');
  }
  if (resource.kind !== 'money') {
    findings.fault([...path, key], 'units never go below zero', `remove ${key}`);
    return 0;
  }
  if (creditLimit === 'unlimited') return null;
  const written = creditLimit ?? floor ?? '0';
  const amount = moneyOf(written, key, around);
  // No negative zero: it is another text in JSON and MessagePack.
  return creditLimit === undefined || amount === 0 ? amount : 0 - amount;
}

/** "20 EUR", "5000000000 octets". */
export function amountText(amount: number, resource: ResourceState): string {
  return `${formatDecimal(toAmount(amount), resource.scale)} ${resource.code}`;
}
