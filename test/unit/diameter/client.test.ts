import type { Server } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import {
  ConnectionError,
  createDiameterClient,
  type DiameterClient,
} from '../../../src/diameter/client.js';
import { CreditControlAnswer as Cca } from '../../../src/diameter/generated/grammars.js';
import { MESSAGE } from '../../../src/diameter/message-reader.js';
import { NoAnswerError } from '../../../src/diameter/pending-requests.js';
import { createLogger } from '../../../src/observability/logger.js';
import { writeUpdate } from '../../../bench/ccr-update.js';
import { capabilitiesAnswer, startListener } from '../../support/diameter-listener.js';
import { startDiameterNode, type DiameterNode } from '../../support/diameter-node.js';
import type { WirePeer } from '../../support/diameter-wire.js';

const cleanUp: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const clean of cleanUp.splice(0).reverse()) await clean();
});

function clientOf(
  port: number,
  extra: Partial<Parameters<typeof createDiameterClient>[1]> = {},
  limits: Parameters<typeof createDiameterClient>[0]['limits'] = {},
): DiameterClient {
  const client = createDiameterClient(
    {
      identity: { host: 'pgw1.visited.example', realm: 'visited.example', originStateId: 0 },
      host: '127.0.0.1',
      port,
      limits: { disconnectMs: 20, ...limits },
    },
    { logger: createLogger({ level: 'silent' }), ...extra },
  );
  cleanUp.push(() => client.close());
  return client;
}

async function startNode(
  options: Parameters<typeof startDiameterNode>[0] = {},
): Promise<DiameterNode> {
  const node = await startDiameterNode({
    realms: ['ocs.mnc001.mcc262.3gppnetwork.org'],
    siblings: ['tolld-1.ocs.mnc001.mcc262.3gppnetwork.org'],
    ...options,
  });
  cleanUp.push(() => node.server.close());
  return node;
}

/** A listener that answers capabilities and then does as it is told. */
async function startStub(
  afterOpen: (peer: WirePeer) => void | Promise<void> = () => {},
): Promise<{ port: number; server: Server }> {
  const listener = await startListener();
  cleanUp.push(() => listener.close());
  void listener.next().then(async (peer) => {
    const [request] = await peer.receive();
    if (request !== undefined) peer.send(capabilitiesAnswer(request));
    await afterOpen(peer);
  });
  return listener;
}

describe('a Diameter client', () => {
  it('exchanges capabilities, asks, and says goodbye', async () => {
    const { port, server, requests } = await startNode();
    const client = clientOf(port);
    await client.open();
    expect(client.serverHost).toBe('tolld-1.ocs.example');
    const result = await client.request(
      (writer, ids) => {
        writeUpdate(writer, { subscriber: 1, requestNumber: ids.hopByHop });
      },
      (reader) => [reader.fault, reader.unsigned32(MESSAGE, Cca.resultCode)],
      { timeoutMs: 1000 },
    );
    expect(result).toEqual([null, 2001]);
    expect(requests).toHaveLength(1);
    await client.close();
    await expect.poll(() => server.connections()).toEqual([]);
  });

  it('is told why when nobody listens', async () => {
    const { port, server } = await startStub();
    await new Promise((resolve) => server.close(resolve));
    await expect(clientOf(port).open()).rejects.toBeInstanceOf(ConnectionError);
  });

  it('is told why when it is refused', async () => {
    const { port } = await startNode({ peers: [] });
    await expect(clientOf(port).open()).rejects.toThrow('3010');
  });

  it('gives up on an answer that does not come, and keeps the connection', async () => {
    const { port } = await startStub();
    const client = clientOf(port);
    await client.open();
    const answer = client.request(
      (writer) => writeUpdate(writer, { subscriber: 1, requestNumber: 1 }),
      () => null,
      { timeoutMs: 10 },
    );
    await expect(answer).rejects.toMatchObject({ reason: 'timeout' });
    expect(client.isOpen).toBe(true);
  });

  it('fails what waits when the connection ends, and tells its owner', async () => {
    const { port } = await startStub(async (peer) => {
      await peer.receive();
      peer.destroy();
    });
    let ended = '';
    const client = clientOf(port, { closed: (reason) => (ended = reason) });
    await client.open();
    const answer = client.request(
      (writer) => writeUpdate(writer, { subscriber: 1, requestNumber: 1 }),
      () => null,
    );
    await expect(answer).rejects.toBeInstanceOf(NoAnswerError);
    expect(ended).not.toBe('');
    expect(client.isOpen).toBe(false);
  });

  it('gives up a server that answers no watchdog', async () => {
    const { port } = await startStub();
    const ended = new Promise<string>((resolve) => {
      const client = clientOf(port, { closed: resolve }, { watchdogMs: 20, watchdogJitterMs: 0 });
      void client.open();
    });
    expect(await ended).toContain('watchdog');
  });
});
