import { afterEach, describe, expect, it } from 'vitest';
import type { CreditControlOutcome } from '../../../src/domain/credit-control.js';
import { readVector, readVectors } from '../../support/diameter-vectors.js';
import { WirePeer } from '../../support/diameter-wire.js';
import {
  GATEWAY,
  grantAll,
  RELAY,
  startDiameterNode,
  type DiameterNode,
} from '../../support/diameter-node.js';

const CER = readVector('base.txt', 'cer').bytes;
const DWR = readVector('base.txt', 'dwr').bytes;
const DPR = readVector('base.txt', 'dpr').bytes;
const CCR = readVector('credit-control-requests.txt', 'ccr-initial').bytes;
const UPDATE = readVector('credit-control-requests.txt', 'ccr-update').bytes;

let node: DiameterNode | undefined;

async function start(options: Parameters<typeof startDiameterNode>[0] = {}): Promise<DiameterNode> {
  node = await startDiameterNode(options);
  return node;
}

afterEach(async () => {
  await node?.server.close();
  node = undefined;
});

/** The request with other identifiers. */
function numbered(message: Buffer, hopByHop: number): Buffer {
  const copy = Buffer.from(message);
  copy.writeUInt32BE(hopByHop, 12);
  return copy;
}

const granted: CreditControlOutcome = {
  kind: 'answered',
  repeated: false,
  lowBalance: false,
  services: [],
};

