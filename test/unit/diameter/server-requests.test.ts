import { afterEach, describe, expect, it } from 'vitest';
import { createDiameterClient } from '../../../src/diameter/client.js';
import type { ReceivedServerRequest } from '../../../src/diameter/messages/server-initiated.js';
import type { SessionRoute } from '../../../src/diameter/server-requests.js';
import { createLogger } from '../../../src/observability/logger.js';
import {
  GATEWAY,
  RELAY,
  startDiameterNode,
  type DiameterNode,
} from '../../support/diameter-node.js';
import { readVector } from '../../support/diameter-vectors.js';
import { WirePeer, type WireMessage } from '../../support/diameter-wire.js';

const CER = readVector('base.txt', 'cer').bytes;
const CER_RELAY = readVector('base.txt', 'cer-relay').bytes;
const ROUTE: SessionRoute = {
  sessionId: 'pgw1.visited.example;1;2',
  origin: { host: 'pgw1.visited.example', realm: 'visited.example' },
  peer: 'gateway-1',
};
const BEHIND_RELAY: SessionRoute = {
  sessionId: 'pgw7.far.example;1;2',
  origin: { host: 'pgw7.far.example', realm: 'far.example' },
  peer: 'relay',
};

const cleanUp: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const clean of cleanUp.splice(0).reverse()) await clean();
});

async function start(options: Parameters<typeof startDiameterNode>[0] = {}): Promise<DiameterNode> {
  const node = await startDiameterNode(options);
  cleanUp.push(() => node.server.close());
  return node;
}

/** RAA or ASA: Session-Id, Result-Code, Origin-Host, Origin-Realm, in bytes of its own. */
function answerTo(request: WireMessage | undefined, resultCode: number): Buffer {
  if (request === undefined) throw new Error('no request');
  const avp = (code: number, data: Buffer): Buffer => {
    const bytes = Buffer.alloc(8 + Math.ceil(data.length / 4) * 4);
    bytes.writeUInt32BE(code, 0);
    bytes.writeUInt32BE(0x40000000 + 8 + data.length, 4);
    data.copy(bytes, 8);
    return bytes;
  };
  const code = Buffer.alloc(4);
  code.writeUInt32BE(resultCode);
  const answer = Buffer.concat([
    request.bytes.subarray(0, 20),
    avp(263, request.data(263) ?? Buffer.alloc(0)),
    avp(268, code),
    avp(264, Buffer.from('pgw1.visited.example')),
    avp(296, Buffer.from('visited.example')),
  ]);
  answer[4] = 0x40;
  answer.writeUIntBE(answer.length, 1, 3);
  return answer;
}

