/** A disk of its own for a server, small enough to be filled: a tmpfs, where we may mount one. */
import { execFile, execFileSync } from 'node:child_process';
import { mkdir, open, rm } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

export interface SmallDisk {
  /** Takes every octet that is left. */
  fill(): Promise<void>;
  /** Gives them back. */
  free(): Promise<void>;
  remove(): Promise<void>;
}

const run = promisify(execFile);
const CHUNK_BYTES = 1 << 20;

/** Makes a directory that is a disk; null where this user may not mount. */
export async function makeSmallDisk(directory: string, sizeMb: number): Promise<SmallDisk | null> {
  await mkdir(directory, { recursive: true });
  try {
    await run('mount', ['-t', 'tmpfs', '-o', `size=${sizeMb}m,mode=755`, 'tmpfs', directory]);
  } catch {
    return null;
  }
  const filler = path.join(directory, 'filler');
  const unmount = (): void => {
    execFileSync('umount', ['--lazy', directory]);
  };
  process.once('exit', unmount);
  return {
    fill: () => fillWith(filler),
    free: () => rm(filler, { force: true }),
    remove: async () => {
      process.off('exit', unmount);
      unmount();
    },
  };
}

/** Writes smaller and smaller pieces until not even an octet goes in. */
async function fillWith(file: string): Promise<void> {
  const handle = await open(file, 'w');
  try {
    for (let bytes = CHUNK_BYTES; bytes >= 1;) {
      try {
        await handle.write(Buffer.alloc(bytes));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
        bytes = Math.floor(bytes / 2);
      }
    }
  } finally {
    await handle.close();
  }
}