describe('the base protocol', () => {
  it.each(readVectors('base.txt').filter(({ name }) => name.startsWith('cer')))(
    'answers $name with $result',
    async ({ bytes, result, failed }) => {
      const { port } = await start();
      const peer = await WirePeer.connect(port);
      const [answer] = await peer.exchange(bytes);
      expect(answer?.command).toBe(257);
      expect(answer?.resultCode).toBe(result);
      expect(answer?.failedAvp).toBe(failed);
      expect(answer?.hopByHop).toBe(0x11223344);
      expect(answer?.endToEnd).toBe(0x55667788);
      expect(answer?.data(264)?.toString()).toBe('tolld-1.ocs.example');
      expect(answer?.flags).toBe(result === 3010 ? 0x20 : 0);
      if (result === 2001) peer.destroy();
      await peer.closed;
    },
  );

  it('names its application, vendor and address in the capabilities', async () => {
    const { port } = await start();
    const peer = await WirePeer.connect(port);
    const [answer] = await peer.exchange(readVector('base.txt', 'cer-vendor-specific').bytes);
    expect(answer?.data(258)?.readUInt32BE(0)).toBe(4);
    expect(answer?.data(265)?.readUInt32BE(0)).toBe(10415);
    expect(answer?.data(257)?.toString('hex')).toBe('00017f000001');
    expect(answer?.data(278)?.readUInt32BE(0)).toBe(1_791_200_000);
    expect(answer?.data(260)?.toString('hex')).toBe(
      '0000010a4000000c000028af000001024000000c00000004',
    );
    peer.destroy();
  });

  it('refuses a declared peer that connects from another address', async () => {
    const { port } = await start({ peers: [{ ...GATEWAY, addresses: ['192.0.2.1'] }] });
    const peer = await WirePeer.connect(port);
    const [answer] = await peer.exchange(CER);
    expect(answer?.resultCode).toBe(3010);
  });

  it('admits any host of a realm that is declared without a host', async () => {
    const { port } = await start({ peers: [{ ...GATEWAY, originHost: null }] });
    await WirePeer.open(port, CER);
    await WirePeer.open(port, readVector('base.txt', 'cer-relay').bytes);
  });

  it('drops a stranger that says anything before its capabilities', async () => {
    const { port } = await start();
    const peer = await WirePeer.connect(port);
    peer.send(DWR);
    await peer.closed;
  });

  it('drops a stranger that says nothing in time', async () => {
    const { port } = await start({ limits: { capabilitiesMs: 20 } });
    const peer = await WirePeer.connect(port);
    await peer.closed;
  });

  it('serves a request that comes in the same segment as the capabilities', async () => {
    const { port } = await start();
    const peer = await WirePeer.connect(port);
    peer.send(CER, CCR);
    const [capabilities, answer] = await peer.receive(2);
    expect(capabilities?.resultCode).toBe(2001);
    expect(answer?.command).toBe(272);
    expect(answer?.resultCode).toBe(2001);
  });

  it('answers capabilities again, the watchdog, and the disconnection', async () => {
    const { port } = await start();
    const peer = await WirePeer.open(port, CER);
    peer.send(CER, DWR, DPR);
    const answers = await peer.receive(3);
    expect(answers.map((answer) => [answer.command, answer.resultCode])).toEqual([
      [257, 2001],
      [280, 2001],
      [282, 2001],
    ]);
    expect(answers[1]?.data(278)?.readUInt32BE(0)).toBe(1_791_200_000);
    peer.destroy();
  });

  it('closes a connection that its peer does not close after DPA', async () => {
    const { port } = await start({ limits: { disconnectMs: 20 } });
    const peer = await WirePeer.open(port, CER);
    await peer.exchange(DPR);
    await peer.closed;
  });

  it('sends a watchdog to a silent peer and gives it up when it stays silent', async () => {
    const { port, metrics } = await start({ limits: { watchdogMs: 30, watchdogJitterMs: 5 } });
    const peer = await WirePeer.open(port, CER);
    const [first] = await peer.receive();
    expect(first?.command).toBe(280);
    expect(first?.flags).toBe(0x80);
    await peer.closed;
    expect(await metrics.exposition()).toContain(
      'tolld_diameter_watchdog_failures_total{peer="gateway-1"} 1',
    );
  });

  it('keeps a peer that answers its watchdog', async () => {
    const { port } = await start({ limits: { watchdogMs: 30, watchdogJitterMs: 5 } });
    const peer = await WirePeer.open(port, CER);
    for (let round = 0; round < 5; round += 1) {
      const [request] = await peer.receive();
      const answer = Buffer.from(DWR);
      answer.writeUInt8(0, 4);
      answer.writeUInt32BE(request?.hopByHop ?? 0, 12);
      peer.send(answer);
    }
    // One more watchdog may cross the request on its way.
    peer.send(CCR);
    const [first] = await peer.receive();
    const [answer] = first?.command === 272 ? [first] : await peer.receive();
    expect(answer?.command).toBe(272);
  });

  it('accepts a peer that comes back while its old connection lingers', async () => {
    const { port, server } = await start();
    await WirePeer.open(port, CER);
    const again = await WirePeer.open(port, CER);
    const [answer] = await again.exchange(CCR);
    expect(answer?.resultCode).toBe(2001);
    expect(server.connections()).toHaveLength(2);
  });

  it('refuses more strangers than it has room for', async () => {
    const { port } = await start({ limits: { strangersMax: 1 } });
    const first = await WirePeer.connect(port);
    const second = await WirePeer.connect(port);
    await second.closed;
    const [answer] = await first.exchange(CER);
    expect(answer?.resultCode).toBe(2001);
  });
});

