/** What a plan says while it is made: changes to show, notes to read, faults that stop it. */
import type { FilePath, PathFault } from '../reading/file-fault.js';

export const CHANGE_KINDS = [
  'tenant',
  'resource',
  'tariff',
  'plan',
  'account',
  'bucket',
  'threshold',
  'subscriber',
  'identity',
  'sharing group',
  'member',
  'diameter peer',
  'nas',
  'address pool',
  'access plan',
] as const;
export type ChangeKind = (typeof CHANGE_KINDS)[number];

export interface PlannedChange {
  readonly action: 'create' | 'change' | 'remove' | 'unchanged';
  readonly kind: ChangeKind;
  /** "demo/alice/main". */
  readonly name: string;
  /** "standing: active -> suspended". */
  readonly details: readonly string[];
}

export interface Findings {
  readonly changes: PlannedChange[];
  readonly notes: PathFault[];
  readonly faults: PathFault[];
  fault(path: FilePath, message: string, remedy: string): void;
  /** Something to know that stops nothing. */
  note(path: FilePath, message: string, remedy: string): void;
  create(kind: ChangeKind, name: string, ...details: string[]): void;
  /** A change where there are details, else an entry that is as it was. */
  compare(kind: ChangeKind, name: string, details: readonly string[]): void;
  remove(kind: ChangeKind, name: string, ...details: string[]): void;
}

export function createFindings(): Findings {
  const changes: PlannedChange[] = [];
  const notes: PathFault[] = [];
  const faults: PathFault[] = [];
  return {
    changes,
    notes,
    faults,
    fault: (path, message, remedy) => faults.push({ path, message, remedy }),
    note: (path, message, remedy) => notes.push({ path, message, remedy }),
    create: (kind, name, ...details) => changes.push({ action: 'create', kind, name, details }),
    remove: (kind, name, ...details) => changes.push({ action: 'remove', kind, name, details }),
    compare: (kind, name, details) => {
      const action = details.length > 0 ? 'change' : 'unchanged';
      changes.push({ action, kind, name, details });
    },
  };
}

/** "key: before -> after" for each member that differs. */
export function differences(
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
): string[] {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return keys
    .filter((key) => canonicalJson(before[key]) !== canonicalJson(after[key]))
    .map((key) => `${key}: ${worded(before[key])} -> ${worded(after[key])}`);
}

function worded(value: unknown): string {
  if (value === null || value === undefined) return 'none';
  return typeof value === 'string' ? value : canonicalJson(value);
}

/** JSON in which equal values are equal texts: keys sorted, absent members left out. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, member: unknown) => {
    if (typeof member !== 'object' || member === null || Array.isArray(member)) return member;
    return Object.fromEntries(
      Object.entries(member).sort(([left], [right]) => (left < right ? -1 : 1)),
    );
  });
}
