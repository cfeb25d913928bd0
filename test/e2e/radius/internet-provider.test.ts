/** examples/isp.yaml, loaded and served: routers, sessions, and the commands that staff use. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { LoginRejection } from '../../../src/charging/reject-log.js';
import { createRadiusSimulator } from '../../../src/local/radius-simulator/simulator.js';
import type { SimulatedTls } from '../../../src/local/radius-simulator/traffic.js';
import { main } from '../../../src/main.js';
import type { ListedSession } from '../../../src/records/session-list.js';
import type { TlsFileNames } from '../../../src/tls-files.js';
import { createAuthority } from '../../support/certificates.js';
import { startDaemon, TEST_REALM, type Daemon } from '../../support/daemon.js';
import { findFreeUdpPort } from '../../support/free-udp-port.js';
import { testDatabase } from '../../support/postgres.js';
import { testRedis } from '../../support/redis.js';
import { makeScratchDirectory } from '../../support/scratch-directory.js';

const redis = testRedis();
const database = testDatabase();
const KEY = 'a key for this test alone';
const SECRET = 'change-me-before-use-1';
const PASSWORD = 'change-me-too';

let daemon: Daemon;
let ports: { readonly authentication: number; readonly accounting: number; readonly tls: number };
/** Flags of a router that speaks RADIUS/1.1 over TLS. */
let overTls: readonly string[];
/** The same for one that a test drives by itself. */
let routerTls: SimulatedTls;
let steeringPort = 0;

interface Outcome {
  readonly exitCode: number;
  readonly out: string;
  readonly notes: string;
}

/** Runs a command line of tolld on the installation. */
async function tolld(...args: readonly string[]): Promise<Outcome> {
  const out: string[] = [];
  const notes: string[] = [];
  const exitCode = await main(args, {
    terminal: { out: (line) => out.push(line), note: (line) => notes.push(line) },
    environment: {
      TOLLD_REDIS_URL: redis.url,
      TOLLD_REDIS_KEY_PREFIX: redis.prefix,
      TOLLD_POSTGRES_URL: database.url,
      TOLLD_ENGINE_PARTITIONS: '8',
      TOLLD_SECRETS_KEYS: KEY,
    },
  });
  return { exitCode, out: out.join('\n'), notes: notes.join('\n') };
}

async function load(change: (file: string) => string = (file) => file): Promise<Outcome> {
  const file = path.join(makeScratchDirectory('isp'), 'isp.yaml');
  const text = readFileSync('examples/isp.yaml', 'utf8')
    .replace("['192.0.2.10']", "['127.0.0.1']")
    .replace(
      '{ port: 3799 }',
      `{ port: ${steeringPort} }\n    certificateNames: [tower-1.example]`,
    );
  writeFileSync(file, change(text));
  return tolld('load', file);
}

/** Loads a file that says another thing of the router, and waits until the daemon goes by it. */
async function reload(change: (file: string) => string): Promise<void> {
  const replaced = (): number =>
    daemon.log.filter(({ msg }) => msg === 'radius clients replaced').length;
  const before = replaced();
  const { exitCode, out } = await load(change);
  expect(exitCode).toBe(0);
  if (!out.includes('tower-1')) return;
  await expect.poll(replaced, { timeout: 20_000 }).toBeGreaterThan(before);
}

/** Plays sessions of the router by the command, and holds what was charged against them. */
function simulate(...args: readonly string[]): Promise<Outcome> {
  return tolld(
    ...['simulate', 'radius', '--nas', 'tower-1', '--json', '--compare-seconds', '30'],
    ...['--authentication-port', String(ports.authentication)],
    ...['--accounting-port', String(ports.accounting)],
    ...args,
  );
}

const HOME = ['--subscriber', `anna@isp.example:${PASSWORD}`, '--compare', 'total'];

/** Key, certificate and authority in files: what the daemon's settings and the router's flags name. */
function writeTls(): Readonly<Record<'ours' | 'theirs', TlsFileNames>> {
  const authority = createAuthority();
  const directory = makeScratchDirectory('isp-tls');
  const write = (name: string, text: string): string => {
    const file = path.join(directory, name);
    writeFileSync(file, text);
    return file;
  };
  const authoritiesFile = write('authority.pem', authority.certificate);
  const files = (name: string): TlsFileNames => {
    const { key, certificate } = authority.issue([name]);
    return {
      keyFile: write(`${name}.key`, key),
      certificateFile: write(`${name}.pem`, certificate),
      authoritiesFile,
    };
  };
  const both = { ours: files(`isp.${TEST_REALM}`), theirs: files('tower-1.example') };
  authority.remove();
  return both;
}

