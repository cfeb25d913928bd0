/**
 * Queues of their own for known sources, by what they are for: whatever fills one leaves the others
 * theirs. Floods are sent within one turn of the loop, so that nothing of them is read before they have
 * filled the kernel's queue, on a quick machine as on a slow one.
 */
import { createSocket, type RemoteInfo } from 'node:dgram';
import { afterEach, describe, expect, it } from 'vitest';
import { attributeValue } from '../../../src/radius/attribute.js';
import { AcctSessionId, AcctStatusType } from '../../../src/radius/generated/standard.js';
import { PACKET_CODES } from '../../../src/radius/packet-code.js';
import { SharedSecret } from '../../../src/radius/shared-secret.js';
import { SourceQueues, type SourceQueue } from '../../../src/radius/source-queues.js';
import { collectingLogger } from '../../support/collecting-logger.js';
import { buildRequest, RadiusTestClient } from '../../support/radius-client.js';
import { startRadiusFront, TEST_SECRET, testNas } from '../../support/radius-front.js';

const secret = new SharedSecret(TEST_SECRET);
const stranger = new SharedSecret('not the secret');
/** So little that a few hundred datagrams fill it. */
const QUEUE_OCTETS = 32_768;
const FLOOD = 2_000;
const REPORTS = 5;
const NAS = '127.0.0.2';
const OTHER = '127.0.0.3';
const NOBODY = '127.9.9.9';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

function report(identifier: number, of: SharedSecret = secret): Buffer {
  return buildRequest({
    code: 'Accounting-Request',
    identifier,
    secret: of,
    attributes: [
      attributeValue(AcctStatusType, AcctStatusType.values['Interim-Update']),
      attributeValue(AcctSessionId, Buffer.from(`8100${String(identifier).padStart(4, '0')}`)),
    ],
  }).octets;
}

async function openFront(nasAddress: string, { address = '127.0.0.1', sourceQueuesMax = 16 } = {}) {
  const front = await startRadiusFront({
    udp: [{ address, authenticationPort: 0, accountingPort: 0 }],
    clients: [
      testNas({ name: 'bng', addresses: [nasAddress] }),
      testNas({ name: 'other', addresses: [OTHER] }),
    ],
    limits: { receiveBufferOctets: QUEUE_OCTETS, sourceQueuesMax },
  });
  closers.push(() => front.server.close());
  const client = async (from: string): Promise<RadiusTestClient> => {
    const { port } = front.accounting;
    const opened = await RadiusTestClient.open({ address: '127.0.0.1', port }, from);
    closers.push(() => opened.close());
    return opened;
  };
  return { front, client };
}

/** Sends a flood and reports behind it before any of it is read; resolves with what was answered. */
async function reportBehind(
  flood: () => void,
  { nas, reports }: { readonly nas: RadiusTestClient; readonly reports: readonly Buffer[] },
): Promise<number[]> {
  flood();
  for (const octets of reports) void nas.send(octets);
  const identifiers: number[] = [];
  for (let n = 0; n < reports.length; n += 1) {
    const [code, identifier = -1] = await nas.receive();
    expect(code).toBe(PACKET_CODES['Accounting-Response']);
    identifiers.push(identifier);
  }
  return identifiers;
}

const reports = Array.from({ length: REPORTS }, (_, n) => report(n + 10));
const identifiers = reports.map((octets) => octets[1]);

// Elsewhere sources can't be told apart by their address alone, and all share one queue.
describe.runIf(process.platform === 'linux')('more than the kernel can queue', () => {
  it.each([
    ['of an unknown source', NOBODY, report(1), '127.0.0.1'],
    ['of an unknown source, on every address of the machine', NOBODY, report(1), '0.0.0.0'],
    ['forged in the name of another NAS', OTHER, report(1, stranger), '127.0.0.1'],
    ['of one identifier of another NAS', OTHER, report(1), '127.0.0.1'],
  ])(
    '%s leaves a NAS its queue, from its first packet on',
    async (_name, source, octets, address) => {
      const { client } = await openFront(NAS, { address });
      const [nas, flooder] = [await client(NAS), await client(source)];
      const flood = (): void => {
        for (let n = 0; n < FLOOD; n += 1) void flooder.send(octets);
      };
      expect(await reportBehind(flood, { nas, reports })).toEqual(identifiers);
    },
  );

  it('leaves a NAS of a declared range its queue once it has proved itself', async () => {
    const { client } = await openFront('127.0.0.0/30');
    const [nas, flooder] = [await client(NAS), await client(NOBODY)];
    await nas.send(report(1));
    await nas.receive();
    const flood = (): void => {
      for (let n = 0; n < FLOOD; n += 1) void flooder.send(report(1));
    };
    expect(await reportBehind(flood, { nas, reports })).toEqual(identifiers);
  });

  it('forged in the very name of a NAS leaves it its queue, told by the port it sends from', async () => {
    const { front, client } = await openFront(NAS);
    const [nas, forger] = [await client(NAS), await client(NAS)];
    await forger.send(report(1, stranger));
    while ((await front.dropped('bad-authenticator')) === 0) await nextTurn();
    await nas.send(report(1));
    await nas.receive();
    const flood = (): void => {
      for (let n = 0; n < FLOOD; n += 1) void forger.send(report(1, stranger));
    };
    expect(await reportBehind(flood, { nas, reports })).toEqual(identifiers);
  });

  it('loses what comes behind it where there is one queue for all', async () => {
    const { front, client } = await openFront(NAS, { sourceQueuesMax: 0 });
    const [nas, flooder] = [await client(NAS), await client(NOBODY)];
    for (let n = 0; n < FLOOD; n += 1) void flooder.send(report(1));
    for (const octets of reports) void nas.send(octets);
    // What comes when the flood has been read tells that nothing else is on its way.
    let waiting = true;
    const answered: number[] = [];
    void nas.receive().then(([, identifier = -1]) => {
      answered.push(identifier);
      waiting = false;
    });
    while (waiting) {
      await nextTurn();
      void nas.send(report(200));
    }
    expect(answered).toEqual([200]);
    expect(front.reports).toHaveLength(1);
  });
});

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

