/**
 * FreeRADIUS (Debian's package), run as it is on loopback: as a proxy in front of us, or as a server
 * of its own to compare with. It reads nothing of `/etc`.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startServerProcess } from '../../src/local/server-process.js';
import { findFreeUdpPort } from './free-udp-port.js';
import { makeScratchDirectory } from './scratch-directory.js';

export interface FreeradiusOptions {
  /** Sections beside the servers: `client`, `home_server` … */
  readonly configuration: string;
  /** Configurations of modules. */
  readonly modules?: string;
  /** Sections of the virtual server: `authorize`, `accounting` … */
  readonly server: string;
  /** The secret of clients on loopback. */
  readonly secret: string;
  /** Contents of files by their names; `configuration` names their folder FOLDER. */
  readonly files?: Readonly<Record<string, string>>;
}

export interface Freeradius {
  readonly authenticationPort: number;
  readonly accountingPort: number;
  readonly pid: number;
  readonly log: readonly string[];
  stop(): Promise<void>;
}

const READY_MS = 15_000;
/** What Debian's package has for a busy server, and twice the threads that it starts with. */
const THREADS =
  'start_servers = 16\n max_servers = 32\n min_spare_servers = 4\n max_spare_servers = 16';

export async function startFreeradius(options: FreeradiusOptions): Promise<Freeradius> {
  const directory = makeScratchDirectory('freeradius');
  mkdirSync(directory, { recursive: true });
  const authenticationPort = await findFreeUdpPort();
  const accountingPort = await findFreeUdpPort();
  const ports = { authenticationPort, accountingPort };
  writeFileSync(join(directory, 'radiusd.conf'), configurationOf(directory, options, ports));
  for (const [name, text] of Object.entries(options.files ?? {})) {
    writeFileSync(join(directory, name), text);
  }
  writeFileSync(join(directory, 'dictionary'), '$INCLUDE /usr/share/freeradius/dictionary\n');
  const log: string[] = [];
  const server = await startServerProcess({
    name: 'freeradius',
    command: '/usr/sbin/freeradius',
    args: ['-d', directory, '-f', '-l', 'stdout'],
    directory,
    user: null,
    readyText: 'Ready to process requests',
    readyTimeoutMs: READY_MS,
    stopSignal: 'SIGTERM',
    disposable: directory,
    onLine: (line) => log.push(line),
  });
  return {
    ...ports,
    pid: server.pid,
    log,
    stop: async () => {
      await server.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function configurationOf(
  directory: string,
  { configuration, modules = '', server, secret }: FreeradiusOptions,
  ports: { readonly authenticationPort: number; readonly accountingPort: number },
): string {
  const listen = (type: string, port: number): string =>
    `listen {\n type = ${type}\n ipaddr = 127.0.0.1\n port = ${port}\n}`;
  return [
    'prefix = /usr',
    'libdir = /usr/lib/freeradius',
    `raddbdir = ${directory}`,
    `run_dir = ${directory}`,
    `logdir = ${directory}`,
    `pidfile = ${directory}/freeradius.pid`,
    'max_request_time = 10',
    'cleanup_delay = 5',
    'max_requests = 65536',
    'proxy_requests = yes',
    'hostname_lookups = no',
    'log {\n destination = stdout\n auth = no\n}',
    'security {\n max_attributes = 200\n reject_delay = 0\n status_server = yes\n}',
    `thread pool {\n ${THREADS}\n max_requests_per_server = 0\n}`,
    `modules {\n${modules}\n}`,
    `client loopback {\n ipaddr = 127.0.0.1\n secret = "${secret}"\n}`,
    configuration.replaceAll('FOLDER', directory),
    'server tested {',
    listen('auth', ports.authenticationPort),
    listen('acct', ports.accountingPort),
    server,
    '}',
    '',
  ].join('\n');
}
