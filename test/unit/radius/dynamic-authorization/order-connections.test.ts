/** Orders over the connections that NAS have opened, by real TLS on loopback. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { TLSSocket } from 'node:tls';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { SessionPointer, SteeringOrder } from '../../../../src/domain/access.js';
import { createMetrics } from '../../../../src/observability/metrics.js';
import { attributeValue } from '../../../../src/radius/attribute.js';
import {
  encodeReply,
  messageAuthenticatorField,
  verifyMessageAuthenticator,
  verifyRequestAuthenticator,
} from '../../../../src/radius/authenticator.js';
import {
  createDynamicAuthorizationClient,
  type DynamicAuthorizationLimits,
} from '../../../../src/radius/dynamic-authorization/client.js';
import {
  AcctSessionId,
  AcctStatusType,
  ErrorCause,
  MessageAuthenticator,
  NasIdentifier,
  UserName,
} from '../../../../src/radius/generated/standard.js';
import type { NasClientOptions } from '../../../../src/radius/nas-clients.js';
import { PACKET_CODES, packetCodeName } from '../../../../src/radius/packet-code.js';
import { decodePacket, type RadiusPacket } from '../../../../src/radius/packet.js';
import type { RadiusVersion } from '../../../../src/domain/nas.js';
import { protocolsOf } from '../../../../src/radius/protocol-version.js';
import { SharedSecret } from '../../../../src/radius/shared-secret.js';
import { encodeTokenPacket, tokenOf } from '../../../../src/radius/token-packet.js';
import { collectingLogger } from '../../../support/collecting-logger.js';
import { buildRequest } from '../../../support/radius-client.js';
import { TEST_SECRET, testNas } from '../../../support/radius-front.js';
import { createRadiusTlsBench, receive } from '../../../support/radius-tls.js';

const radsec = new SharedSecret('radsec');
const bench = createRadiusTlsBench();
const cleanups: (() => Promise<void>)[] = [];

afterEach(async () => {
  await bench.cleanUp();
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});
afterAll(() => bench.authority.remove());

const session: SessionPointer = {
  nas: 'bng-1',
  sessionKey: 'radius:bng-1:81c00003',
  userName: 'alice',
  address: '10.0.0.5',
  station: null,
  connection: 'pppoe',
};
const disconnect: SteeringOrder = { kind: 'disconnect' };
const QUICK = { initialMs: 5, waitMaxMs: 20, triesMax: 3, durationMaxMs: 20 };

function overTls(changes: Partial<NasClientOptions> = {}): NasClientOptions {
  const certificateNames = ['nas-1.example.net'];
  return testNas({ addresses: [], certificateNames, steeringOverTls: true, ...changes });
}

async function open(
  clients: readonly NasClientOptions[] = [overTls()],
  limits: Partial<DynamicAuthorizationLimits> = {},
) {
  const metrics = createMetrics({ processMetrics: false });
  const client = createDynamicAuthorizationClient(
    { clients, limits },
    { logger: collectingLogger().logger, metrics },
  );
  cleanups.push(() => client.close());
  const front = await bench.start({ orders: client.connections }, { clients });
  const badReplies = async (): Promise<number> =>
    Number(
      /^tolld_radius_steering_bad_replies_total (\d+)$/m.exec(await metrics.exposition())?.[1],
    );
  /** Connects a NAS; resolves once the server knows of its connection. */
  const connect = async (version: RadiusVersion = '1.0'): Promise<TLSSocket> => {
    const before = logged(front.lines, 'radius over tls');
    const socket = await bench.dial(front, bench.theirs, { ALPNProtocols: protocolsOf([version]) });
    while (logged(front.lines, 'radius over tls') === before) await nextTurn();
    return socket;
  };
  return { client, front, connect, badReplies };
}

