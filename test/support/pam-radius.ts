/**
 * pam_radius (Debian's libpam-radius-auth) behind pamtester: a client of RADIUS that logs people in.
 * PAM reads its services from a folder of the test's own (libpam-wrapper), so nothing of the machine
 * is changed.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { ProgramResult } from './radius-programs.js';

const LIBRARIES = '/usr/lib';
const SERVICE = 'tolld-test';

export interface PamLogin {
  readonly port: number;
  readonly secret: string;
  readonly user: string;
  readonly password: string;
}

/** Exit code 0 where PAM lets the user in. pam_radius knows ports from 1 to 65535. */
export async function pamLogin({ port, secret, user, password }: PamLogin): Promise<ProgramResult> {
  const folder = mkdtempSync(path.join(tmpdir(), 'tolld-pam-'));
  try {
    const services = path.join(folder, 'pam.d');
    mkdirSync(services);
    const configuration = path.join(folder, 'radius.conf');
    writeFileSync(configuration, `127.0.0.1:${port} ${secret} 3\n`, { mode: 0o600 });
    writeFileSync(
      path.join(services, SERVICE),
      `auth required pam_radius_auth.so conf=${configuration} client_id=vpn-2\n`,
    );
    return await run(services, ['pamtester', SERVICE, user, 'authenticate'], `${password}\n`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** In a folder of the machine's architecture: x86_64-linux-gnu, aarch64-linux-gnu … */
function wrapper(): string {
  const found = readdirSync(LIBRARIES)
    .map((name) => path.join(LIBRARIES, name, 'libpam_wrapper.so'))
    .find((file) => existsSync(file));
  if (found === undefined) throw new Error('libpam_wrapper.so is not there');
  return found;
}

async function run(
  services: string,
  [program = '', ...args]: readonly string[],
  input: string,
): Promise<ProgramResult> {
  const settings = [
    `LD_PRELOAD=${wrapper()}`,
    'PAM_WRAPPER=1',
    `PAM_WRAPPER_SERVICE_DIR=${services}`,
  ];
  const child = spawn('env', [...settings, program, ...args], { stdio: 'pipe' });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
  }
  child.stdin.end(input);
  const exitCode = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  return { exitCode, output };
}
