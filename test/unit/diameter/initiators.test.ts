import { afterEach, describe, expect, it } from 'vitest';
import type { DiameterPeer } from '../../../src/domain/diameter-peer.js';
import {
  capabilitiesAnswer,
  startListener,
  type DiameterListener,
} from '../../support/diameter-listener.js';
import { GATEWAY, startDiameterNode, type DiameterNode } from '../../support/diameter-node.js';
import { readVector } from '../../support/diameter-vectors.js';
import { WirePeer, type WireMessage } from '../../support/diameter-wire.js';

const CER = readVector('base.txt', 'cer').bytes;
const CCR = readVector('credit-control-requests.txt', 'ccr-initial').bytes;
const DPR = readVector('base.txt', 'dpr').bytes;
const CAPABILITIES = 257;

const cleanUp: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const clean of cleanUp.splice(0).reverse()) await clean();
});

async function listen(): Promise<DiameterListener> {
  const listener = await startListener();
  cleanUp.push(() => listener.close());
  return listener;
}

/** The gateway of the vectors, at these ports. */
function gatewayAt(...ports: readonly number[]): DiameterPeer {
  return { ...GATEWAY, connect: ports.map((port) => ({ host: '127.0.0.1', port })) };
}

async function start(
  peers: readonly DiameterPeer[],
  options: Parameters<typeof startDiameterNode>[0] = {},
): Promise<DiameterNode> {
  const node = await startDiameterNode({
    peers,
    ...options,
    limits: { reconnectMinMs: 5, reconnectMaxMs: 20, ...options.limits },
  });
  cleanUp.push(() => node.server.close());
  return node;
}

/** What came first on a connection, which is a CER. */
async function capabilitiesOf(peer: WirePeer): Promise<WireMessage> {
  const [request] = await peer.receive();
  if (request === undefined) throw new Error('no capabilities');
  expect(request.command).toBe(CAPABILITIES);
  expect(request.flags).toBe(0x80);
  return request;
}

async function connectedGateway(listener: DiameterListener): Promise<WirePeer> {
  const peer = await listener.next();
  peer.send(capabilitiesAnswer(await capabilitiesOf(peer)));
  return peer;
}

describe('a peer that is declared with where it listens', () => {
  it('is connected to, and served like one that came by itself', async () => {
    const listener = await listen();
    const node = await start([gatewayAt(listener.port)]);
    const gateway = await connectedGateway(listener);
    const [answer] = await gateway.exchange(CCR);
    expect(answer?.resultCode).toBe(2001);
    expect(node.server.connections()).toMatchObject([{ peer: 'gateway-1' }]);
  });

  it('is tried again, at its addresses in turn, until one of them answers', async () => {
    const [gone, refusing, there] = [await listen(), await listen(), await listen()];
    await gone.close();
    await start([gatewayAt(gone.port, refusing.port, there.port)]);
    const first = await refusing.next();
    first.send(capabilitiesAnswer(await capabilitiesOf(first), 3010));
    const gateway = await connectedGateway(there);
    expect((await gateway.exchange(CCR))[0]?.resultCode).toBe(2001);
  });

  it('is connected to again when the connection ends', async () => {
    const listener = await listen();
    await start([gatewayAt(listener.port)]);
    (await connectedGateway(listener)).destroy();
    const again = await connectedGateway(listener);
    expect((await again.exchange(CCR))[0]?.resultCode).toBe(2001);
  });

  it.each([
    ['somebody else answers', { ...GATEWAY, originHost: 'pgw2.visited.example' }],
    ['the realm is not its own', { ...GATEWAY, realm: 'home.example' }],
  ])('is left again when %s', async (_what, declared) => {
    const listener = await listen();
    const node = await start([{ ...gatewayAt(listener.port), ...declared }]);
    const peer = await connectedGateway(listener);
    await peer.closed;
    expect(node.server.connections()).toEqual([]);
  });

  it('is left alone for long when it says that it is busy', async () => {
    const listener = await listen();
    await start([gatewayAt(listener.port)], { limits: { reconnectUnwantedMs: 60_000 } });
    const busy = Buffer.from(DPR);
    // Disconnect-Cause is the last AVP of the vector.
    busy.writeUInt32BE(1, busy.length - 4);
    const gateway = await connectedGateway(listener);
    await gateway.exchange(busy);
    gateway.destroy();
    await gateway.closed;
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(listener.peers).toHaveLength(1);
  });

  it('is not called while it is connected by itself, and is when it has gone', async () => {
    const listener = await listen();
    const node = await start([GATEWAY]);
    const gateway = await WirePeer.open(node.port, CER);
    node.server.update({ peers: [gatewayAt(listener.port)] });
    expect((await gateway.exchange(CCR))[0]?.resultCode).toBe(2001);
    expect(listener.peers).toHaveLength(0);
    gateway.destroy();
    await connectedGateway(listener);
  });

  it('is not called any more when the node closes', async () => {
    const listener = await listen();
    const node = await start([gatewayAt(listener.port)]);
    const gateway = await connectedGateway(listener);
    await expect.poll(() => node.server.connections()).toHaveLength(1);
    const closed = node.server.close();
    const [request] = await gateway.receive();
    expect(request?.command).toBe(282);
    gateway.destroy();
    await closed;
    expect(listener.peers).toHaveLength(1);
  });
});

describe('both sides connect at once', () => {
  const LOSER = { host: 'a.ocs.example', realm: 'ocs.example', originStateId: 1 };

  /** Our connection has said its capabilities; theirs says them now. */
  async function race(
    options: Parameters<typeof startDiameterNode>[0] = {},
  ): Promise<{ node: DiameterNode; ours: WirePeer; request: WireMessage; theirs: WirePeer }> {
    const listener = await listen();
    const node = await start([gatewayAt(listener.port)], options);
    const ours = await listener.next();
    const request = await capabilitiesOf(ours);
    const theirs = await WirePeer.connect(node.port);
    cleanUp.push(() => theirs.destroy());
    return { node, ours, request, theirs };
  }

  it('goes on with their connection where our name comes later', async () => {
    const { node, ours, theirs } = await race();
    const [answer] = await theirs.exchange(CER);
    expect(answer?.resultCode).toBe(2001);
    await ours.closed;
    expect(node.server.connections()).toHaveLength(1);
  });

  it('goes on with our connection where theirs comes later', async () => {
    const { node, ours, request, theirs } = await race({ identity: LOSER });
    theirs.send(CER);
    await theirWait(node);
    ours.send(capabilitiesAnswer(request));
    await theirs.closed;
    expect((await ours.exchange(CCR))[0]?.resultCode).toBe(2001);
    expect(node.server.connections()).toHaveLength(1);
  });

  it('goes back to theirs when ours fails, and loses nothing that came meanwhile', async () => {
    const { node, ours, theirs } = await race({ identity: LOSER });
    theirs.send(CER, CCR);
    await theirWait(node);
    ours.destroy();
    const answers = await theirs.receive(2);
    expect(answers.map(({ command, resultCode }) => [command, resultCode])).toEqual([
      [CAPABILITIES, 2001],
      [272, 2001],
    ]);
  });

  it('drops a peer that says too much while it waits', async () => {
    const { theirs } = await race({ identity: LOSER, limits: { postponedMax: 2 } });
    theirs.send(CER, CCR, CCR);
    await theirs.closed;
  });

  /** What they sent has arrived when a later connection has been answered. */
  async function theirWait(node: DiameterNode): Promise<void> {
    const stranger = await WirePeer.connect(node.port);
    await stranger.exchange(readVector('base.txt', 'cer-unknown-peer').bytes);
    stranger.destroy();
  }
});