describe('Origin-State-Id', () => {
  const AVP = Buffer.from('000001164000000c', 'hex');

  /** The request with this Origin-State-Id, in place of its own if it has one. */
  function withState(message: Buffer, stateId: number): Buffer {
    const at = message.indexOf(AVP);
    const rest = at < 0 ? [message] : [message.subarray(0, at), message.subarray(at + 12)];
    const value = Buffer.alloc(4);
    value.writeUInt32BE(stateId);
    const changed = Buffer.concat([...rest, AVP, value]);
    changed.writeUIntBE(changed.length, 1, 3);
    return changed;
  }
  const ENDING = { ...GATEWAY, profile: { restart: 'end' } } as const;

  it('is told once for each start of a host', async () => {
    const { port, starts } = await start({ peers: [ENDING] });
    const first = await WirePeer.open(port, withState(CER, 7));
    await first.exchange(withState(CCR, 7));
    await first.exchange(withState(UPDATE, 7));
    await first.exchange(withState(CCR, 8));
    await first.exchange(withState(CCR, 0));
    const host = { peer: 'gateway-1', originHost: 'pgw1.visited.example' };
    expect(starts).toEqual([
      { ...host, originStateId: 7 },
      { ...host, originStateId: 8 },
    ]);
    first.destroy();
  });

  it('is nothing to a peer whose sessions stay until they fall silent', async () => {
    const { port, starts } = await start();
    const peer = await WirePeer.open(port, CER);
    await peer.exchange(withState(CCR, 8));
    expect(starts).toEqual([]);
    peer.destroy();
  });
});

describe('requests that can not be served', () => {
  it.each(readVectors('errors.txt'))(
    'answers $name with $result',
    async ({ bytes, result, failed, closes }) => {
      const { port } = await start();
      const peer = await WirePeer.open(port, CER);
      const [answer] = await peer.exchange(bytes);
      expect(answer?.resultCode).toBe(result);
      expect(answer?.failedAvp).toBe(failed);
      expect(answer?.command).toBe(bytes.readUIntBE(5, 3));
      expect(answer?.hopByHop).toBe(0x11223344);
      expect(answer?.endToEnd).toBe(0x55667788);
      const protocolError = result !== null && result >= 3000 && result < 4000;
      const proxiable = (bytes[4] ?? 0) & 0x40;
      expect(answer?.flags).toBe(proxiable | (protocolError ? 0x20 : 0));
      if (closes) {
        await peer.closed;
        return;
      }
      const [next] = await peer.exchange(DWR);
      expect(next?.resultCode).toBe(2001);
    },
  );

  it('repeats Session-Id, request type and number, and Proxy-Info in an error', async () => {
    const { port } = await start();
    const peer = await WirePeer.open(port, CER);
    const [answer] = await peer.exchange(readVector('errors.txt', 'event-without-action').bytes);
    expect(answer?.data(263)?.toString()).toBe('pgw1.visited.example;1876543210;523;1');
    expect(answer?.data(416)?.readUInt32BE(0)).toBe(4);
    expect(answer?.data(415)?.readUInt32BE(0)).toBe(0);
    const relayed = readVector('credit-control-requests.txt', 'ccr-relayed').bytes;
    const elsewhere = Buffer.from(relayed);
    elsewhere.writeUInt32BE(16777238, 8);
    const [refused] = await peer.exchange(elsewhere);
    expect(refused?.resultCode).toBe(3007);
    expect(refused?.data(284)?.length).toBe(48);
  });
});

