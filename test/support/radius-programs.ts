/** RADIUS peers that we didn't write (Debian's freeradius-utils and eapoltest), run as they are. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

export interface ProgramResult {
  readonly exitCode: number | null;
  readonly output: string;
}

export interface ServerAddress {
  readonly address: string;
  readonly port: number;
}

async function run(
  command: readonly [string, ...string[]],
  input: string | null,
): Promise<ProgramResult> {
  const [program, ...args] = command;
  const child = spawn(program, args, { stdio: 'pipe' });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
  }
  child.stdin.end(input ?? '');
  const exitCode = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  return { exitCode, output };
}

/** Runs `work` with a folder that is gone afterwards. */
async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(path.join(tmpdir(), 'tolld-radius-'));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A folder in which FreeRADIUS' programs find its dictionaries, configured or not. */
function writeDictionary(folder: string): void {
  writeFileSync(path.join(folder, 'dictionary'), '$INCLUDE /usr/share/freeradius/dictionary\n');
}

function target({ address, port }: ServerAddress): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

export interface Radclient {
  readonly command: 'auth' | 'acct' | 'status' | 'coa' | 'disconnect';
  readonly to: ServerAddress;
  readonly secret: string;
  /** Lines of `Name = value`; an empty line begins the next packet. */
  readonly packets: string;
  readonly args?: readonly string[];
}

/** Runs radclient over some packets. Its exit code is 0 when all were answered as they should. */
export async function radclient(options: Radclient): Promise<ProgramResult> {
  const { command, to, secret, packets, args = [] } = options;
  return inFolder((folder) => {
    writeDictionary(folder);
    const head = ['-d', folder, '-x', '-r', '1', '-t', '5', ...args];
    return run(['radclient', ...head, target(to), command, secret], packets);
  });
}

/** The same for radeapclient, which answers EAP challenges by itself. */
export async function radeapclient(options: Omit<Radclient, 'command'>): Promise<ProgramResult> {
  const { to, secret, packets } = options;
  return inFolder((folder) => {
    writeDictionary(folder);
    const args = ['-d', folder, '-x', '-r', '1', '-t', '5', target(to), 'auth', secret];
    return run(['radeapclient', ...args], packets);
  });
}

/**
 * Codes and attributes that a program of FreeRADIUS received, one packet after another: "Access-
 * Accept", then "Session-Timeout = 3600" and so on.
 */
export function receivedPackets(output: string): string[][] {
  const packets: string[][] = [];
  let open: string[] | undefined;
  for (const line of output.split('\n')) {
    const received = /Received (\S+) Id/.exec(line);
    if (received !== null) {
      open = [received[1] ?? ''];
      packets.push(open);
    } else if (line.startsWith('\t')) open?.push(line.trim());
    else open = undefined;
  }
  return packets;
}

export interface EapolTest {
  readonly to: ServerAddress;
  readonly secret: string;
  readonly method: 'MD5' | 'MSCHAPV2';
  readonly identity: string;
  readonly password: string;
}

/** Runs eapol_test, the supplicant of wpa_supplicant and an access point in one. */
export async function eapolTest(options: EapolTest): Promise<ProgramResult> {
  const { to, secret, method, identity, password } = options;
  return inFolder((folder) => {
    const file = path.join(folder, 'eapol.conf');
    const network = [
      'key_mgmt=IEEE8021X',
      `eap=${method}`,
      `identity="${identity}"`,
      `password="${password}"`,
    ];
    writeFileSync(file, `network={\n${network.join('\n')}\n}\n`);
    // MD5 makes no keys: -n says that none are expected.
    const keys = method === 'MD5' ? ['-n'] : [];
    const server = ['-a', to.address, '-p', String(to.port), '-s', secret, '-t', '5'];
    return run(['eapol_test', '-c', file, ...server, ...keys], null);
  });
}
