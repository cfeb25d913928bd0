/** FreeRADIUS as a proxy in front of us, configured as docs/recipes/freeradius-proxy.md has it. */
import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { createRadiusSimulator } from '../../../src/local/radius-simulator/simulator.js';
import { startFreeradius } from '../../support/freeradius.js';
import { createAuthority } from '../../support/certificates.js';
import { radclient, receivedPackets } from '../../support/radius-programs.js';
import { startRadiusFront, testNas } from '../../support/radius-front.js';
import { openTap } from '../../support/radius-tap.js';
import { readWithTshark } from '../../support/radius-capture.js';
import { toAmount } from '../../../src/domain/amounts.js';

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const NAS_SECRET = 'between router and proxy';
const PROXY_SECRET = 'the secret between the two';
const SESSION = { partition: 1, accountId: 'acc-1', nonce: '0011223344556677' };
const SPEED = { uploadBitsPerSecond: 5_000_000, downloadBitsPerSecond: 20_000_000 };
const TERMS = { speed: SPEED, interimSeconds: 300, totalOctetsMax: toAmount(6 * 2 ** 30) };

/** A code block of the recipe, by the comment in front of it. */
function block(name: string): string {
  const recipe = readFileSync('docs/recipes/freeradius-proxy.md', 'utf8');
  const found = recipe.split(`<!-- ${name} -->`)[1]?.split('```text\n')[1]?.split('```')[0];
  if (found === undefined) throw new Error(`the recipe has no block ${name}`);
  return found;
}

const TOWER = testNas({
  name: 'tower-1',
  nasIdentifier: 'tower-1',
  secrets: [PROXY_SECRET],
  messageAuthenticator: 'auto',
});

async function startFront(options: Parameters<typeof startRadiusFront>[0]) {
  const front = await startRadiusFront(options, {
    access: async ({ proof }) => {
      const result = await proof.verify({ kind: 'clear', password: 'sekrit' });
      return result === 'proven'
        ? { kind: 'accepted', session: SESSION, terms: TERMS, message: null }
        : { kind: 'rejected', reason: 'wrong-password', message: 'Wrong name or password.' };
    },
  });
  cleanups.push(() => front.server.close());
  return front;
}

async function start() {
  const front = await startFront({ clients: [TOWER] });
  const taps = {
    authentication: await openTap(front.authentication, 1812),
    accounting: await openTap(front.accounting, 1813),
  };
  cleanups.push(taps.authentication.close, taps.accounting.close);
  const configuration = block('proxy.conf')
    .replaceAll('192.0.2.1', '127.0.0.1')
    .replaceAll('port = 1812', `port = ${taps.authentication.port}`)
    .replaceAll('port = 1813', `port = ${taps.accounting.port}`);
  const proxy = await startFreeradius({
    configuration,
    server: block('server'),
    secret: NAS_SECRET,
  });
  cleanups.push(() => proxy.stop());
  return { front, proxy, taps };
}

/** The same over TLS; `by`: the names in the proxy's certificate. */
async function startOverTls(by: string) {
  const authority = createAuthority();
  const [ours, theirs] = [authority.issue(['tolld.example']), authority.issue([by])];
  const authorities = [authority.certificate];
  authority.remove();
  const front = await startFront({
    udp: [],
    tls: [{ address: '127.0.0.1', port: 0, ...ours, authorities }],
    clients: [{ ...TOWER, addresses: [], certificateNames: ['proxy.example'] }],
  });
  const configuration = block('proxy.conf over TLS')
    .replaceAll('192.0.2.1', '127.0.0.1')
    .replaceAll('port = 2083', `port = ${front.tls[0]?.port ?? 0}`)
    .replaceAll('/etc/freeradius/3.0/certs', 'FOLDER');
  const proxy = await startFreeradius({
    configuration,
    server: block('server'),
    secret: NAS_SECRET,
    files: {
      'proxy.key': theirs.key,
      'proxy.pem': theirs.certificate,
      'authority.pem': authorities.join(''),
    },
  });
  cleanups.push(() => proxy.stop());
  return { front, proxy };
}

const ROUTER = {
  secret: NAS_SECRET,
  nasIdentifier: 'tower-1',
  subscribers: (['pap', 'chap', 'ms-chap', 'ms-chap2'] as const).map((method, index) => ({
    ...{ userName: `user-${index}`, password: 'sekrit', station: `02:00:5E:00:00:0${index}` },
    ...({ service: 'pppoe', method } as const),
  })),
  sessions: 12,
  concurrent: 4,
  interims: { min: 1, max: 3 },
  downloadPerInterim: { min: 1_000_000, max: 10_000_000 },
  answerMs: 3_000,
  seed: 5,
} as const;