beforeAll(async () => {
  steeringPort = await findFreeUdpPort();
  const loaded = await load();
  // Where it takes long it says how far it has come.
  const notes = loaded.notes.replace(/^… .*$/gm, '').trim();
  expect({ ...loaded, notes }).toMatchObject({ exitCode: 0, notes: '' });
  const { ours, theirs } = writeTls();
  daemon = await startDaemon({
    name: 'isp',
    redisUrl: redis.url,
    keyPrefix: redis.prefix,
    postgresUrl: database.url,
    settings: {
      tls: { ...ours },
      secrets: { keys: [KEY] },
      radius: {
        enabled: true,
        listenHost: '127.0.0.1',
        authenticationPort: 0,
        accountingPort: 0,
        tlsListenPort: 0,
      },
    },
  });
  const ready = daemon.log.find(({ msg }) => msg === 'ready') as unknown as {
    readonly radius: Readonly<
      Record<'authentication' | 'accounting' | 'tls', readonly { readonly port: number }[]>
    >;
  };
  ports = {
    authentication: ready.radius.authentication[0]?.port ?? 0,
    accounting: ready.radius.accounting[0]?.port ?? 0,
    tls: ready.radius.tls[0]?.port ?? 0,
  };
  routerTls = {
    port: ports.tls,
    serverName: `isp.${TEST_REALM}`,
    key: readFileSync(theirs.keyFile, 'utf8'),
    certificate: readFileSync(theirs.certificateFile, 'utf8'),
    authorities: [readFileSync(theirs.authoritiesFile, 'utf8')],
  };
  overTls = [
    ...['--tls-port', String(ports.tls), '--tls-server-name', `isp.${TEST_REALM}`],
    ...['--tls-key', theirs.keyFile, '--tls-certificate', theirs.certificateFile],
    ...['--tls-authorities', theirs.authoritiesFile],
  ];
}, 60_000);

