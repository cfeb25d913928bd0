/**
 * hostapd as a real NAS (Debian's package) for 802.1X over a cable that is a pair of virtual devices, and
 * wpa_supplicant as the station at its other end. Both need the right to make network devices.
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hasProgram } from '../../src/local/debian-packages.js';
import { startServerProcess, type ServerProcess } from '../../src/local/server-process.js';
import { makeScratchDirectory } from './scratch-directory.js';

const READY_MS = 20_000;

/** Why hostapd can't run here, for whoever reads which tests were left out; null where it can. */
export function hostapdObstacle(): string | null {
  for (const program of ['hostapd', 'wpa_supplicant', 'ip']) {
    if (!hasProgram(program)) return `${program} is not installed`;
  }
  const cable = makeCable();
  if (cable === null) return 'no network device may be made here';
  cable.remove();
  return null;
}

interface Cable {
  /** Names of its two ends. */
  readonly nas: string;
  readonly station: string;
  remove(): void;
}

let cables = 0;

/** Names of this process alone; null where none may be made. */
function makeCable(): Cable | null {
  cables += 1;
  const name = (end: string): string => `td${process.pid % 100_000}${end}${cables}`;
  const [nas, station] = [name('n'), name('s')];
  const ip = (...args: readonly string[]) =>
    spawnSync('ip', ['link', ...args], { stdio: 'ignore' });
  const remove = (): void => void ip('del', nas);
  if (ip('add', nas, 'type', 'veth', 'peer', 'name', station).status !== 0) return null;
  for (const end of [nas, station]) {
    if (ip('set', end, 'up').status === 0) continue;
    remove();
    return null;
  }
  return { nas, station, remove };
}

export interface WiredPortOptions {
  readonly authenticationPort: number;
  readonly accountingPort: number;
  readonly secret: string;
  readonly nasIdentifier: string;
  /** Where it takes Disconnect-Requests, of 127.0.0.1 alone. */
  readonly steeringPort: number;
}

export interface StationOptions {
  readonly method: 'MD5' | 'MSCHAPV2';
  readonly identity: string;
  readonly password: string;
}

export interface WiredPort {
  readonly log: readonly string[];
  /** Plugs a station in and resolves once it has got that answer. @throws ServerStartError for none. */
  connect(station: StationOptions, answer: 'SUCCESS' | 'FAILURE'): Promise<ServerProcess>;
  stop(): Promise<void>;
}

/** @throws ServerStartError, or Error where no device may be made. */
export async function startWiredPort(options: WiredPortOptions): Promise<WiredPort> {
  const cable = makeCable();
  if (cable === null) throw new Error('no network device may be made here');
  const directory = makeScratchDirectory('hostapd');
  const file = join(directory, 'hostapd.conf');
  writeFileSync(file, hostapdSettings(cable.nas, options));
  const log: string[] = [];
  const start = (name: string, args: readonly string[], readyText: string) =>
    startServerProcess({
      name,
      command: `/usr/sbin/${name}`,
      args: [...args],
      directory,
      user: null,
      readyText,
      readyTimeoutMs: READY_MS,
      stopSignal: 'SIGTERM',
      disposable: directory,
      onLine: (line) => log.push(line),
    });
  try {
    let isStopped = false;
    const nas = await start('hostapd', ['-d', file], 'AP-ENABLED');
    return {
      log,
      connect: (station, answer) => {
        const stationFile = join(directory, 'station.conf');
        writeFileSync(stationFile, stationSettings(station));
        const args = ['-D', 'wired', '-i', cable.station, '-c', stationFile];
        return start('wpa_supplicant', args, `CTRL-EVENT-EAP-${answer}`);
      },
      stop: async () => {
        if (isStopped) return;
        isStopped = true;
        await nas.stop();
        cable.remove();
      },
    };
  } catch (error) {
    cable.remove();
    throw error;
  }
}

function hostapdSettings(device: string, options: WiredPortOptions): string {
  const { authenticationPort, accountingPort, secret, nasIdentifier, steeringPort } = options;
  return `interface=${device}
driver=wired
ieee8021x=1
use_pae_group_addr=1
eap_server=0
own_ip_addr=127.0.0.1
nas_identifier=${nasIdentifier}
auth_server_addr=127.0.0.1
auth_server_port=${authenticationPort}
auth_server_shared_secret=${secret}
acct_server_addr=127.0.0.1
acct_server_port=${accountingPort}
acct_server_shared_secret=${secret}
radius_das_port=${steeringPort}
radius_das_client=127.0.0.1 ${secret}
radius_das_require_event_timestamp=1
radius_das_require_message_authenticator=1
logger_stdout=-1
logger_stdout_level=0
`;
}

function stationSettings({ method, identity, password }: StationOptions): string {
  return `ap_scan=0
network={
  key_mgmt=IEEE8021X
  eap=${method}
  identity="${identity}"
  password="${password}"
  eapol_flags=0
}
`;
}
