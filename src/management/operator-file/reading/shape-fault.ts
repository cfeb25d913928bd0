/** Faults of an entry's shape, told in the file's own words. */
import type { z } from 'zod';
import { SECRET_FIELDS } from '../format/field.js';
import type { FilePath, PathFault } from './file-fault.js';

/** A fault, and the key that is meant where the path leads to its mapping. */
export interface ShapeFault extends PathFault {
  readonly key?: string;
}

const SHOWN_LENGTH_MAX = 60;

/** A value as the reader wrote it, cut where it is long. */
function shown(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'a mapping of fields';
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return text.length <= SHOWN_LENGTH_MAX ? text : `${text.slice(0, SHOWN_LENGTH_MAX)}…`;
}

/** "ratingGroups[1]" of a path, as far back as its last name. */
function fieldOf(path: FilePath): string {
  const from = path.findLastIndex((step) => typeof step === 'string');
  const [name = 'the entry', ...places] = path.slice(Math.max(0, from));
  return `${typeof name === 'string' ? name : 'the entry'}${places.map((at) => `[${at}]`).join('')}`;
}

export interface ShapeContext {
  /** Of the value that was checked, from the top of the file. */
  readonly path: FilePath;
  readonly value: unknown;
  /** The text of a scalar as it was written. */
  readonly source: (path: FilePath) => string | null;
}

/** Turns what a schema found into faults. */
export function shapeFaults(error: z.ZodError, context: ShapeContext): readonly ShapeFault[] {
  return error.issues.flatMap((issue) => faultsOf(issue, context));
}

function faultsOf(issue: z.core.$ZodIssue, context: ShapeContext): readonly ShapeFault[] {
  const steps = issue.path.map((step) => (typeof step === 'number' ? step : String(step)));
  const path = [...context.path, ...steps];
  const value = steps.reduce<unknown>(
    (at, step) =>
      typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[step] : undefined,
    context.value,
  );
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      path,
      key,
      message: `"${key}" is no field here`,
      remedy: 'correct the name, or remove it; docs/operator-file.md lists the fields',
    }));
  }
  const expected = expectation(issue);
  if (value === undefined) {
    const field = fieldOf(path);
    return [{ path, message: `${field} is missing`, remedy: `add ${field}: ${expected}` }];
  }
  if (path.some((step) => SECRET_FIELDS.has(String(step)))) {
    return [
      { path, message: `${fieldOf(path)} is no text of a fit length`, remedy: `write ${expected}` },
    ];
  }
  return [{ path, message: `${fieldOf(path)} is ${shown(value)}`, remedy: remedyOf() }];

  function remedyOf(): string {
    const source = context.source(path);
    // Digits that would be lost, or were: the remedy is the reader's own text in quotes.
    const isNumber = typeof value === 'number' && source !== null;
    return isNumber && /quotes/.test(expected)
      ? `write it in quotes: "${source}"`
      : `write ${expected}`;
  }
}

/** The end of "write …". The schemas of `field.ts` carry it as their message. */
function expectation(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type' && issue.expected === 'object') return 'a mapping of fields';
  return issue.message;
}