function logged(lines: readonly { readonly message: string }[], message: string): number {
  return lines.filter((line) => line.message === message).length;
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

interface Order {
  readonly packet: RadiusPacket;
  readonly octets: Buffer;
}

async function nextOrder(socket: TLSSocket): Promise<Order> {
  const [octets = Buffer.alloc(0)] = await receive(socket, 1);
  const result = decodePacket(octets);
  if (!result.ok) throw new Error(result.malformation);
  return { packet: result.packet, octets };
}

/** Code and attributes of an answer, by the version that is spoken. */
function answerTo({ packet, octets }: Order, version: RadiusVersion, cause?: number): Buffer {
  const code = packet.code + (cause === undefined ? 1 : 2);
  const attributes = cause === undefined ? [] : [attributeValue(ErrorCause, cause)];
  if (version === '1.1') return encodeTokenPacket(code, tokenOf(octets), attributes);
  return encodeReply({
    ...{ code, attributes, request: packet, secret: radsec, messageAuthenticator: true },
  });
}

describe.each<RadiusVersion>(['1.0', '1.1'])(
  'an order over the TLS of its NAS, RADIUS/%s',
  (version) => {
    it('names the session, is sent once and is acknowledged', async () => {
      const { client, connect } = await open();
      const socket = await connect(version);
      const outcome = client.steer(session, disconnect);
      const order = await nextOrder(socket);
      const { packet } = order;
      expect(packetCodeName(packet.code)).toBe('Disconnect-Request');
      expect([packet.get(UserName), packet.get(AcctSessionId)?.toString()]).toEqual([
        'alice',
        '81c00003',
      ]);
      if (version === '1.0') {
        expect(verifyRequestAuthenticator(packet, radsec)).toBe(true);
        const field = messageAuthenticatorField(packet);
        expect(verifyMessageAuthenticator(packet, radsec, field)).toBe('valid');
      } else expect(packet.has(MessageAuthenticator)).toBe(false);
      socket.write(answerTo(order, version));
      expect(await outcome).toEqual({ kind: 'acknowledged', unchanged: [] });
    });

    it('is refused for a cause', async () => {
      const { client, connect } = await open();
      const socket = await connect(version);
      const outcome = client.steer(session, disconnect);
      socket.write(answerTo(await nextOrder(socket), version, 503));
      expect(await outcome).toEqual({
        kind: 'refused',
        cause: 'Session-Context-Not-Found',
        sessionGone: true,
      });
    });

    it('is not answered by what answers another, or nothing', async () => {
      const { client, connect, badReplies } = await open();
      const socket = await connect(version);
      const outcome = client.steer(session, disconnect);
      const order = await nextOrder(socket);
      const genuine = answerTo(order, version);
      const other = Buffer.from(genuine);
      other[version === '1.1' ? 7 : 1] = (other[version === '1.1' ? 7 : 1] ?? 0) ^ 0x55;
      const ofChange = Buffer.from(genuine);
      ofChange[0] = PACKET_CODES['CoA-ACK'];
      const broken = Buffer.concat([genuine.subarray(0, 20), Buffer.from([18, 1])]);
      broken.writeUInt16BE(broken.length, 2);
      const forged: Buffer[] = [other, ofChange, broken];
      if (version === '1.0') {
        const signedByOther = encodeReply({
          code: PACKET_CODES['Disconnect-ACK'],
          attributes: [],
          request: order.packet,
          secret: new SharedSecret('not radsec'),
          messageAuthenticator: true,
        });
        forged.push(signedByOther);
      }
      socket.write(Buffer.concat([...forged, genuine]));
      expect(await outcome).toMatchObject({ kind: 'acknowledged' });
      expect(await badReplies()).toBe(forged.length);
    });

    it('and requests under way have identifiers of their own', async () => {
      const { client, connect, front } = await open();
      const socket = await connect(version);
      const outcome = client.steer(session, disconnect);
      const order = await nextOrder(socket);
      const identifier = version === '1.1' ? tokenOf(order.octets) : order.packet.identifier;
      const attributes = [
        attributeValue(AcctStatusType, AcctStatusType.values.Start),
        attributeValue(AcctSessionId, Buffer.from('81c00003')),
      ];
      socket.write(
        version === '1.1'
          ? encodeTokenPacket(PACKET_CODES['Accounting-Request'], identifier, attributes)
          : buildRequest({ code: 'Accounting-Request', identifier, attributes, secret: radsec })
              .octets,
      );
      const [response] = await receive(socket, 1);
      expect(packetCodeName(response?.[0] ?? 0)).toBe('Accounting-Response');
      expect(front.reports).toHaveLength(1);
      socket.write(answerTo(order, version));
      expect(await outcome).toMatchObject({ kind: 'acknowledged' });
    });

    it('that is not answered in time is given up', async () => {
      const { client, connect } = await open([overTls()], { retransmission: QUICK });
      await connect(version);
      expect(await client.steer(session, disconnect)).toEqual({ kind: 'unanswered', tries: 1 });
    });
  },
);

describe('an order to a NAS that takes them over TLS', () => {
  it('that is not connected waits for another try, and for a process that it is connected to', async () => {
    const { client, connect } = await open();
    expect(client.reaches('bng-1')).toBe(false);
    const notNow = { kind: 'impossible', why: 'not-connected' };
    expect(await client.steer(session, disconnect)).toEqual(notNow);
    const socket = await connect();
    expect(client.reaches('bng-1')).toBe(true);
    const outcome = client.steer(session, disconnect);
    await nextOrder(socket);
    socket.destroy();
    expect(await outcome).toEqual(notNow);
    expect(client.reaches('bng-1')).toBe(false);
  });

  it('goes as a datagram while it is not connected, where it takes those too', async () => {
    const socket = createSocket('udp4');
    cleanups.push(() => new Promise((resolve) => socket.close(() => resolve())));
    socket.on('message', (octets, remote) => {
      const result = decodePacket(octets);
      if (!result.ok) throw new Error(result.malformation);
      const reply = encodeReply({
        code: result.packet.code + 1,
        attributes: [],
        request: result.packet,
        secret: new SharedSecret(TEST_SECRET),
        messageAuthenticator: true,
      });
      socket.send(reply, remote.port, remote.address);
    });
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    const { address, port } = socket.address();
    const { client, connect } = await open([overTls({ dynamicAuthorization: { address, port } })]);
    expect(client.reaches('bng-1')).toBe(true);
    expect(await client.steer(session, disconnect)).toMatchObject({ kind: 'acknowledged' });
    const connection = await connect();
    const outcome = client.steer(session, disconnect);
    connection.write(answerTo(await nextOrder(connection), '1.0'));
    expect(await outcome).toMatchObject({ kind: 'acknowledged' });
  });

  it('goes over its newest connection, and over the one before when that is gone', async () => {
    const { client, connect, front } = await open();
    const older = await connect();
    const newer = await connect();
    const first = client.steer(session, disconnect);
    newer.write(answerTo(await nextOrder(newer), '1.0'));
    expect(await first).toMatchObject({ kind: 'acknowledged' });
    newer.destroy();
    while ((await front.tlsConnections()) > 1) await nextTurn();
    const second = client.steer(session, disconnect);
    older.write(answerTo(await nextOrder(older), '1.0'));
    expect(await second).toMatchObject({ kind: 'acknowledged' });
  });

  it('that shares its certificate goes over the connection that it was heard on', async () => {
    const named = (name: string) => overTls({ name, nasIdentifier: name });
    const { client, connect } = await open([named('bng-1'), named('bng-2')]);
    const [one, other] = [await connect(), await connect()];
    expect(client.reaches('bng-1')).toBe(false);
    for (const [socket, name] of [
      [one, 'bng-1'],
      [other, 'bng-2'],
    ] as const) {
      const attributes = [attributeValue(NasIdentifier, name)];
      socket.write(buildRequest({ code: 'Status-Server', attributes, secret: radsec }).octets);
      await receive(socket, 1);
    }
    const outcome = client.steer(session, disconnect);
    const order = await nextOrder(one);
    expect(order.packet.get(NasIdentifier)).toBe('bng-1');
    one.write(answerTo(order, '1.0'));
    expect(await outcome).toMatchObject({ kind: 'acknowledged' });
  });

  it('does not go over a connection whose certificate is another NAS its own by now', async () => {
    const { client, connect } = await open();
    await connect();
    expect(client.reaches('bng-1')).toBe(true);
    client.replaceClients([overTls({ certificateNames: ['nas-2.example.net'] })]);
    expect(client.reaches('bng-1')).toBe(false);
  });

  it('goes by datagrams alone, or nowhere, where that was not declared', async () => {
    const { client, connect } = await open([overTls({ steeringOverTls: false })]);
    await connect();
    expect(client.reaches('bng-1')).toBe(false);
    expect(await client.steer(session, disconnect)).toEqual({
      kind: 'impossible',
      why: 'not-configured',
    });
  });

  it('finds no room beyond the identifiers of a connection', async () => {
    const { client, connect } = await open([overTls()], { pendingPerNasMax: 1_000 });
    await connect();
    const outcomes = Array.from({ length: 257 }, () => client.steer(session, disconnect));
    expect(await outcomes[256]).toEqual({ kind: 'impossible', why: 'overloaded' });
    await client.close();
    expect(await outcomes[0]).toEqual({ kind: 'impossible', why: 'closed' });
  });
});
