/** `.tolld/`: where a local installation keeps its data, its passwords and the ports it uses. */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** Kept from one start to the next, so that the second finds what the first made. */
export interface StackState {
  readonly redisPassword: string;
  readonly postgresPassword: string;
  /** Seals the secrets of the demo's NAS and subscribers where no key is set. */
  readonly secretsKey: string;
  readonly redisPort: number;
  readonly postgresPort: number;
  /** Where the Postgres cluster lies, once there is one. */
  readonly postgresDirectory: string | null;
}

/** The directory can't be used now; the message says what to do. */
export class StateDirectoryError extends Error {
  readonly code = 'TOLLD_LOCAL_STATE_UNUSABLE';

  constructor(reason: string) {
    super(reason);
    this.name = 'StateDirectoryError';
  }
}

const STATE_FILE = 'stack.json';
const LOCK_FILE = 'lock';
/** Beside the usual 6379 and 5432, which may hold other people's data. */
const FIRST_PORTS = { redisPort: 16_379, postgresPort: 15_432 };

function firstState(): StackState {
  return {
    redisPassword: randomBytes(18).toString('hex'),
    postgresPassword: randomBytes(18).toString('hex'),
    secretsKey: randomBytes(24).toString('base64'),
    ...FIRST_PORTS,
    postgresDirectory: null,
  };
}

export async function readState(directory: string): Promise<StackState> {
  const file = path.join(directory, STATE_FILE);
  const found = existsSync(file)
    ? (JSON.parse(readFileSync(file, 'utf8')) as Partial<StackState>)
    : {};
  const state = { ...firstState(), ...found };
  // Anew, or made before there was a key.
  if (found.secretsKey === undefined) await writeState(directory, state);
  return state;
}

export async function writeState(directory: string, state: StackState): Promise<void> {
  const file = path.join(directory, STATE_FILE);
  await writeFile(file, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
}

/** Makes the directory, and refuses one whose files another user's servers would own. */
export async function openStateDirectory(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  const owner = statSync(directory).uid;
  const self = process.getuid?.();
  if (self === undefined || owner === self) return;
  throw new StateDirectoryError(
    `${directory} belongs to user id ${owner}, and you are ${self}: start as that user, ` +
      'or remove the directory to begin anew',
  );
}

/** Whether a process runs that holds the lock; a pid that was reused by another program does not. */
function holderOf(lock: string): number | null {
  let pid: number;
  try {
    pid = Number(readFileSync(lock, 'utf8'));
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it runs, as another user.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return null;
    pid = Number(readFileSync(lock, 'utf8'));
  }
  const commandLine = `/proc/${pid}/cmdline`;
  if (!existsSync(commandLine)) return pid;
  return readFileSync(commandLine, 'utf8').includes('node') ? pid : null;
}

/**
 * Takes the directory for this process.
 * @returns gives it back.
 * @throws StateDirectoryError while another process has it.
 */
export async function lockStateDirectory(directory: string): Promise<() => Promise<void>> {
  const lock = path.join(directory, LOCK_FILE);
  for (let attempt = 0; attempt < 2; attempt += 1) {
    try {
      await writeFile(lock, String(process.pid), { flag: 'wx' });
      return () => rm(lock, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const holder = holderOf(lock);
    if (holder !== null && holder !== process.pid) {
      throw new StateDirectoryError(
        `tolld already runs here as process ${holder}: stop it first (\`kill ${holder}\`)`,
      );
    }
    // Left behind by a process that was killed.
    await rm(lock, { force: true });
  }
  throw new StateDirectoryError(`${lock} can't be taken: is another start under way?`);
}

/** Removes all data: the next start begins anew. Programs that were fetched stay. */
export async function clearState(directory: string): Promise<void> {
  const file = path.join(directory, STATE_FILE);
  if (existsSync(file)) {
    const { postgresDirectory } = await readState(directory);
    if (postgresDirectory !== null) await rm(postgresDirectory, { recursive: true, force: true });
  }
  for (const name of ['redis', 'postgres', STATE_FILE]) {
    await rm(path.join(directory, name), { recursive: true, force: true });
  }
}
