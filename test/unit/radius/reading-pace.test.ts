import { createSocket, type Socket } from 'node:dgram';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AcctSessionId, AcctStatusType } from '../../../src/radius/generated/standard.js';
import { attributeValue } from '../../../src/radius/attribute.js';
import { PACKET_CODES } from '../../../src/radius/packet-code.js';
import { readingOf, ReadingPace, type Reading } from '../../../src/radius/reading-pace.js';
import { SharedSecret } from '../../../src/radius/shared-secret.js';
import { buildRequest, RadiusTestClient } from '../../support/radius-client.js';
import { startRadiusFront, TEST_SECRET, testNas } from '../../support/radius-front.js';

const closers: (() => Promise<void>)[] = [];
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(async () => {
  vi.useRealTimers();
  for (const close of closers.splice(0).reverse()) await close();
});

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function reading(words: string[], name: string): Reading {
  return { pause: () => words.push(`${name} rests`), resume: () => words.push(`${name} goes on`) };
}

async function bound(address: string): Promise<Socket> {
  const socket = createSocket('udp4');
  closers.push(() => new Promise((resolve) => socket.close(() => resolve())));
  await new Promise<void>((resolve) => socket.bind(0, address, resolve));
  return socket;
}

describe('queues that bring nothing', () => {
  it('are read up to so many datagrams, of all of them together, and on after a moment', () => {
    const words: string[] = [];
    const pace = new ReadingPace({ vainPerSecondMax: 300 });
    const [one, other] = [reading(words, 'one'), reading(words, 'other')];
    for (const which of [one, other, one]) pace.noteVain(which);
    expect(words).toEqual(['one rests']);
    pace.noteVain(other);
    vi.advanceTimersByTime(10);
    expect(words).toEqual(['one rests', 'other rests', 'one goes on', 'other goes on']);
    pace.noteVain(one);
    expect(words).toHaveLength(4);
    pace.close();
  });

  it('leave no clock running while there are none', () => {
    const pace = new ReadingPace({ vainPerSecondMax: 100 });
    pace.noteVain(reading([], 'one'));
    expect(vi.getTimerCount()).toBe(1);
    vi.advanceTimersByTime(10);
    expect(vi.getTimerCount()).toBe(0);
    pace.noteVain(reading([], 'one'));
    pace.close();
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('a socket', () => {
  it('that rests keeps what the kernel has room for, and gives it when it goes on', async () => {
    const socket = await bound('127.0.0.1');
    const sender = await bound('127.0.0.1');
    const { pause, resume } = readingOf(() => socket);
    let heard = 0;
    let onHeard = (): void => undefined;
    socket.on('message', () => {
      heard += 1;
      if (heard === 2) pause();
      onHeard();
    });
    const all = new Promise<void>((resolve) => {
      onHeard = () => heard === 20 && resolve();
    });
    for (let n = 0; n < 20; n += 1) sender.send('x', socket.address().port);
    while (heard < 2) await nextTurn();
    for (let turn = 0; turn < 20; turn += 1) await nextTurn();
    expect(heard).toBe(2);
    resume();
    await all;
  });

  it('that is closed needs no rest', async () => {
    const socket = createSocket('udp4');
    await new Promise<void>((resolve) => socket.close(() => resolve()));
    readingOf(() => socket).pause();
    readingOf(() => socket).resume();
    readingOf(() => null).pause();
  });
});

// Elsewhere all sources share one queue.
describe.runIf(process.platform === 'linux')('a flood', () => {
  const secret = new SharedSecret(TEST_SECRET);
  const PER_SECOND = 10_000;
  const PER_WINDOW = PER_SECOND / 100;
  const NAS = '127.0.0.2';
  const FLOODED = '127.0.0.3';

  function report(identifier: number, by = secret): Buffer {
    return buildRequest({
      ...{ code: 'Accounting-Request', identifier, secret: by },
      attributes: [
        attributeValue(AcctStatusType, AcctStatusType.values.Start),
        attributeValue(AcctSessionId, Buffer.from(String(identifier))),
      ],
    }).octets;
  }

  const forged = report(1, new SharedSecret('not the secret'));

  it.each([
    { from: 'of strangers', source: '127.9.9.9', octets: forged },
    { from: 'in the name of a NAS', source: FLOODED, octets: forged },
    { from: 'of one genuine report', source: FLOODED, octets: report(1) },
  ])('$from is read at a pace, and a NAS is answered meanwhile', async ({ source, octets }) => {
    const front = await startRadiusFront({
      clients: [
        testNas({ name: 'bng', addresses: [NAS] }),
        testNas({ name: 'other', addresses: [FLOODED] }),
      ],
      limits: { vainPerSecondMax: PER_SECOND },
    });
    closers.push(() => front.server.close());
    const vain = async (): Promise<number> => {
      const reasons = ['unknown-client', 'bad-authenticator', 'duplicate-pending'];
      const dropped = await Promise.all(reasons.map((reason) => front.dropped(reason)));
      const repeated = await front.repeated('Accounting-Response');
      return dropped.reduce((sum, count) => sum + count, repeated);
    };
    const nas = await RadiusTestClient.open(front.accounting, NAS);
    closers.push(() => nas.close());
    const flooder = await bound(source);
    for (let n = 0; n <= 2 * PER_WINDOW; n += 1) {
      flooder.send(octets, front.accounting.port, '127.0.0.1');
    }
    while ((await vain()) < PER_WINDOW) await nextTurn();
    await nas.send(report(2));
    expect((await nas.receive())[0]).toBe(PACKET_CODES['Accounting-Response']);
    expect(await vain()).toBe(PER_WINDOW);
    // The rest was not lost, and its turn comes.
    vi.advanceTimersByTime(10);
    while ((await vain()) < 2 * PER_WINDOW) await nextTurn();
  });
});
