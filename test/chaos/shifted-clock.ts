/** Clocks of their own for processes, set while they run; they want a C compiler. */
import { execFile } from 'node:child_process';
import { constants, mkdir, open } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

export interface ShiftedClock {
  /** Words before the process's command. */
  readonly launcher: readonly string[];
  /** From now on its clock is so far from the machine's, which it is not at first. */
  set(offsetSeconds: number): Promise<void>;
}

const SOURCE = path.join(import.meta.dirname, 'shifted-clock.c');

/** Makes a clock for each name, kept in this directory; none without a compiler. */
export async function makeShiftedClocks<Name extends string>(
  directory: string,
  names: readonly Name[],
): Promise<ReadonlyMap<Name, ShiftedClock>> {
  await mkdir(directory);
  const library = path.join(directory, 'shifted-clock.so');
  try {
    await promisify(execFile)('cc', ['-O2', '-Wall', '-shared', '-fPIC', '-o', library, SOURCE]);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new Map();
    throw error;
  }
  const clocks = names.map(async (name) => {
    const file = path.join(directory, name);
    const set = (offsetSeconds: number): Promise<void> => writeOffset(file, offsetSeconds);
    await set(0);
    return [
      name,
      { launcher: ['env', `LD_PRELOAD=${library}`, `SHIFTED_CLOCK=${file}`], set },
    ] as const;
  });
  return new Map(await Promise.all(clocks));
}

/** In place, for the process has the file mapped. */
async function writeOffset(file: string, offsetSeconds: number): Promise<void> {
  const nanoseconds = Buffer.alloc(8);
  nanoseconds.writeBigInt64LE(BigInt(offsetSeconds) * 1_000_000_000n);
  const handle = await open(file, constants.O_RDWR | constants.O_CREAT, 0o644);
  try {
    await handle.write(nanoseconds, 0, nanoseconds.length, 0);
  } finally {
    await handle.close();
  }
}
