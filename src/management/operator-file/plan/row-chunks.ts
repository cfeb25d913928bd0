/** Writing many rows by few statements. */
import { sql } from 'drizzle-orm';

/** Rows of one statement: far below the 65,535 parameters that one may have. */
const ROWS_PER_STATEMENT = 1_000;

export async function inChunks<Row>(
  rows: readonly Row[],
  write: (chunk: Row[]) => Promise<unknown>,
): Promise<void> {
  for (let from = 0; from < rows.length; from += ROWS_PER_STATEMENT) {
    await write(rows.slice(from, from + ROWS_PER_STATEMENT));
  }
}

/** The value that an insert proposed, where the row exists. */
export function proposed(column: string) {
  return sql.raw(`excluded.${column}`);
}
