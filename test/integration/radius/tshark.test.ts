/** What we send and what our simulator sends, read by tshark: well-formed, named and genuine. */
import { afterEach, describe, expect, it } from 'vitest';
import type { SessionPointer } from '../../../src/domain/access.js';
import { toAmount } from '../../../src/domain/amounts.js';
import {
  createRadiusSimulator,
  type RadiusSimulatorEvent,
} from '../../../src/local/radius-simulator/simulator.js';
import type { SimulatedSubscriber } from '../../../src/local/radius-simulator/traffic.js';
import { createMetrics } from '../../../src/observability/metrics.js';
import { createDynamicAuthorizationClient } from '../../../src/radius/dynamic-authorization/client.js';
import { collectingLogger } from '../../support/collecting-logger.js';
import { readWithTshark, type ReadPacket } from '../../support/radius-capture.js';
import { startRadiusFront, testNas, TEST_SECRET as secret } from '../../support/radius-front.js';
import { eapolTest, radclient, receivedPackets } from '../../support/radius-programs.js';
import { openTap, type RadiusTap } from '../../support/radius-tap.js';

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function tap(server: { readonly port: number }, port: number): Promise<RadiusTap> {
  const opened = await openTap(server, port);
  cleanups.push(() => opened.close());
  return opened;
}

const terms = {
  speed: { uploadBitsPerSecond: 5_000_000, downloadBitsPerSecond: 20_000_000 },
  totalOctetsMax: toAmount(3 * 2 ** 32 + 5),
  sessionSecondsMax: 86_400,
  interimSeconds: 300,
  ipv6: { delegatedPrefix: '2001:db8:2::/56' },
  addressList: 'clients',
} as const;

const pointer: SessionPointer = {
  nas: 'bng-1',
  sessionKey: 'radius:bng-1:81100001',
  userName: 'alice',
  address: null,
  station: null,
  connection: 'pppoe',
};

const people: readonly SimulatedSubscriber[] = (
  [
    ['alice', 'pppoe', 'ms-chap2'],
    ['bob', 'hotspot', 'chap'],
    ['carol', 'pppoe', 'pap'],
    ['dave', 'pppoe', 'ms-chap'],
  ] as const
).map(([userName, service, method], n) => ({
  userName,
  service,
  method,
  password: 'sekrit',
  station: `AA:BB:CC:00:11:2${n}`,
}));

/** Texts of the packets of one code ("Access-Request (1)"). */
function ofCode(read: readonly ReadPacket[], code: string): string[] {
  return read.filter(({ text }) => text.includes(`Code: ${code}`)).map(({ text }) => text);
}

async function playSessions({ thinkMs = 10 } = {}) {
  const front = await startRadiusFront(
    {},
    {
      access: async ({ proof }) => {
        const result = await proof.verify({ kind: 'clear', password: 'sekrit' });
        const session = { partition: 1, accountId: 'acc-1', nonce: '7fffffffffffffff' };
        return result === 'proven'
          ? { kind: 'accepted', session, terms, message: 'welcome' }
          : { kind: 'rejected', reason: 'wrong-password', message: 'no' };
      },
    },
  );
  cleanups.push(() => front.server.close());
  const [authentication, accounting] = [
    await tap(front.authentication, 1812),
    await tap(front.accounting, 1813),
  ];
  const events: RadiusSimulatorEvent[] = [];
  const simulator = createRadiusSimulator(
    {
      servers: [
        {
          address: '127.0.0.1',
          authenticationPort: authentication.port,
          accountingPort: accounting.port,
        },
      ],
      secret,
      nasIdentifier: 'tower',
      subscribers: [...people, { ...(people[0] as SimulatedSubscriber), password: 'wrong' }],
      sessions: 5,
      concurrent: 5,
      interims: { min: 20, max: 20 },
      downloadPerInterim: { min: 400_000_000, max: 400_000_000 },
      thinkMs: { min: thinkMs, max: thinkMs },
      dynamicAuthorization: { address: '127.0.0.1', port: 0 },
      seed: 3,
    },
    { onEvent: (event) => events.push(event) },
  );
  const taking = await simulator.listen();
  if (taking === null) throw new Error('takes no orders');
  const dynamic = await tap(taking, 3799);
  return { simulator, events, taking, taps: [authentication, accounting, dynamic], dynamic };
}

