/** Programs of FreeRADIUS and wpa_supplicant as NAS: they and we share nothing but the RFCs. */
import { afterEach, describe, expect, it } from 'vitest';
import type { AccessRequest } from '../../../src/domain/access.js';
import { toAmount } from '../../../src/domain/amounts.js';
import {
  admitSekrit,
  startRadiusFront,
  testNas,
  TEST_SECRET as secret,
} from '../../support/radius-front.js';
import {
  eapolTest,
  radclient,
  radeapclient,
  receivedPackets,
} from '../../support/radius-programs.js';

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function start(...parts: Parameters<typeof startRadiusFront>) {
  const front = await startRadiusFront(...parts);
  cleanups.push(() => front.server.close());
  return front;
}

const SESSION = { partition: 1, accountId: 'acc-1', nonce: '7fffffffffffffff' };
const protectedBy = 'Message-Authenticator = 0x00';

function lines(...attributes: readonly string[]): string {
  return `${attributes.join('\n')}\n`;
}

/** Received lines without the ones that differ from run to run. */
function steady(packet: readonly string[] | undefined): string[] {
  return (packet ?? []).filter((line) => !/^(Message-Authenticator|Class|State) =/.test(line));
}

describe('radclient logs in', () => {
  it.each([
    ['PAP', ['User-Password = "sekrit"'], 'pap'],
    ['PAP with a long password', [`User-Password = "${'x'.repeat(100)}"`], 'pap'],
    ['CHAP', ['CHAP-Password = "sekrit"'], 'chap'],
    ['MS-CHAP', ['MS-CHAP-Password = "sekrit"'], 'ms-chap'],
  ])('by %s', async (_name, proof, method) => {
    const password = proof[0]?.includes('xxx') === true ? 'x'.repeat(100) : 'sekrit';
    const access = async (request: AccessRequest) => {
      const result = await request.proof.verify({ kind: 'clear', password });
      return result === 'proven'
        ? ({ kind: 'accepted', session: SESSION, terms: {}, message: 'welcome' } as const)
        : ({ kind: 'rejected', reason: 'wrong-password', message: 'no' } as const);
    };
    const front = await start({}, { access });
    const result = await radclient({
      command: 'auth',
      to: front.authentication,
      secret,
      packets: lines('User-Name = "alice"', ...proof, protectedBy),
    });
    expect(result.output).toContain('Received Access-Accept');
    expect(result.exitCode).toBe(0);
    expect(front.requests[0]?.proof.method).toBe(method);
    expect(receivedPackets(result.output)[0]).toContain('Reply-Message = "welcome"');
  });

  it('and is rejected with the wrong password', async () => {
    const front = await start();
    const result = await radclient({
      command: 'auth',
      to: front.authentication,
      secret,
      packets: lines('User-Name = "alice"', 'User-Password = "other"', protectedBy),
    });
    expect(result.exitCode).toBe(1);
    expect(steady(receivedPackets(result.output)[0])).toEqual([
      'Access-Reject',
      'Reply-Message = "no"',
    ]);
  });

  it('and understands every term of the accept', async () => {
    const terms = {
      speed: {
        uploadBitsPerSecond: 5_000_000,
        downloadBitsPerSecond: 20_000_000,
        priority: 8,
        guaranteed: { uploadBitsPerSecond: 1_000_000, downloadBitsPerSecond: 2_000_000 },
      },
      sessionSecondsMax: 3_600,
      idleSecondsMax: 600,
      interimSeconds: 300,
      totalOctetsMax: toAmount(5 * 2 ** 32 + 17),
      ipv4: { kind: 'fixed', address: '10.0.0.5', netmask: '255.255.255.255' },
      ipv6: { framedPrefix: '2001:db8:1::/64', delegatedPrefix: '2001:db8:2::/56' },
      routes: ['192.0.2.0/24 0.0.0.0 1'],
      addressList: 'garden',
      profile: 'gold',
      filters: ['clients.in'],
    } as const;
    const front = await start(
      {},
      { access: async () => ({ kind: 'accepted', session: SESSION, terms, message: null }) },
    );
    const result = await radclient({
      command: 'auth',
      to: front.authentication,
      secret,
      packets: lines('User-Name = "alice"', 'Framed-Protocol = PPP', protectedBy),
    });
    expect(steady(receivedPackets(result.output)[0])).toEqual([
      'Access-Accept',
      'Service-Type = Framed-User',
      'Framed-Protocol = PPP',
      'Session-Timeout = 3600',
      'Idle-Timeout = 600',
      'Acct-Interim-Interval = 300',
      'Filter-Id = "clients.in"',
      'Framed-IP-Address = 10.0.0.5',
      'Framed-IP-Netmask = 255.255.255.255',
      'Framed-IPv6-Prefix = 2001:db8:1::/64',
      'Delegated-IPv6-Prefix = 2001:db8:2::/56',
      'Framed-Route = "192.0.2.0/24 0.0.0.0 1"',
      'Mikrotik-Rate-Limit = "5M/20M 0/0 0/0 0/0 8 1M/2M"',
      'Mikrotik-Recv-Limit = 17',
      'Mikrotik-Recv-Limit-Gigawords = 5',
      'Mikrotik-Xmit-Limit = 17',
      'Mikrotik-Xmit-Limit-Gigawords = 5',
      'Mikrotik-Address-List = "garden"',
      'Mikrotik-Group = "gold"',
    ]);
  });

  it('through a proxy, whose states come back in their order', async () => {
    const front = await start();
    const states = ['0x0102', '0xff', '0x0102'].map((value) => `Proxy-State = ${value}`);
    const result = await radclient({
      command: 'auth',
      to: front.authentication,
      secret,
      packets: lines('User-Name = "alice"', 'User-Password = "sekrit"', protectedBy, ...states),
    });
    expect(receivedPackets(result.output)[0]?.slice(-3)).toEqual(states);
  });

  it('over IPv6, and with an older secret', async () => {
    const front = await start({
      udp: [{ address: '::1', authenticationPort: 0, accountingPort: null }],
      clients: [testNas({ secrets: ['new secret', 'old secret'] })],
    });
    for (const used of ['old secret', 'new secret']) {
      const result = await radclient({
        command: 'auth',
        to: front.authentication,
        secret: used,
        packets: lines('User-Name = "alice"', 'User-Password = "sekrit"', protectedBy),
      });
      expect(result.exitCode).toBe(0);
    }
  });

  it('and hears nothing with a wrong secret', async () => {
    const front = await start();
    const result = await radclient({
      command: 'auth',
      to: front.authentication,
      secret: 'other',
      packets: lines('User-Name = "alice"', 'User-Password = "sekrit"', protectedBy),
      args: ['-t', '0.2'],
    });
    expect(result.exitCode).toBe(1);
    expect(result.output).toContain('No reply from server');
    expect(await front.dropped('bad-message-authenticator')).toBeGreaterThan(0);
  });
});

