/** What writing rated events costs at the least: the same rows, with nothing around them. */
import { finished } from 'node:stream/promises';
import type pg from 'pg';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';
import { RATED_EVENTS } from '../src/records/fact-rows.js';

const COLUMNS = RATED_EVENTS.columns.join(', ');

/**
 * The rows of rated_events as COPY wants them in its binary format, which the flusher writes too, in
 * batches, in the order in which they came.
 */
export async function readBatches(
  pool: pg.Pool,
  { rows, batch }: { readonly rows: number; readonly batch: number },
): Promise<readonly Buffer[]> {
  const client = await pool.connect();
  const batches: Buffer[] = [];
  for (let from = 0; from < rows; from += batch) {
    const stream = client.query(
      copyTo(
        `COPY (SELECT ${COLUMNS} FROM tolld.rated_events ORDER BY ctid LIMIT ${batch} OFFSET ${from})
         TO STDOUT (FORMAT binary)`,
      ),
    );
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    batches.push(Buffer.concat(chunks));
  }
  client.release();
  return batches;
}

/** The same in its text format. */
export async function readTextBatches(pool: pg.Pool, batch: number): Promise<readonly Buffer[]> {
  const client = await pool.connect();
  const stream = client.query(
    copyTo(`COPY (SELECT ${COLUMNS} FROM tolld.rated_events ORDER BY ctid) TO STDOUT`),
  );
  const lines: string[] = [];
  let rest = '';
  for await (const chunk of stream) {
    const parts = (rest + (chunk as Buffer).toString('utf8')).split('\n');
    rest = parts.pop() ?? '';
    for (const line of parts) lines.push(`${line}\n`);
  }
  client.release();
  const batches: Buffer[] = [];
  for (let from = 0; from < lines.length; from += batch) {
    batches.push(Buffer.from(lines.slice(from, from + batch).join('')));
  }
  return batches;
}

/** The reference: nothing but COPY, a transaction for each batch. */
export async function copyBatches(pool: pg.Pool, batches: readonly Buffer[]): Promise<void> {
  const client = await pool.connect();
  for (const batch of batches) {
    const stream = client.query(
      copyFrom(`COPY tolld.rated_events (${COLUMNS}) FROM STDIN (FORMAT binary)`),
    );
    stream.end(batch);
    await finished(stream);
  }
  client.release();
}

/** The same rows, of {@link readTextBatches}, by array parameters, to know what COPY saves. */
export async function unnestBatches(pool: pg.Pool, batches: readonly Buffer[]): Promise<void> {
  const { columns } = RATED_EVENTS;
  const types = await columnTypes(pool);
  const arrays = columns.map((column, index) => `$${index + 1}::${types.get(column)}[]`);
  for (const batch of batches) {
    const rows = batch
      .toString('utf8')
      .trimEnd()
      .split('\n')
      .map((line) => line.split('\t'));
    const values = columns.map((_, index) =>
      rows.map((row) => (row[index] === '\\N' ? null : row[index])),
    );
    await pool.query({
      name: 'unnest',
      text: `INSERT INTO tolld.rated_events (${COLUMNS})
             SELECT * FROM unnest(${arrays.join(', ')})`,
      values,
    });
  }
}

async function columnTypes(pool: pg.Pool): Promise<ReadonlyMap<string, string>> {
  const { rows } = await pool.query<{ name: string; type: string }>(
    `SELECT attname AS name, format_type(atttypid, atttypmod) AS type FROM pg_attribute
     WHERE attrelid = 'tolld.rated_events'::regclass AND attnum > 0`,
  );
  return new Map(rows.map(({ name, type }) => [name, type]));
}