async function untilEnded(events: readonly RadiusSimulatorEvent[]): Promise<void> {
  const isEnd = (event: RadiusSimulatorEvent): boolean =>
    event.type === 'session-ended' && event.acctSessionId === '81100001';
  await expect.poll(() => events.some(isEnd), { timeout: 20_000 }).toBe(true);
}

async function untilReported(events: readonly RadiusSimulatorEvent[]): Promise<void> {
  const isReport = (event: RadiusSimulatorEvent): boolean =>
    event.type === 'answer' && event.request === 'interim' && event.acctSessionId === '81100001';
  while (!events.some(isReport)) await new Promise((resolve) => setImmediate(resolve));
}

describe('tshark', () => {
  it('reads a whole run without a complaint', async () => {
    const { simulator, events, taps, dynamic } = await playSessions();
    const client = createDynamicAuthorizationClient(
      { clients: [testNas({ dynamicAuthorization: dynamic })] },
      { logger: collectingLogger().logger, metrics: createMetrics({ processMetrics: false }) },
    );
    cleanups.push(() => client.close());
    const running = simulator.run();
    await untilReported(events);
    const speed = { uploadBitsPerSecond: 1_000_000, downloadBitsPerSecond: 2_000_000 };
    await client.steer(pointer, { kind: 'change', terms: { speed, addressList: 'slow' } });
    await client.steer(pointer, { kind: 'disconnect' });
    await client.steer({ ...pointer, sessionKey: 'radius:bng-1:gone' }, { kind: 'disconnect' });
    await running;

    const packets = taps.flatMap((one) => one.packets);
    const read = await readWithTshark(packets, { secret });
    expect(read).toHaveLength(packets.length);
    expect(read.flatMap(({ complaints }) => complaints)).toEqual([]);
    const count = (code: string): number => ofCode(read, code).length;
    expect(count('Access-Request (1)')).toBe(5);
    expect(count('Access-Accept (2)')).toBe(4);
    expect(count('Access-Reject (3)')).toBe(1);
    expect(count('Accounting-Request (4)')).toBe(count('Accounting-Response (5)'));
    expect([count('CoA-Request (43)'), count('CoA-ACK (44)')]).toEqual([1, 1]);
    expect([count('Disconnect-Request (40)'), count('Disconnect-ACK (41)')]).toEqual([2, 1]);
    expect(count('Disconnect-NAK (42)')).toBe(1);

    // Every answer to a request is proven by tshark's own computation.
    for (const code of ['Access-Accept', 'Access-Reject', 'Accounting-Response']) {
      for (const text of ofCode(read, code)) expect(text).toContain('[Valid Authenticator: True]');
    }
    const accept = ofCode(read, 'Access-Accept').find((text) => text.includes('Xmit-Limit')) ?? '';
    for (const line of [
      'Mikrotik-Rate-Limit: 5M/20M',
      'Mikrotik-Recv-Limit: 5',
      'Mikrotik-Recv-Limit-Gigawords: 3',
      'Mikrotik-Address-List: clients',
      'Delegated-IPv6-Prefix(123) l=11 val=2001:db8:2::/56',
      'Acct-Interim-Interval: 300',
      'Reply-Message: welcome',
    ]) {
      expect(accept).toContain(line);
    }
    expect(ofCode(read, 'CoA-Request')[0]).toContain('Mikrotik-Rate-Limit: 1M/2M');
    expect(ofCode(read, 'Disconnect-NAK')[0]).toContain('Session-Context-Not-Found (503)');
    expect(ofCode(read, 'Access-Request').join()).toContain('User-Password: sekrit');
    const reports = ofCode(read, 'Accounting-Request').join();
    expect(reports).toContain('Acct-Output-Gigawords: 1');
    expect(reports).toContain('Acct-Terminate-Cause: Admin-Reset');
  });
});