describe('radclient accounts', () => {
  const start81 = ['Acct-Status-Type = Start', 'Acct-Session-Id = "81c00003"'];

  it('from start over interim to stop', async () => {
    const front = await start();
    const common = ['User-Name = "alice"', 'Acct-Session-Id = "81c00003"'];
    const packets = [
      lines(...common, 'Acct-Status-Type = Start'),
      lines(
        ...common,
        'Acct-Status-Type = Interim-Update',
        'Acct-Session-Time = 300',
        'Acct-Input-Octets = 1000',
        'Acct-Output-Octets = 4294967295',
        'Acct-Output-Gigawords = 3',
        'Event-Timestamp = "Jan 10 2026 12:00:00 UTC"',
      ),
      lines(
        ...common,
        'Acct-Status-Type = Stop',
        'Acct-Delay-Time = 7',
        'Acct-Terminate-Cause = Lost-Carrier',
      ),
    ].join('\n');
    const result = await radclient({ command: 'acct', to: front.accounting, secret, packets });
    expect(result.exitCode).toBe(0);
    expect(receivedPackets(result.output)).toEqual(Array(3).fill(['Accounting-Response']));
    const said = front.reports.map((report) => {
      if (report.kind !== 'session') throw new Error(report.kind);
      return [report.status, report.counters?.downloadOctets, report.terminationCause];
    });
    expect(said.sort()).toEqual([
      ['interim', 4 * 2 ** 32 - 1, null],
      ['start', undefined, null],
      ['stop', undefined, 'Lost-Carrier'],
    ]);
  });

  it('many sessions side by side', async () => {
    const front = await start();
    const packets = Array.from({ length: 500 }, (_, n) =>
      lines('Acct-Status-Type = Start', `Acct-Session-Id = "s${n}"`, 'User-Name = "alice"'),
    ).join('\n');
    const args = ['-p', '50', '-q'];
    const result = await radclient({
      command: 'acct',
      to: front.accounting,
      secret,
      packets,
      args,
    });
    expect(result.exitCode).toBe(0);
    expect(new Set(front.reports.map((one) => one.kind === 'session' && one.sessionKey)).size).toBe(
      500,
    );
  });

  it('and a router that starts', async () => {
    const front = await start();
    const result = await radclient({
      command: 'acct',
      to: front.accounting,
      secret,
      packets: lines('Acct-Status-Type = Accounting-On', 'NAS-Identifier = "tower"'),
    });
    expect(result.exitCode).toBe(0);
    expect(front.reports).toMatchObject([{ kind: 'nas', change: 'on' }]);
  });

  it('and hears nothing with a wrong secret, or when the report is not kept', async () => {
    const front = await start({}, { accounting: async () => ({ kind: 'unavailable' }) });
    for (const used of ['other', secret]) {
      const result = await radclient({
        command: 'acct',
        to: front.accounting,
        secret: used,
        packets: lines(...start81),
        args: ['-t', '0.2'],
      });
      expect(result.output).toContain('No reply from server');
    }
    expect(await front.dropped('bad-authenticator')).toBeGreaterThan(0);
    expect(await front.dropped('undecided')).toBeGreaterThan(0);
  });
});