describe('a request to a gateway', () => {
  it('asks for one rating group, and tells that the gateway took it', async () => {
    const { port, server, metrics } = await start();
    const peer = await WirePeer.open(port, CER);
    const sent = server.sendReAuth(ROUTE, { ratingGroup: 10 });
    const [request] = await peer.receive();
    expect([request?.command, request?.flags]).toEqual([258, 0xc0]);
    expect(request?.data(263)?.toString()).toBe(ROUTE.sessionId);
    expect(request?.data(293)?.toString()).toBe(ROUTE.origin.host);
    expect(request?.data(283)?.toString()).toBe(ROUTE.origin.realm);
    expect(request?.data(258)?.readUInt32BE(0)).toBe(4);
    expect(request?.data(285)?.readUInt32BE(0)).toBe(0);
    expect(request?.data(432)?.readUInt32BE(0)).toBe(10);
    peer.send(answerTo(request, 2002));
    expect(await sent).toEqual({ kind: 'accepted', resultCode: 2002 });
    expect(await metrics.exposition()).toContain(
      'tolld_diameter_server_requests_total{command="Re-Auth",result="2002"} 1',
    );
  });

  it('ends a session of a client, which says what it did', async () => {
    const { port, server } = await start({ realms: ['visited.example'] });
    const asked: ReceivedServerRequest[] = [];
    const client = createDiameterClient(
      {
        identity: { host: 'pgw1.visited.example', realm: 'visited.example', originStateId: 0 },
        host: '127.0.0.1',
        port,
      },
      {
        logger: createLogger({ level: 'silent' }),
        serverRequest: (request) => {
          asked.push(request);
          return 2001;
        },
      },
    );
    cleanUp.push(() => client.close());
    await client.open();
    expect(await server.sendAbort(ROUTE)).toEqual({ kind: 'accepted', resultCode: 2001 });
    expect(asked.map(({ command, sessionId }) => [command, sessionId])).toEqual([
      ['abort-session', ROUTE.sessionId],
    ]);
  });

  it.each([
    [5002, { kind: 'unknown-session', resultCode: 5002 }],
    [5012, { kind: 'refused', resultCode: 5012 }],
    [3002, { kind: 'refused', resultCode: 3002 }],
  ])('is not sent again after %i', async (resultCode, outcome) => {
    const { port, server } = await start();
    const peer = await WirePeer.open(port, CER);
    const sent = server.sendReAuth(ROUTE);
    const [request] = await peer.receive();
    peer.send(answerTo(request, resultCode));
    expect(await sent).toEqual(outcome);
  });

  it('is sent again with the T bit and the same end-to-end identifier, then given up', async () => {
    const { port, server, metrics } = await start({ limits: { requestMs: 20 } });
    const peer = await WirePeer.open(port, CER);
    const outcome = server.sendReAuth(ROUTE);
    const requests = await peer.receive(3);
    expect(requests.map(({ flags }) => flags)).toEqual([0xc0, 0xd0, 0xd0]);
    expect(new Set(requests.map(({ endToEnd }) => endToEnd)).size).toBe(1);
    expect(new Set(requests.map(({ hopByHop }) => hopByHop)).size).toBe(3);
    expect(await outcome).toEqual({ kind: 'no-answer' });
    expect(await metrics.exposition()).toContain(
      'tolld_diameter_server_requests_total{command="Re-Auth",result="no-answer"} 1',
    );
  });

  it('goes over another connection when the first one ends', async () => {
    const { port, server } = await start();
    const first = await WirePeer.open(port, CER);
    const second = await WirePeer.open(port, CER);
    const sent = server.sendReAuth(ROUTE);
    await first.receive();
    first.destroy();
    const [again] = await second.receive();
    expect(again?.flags).toBe(0xd0);
    second.send(answerTo(again, 2001));
    expect(await sent).toEqual({ kind: 'accepted', resultCode: 2001 });
  });

  it('goes over another connection when the watchdog suspects the first one', async () => {
    const { port, server } = await start({ limits: { watchdogMs: 40, watchdogJitterMs: 0 } });
    const first = await WirePeer.open(port, CER);
    const sent = server.sendReAuth(ROUTE);
    const [request] = await first.receive();
    expect(request?.command).toBe(258);
    const second = await WirePeer.open(port, CER);
    // The first one lives on, and answers nothing: the watchdog asks it before it is given up.
    const isReAuth = (message: WireMessage): boolean => message.command === 258;
    let again: WireMessage | undefined;
    while (again === undefined) {
      const [message] = await second.receive();
      if (message !== undefined && isReAuth(message)) again = message;
      else if (message !== undefined) second.send(answerTo(message, 2001));
    }
    expect(again.endToEnd).toBe(request?.endToEnd);
    expect(again.flags).toBe(0xd0);
    second.send(answerTo(again, 2001));
    expect(await sent).toEqual({ kind: 'accepted', resultCode: 2001 });
  });

  it('goes over another connection when the first one can not deliver it', async () => {
    const { port, server } = await start();
    const first = await WirePeer.open(port, CER);
    const second = await WirePeer.open(port, CER);
    const sent = server.sendReAuth(ROUTE);
    const [request] = await first.receive();
    first.send(answerTo(request, 3002));
    const [again] = await second.receive();
    expect(again?.flags).toBe(0xc0);
    second.send(answerTo(again, 2001));
    expect(await sent).toEqual({ kind: 'accepted', resultCode: 2001 });
  });

  it('goes to the relay that the session came by, and by no other way', async () => {
    const { port, server } = await start();
    const gateway = await WirePeer.open(port, CER);
    const relay = await WirePeer.open(port, CER_RELAY);
    const sent = server.sendReAuth(BEHIND_RELAY);
    const [request] = await relay.receive();
    expect(request?.data(293)?.toString()).toBe('pgw7.far.example');
    relay.send(answerTo(request, 2001));
    expect(await sent).toEqual({ kind: 'accepted', resultCode: 2001 });
    relay.destroy();
    await expect.poll(() => server.connections().length).toBe(1);
    expect(await server.sendReAuth(BEHIND_RELAY)).toEqual({ kind: 'unreachable' });
    // The gateway was asked nothing: the first thing that it hears is the answer to its watchdog.
    const [next] = await gateway.exchange(readVector('base.txt', 'dwr').bytes);
    expect(next?.command).toBe(280);
  });

  it('is not given to another gateway of a peer that is declared as a realm', async () => {
    const { port, server } = await start({ peers: [{ ...GATEWAY, originHost: null }] });
    await WirePeer.open(port, CER);
    const other = { ...ROUTE, origin: { host: 'pgw2.visited.example', realm: 'visited.example' } };
    expect(await server.sendReAuth(other)).toEqual({ kind: 'unreachable' });
  });

  it('is not sent to a gateway whose profile says that it does not act on it', async () => {
    const { port, server, metrics } = await start({
      peers: [{ ...GATEWAY, profile: { reAuthorisation: false } }, RELAY],
    });
    const peer = await WirePeer.open(port, CER);
    expect(await server.sendReAuth(ROUTE)).toEqual({ kind: 'not-supported' });
    const aborted = server.sendAbort(ROUTE);
    const [request] = await peer.receive();
    expect(request?.command).toBe(274);
    peer.send(answerTo(request, 2001));
    expect(await aborted).toEqual({ kind: 'accepted', resultCode: 2001 });
    server.update({ peers: [{ ...GATEWAY, profile: { abortSession: false } }] });
    expect(await server.sendAbort(ROUTE)).toEqual({ kind: 'not-supported' });
    expect(await metrics.exposition()).toContain(
      'tolld_diameter_server_requests_total{command="Abort-Session",result="not-supported"} 1',
    );
  });

  it('counts a result that no dictionary names under one label', async () => {
    const { port, server, metrics } = await start();
    const peer = await WirePeer.open(port, CER);
    const sent = server.sendReAuth(ROUTE);
    const [request] = await peer.receive();
    peer.send(answerTo(request, 5999));
    expect(await sent).toEqual({ kind: 'refused', resultCode: 5999 });
    expect(await metrics.exposition()).toContain(
      'tolld_diameter_server_requests_total{command="Re-Auth",result="other"} 1',
    );
  });
});