describe('tshark reads the logins of eapol_test', () => {
  it.each([
    ['MD5', 'md5', 'EAP-MD5 Value: ', 1],
    ['MSCHAPV2', 'ms-chap2', 'EAP-MS-CHAP-v2 Message: S=', 2],
  ] as const)('with %s without a complaint', async (method, offered, words, challenges) => {
    const front = await startRadiusFront({ clients: [testNas({ eapMethods: [offered] })] });
    cleanups.push(() => front.server.close());
    const authentication = await tap(front.authentication, 1812);
    const supplicant = { to: authentication, secret, method, identity: 'alice' } as const;
    expect((await eapolTest({ ...supplicant, password: 'sekrit' })).exitCode).toBe(0);
    expect((await eapolTest({ ...supplicant, password: 'wrong' })).exitCode).not.toBe(0);

    const read = await readWithTshark(authentication.packets, { secret });
    expect(read).toHaveLength(authentication.packets.length);
    // What tshark has against MD5 is the method itself.
    const isWeakness = (complaint: string): boolean => complaint.includes('Vulnerable to MITM');
    const complaints = read.flatMap((packet) => packet.complaints);
    expect(complaints.filter((complaint) => !isWeakness(complaint))).toEqual([]);
    expect(complaints.length > 0).toBe(method === 'MD5');
    expect(read.some(({ text }) => text.includes(words))).toBe(true);
    expect(ofCode(read, 'Access-Challenge (11)').length).toBeGreaterThan(challenges);
    const accepts = ofCode(read, 'Access-Accept (2)');
    const rejects = ofCode(read, 'Access-Reject (3)');
    expect([accepts.length, rejects.length]).toEqual([1, 1]);
    expect(accepts[0]).toMatch(/Code: Success \(3\)/);
    expect(rejects[0]).toMatch(/Code: Failure \(4\)/);
    for (const text of [...accepts, ...rejects]) {
      expect(text).toContain('[Valid Authenticator: True]');
      expect(text).toContain('Message-Authenticator');
    }
  });
});

describe('radclient steers the simulated router', () => {
  it('by CoA-Request and Disconnect-Request, and is told what it does not know', async () => {
    const { simulator, events, taking } = await playSessions({ thinkMs: 1_000 });
    const running = simulator.run();
    await untilReported(events);
    const to = { address: '127.0.0.1', port: taking.port };
    const session = 'Acct-Session-Id = "81100001"\nUser-Name = "alice"\n';
    const change = await radclient({
      command: 'coa',
      to,
      secret,
      packets: `${session}Mikrotik-Rate-Limit = "64k/64k"\nMessage-Authenticator = 0x00\n`,
    });
    expect(receivedPackets(change.output)).toEqual([
      [expect.stringMatching(/^CoA-ACK$/), expect.anything()],
    ]);
    const gone = await radclient({
      command: 'disconnect',
      to,
      secret,
      packets: 'Acct-Session-Id = "81ffffff"\n',
    });
    expect(receivedPackets(gone.output)[0]).toEqual([
      'Disconnect-NAK',
      'Error-Cause = Session-Context-Not-Found',
    ]);
    const end = await radclient({ command: 'disconnect', to, secret, packets: session });
    expect(receivedPackets(end.output)[0]).toEqual(['Disconnect-ACK']);
    await untilEnded(events);
    simulator.stop();
    const { tally } = await running;
    expect(tally.find(({ acctSessionId }) => acctSessionId === '81100001')?.end).toBe(
      'disconnected',
    );
  });
});
