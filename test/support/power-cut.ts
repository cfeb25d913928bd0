/**
 * A Redis whose power can be cut. kill -9 leaves all that the operating system has; this also takes
 * from its append-only file what no completed sync covers, as a cut would.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync, truncateSync } from 'node:fs';
import path from 'node:path';
import { startRedis } from './redis.js';
import type { OwnRedis } from './redis-instance.js';
import { makeScratchDirectory } from './scratch-directory.js';

export interface PoweredRedis extends OwnRedis {
  /** Syncs so far of files that a cut would shorten. */
  syncs(): number;
  /** Ends the server and what is not on disk. @returns octets that are gone. */
  cutPower(): Promise<number>;
}

/** The compiler that the syncs are noted with; null where there is none. */
export function findCompiler(): string | null {
  return ['cc', 'gcc', 'clang'].find((name) => spawnSync(name, ['--version']).status === 0) ?? null;
}

export async function startPoweredRedis(
  compiler: string,
  appendFsync: 'always' | 'everysec',
): Promise<PoweredRedis> {
  const directory = makeScratchDirectory('syncs');
  const library = path.join(directory, 'sync-log.so');
  const source = path.join(import.meta.dirname, 'sync-log.c');
  execFileSync(compiler, ['-shared', '-fPIC', '-O1', '-o', library, source, '-ldl']);
  const log = path.join(directory, 'syncs');
  const own = await startRedis({
    appendFsync,
    wrapper: ['env', `LD_PRELOAD=${library}`, `SYNC_LOG=${log}`],
    // A rewrite would only make another file to cut.
    moreSettings: ['auto-aof-rewrite-percentage 0'],
  });
  const syncs = (): readonly (readonly [string, number])[] =>
    (existsSync(log) ? readFileSync(log, 'utf8') : '')
      .trim()
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.split(' '))
      .map(([inode = '', size]) => [inode, Number(size)] as const);
  return {
    ...own,
    syncs: () => syncs().length,
    cutPower: async () => {
      await own.kill();
      const synced = new Map(syncs());
      const files = path.join(own.directory, 'appendonlydir');
      let gone = 0;
      for (const name of readdirSync(files).filter((each) => each.endsWith('.aof'))) {
        const file = path.join(files, name);
        const { ino, size } = statSync(file);
        const kept = synced.get(String(ino)) ?? 0;
        gone += size - kept;
        truncateSync(file, kept);
      }
      return gone;
    },
  };
}
