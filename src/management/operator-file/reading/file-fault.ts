/** What is wrong with an operator file, and where. */

/** Keys and list places from the top of the file. */
export type FilePath = readonly (string | number)[];

/** A fault before it is known where in the text it stands. */
export interface PathFault {
  readonly path: FilePath;
  /** What is wrong, without a full stop. */
  readonly message: string;
  /** What to do about it. */
  readonly remedy: string;
}

/** A fault with its place: line and column count from 1. */
export interface FileFault {
  readonly line: number;
  readonly column: number;
  readonly message: string;
  readonly remedy: string;
}

/** "operator.yaml:12:5: what is wrong; what to do". */
export function formatFault(file: string, { line, column, message, remedy }: FileFault): string {
  return `${file}:${line}:${column}: ${message}; ${remedy}`;
}

/** Every fault of the file; nothing was changed. */
export class OperatorFileError extends Error {
  readonly code = 'TOLLD_OPERATOR_FILE_INVALID';
  readonly file: string;
  readonly faults: readonly FileFault[];

  constructor(file: string, faults: readonly FileFault[]) {
    const count = faults.length === 1 ? 'a fault' : `${faults.length} faults`;
    super(
      [
        `${file} has ${count}, nothing was loaded:`,
        ...faults.map((f) => formatFault(file, f)),
      ].join('\n'),
    );
    this.name = 'OperatorFileError';
    this.file = file;
    this.faults = faults;
  }
}