describe('an internet provider', () => {
  test('has its router listed without a secret, and gets a script for it', async () => {
    const { out } = await tolld('nas', 'list', '--json');
    expect(JSON.parse(out)).toMatchObject([{ name: 'tower-1', secrets: 1, retired: false }]);
    expect(out).not.toMatch(/v1\.|change-me/);
    const script = await tolld('nas', 'script', 'tower-1', '--server', '192.0.2.1');
    expect(script.out).toContain('secret="<the shared secret>"');
    expect(script.out).toContain('src-address-list="walled-garden"');
    const filled = await tolld(
      ...['nas', 'script', 'tower-1', '--server', '192.0.2.1', '--with-secret'],
    );
    expect(filled.out).toContain(`secret="${SECRET}"`);
    expect((await tolld('nas', 'script', 'nowhere', '--server', '192.0.2.1')).exitCode).toBe(1);
  });

  test('charges a session for what it used, at the speed and the address of its plan', async () => {
    const run = await simulate(...HOME, '--expect', 'finished');
    expect(run).toMatchObject({ exitCode: 0, notes: '' });
    const { tally, differences } = JSON.parse(run.out) as {
      readonly tally: readonly { readonly used: { readonly downloadOctets: number } }[];
      readonly differences: readonly unknown[];
    };
    expect(tally[0]?.used.downloadOctets).toBeGreaterThan(1_000_000);
    expect(differences).toEqual([]);
  });

  test('charges the same over a network that loses, doubles and turns packets round', async () => {
    const bad = ['--loss', '0.2', '--duplication', '0.2', '--reordering', '0.2'];
    const quirks = ['--interim-after-stop', '0.5', '--stop-without-octets', '0.3'];
    const run = await simulate(
      ...[...HOME, ...bad, ...quirks, '--answer-ms', '100', '--sessions', '8', '--interims', '3'],
    );
    expect(JSON.parse(run.out)).toMatchObject({ differences: [] });
  });

  test('charges the same over RADIUS/1.1, from a router that has a certificate', async () => {
    for (const method of ['pap', 'ms-chap2']) {
      const run = await simulate(...HOME, ...overTls, '--method', method, '--expect', 'finished');
      expect(run).toMatchObject({ exitCode: 0, notes: '' });
      expect(JSON.parse(run.out)).toMatchObject({ differences: [] });
    }
    const connected = daemon.log.filter(({ msg }) => msg === 'radius over tls');
    expect(connected[0]).toMatchObject({ nas: ['tower-1'], version: '1.1' });
  });

  test('turns away the wrong password, and staff see why', async () => {
    const run = await simulate('--subscriber', 'anna@isp.example:wrong', '--expect', 'rejected');
    expect(run.exitCode).toBe(0);
    const { out } = await tolld('rejects', '--user', 'anna@isp.example', '--json');
    const [newest] = JSON.parse(out) as readonly LoginRejection[];
    expect(newest).toMatchObject({ reason: 'wrong-password', nas: 'tower-1', method: 'ms-chap2' });
    expect((await tolld('rejects', '--reason', 'no-credit')).out.split('\n')).toHaveLength(2);
    expect(out).not.toContain('wrong"');
  });

  test.each([
    { way: 'by datagrams', steering: (port: number) => `{ port: ${port} }`, isTls: false },
    { way: 'over its own connection', steering: () => '{ overTls: true }', isTls: true },
  ])('ends a session on demand, and says what the router answered $way', async (each) => {
    await reload((file) => file.replace(`{ port: ${steeringPort} }`, each.steering(steeringPort)));
    const simulator = createRadiusSimulator({
      servers: [
        {
          address: '127.0.0.1',
          authenticationPort: ports.authentication,
          accountingPort: ports.accounting,
        },
      ],
      secret: SECRET,
      nasIdentifier: 'tower-1',
      ...(each.isTls
        ? { tls: routerTls }
        : { dynamicAuthorization: { address: '127.0.0.1', port: steeringPort } }),
      subscribers: [
        {
          userName: 'anna@isp.example',
          password: PASSWORD,
          station: '02:00:5E:00:00:01',
          service: 'pppoe',
          method: 'chap',
        },
      ],
      sessions: 1,
      interims: { min: 1_000_000, max: 1_000_000 },
      downloadPerInterim: { min: 1_000, max: 1_000 },
      interimSeconds: 1,
      thinkMs: { min: 200, max: 200 },
      seed: 1,
    });
    const run = simulator.run();
    try {
      const open = async (): Promise<readonly ListedSession[]> =>
        JSON.parse(
          (await tolld('session', 'list', '--user', 'anna@isp.example', '--json')).out,
        ) as readonly ListedSession[];
      await expect.poll(async () => (await open()).length, { timeout: 20_000 }).toBe(1);
      const [session] = await open();
      expect(session?.address).toMatch(/^100\.64\.[0-3]\.\d+$/);
      const id = session?.sessionId ?? '';
      const shown = await tolld('session', 'show', id);
      expect(shown.out).toMatch(/100\.64\.[0-3]\.\d+/);
      const changed = await tolld('session', 'change', id);
      expect(changed).toMatchObject({ exitCode: 0, notes: '' });
      expect(changed.out).toMatch(/re-authorise for demand, attempt 1: accepted/);
      const ended = await tolld('session', 'disconnect', id);
      expect(ended).toMatchObject({ exitCode: 0, notes: '' });
      expect(ended.out).toMatch(/abort for demand, attempt 1: accepted/);
      await expect
        .poll(() => simulator.statistics().sessionsEnded['disconnected'], { timeout: 20_000 })
        .toBe(1);
    } finally {
      simulator.stop();
    }
    const { statistics } = await run;
    expect(statistics.sessionsEnded).toEqual({ disconnected: 1 });
    const gone = await tolld('session', 'disconnect', 'radius:none');
    expect(gone).toMatchObject({ exitCode: 1 });
  });

  test('changes the secret of its router without losing it', async () => {
    const later = (more: string) => (file: string) =>
      file.replace(/secret: change-me-before-use-1.*/, `secret: a later secret of tower${more}`);
    await reload(later(`\n    oldSecret: ${SECRET}`));
    for (const secret of [SECRET, 'a later secret of tower']) {
      const run = await simulate(...HOME, '--secret', secret, '--expect', 'finished');
      expect(run.exitCode).toBe(0);
    }
    expect(JSON.stringify(daemon.log)).not.toMatch(/change-me|later secret/);
  });
});