describe('a port', () => {
  it('that another process has is refused, though queues stand beside it', async () => {
    const { front } = await openFront(NAS);
    const { port } = front.accounting;
    await expect(
      startRadiusFront({
        udp: [{ address: '127.0.0.1', authenticationPort: null, accountingPort: port }],
      }),
    ).rejects.toThrow('EADDRINUSE');
  });
});

describe.runIf(process.platform === 'linux')('queues of sources', () => {
  const SILENT_MS = 1_000;

  async function openQueues(queuesMax = 4) {
    const shared = createSocket({ type: 'udp4', reuseAddr: true });
    await new Promise<void>((resolve) => shared.bind(0, '127.0.0.1', resolve));
    closers.push(() => new Promise((resolve) => shared.close(() => resolve())));
    const taken: { text: string; remote: RemoteInfo; queue: SourceQueue }[] = [];
    const { logger, lines } = collectingLogger();
    const time = { now: 0 };
    let onTaken = (): void => undefined;
    const local = shared.address();
    const queues = new SourceQueues(
      { local, receiveBufferOctets: QUEUE_OCTETS, queuesMax, silentMs: SILENT_MS },
      {
        take: (octets, remote, queue) => {
          taken.push({ text: octets.toString(), remote, queue });
          onTaken();
        },
        logger,
        clock: () => time.now,
      },
    );
    closers.push(() => queues.close());
    const next = (): Promise<void> => new Promise((resolve) => (onTaken = resolve));
    return { queues, local, taken, next, time, lines, shared };
  }

  it('are opened and closed as addresses are declared', async () => {
    const { queues } = await openQueues();
    queues.keep([NAS, OTHER]);
    expect(queues.open).toBe(2);
    queues.keep([OTHER]);
    expect(queues.open).toBe(1);
  });

  it('are as many as there may be, and a new source takes the place of one long silent', async () => {
    const { queues, time } = await openQueues(2);
    queues.keep([NAS]);
    queues.add({ address: '127.0.0.4', port: null });
    queues.add({ address: '127.0.0.5', port: null });
    expect(queues.open).toBe(2);
    time.now = 2 * SILENT_MS;
    queues.add({ address: '127.0.0.5', port: null });
    expect(queues.open).toBe(2);
    // The declared one has kept its place, however silent.
    queues.keep([]);
    expect(queues.open).toBe(1);
  });

  it('are few by port, so that one source takes no place of others', async () => {
    const { queues } = await openQueues(64);
    for (let port = 20_000; port < 20_064; port += 1) queues.add({ address: NAS, port });
    queues.add({ address: OTHER, port: null });
    expect(queues.open).toBe(9);
  });

  it('follow a NAS from port to port, however many it has had', async () => {
    const { queues, local, taken, next, time } = await openQueues(64);
    for (let port = 20_000; port < 20_008; port += 1) queues.add({ address: NAS, port });
    const nas = createSocket('udp4');
    await new Promise<void>((resolve) => nas.bind(0, NAS, resolve));
    closers.push(() => new Promise((resolve) => nas.close(() => resolve())));
    const { port } = nas.address();
    queues.add({ address: NAS, port });
    expect(queues.open).toBe(8);
    time.now = SILENT_MS;
    queues.add({ address: NAS, port });
    expect(queues.open).toBe(8);
    const heard = next();
    nas.send('from another port', local.port, local.address);
    await heard;
    expect(taken.map(({ queue }) => queue.port)).toEqual([port]);
  });

  it('are opened no more once they are closed, whatever is declared', async () => {
    const { queues } = await openQueues();
    await queues.close();
    queues.keep([NAS]);
    queues.add({ address: OTHER, port: null });
    expect(queues.open).toBe(0);
  });

  it('go without a source that the system lets nobody connect to', async () => {
    const { queues, lines } = await openQueues();
    queues.keep(['255.255.255.255', '2001:db8::1', NAS]);
    while (lines.length === 0) await nextTurn();
    expect(queues.open).toBe(1);
    // Refused once, and not asked for again.
    queues.add({ address: '255.255.255.255', port: null });
    expect(queues.open).toBe(1);
  });

  it('outlive the port of a NAS that has gone before its answer came', async () => {
    const { queues, local, taken, next, shared, lines } = await openQueues();
    queues.keep([NAS]);
    const socket = createSocket('udp4');
    await new Promise<void>((resolve) => socket.bind(0, NAS, resolve));
    const gone = socket.address().port;
    await new Promise<void>((resolve) => socket.close(() => resolve()));
    shared.send('an answer', gone, NAS);
    const other = await RadiusTestClient.open(local, NAS);
    closers.push(() => other.close());
    const heard = next();
    await other.send(Buffer.from('still here'));
    await heard;
    expect(taken.map(({ text, remote }) => [text, remote.address])).toEqual([['still here', NAS]]);
    expect(lines).toMatchObject([{ level: 'debug', fields: { err: { code: 'ECONNREFUSED' } } }]);
  });
});