it.each([
  ['authentication', 'Access-Accept'],
  ['accounting', 'Accounting-Response'],
] as const)('radclient finds the %s port alive', async (port, code) => {
  const front = await start();
  const result = await radclient({
    command: 'status',
    to: front[port],
    secret,
    packets: lines(protectedBy),
  });
  expect(result.exitCode).toBe(0);
  expect(receivedPackets(result.output)[0]?.[0]).toBe(code);
});

describe('EAP', () => {
  it('by radeapclient with MD5', async () => {
    const clients = [testNas({ eapMethods: ['md5'] })];
    const front = await start({ clients });
    const result = await radeapclient({
      to: front.authentication,
      secret,
      packets: lines(
        'User-Name = "alice"',
        'Cleartext-Password = "sekrit"',
        'EAP-Code = Response',
        'EAP-Id = 210',
        'EAP-Type-Identity = "alice"',
        protectedBy,
      ),
    });
    const codes = receivedPackets(result.output).map(([code]) => code);
    expect(codes).toEqual(['Access-Challenge', 'Access-Accept']);
    expect(front.requests.map(({ proof }) => proof.method)).toEqual(['eap-md5']);
  });

  it.each([
    ['MD5', 'eap-md5'],
    ['MSCHAPV2', 'eap-ms-chap2'],
  ] as const)('by eapol_test with %s, a refused method first', async (method, expected) => {
    const first = method === 'MD5' ? 'ms-chap2' : 'md5';
    const second = method === 'MD5' ? 'md5' : 'ms-chap2';
    const front = await start({ clients: [testNas({ eapMethods: [first, second] })] });
    const run = (password: string) =>
      eapolTest({ to: front.authentication, secret, method, identity: 'alice', password });
    const right = await run('sekrit');
    expect(right.output.split('\n').slice(-3).join('\n')).toContain('SUCCESS');
    expect(right.exitCode).toBe(0);
    if (method === 'MSCHAPV2') expect(right.output).toContain('MPPE keys OK: 1  mismatch: 0');
    expect(front.requests.at(-1)?.proof.method).toBe(expected);
    expect((await run('wrong')).exitCode).not.toBe(0);
  });
});

it('a NAS that shows the handle of its login finds its session again', async () => {
  const front = await start({}, { access: admitSekrit });
  const login = await radclient({
    command: 'auth',
    to: front.authentication,
    secret,
    packets: lines('User-Name = "alice"', 'User-Password = "sekrit"', protectedBy),
  });
  const sealed =
    receivedPackets(login.output)[0]?.find((line) => line.startsWith('Class = ')) ?? '';
  const packets = lines('Acct-Status-Type = Start', 'Acct-Session-Id = "x"', sealed);
  await radclient({ command: 'acct', to: front.accounting, secret, packets });
  expect(front.reports).toMatchObject([
    { handle: { partition: 1, accountId: 'acc-1', nonce: '0011223344556677' } },
  ]);
});