describe('credit control over a connection', () => {
  it('gives back the identifiers of each request, in whatever order they are decided', async () => {
    const release: (() => void)[] = [];
    const { port } = await start({
      handler: () => new Promise((resolve) => release.push(() => resolve(granted))),
    });
    const peer = await WirePeer.open(port, CER);
    peer.send(numbered(CCR, 1), numbered(CCR, 2), numbered(CCR, 3));
    await expect.poll(() => release.length).toBe(3);
    for (const resolve of release.reverse()) resolve();
    const answers = await peer.receive(3);
    expect(answers.map((answer) => answer.hopByHop)).toEqual([3, 2, 1]);
  });

  it('answers the requests of one read in one write', async () => {
    const { port } = await start();
    const peer = await WirePeer.open(port, CER);
    const before = peer.reads;
    peer.send(...Array.from({ length: 20 }, (_, index) => numbered(CCR, index)));
    await peer.receive(20);
    expect(peer.reads - before).toBe(1);
  });

  it('takes the scope from the connection and the origin from a relayed request', async () => {
    const { port, requests } = await start();
    const relay = await WirePeer.open(port, readVector('base.txt', 'cer-relay').bytes);
    const relayed = readVector('credit-control-requests.txt', 'ccr-relayed').bytes;
    const [answer] = await relay.exchange(relayed);
    expect(answer?.resultCode).toBe(2001);
    const proxyInfo = relayed.indexOf('0000011c', 0, 'hex');
    expect(answer?.bytes.includes(relayed.subarray(proxyInfo))).toBe(true);
    expect(requests[0]?.peer).toBe('relay');
    expect(requests[0]?.networkScope).toBe('visited');
    expect(requests[0]?.origin.host).toBe('pgw7.far.example');
  });

  it('serves what is addressed to a sibling', async () => {
    const { port } = await start();
    const peer = await WirePeer.open(port, CER);
    const bytes = readVector('credit-control-requests.txt', 'ccr-open5gs').bytes;
    const [answer] = await peer.exchange(bytes);
    expect(answer?.resultCode).toBe(2001);
  });

  it('answers 5012 when the handler fails, and goes on', async () => {
    let fails = true;
    const { port } = await start({
      handler: async (request) => {
        if (fails) throw new Error('broken');
        return grantAll(request);
      },
    });
    const peer = await WirePeer.open(port, CER);
    const [failed] = await peer.exchange(CCR);
    expect([failed?.resultCode, failed?.flags]).toEqual([5012, 0x40]);
    fails = false;
    const [answer] = await peer.exchange(UPDATE);
    expect(answer?.resultCode).toBe(2001);
  });

  it('stops reading a peer that has too many requests in flight', async () => {
    const release: (() => void)[] = [];
    const { port, requests } = await start({
      limits: { inFlightPerConnectionMax: 4 },
      handler: () => new Promise((resolve) => release.push(() => resolve(granted))),
    });
    const peer = await WirePeer.open(port, CER);
    peer.send(...Array.from({ length: 12 }, (_, index) => numbered(CCR, index)));
    await expect.poll(() => requests.length).toBe(4);
    const answers: number[] = [];
    for (let index = 0; index < 12; index += 1) {
      await expect.poll(() => release.length).toBeGreaterThan(index);
      expect(requests.length - answers.length).toBeLessThanOrEqual(4);
      release[index]?.();
      const [answer] = await peer.receive();
      answers.push(answer?.hopByHop ?? -1);
    }
    expect(answers).toEqual(Array.from({ length: 12 }, (_, index) => index));
  });

  it('drops a peer that never reads, while others go on', { timeout: 90_000 }, async () => {
    const { port, server } = await start({
      limits: { outputBufferedMax: 10_000, outputStalledMs: 50, inFlightPerConnectionMax: 100 },
    });
    const deaf = await WirePeer.open(port, CER);
    deaf.socket.pause();
    const flood = Buffer.concat(Array.from({ length: 2000 }, (_, index) => numbered(CCR, index)));
    const pour = (): void => {
      while (!deaf.socket.destroyed && deaf.socket.write(flood)) continue;
      if (!deaf.socket.destroyed) deaf.socket.once('drain', pour);
    };
    pour();
    const other = await WirePeer.open(port, CER);
    const [answer] = await other.exchange(CCR);
    expect(answer?.resultCode).toBe(2001);
    await expect.poll(() => server.connections().length, { timeout: 60_000 }).toBe(1);
    deaf.destroy();
  });

  it('drops a peer that sends a message octet by octet, while others go on', async () => {
    const { port } = await start({ limits: { watchdogMs: 100, watchdogJitterMs: 0 } });
    const slow = await WirePeer.open(port, CER);
    let sent = 0;
    // At this pace the message would take longer than the test may.
    const dribble = setInterval(() => {
      slow.socket.write(CCR.subarray(sent, sent + 1));
      sent = Math.min(sent + 1, CCR.length - 2);
    }, 20);
    try {
      const other = await WirePeer.open(port, CER);
      const [answer] = await other.exchange(CCR);
      expect(answer?.resultCode).toBe(2001);
      await slow.closed;
    } finally {
      clearInterval(dribble);
    }
  });

  it('drops a peer whose host went away without a word', async () => {
    const { port, server } = await start({ limits: { watchdogMs: 50, watchdogJitterMs: 0 } });
    const gone = await WirePeer.open(port, CER);
    gone.socket.pause();
    await expect.poll(() => server.connections().length).toBe(0);
    gone.destroy();
  });

  it('counts requests by their result', async () => {
    const { port, metrics } = await start();
    const peer = await WirePeer.open(port, CER);
    await peer.exchange(CCR);
    await peer.exchange(readVector('errors.txt', 'other-realm').bytes);
    const text = await metrics.exposition();
    expect(text).toContain(
      'tolld_diameter_requests_total{command="Credit-Control",result="2001"} 1',
    );
    expect(text).toContain(
      'tolld_diameter_requests_total{command="Credit-Control",result="3003"} 1',
    );
    expect(text).toContain('tolld_diameter_connections{peer="gateway-1"} 1');
    expect(text).toContain('tolld_diameter_in_flight_requests 0');
  });

  it('counts no connection of a declared peer that has none, so that this can be seen', async () => {
    const { metrics, server } = await start();
    const count = async (name: string): Promise<string | undefined> =>
      new RegExp(`^tolld_diameter_connections\\{peer="${name}"\\} (\\d+)$`, 'm').exec(
        await metrics.exposition(),
      )?.[1];
    expect(await count('gateway-1')).toBe('0');
    expect(await count('relay')).toBe('0');
    server.update({ peers: [GATEWAY] });
    expect(await count('gateway-1')).toBe('0');
    expect(await count('relay')).toBeUndefined();
  });
});

