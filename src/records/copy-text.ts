/** COPY's text format: one line for each row, tabs between, `\N` for null. */
import { finished } from 'node:stream/promises';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';

export type CopyValue = string | number | bigint | null;

/** A value that no column can hold; the entry that carries it is quarantined like a refused one. */
export class UnstorableError extends Error {
  readonly code = 'TOLLD_UNSTORABLE';
}

const SPECIAL = /[\\\t\n\r]/;
const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '\t': '\\t',
  '\n': '\\n',
  '\r': '\\r',
};

function fieldOf(value: CopyValue): string {
  if (value === null) return '\\N';
  if (typeof value !== 'string') return String(value);
  // Nearly every value is plain, and the test is a tenth of the cost of the replacement.
  if (!SPECIAL.test(value)) return value;
  return value.replace(/[\\\t\n\r]/g, (character) => ESCAPES[character] ?? character);
}

/** One row, with its line feed. */
export function copyLine(values: readonly CopyValue[]): string {
  let line = fieldOf(values[0] ?? null);
  for (let index = 1; index < values.length; index += 1) {
    line += `\t${fieldOf(values[index] ?? null)}`;
  }
  return `${line}\n`;
}

/** Appends rows to a table. `columns` in the order of the values of each line. */
export async function copyInto(
  client: pg.ClientBase,
  target: { readonly table: string; readonly columns: readonly string[] },
  lines: string,
): Promise<void> {
  const stream = client.query(
    copyFrom(`COPY tolld.${target.table} (${target.columns.join(', ')}) FROM STDIN`),
  );
  stream.end(Buffer.from(lines, 'utf8'));
  await finished(stream);
}

/** The last moment that both JavaScript and four-digit years can say. */
const INSTANT_MAX_MS = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

/**
 * Milliseconds since 1970 as Postgres reads them.
 * @throws UnstorableError for a moment before 1970 or after the year 9999.
 */
export function instantText(milliseconds: number): string {
  if (!(milliseconds >= 0 && milliseconds <= INSTANT_MAX_MS)) {
    throw new UnstorableError(`${milliseconds} ms since 1970 is no moment that can be kept`);
  }
  return new Date(milliseconds).toISOString();
}

/** The same, or null for what is absent. @throws UnstorableError as {@link instantText} does. */
export function instantTextOrNull(milliseconds: number | null): string | null {
  return milliseconds === null ? null : instantText(milliseconds);
}

/** For a time that only informs: null instead of a refusal where it can't be kept. */
export function informativeInstant(milliseconds: number | null): string | null {
  const storable = milliseconds !== null && milliseconds >= 0 && milliseconds <= INSTANT_MAX_MS;
  return storable ? new Date(milliseconds).toISOString() : null;
}
