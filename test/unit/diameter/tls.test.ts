import { once } from 'node:events';
import { connect as connectPlainly } from 'node:net';
import { connect, type ConnectionOptions } from 'node:tls';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { TlsMaterial } from '../../../src/domain/tls-identity.js';
import { createAuthority } from '../../support/certificates.js';
import { GATEWAY, startDiameterNode, type DiameterNode } from '../../support/diameter-node.js';
import { readVector } from '../../support/diameter-vectors.js';
import { WirePeer } from '../../support/diameter-wire.js';

const CER = readVector('base.txt', 'cer').bytes;
const CCR = readVector('credit-control-requests.txt', 'ccr-initial').bytes;

const authority = createAuthority();
const strangers = createAuthority();
afterAll(() => {
  authority.remove();
  strangers.remove();
});

function materialOf(name: string, by = authority): TlsMaterial {
  return { ...by.issue([name]), authorities: [authority.certificate] };
}

const NODE_TLS = materialOf('tolld-1.ocs.example');
const GATEWAY_TLS = materialOf('pgw1.visited.example');

const cleanUp: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const clean of cleanUp.splice(0).reverse()) await clean();
});

async function start(options: Parameters<typeof startDiameterNode>[0] = {}): Promise<DiameterNode> {
  const node = await startDiameterNode({
    listen: [{ host: '127.0.0.1', port: 0, security: 'tls' }],
    tls: NODE_TLS,
    ...options,
  });
  cleanUp.push(() => node.server.close());
  return node;
}

async function connectTls(port: number, material: TlsMaterial | null): Promise<WirePeer> {
  const options: ConnectionOptions = {
    host: '127.0.0.1',
    port,
    ca: [authority.certificate],
    servername: 'tolld-1.ocs.example',
    ...(material === null ? {} : { key: material.key, cert: material.certificate }),
  };
  const socket = connect(options);
  const peer = new WirePeer(socket);
  cleanUp.push(() => peer.destroy());
  await Promise.race([once(socket, 'secureConnect').catch(() => {}), peer.closed]);
  return peer;
}

async function refusals(node: DiameterNode, reason: string): Promise<number> {
  const text = await node.metrics.exposition();
  const line = new RegExp(`refused_connections_total\\{reason="${reason}"\\} (\\d+)`).exec(text);
  return Number(line?.[1] ?? 0);
}

describe('Diameter over TLS', () => {
  it('serves a gateway whose certificate names its Origin-Host', async () => {
    const { port } = await start();
    const gateway = await connectTls(port, GATEWAY_TLS);
    expect((await gateway.exchange(CER))[0]?.resultCode).toBe(2001);
    expect((await gateway.exchange(CCR))[0]?.resultCode).toBe(2001);
  });

  it('serves a gateway that says once more that it wants TLS', async () => {
    const { port } = await start();
    const gateway = await connectTls(port, GATEWAY_TLS);
    const [answer] = await gateway.exchange(readVector('base.txt', 'cer-no-common-security').bytes);
    expect(answer?.resultCode).toBe(2001);
  });

  it('answers 3010 where the certificate names somebody else', async () => {
    const { port } = await start();
    const gateway = await connectTls(port, materialOf('pgw2.visited.example'));
    expect((await gateway.exchange(CER))[0]?.resultCode).toBe(3010);
    await gateway.closed;
  });

  it.each<[string, TlsMaterial | null]>([
    ['without a certificate', null],
    ['with a certificate of an unknown authority', materialOf('pgw1.visited.example', strangers)],
  ])('ends the handshake of a gateway %s', async (_what, material) => {
    const node = await start();
    const gateway = await connectTls(node.port, material);
    gateway.send(CER);
    await gateway.closed;
    await expect.poll(() => refusals(node, 'tls')).toBe(1);
    expect(node.server.connections()).toEqual([]);
  });

  it('answers 5017 to a peer without TLS that is declared to use it', async () => {
    const { port } = await start({
      listen: [{ host: '127.0.0.1', port: 0 }],
      peers: [{ ...GATEWAY, security: 'tls' }],
    });
    const gateway = await WirePeer.connect(port);
    expect((await gateway.exchange(CER))[0]?.resultCode).toBe(5017);
    await gateway.closed;
  });

  it('shows a renewed certificate to those that come after', async () => {
    const node = await start();
    const before = await connectTls(node.port, GATEWAY_TLS);
    await before.exchange(CER);
    node.server.renewTls({ ...materialOf('renewed.ocs.example') });
    const socket = connect({
      host: '127.0.0.1',
      port: node.port,
      ca: [authority.certificate],
      servername: 'renewed.ocs.example',
      key: GATEWAY_TLS.key,
      cert: GATEWAY_TLS.certificate,
    });
    await once(socket, 'secureConnect');
    socket.destroy();
    expect((await before.exchange(CCR))[0]?.resultCode).toBe(2001);
  });

  it('counts those that are slow with their handshake as strangers', async () => {
    const node = await start({ limits: { strangersMax: 2 } });
    const slow = [1, 2].map(() => connectPlainly({ host: '127.0.0.1', port: node.port }));
    cleanUp.push(() => slow.forEach((socket) => socket.destroy()));
    await Promise.all(slow.map((socket) => once(socket, 'connect')));
    await connectTls(node.port, GATEWAY_TLS);
    expect(await refusals(node, 'limit')).toBe(1);
    slow.forEach((socket) => socket.destroy());
    await expect
      .poll(async () => {
        const gateway = await connectTls(node.port, GATEWAY_TLS);
        if (gateway.socket.destroyed) return null;
        return (await gateway.exchange(CER))[0]?.resultCode;
      })
      .toBe(2001);
  });

  it('connects to a peer that is declared to use it, and checks who that is', async () => {
    const gateway = await start({
      identity: { host: 'pgw1.visited.example', realm: 'visited.example', originStateId: 1 },
      tls: GATEWAY_TLS,
      peers: [
        {
          name: 'ocs',
          originHost: 'tolld-1.ocs.example',
          realm: 'ocs.example',
          networkScope: 'x',
          security: 'tls',
        },
      ],
    });
    const connectTo = [{ host: '127.0.0.1', port: gateway.port }];
    const node = await start({ peers: [{ ...GATEWAY, security: 'tls', connect: connectTo }] });
    await expect.poll(() => node.server.connections()).toHaveLength(1);
    expect(gateway.server.connections()).toMatchObject([{ peer: 'ocs' }]);
  });
});