describe('closing the node', () => {
  it('answers what is in flight, sends new requests elsewhere, then disconnects', async () => {
    const release: (() => void)[] = [];
    const { port, server } = await start({
      handler: () => new Promise((resolve) => release.push(() => resolve(granted))),
    });
    const peer = await WirePeer.open(port, CER);
    peer.send(numbered(CCR, 1));
    await expect.poll(() => release.length).toBe(1);
    const closed = server.close();
    node = undefined;
    const [busy] = await peer.exchange(numbered(UPDATE, 2));
    expect([busy?.hopByHop, busy?.resultCode, busy?.flags]).toEqual([2, 3004, 0x60]);
    release[0]?.();
    const [answer, disconnect] = await peer.receive(2);
    expect([answer?.hopByHop, answer?.resultCode]).toEqual([1, 2001]);
    expect([disconnect?.command, disconnect?.flags]).toEqual([282, 0x80]);
    expect(disconnect?.data(273)?.readUInt32BE(0)).toBe(0);
    const reply = Buffer.from(DPR);
    reply.writeUInt8(0, 4);
    reply.writeUInt32BE(disconnect?.hopByHop ?? 0, 12);
    peer.send(reply);
    await closed;
    await peer.closed;
  });

  it('does not wait for ever for a peer that ignores DPR, nor for a stranger', async () => {
    const { port, server } = await start({ limits: { disconnectMs: 10 } });
    const peer = await WirePeer.open(port, CER);
    const stranger = await WirePeer.connect(port);
    await expect.poll(() => server.connections().length).toBe(1);
    await server.close();
    node = undefined;
    await Promise.all([peer.closed, stranger.closed]);
  });

  it('keeps peers that a new list still names', async () => {
    const { port, server } = await start();
    server.update({ peers: [RELAY], siblings: [] });
    const peer = await WirePeer.connect(port);
    const [answer] = await peer.exchange(CER);
    expect(answer?.resultCode).toBe(3010);
    await WirePeer.open(port, readVector('base.txt', 'cer-relay').bytes);
  });
});
