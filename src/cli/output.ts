/** What commands write: text in columns for people, one JSON document for programs. */

/** Where a command writes; a test gives its own. */
export interface Terminal {
  /** A line of what was asked for. */
  readonly out: (line: string) => void;
  /** A line about how it goes, which a program that reads the output must not see. */
  readonly note: (line: string) => void;
}

export function processTerminal(): Terminal {
  // Whoever reads us (`| head`) may have seen enough.
  process.stdout.once('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit();
    throw error;
  });
  return {
    out: (line) => process.stdout.write(`${line}\n`),
    note: (line) => process.stderr.write(`${line}\n`),
  };
}

/** What takes less says nothing but its result. */
const PROGRESS_INTERVAL_MS = 2_000;

/** A line now and then, so that whoever waits sees that it goes on; the others are dropped. */
export function progressNotes({ note }: Terminal): (line: string) => void {
  let toldAt = performance.now();
  return (line) => {
    if (performance.now() - toldAt < PROGRESS_INTERVAL_MS) return;
    toldAt = performance.now();
    note(`… ${line}`);
  };
}

/** Aligns rows in columns of the width of their longest cell; numbers stand to the right. */
export function formatTable(
  headings: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): readonly string[] {
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...rows.map((row) => String(row[column] ?? '').length)),
  );
  const line = (cells: readonly (string | number)[]): string =>
    cells
      .map((cell, column) =>
        typeof cell === 'number'
          ? String(cell).padStart(widths[column] ?? 0)
          : cell.padEnd(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd();
  return [line(headings), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)];
}

/** Amounts may pass what a JSON number holds exactly, so a bigint becomes text. */
export function formatJson(value: unknown): string {
  return JSON.stringify(
    value,
    (_key, member: unknown) => (typeof member === 'bigint' ? String(member) : member),
    2,
  );
}