describe('FreeRADIUS as a proxy', () => {
  it('carries logins and reports of routers both ways, and tshark finds them well formed', async () => {
    const { front, proxy, taps } = await start();
    const simulator = createRadiusSimulator({
      servers: [{ address: '127.0.0.1', ...proxy }],
      ...ROUTER,
    });
    const { statistics, tally } = await simulator.run();
    expect(statistics).toMatchObject({
      sessionsEnded: { finished: 12 },
      unanswered: 0,
      badReplies: 0,
    });
    // What the router counted arrived whole, behind the session that the accept's Class names.
    const stops = front.reports.filter((one) => one.kind === 'session' && one.status === 'stop');
    expect(stops).toHaveLength(12);
    for (const { acctSessionId, used } of tally) {
      const stop = stops.find(
        (one) => one.kind === 'session' && one.sessionKey.endsWith(acctSessionId),
      );
      expect(stop).toMatchObject({
        handle: SESSION,
        nas: 'tower-1',
        counters: { uploadOctets: used.uploadOctets, downloadOctets: used.downloadOctets },
      });
    }
    const read = await readWithTshark(
      [...taps.authentication.packets, ...taps.accounting.packets],
      { secret: PROXY_SECRET },
    );
    expect(read.flatMap(({ complaints }) => complaints)).toEqual([]);
    const text = read.map((packet) => packet.text).join('\n');
    expect(text).toMatch(/Proxy-State/);
    expect(text).toMatch(/Mikrotik-Rate-Limit\(8\).* val=5M\/20M/);
  });

  it('brings our accept to the router as we wrote it, and a reject with its reason', async () => {
    const { proxy } = await start();
    const to = { address: '127.0.0.1', port: proxy.authenticationPort };
    const packets = (password: string): string =>
      `User-Name = "anna"\nUser-Password = "${password}"\nNAS-Identifier = "tower-1"\n` +
      'Framed-Protocol = PPP\nMessage-Authenticator = 0x00\n';
    const args = { command: 'auth', to, secret: NAS_SECRET } as const;
    const accept = await radclient({ ...args, packets: packets('sekrit') });
    const accepted = receivedPackets(accept.output)[0] ?? [];
    expect(accepted).toContain('Mikrotik-Rate-Limit = "5M/20M"');
    expect(accepted).toContain('Mikrotik-Recv-Limit-Gigawords = 1');
    expect(accepted.some((line) => line.startsWith('Class = 0x'))).toBe(true);
    const reject = await radclient({ ...args, packets: packets('other') });
    expect(receivedPackets(reject.output)[0]).toEqual(
      expect.arrayContaining(['Access-Reject', 'Reply-Message = "Wrong name or password."']),
    );
  });

  it('leaves out routers that nobody declared', async () => {
    const { front, proxy } = await start();
    const result = await radclient({
      command: 'auth',
      to: { address: '127.0.0.1', port: proxy.authenticationPort },
      secret: NAS_SECRET,
      packets: 'User-Name = "anna"\nUser-Password = "sekrit"\nNAS-Identifier = "tower-2"\n',
      args: ['-t', '1'],
    });
    expect(result.output).not.toContain('Access-Accept');
    expect(front.requests).toEqual([]);
  });
});

describe('FreeRADIUS as a proxy over TLS', () => {
  it('carries logins and reports of routers both ways', async () => {
    const { front, proxy } = await startOverTls('proxy.example');
    const servers = [{ address: '127.0.0.1', ...proxy }];
    const { statistics, tally } = await createRadiusSimulator({ servers, ...ROUTER }).run();
    expect(statistics).toMatchObject({
      sessionsEnded: { finished: 12 },
      unanswered: 0,
      badReplies: 0,
    });
    const said = front.reports.flatMap((one) =>
      one.kind === 'session' && one.status === 'stop' ? [one.counters?.downloadOctets] : [],
    );
    expect(said.sort()).toEqual(tally.map(({ used }) => used.downloadOctets).sort());
  });

  it('is turned away where its certificate belongs to no NAS', async () => {
    const { front, proxy } = await startOverTls('other.example');
    const result = await radclient({
      command: 'auth',
      to: { address: '127.0.0.1', port: proxy.authenticationPort },
      secret: NAS_SECRET,
      packets: 'User-Name = "anna"\nUser-Password = "sekrit"\nNAS-Identifier = "tower-1"\n',
      args: ['-t', '1'],
    });
    // The proxy answers for a server that it can't reach.
    expect(receivedPackets(result.output)[0]).not.toContain('Access-Accept');
    expect(front.requests).toEqual([]);
    expect(await front.dropped('unknown-client')).toBeGreaterThan(0);
  });
});
