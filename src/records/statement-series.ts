/**
 * Statements that go to Postgres in one write and are answered together. Sent one by one, Postgres
 * would wait before each until this process has time to look: while it makes the next batch ready
 * that is milliseconds, and under small batches the trips cost more than the rows.
 */
import type { Duplex } from 'node:stream';
import type pg from 'pg';
import type { CopyRows } from './copy-rows.js';

/** A prepared statement; its name stands for its text. */
export interface Statement {
  readonly name: string;
  readonly text: string;
  /** In Postgres' text forms. */
  readonly values: readonly string[];
  /** How many rows it must change; any number where it is left out. */
  readonly rowsExpected?: number;
}

/** Appends rows to a table, their values in the order of `columns`. */
export interface CopyIn {
  readonly into: { readonly table: string; readonly columns: readonly string[] };
  readonly rows: CopyRows;
}

/** A plain text is a statement without values, such as BEGIN. */
export type SeriesStep = string | Statement | CopyIn;

/** A statement changed another number of rows than it should have. */
export class RowsMissingError extends Error {
  readonly code = 'TOLLD_ROWS_MISSING';
}

/**
 * Runs the steps in their order. One that Postgres refuses ends the series: what stands behind it is
 * not run, and the transaction can only be rolled back.
 * @throws RowsMissingError when all have run, but one has changed another number of rows than it
 * should have; the driver's error.
 */
export async function runSeries(
  client: pg.ClientBase,
  steps: readonly SeriesStep[],
): Promise<void> {
  if (steps.length === 0) return;
  await new Promise<void>((resolve, reject) => {
    client.query(new Series(steps, { resolve, reject }));
  });
}

interface Settling {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

interface Prepared {
  readonly name: string;
  readonly text: string;
  readonly values: readonly string[];
}

/** What the driver asks of a query that it doesn't know. */
class Series implements pg.Submittable {
  /** Shown by who looks at queries as they are sent. */
  readonly text = 'series';
  readonly #steps: readonly SeriesStep[];
  readonly #settling: Settling;
  readonly #fresh: string[] = [];
  #names = new Set<string>();
  #answered = 0;
  #missing: string | null = null;

  constructor(steps: readonly SeriesStep[], settling: Settling) {
    this.#steps = steps;
    this.#settling = settling;
  }

  submit(connection: pg.Connection): Error | undefined {
    const { stream } = connection;
    if (!stream.writable) return new Error('the connection to Postgres has ended');
    this.#names = namesOn(connection);
    stream.cork();
    for (const step of this.#steps) this.#send(step, connection);
    connection.sync();
    stream.uncork();
    return undefined;
  }

  #send(step: SeriesStep, connection: pg.Connection): void {
    const statement = preparedOf(step);
    this.#prepare(statement, connection);
    connection.stream.write(bindMessage(statement));
    connection.execute(null, true);
    if (typeof step === 'object' && 'rows' in step) writeCopyData(connection.stream, step.rows);
  }

  /** A name that a series broke off at may or may not be there: closing it is right in both cases. */
  #prepare({ name, text }: Prepared, connection: pg.Connection): void {
    if (this.#names.has(name) || this.#fresh.includes(name)) return;
    connection.close({ type: 'S', name }, true);
    connection.parse({ name, text, types: [] }, true);
    this.#fresh.push(name);
  }

  handleCommandComplete({ text }: { readonly text: string }): void {
    const step = this.#steps[this.#answered];
    this.#answered += 1;
    if (typeof step !== 'object' || !('rowsExpected' in step)) return;
    const rows = Number(/\d+$/.exec(text)?.[0] ?? 0);
    if (rows !== step.rowsExpected) {
      this.#missing ??= `${step.name}: ${rows} rows instead of ${String(step.rowsExpected)}`;
    }
  }

  handleReadyForQuery(): void {
    for (const name of this.#fresh) this.#names.add(name);
    if (this.#missing === null) this.#settling.resolve();
    else this.#settling.reject(new RowsMissingError(this.#missing));
  }

  handleError(error: Error): void {
    this.#settling.reject(error);
  }

  handleDataRow(): void {
    // No step is asked what it found.
  }

  handleCopyInResponse(): void {
    // The rows are on their way.
  }
}

/** Statements that a connection has prepared for series, apart from those that the driver prepared. */
const prepared = new WeakMap<pg.Connection, Set<string>>();

function namesOn(connection: pg.Connection): Set<string> {
  let names = prepared.get(connection);
  if (names === undefined) {
    names = new Set();
    prepared.set(connection, names);
  }
  return names;
}

const NO_VALUES: readonly string[] = [];

function preparedOf(step: SeriesStep): Prepared {
  if (typeof step === 'string') return { name: `series: ${step}`, text: step, values: NO_VALUES };
  if ('rows' in step) {
    const { table, columns } = step.into;
    const text = `COPY tolld.${table} (${columns.join(', ')}) FROM STDIN (FORMAT binary)`;
    return { name: `series: COPY ${table}`, text, values: NO_VALUES };
  }
  return { name: `series: ${step.name}`, text: step.text, values: step.values };
}

/**
 * Bind, all values and results as text. The driver's own writer would grow from 256 octets to the
 * size of a batch, copying each time.
 */
function bindMessage({ name, values }: Prepared): Buffer {
  const lengths = values.map((value) => Buffer.byteLength(value));
  const body = lengths.reduce((sum, length) => sum + 4 + length, Buffer.byteLength(name) + 12);
  const message = Buffer.allocUnsafe(body + 1);
  message[0] = 0x42;
  let at = message.writeUInt32BE(body, 1);
  // The unnamed portal.
  message[at++] = 0;
  at += message.write(name, at);
  message[at++] = 0;
  at = message.writeUInt16BE(0, at);
  at = message.writeUInt16BE(values.length, at);
  for (const [index, value] of values.entries()) {
    at = message.writeUInt32BE(lengths[index] ?? 0, at);
    at += message.write(value, at);
  }
  message.writeUInt16BE(0, at);
  return message;
}

const COPY_DONE = Buffer.from([0x63, 0, 0, 0, 4]);

/** Sent unasked: Postgres reads it when the COPY in front of it begins, or skips it with the rest. */
function writeCopyData(stream: Duplex, { bytes }: CopyRows): void {
  const head = Buffer.allocUnsafe(5);
  head[0] = 0x64;
  head.writeUInt32BE(bytes.length + 4, 1);
  stream.write(head);
  stream.write(bytes);
  stream.write(COPY_DONE);
}
