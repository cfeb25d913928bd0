/**
 * freeDiameter (Debian's package) as a relay: a Diameter stack that we didn't write, between a
 * gateway and our nodes. It will not bind to the loopback address alone, so it listens on a random
 * port of every address and admits only the identities that it is told.
 */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findFreePort } from '../../src/local/port-choice.js';
import { startServerProcess, type ServerProcess } from '../../src/local/server-process.js';
import { createAuthority, type KeyAndCertificate } from './certificates.js';
import { makeScratchDirectory } from './scratch-directory.js';

export interface RelayServer {
  readonly identity: string;
  readonly realm: string;
  readonly port: number;
  /** Over TLS on that port; the relay checks the certificate against its authority. */
  readonly tls?: boolean;
}

export interface RelayOptions {
  readonly identity: string;
  readonly realm: string;
  /** Nodes that the relay connects to. They must listen before it starts. */
  readonly servers: readonly RelayServer[];
  /** Identities that may connect to it without TLS; "*.realm" stands for all of a realm. */
  readonly clients: readonly string[];
  /** The relay's own certificate and the authority it trusts; made for the run when absent. */
  readonly tls?: KeyAndCertificate & { readonly authority: string };
  /** Where it listens for TLS; any free port when absent. */
  readonly securePort?: number;
}

export interface Relay {
  /** Where gateways connect without TLS. */
  readonly port: number;
  readonly securePort: number;
  /** What it has written so far. */
  readonly log: readonly string[];
  stop(): Promise<void>;
}

const LIBRARIES = ['/usr/lib/freeDiameter', '/usr/lib/x86_64-linux-gnu/freeDiameter'];
const DICTIONARIES = ['dict_nasreq.fdx', 'dict_dcca.fdx', 'dict_dcca_3gpp.fdx'];
const READY_MS = 15_000;

/** Starts a relay and waits until it has exchanged capabilities with every node. */
export async function startRelay(options: RelayOptions): Promise<Relay> {
  const directory = makeScratchDirectory('freediameter');
  const [port, securePort] = [await findFreePort(), options.securePort ?? (await findFreePort())];
  writeConfiguration(directory, options, { port, securePort });
  const log: string[] = [];
  const waiting = new Set(options.servers.map(({ identity }) => identity));
  let allOpen: () => void = () => {};
  const connected = new Promise<void>((resolve) => {
    allOpen = resolve;
    if (waiting.size === 0) resolve();
  });
  const server = await startServerProcess({
    name: 'freeDiameter',
    command: 'freeDiameterd',
    args: ['-c', join(directory, 'relay.conf')],
    directory,
    user: null,
    readyText: 'daemon initialized',
    readyTimeoutMs: READY_MS,
    stopSignal: 'SIGTERM',
    disposable: directory,
    onLine: (line) => {
      log.push(line);
      // 'STATE_WAITCEA'  -> 'STATE_OPEN'  'tolld-1.ocs.example'
      const opened = /-> '?STATE_OPEN'?\s.*'([^']+)'/.exec(line)?.[1];
      if (opened !== undefined) waiting.delete(opened);
      if (waiting.size === 0) allOpen();
    },
  });
  await openOrStop(connected, server, log);
  return {
    port,
    securePort,
    log,
    async stop() {
      await server.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function openOrStop(
  connected: Promise<void>,
  server: ServerProcess,
  log: readonly string[],
): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve('its nodes did not open in time'), READY_MS);
  });
  const fault = await Promise.race([
    connected.then(() => null),
    server.exited.then(() => 'it ended'),
    late,
  ]);
  clearTimeout(timer);
  if (fault === null) return;
  await server.kill();
  throw new Error(`freeDiameter: ${fault}\n${log.slice(-40).join('\n')}`);
}

function writeConfiguration(
  directory: string,
  options: RelayOptions,
  ports: { readonly port: number; readonly securePort: number },
): void {
  mkdirSync(directory, { recursive: true });
  const at = (name: string): string => join(directory, name);
  writeCertificates(at, options);
  writeFileSync(at('acl.conf'), options.clients.map((one) => `ALLOW_IPSEC ${one}\n`).join(''));
  const library = LIBRARIES.find((path) => existsSync(path)) ?? LIBRARIES[0];
  const lines = [
    `Identity = "${options.identity}";`,
    `Realm = "${options.realm}";`,
    `Port = ${ports.port};`,
    `SecPort = ${ports.securePort};`,
    'No_SCTP;',
    'No_IPv6;',
    'TwTimer = 6;',
    'TcTimer = 1;',
    `TLS_Cred = "${at('relay.pem')}", "${at('relay.key')}";`,
    `TLS_CA = "${at('ca.pem')}";`,
    ...DICTIONARIES.map((name) => `LoadExtension = "${library}/${name}";`),
    `LoadExtension = "${library}/acl_wl.fdx" : "${at('acl.conf')}";`,
    ...options.servers.map(
      ({ identity, realm, port, tls }) =>
        `ConnectPeer = "${identity}" { ConnectTo = "127.0.0.1"; Port = ${port}; ` +
        `Realm = "${realm}";${tls === true ? '' : ' No_TLS;'} };`,
    ),
  ];
  writeFileSync(at('relay.conf'), `${lines.join('\n')}\n`);
}

/** It wants a certificate of its name even where no connection uses TLS. */
function writeCertificates(at: (name: string) => string, options: RelayOptions): void {
  let { tls } = options;
  if (tls === undefined) {
    const authority = createAuthority();
    tls = { ...authority.issue([options.identity]), authority: authority.certificate };
    authority.remove();
  }
  writeFileSync(at('relay.pem'), tls.certificate);
  writeFileSync(at('relay.key'), tls.key);
  writeFileSync(at('ca.pem'), tls.authority);
}
