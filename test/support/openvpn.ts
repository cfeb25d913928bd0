/**
 * OpenVPN with its RADIUS plugin (Debian's packages) as a NAS, and its own client: real logins, real
 * traffic counters, on loopback. It makes a tun device, for which it needs the right to.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startServerProcess, type ServerProcess } from '../../src/local/server-process.js';
import { createAuthority } from './certificates.js';
import { findFreeUdpPort } from './free-udp-port.js';
import { makeScratchDirectory } from './scratch-directory.js';

const PLUGIN = '/usr/lib/openvpn/radiusplugin.so';
const READY_MS = 20_000;

/** Why OpenVPN can't run here, for whoever reads which tests were left out; null where it can. */
export function openvpnObstacle(): string | null {
  if (!existsSync(PLUGIN)) return 'openvpn-auth-radius is not installed';
  const device = `tolld${process.pid % 10_000}`;
  const made = spawnSync('openvpn', ['--mktun', '--dev-type', 'tun', '--dev', device]);
  if (made.status !== 0) return 'no tun device may be made here';
  spawnSync('openvpn', ['--rmtun', '--dev-type', 'tun', '--dev', device]);
  return null;
}

export interface VpnServerOptions {
  readonly radius: { readonly authenticationPort: number; readonly accountingPort: number };
  readonly secret: string;
  readonly nasIdentifier: string;
}

export interface VpnServer {
  /**
   * Connects a client and waits until its tunnel stands.
   * @throws ServerStartError when it is not let in.
   */
  connect(user: { readonly name: string; readonly password: string }): Promise<ServerProcess>;
  readonly log: readonly string[];
  stop(): Promise<void>;
}

export async function startVpnServer(options: VpnServerOptions): Promise<VpnServer> {
  const directory = makeScratchDirectory('openvpn');
  mkdirSync(join(directory, 'clients'), { recursive: true });
  const port = await findFreeUdpPort();
  const at = (name: string): string => join(directory, name);
  writeKeys(at);
  writeServer(at, port);
  writePlugin(at, options);
  const log: string[] = [];
  const server = await startServerProcess({
    name: 'openvpn',
    command: '/usr/sbin/openvpn',
    args: ['--config', at('server.conf')],
    directory,
    user: null,
    readyText: 'Initialization Sequence Completed',
    readyTimeoutMs: READY_MS,
    stopSignal: 'SIGTERM',
    disposable: directory,
    onLine: (line) => log.push(line),
  });
  let clients = 0;
  return {
    log,
    connect: ({ name, password }) => {
      clients += 1;
      writeFileSync(at(`login-${clients}`), `${name}\n${password}\n`, { mode: 0o600 });
      return startServerProcess({
        name: 'openvpn client',
        command: '/usr/sbin/openvpn',
        args: clientArguments(at, { port, login: at(`login-${clients}`) }),
        directory,
        user: null,
        readyText: 'Initialization Sequence Completed',
        readyTimeoutMs: READY_MS,
        stopSignal: 'SIGTERM',
      });
    },
    stop: async () => {
      await server.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

type Place = (name: string) => string;

function writeKeys(at: Place): void {
  const authority = createAuthority();
  const { certificate, key } = authority.issue(['vpn.example']);
  writeFileSync(at('ca.pem'), authority.certificate);
  writeFileSync(at('server.pem'), certificate);
  writeFileSync(at('server.key'), key, { mode: 0o600 });
  authority.remove();
}

/** No address and no route is set on this machine: packets go into the tunnel and nowhere else. */
function writeServer(at: Place, port: number): void {
  writeFileSync(
    at('server.conf'),
    [
      'mode server',
      'tls-server',
      'dev tun',
      'topology subnet',
      'ifconfig-noexec',
      'route-noexec',
      'ifconfig 10.250.0.1 255.255.255.0',
      'ifconfig-pool 10.250.0.100 10.250.0.200 255.255.255.0',
      'push "topology subnet"',
      'local 127.0.0.1',
      `port ${port}`,
      'proto udp',
      `ca ${at('ca.pem')}`,
      `cert ${at('server.pem')}`,
      `key ${at('server.key')}`,
      'dh none',
      'verify-client-cert none',
      'username-as-common-name',
      'keepalive 1 5',
      'explicit-exit-notify 1',
      `client-config-dir ${at('clients')}`,
      `status ${at('status.log')} 1`,
      'status-version 1',
      'script-security 2',
      `tmp-dir ${at('.')}`,
      `plugin ${PLUGIN} ${at('plugin.conf')}`,
      'verb 3',
      '',
    ].join('\n'),
  );
}

function writePlugin(at: Place, { radius, secret, nasIdentifier }: VpnServerOptions): void {
  writeFileSync(
    at('plugin.conf'),
    [
      `NAS-Identifier=${nasIdentifier}`,
      'Service-Type=5',
      'Framed-Protocol=1',
      'NAS-Port-Type=5',
      'NAS-IP-Address=127.0.0.1',
      `OpenVPNConfig=${at('server.conf')}`,
      'subnet=255.255.255.0',
      'overwriteccfiles=true',
      'nonfatalaccounting=false',
      'server',
      '{',
      `\tacctport=${radius.accountingPort}`,
      `\tauthport=${radius.authenticationPort}`,
      '\tname=127.0.0.1',
      '\tretry=3',
      '\twait=2',
      `\tsharedsecret=${secret}`,
      '}',
      '',
    ].join('\n'),
  );
}

function clientArguments(
  at: Place,
  { port, login }: { readonly port: number; readonly login: string },
): readonly string[] {
  return [
    ...['--client', '--dev', 'null', '--ifconfig-noexec', '--route-noexec', '--nobind'],
    ...['--remote', '127.0.0.1', String(port), 'udp', '--ca', at('ca.pem')],
    ...['--auth-user-pass', login, '--auth-retry', 'none', '--explicit-exit-notify', '2'],
    ...['--connect-retry-max', '1', '--ping', '1', '--verb', '3'],
  ];
}
