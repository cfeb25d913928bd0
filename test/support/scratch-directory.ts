import { mkdtempSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const MEMORY_DIRECTORY = '/dev/shm';
const MEMORY_FREE_MIN_BYTES = 1024 ** 3;

function memoryHasRoom(): boolean {
  try {
    const { bavail, bsize } = statfsSync(MEMORY_DIRECTORY);
    return bavail * bsize >= MEMORY_FREE_MIN_BYTES;
  } catch {
    return false;
  }
}

/**
 * A new directory for a server's data: in memory where there is room, so that an fsync for each
 * answer costs no disk's latency, else where temporary files go.
 */
export function makeScratchDirectory(name: string): string {
  const base = memoryHasRoom() ? MEMORY_DIRECTORY : tmpdir();
  return mkdtempSync(path.join(base, `tolld-test-${name}-`));
}
