import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { SessionPointer, SteeringOrder } from '../../../../src/domain/access.js';
import { createMetrics } from '../../../../src/observability/metrics.js';
import { attributeValue } from '../../../../src/radius/attribute.js';
import {
  encodeReply,
  verifyMessageAuthenticator,
  verifyRequestAuthenticator,
} from '../../../../src/radius/authenticator.js';
import { describeAttribute } from '../../../../src/radius/description.js';
import {
  createDynamicAuthorizationClient,
  type DynamicAuthorizationClient,
  type DynamicAuthorizationLimits,
} from '../../../../src/radius/dynamic-authorization/client.js';
import { ErrorCause, MessageAuthenticator } from '../../../../src/radius/generated/standard.js';
import type { NasClientOptions } from '../../../../src/radius/nas-clients.js';
import { PACKET_CODES, packetCodeName } from '../../../../src/radius/packet-code.js';
import { decodePacket, type RadiusPacket } from '../../../../src/radius/packet.js';
import { SharedSecret } from '../../../../src/radius/shared-secret.js';
import { collectingLogger } from '../../../support/collecting-logger.js';
import { testNas } from '../../../support/radius-front.js';

const secret = new SharedSecret('testing123');
const NOW = 1_800_000_000_000;
const cleanups: (() => Promise<void>)[] = [];

afterEach(async () => {
  vi.useRealTimers();
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface Received {
  readonly packet: RadiusPacket;
  readonly octets: Buffer;
  readonly remote: RemoteInfo;
}

type Answering = (received: Received, reply: (octets: Buffer) => void) => void;

/** Where a NAS takes requests; `answer` says what it does with each. */
async function listen(answer: Answering, address = '127.0.0.1') {
  const socket: Socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  const received: Received[] = [];
  let arrived: (() => void) | undefined;
  socket.on('message', (octets, remote) => {
    const result = decodePacket(octets);
    if (!result.ok) throw new Error(result.malformation);
    const one = { packet: result.packet, octets, remote };
    received.push(one);
    answer(one, (reply) => socket.send(reply, remote.port, remote.address));
    arrived?.();
  });
  await new Promise<void>((resolve) => socket.bind(0, address, resolve));
  cleanups.push(() => new Promise((resolve) => socket.close(() => resolve())));
  const count = async (wanted: number): Promise<void> => {
    while (received.length < wanted) {
      await new Promise<void>((resolve) => {
        arrived = resolve;
      });
    }
  };
  return { received, count, port: socket.address().port, address };
}

function ack(packet: RadiusPacket, by = secret, cause?: number): Buffer {
  return encodeReply({
    code: packet.code + (cause === undefined ? 1 : 2),
    request: packet,
    attributes: cause === undefined ? [] : [attributeValue(ErrorCause, cause)],
    secret: by,
    messageAuthenticator: packet.has(MessageAuthenticator),
  });
}

const acknowledge: Answering = ({ packet }, reply) => reply(ack(packet));
const ignore: Answering = () => undefined;

function open(
  nas: { readonly address: string; readonly port: number },
  changes: Partial<NasClientOptions> = {},
  limits: Partial<DynamicAuthorizationLimits> = {},
): DynamicAuthorizationClient & { exposition: () => Promise<string> } {
  const metrics = createMetrics({ processMetrics: false });
  const options = testNas({
    dynamicAuthorization: { address: nas.address, port: nas.port },
    ...changes,
  });
  const client = createDynamicAuthorizationClient(
    { clients: [options], limits: { retransmission: QUICK, ...limits } },
    { logger: collectingLogger().logger, metrics, clock: () => NOW, random: () => 0.5 },
  );
  cleanups.push(() => client.close());
  return Object.assign(client, { exposition: () => metrics.exposition() });
}

const QUICK = { initialMs: 5, waitMaxMs: 20, triesMax: 3, durationMaxMs: 10_000 };
/** Where an answer comes in the end, however late a busy machine has it. */
const PERSISTENT = { ...QUICK, triesMax: 10_000, durationMaxMs: 60_000 };
const PATIENT = { initialMs: 60_000, waitMaxMs: 60_000, triesMax: 3, durationMaxMs: 60_000 };

const session: SessionPointer = {
  nas: 'bng-1',
  sessionKey: 'radius:bng-1:81c00003',
  userName: 'alice',
  address: '10.0.0.5',
  station: 'AA:BB:CC:00:11:22',
  connection: 'pppoe',
};
const disconnect: SteeringOrder = { kind: 'disconnect' };
const slower: SteeringOrder = {
  kind: 'change',
  terms: { speed: { uploadBitsPerSecond: 1_000_000, downloadBitsPerSecond: 2_000_000 } },
};

function words({ packet }: Received): string[] {
  const attributes = packet.attributes().map((attribute) => {
    const { name, value } = describeAttribute(attribute);
    return name === 'Message-Authenticator' ? name : `${name} ${value}`;
  });
  return [packetCodeName(packet.code), ...attributes];
}

describe('an order', () => {
  it('to disconnect names the session and nothing else, and is acknowledged', async () => {
    const nas = await listen(acknowledge);
    const outcome = await open(nas).steer(session, disconnect);
    expect(outcome).toEqual({ kind: 'acknowledged', unchanged: [] });
    const [first] = nas.received;
    if (first === undefined) throw new Error('nothing was sent');
    expect(words(first)).toEqual([
      'Disconnect-Request',
      'Message-Authenticator',
      'User-Name alice',
      'Acct-Session-Id 0x3831633030303033',
      'Framed-IP-Address 10.0.0.5',
      'Event-Timestamp 1800000000',
    ]);
    expect(verifyRequestAuthenticator(first.packet, secret)).toBe(true);
    expect(verifyMessageAuthenticator(first.packet, secret, Buffer.alloc(16))).toBe('valid');
  });

  it('to change carries the terms that the NAS can change, and names the others', async () => {
    const nas = await listen(acknowledge);
    const outcome = await open(nas).steer(session, {
      kind: 'change',
      terms: { ...slower.terms, interimSeconds: 60 },
    });
    expect(outcome).toEqual({ kind: 'acknowledged', unchanged: ['interimSeconds'] });
    expect(nas.received.map(words)[0]).toContain('Mikrotik-Rate-Limit 1M/2M');
    expect(packetCodeName(nas.received[0]?.packet.code ?? 0)).toBe('CoA-Request');
  });

  it('goes to a NAS behind a shared address with its identifier, and without what is unknown', async () => {
    const nas = await listen(acknowledge);
    const client = open(nas, {
      nasIdentifier: 'tower-a',
      dynamicAuthorization: { ...nas, messageAuthenticator: false },
    });
    const unknown = { ...session, userName: null, address: 'somewhere' };
    await client.steer(unknown, disconnect);
    expect(nas.received.map(words)[0]).toEqual([
      'Disconnect-Request',
      'NAS-Identifier tower-a',
      'Acct-Session-Id 0x3831633030303033',
      'Event-Timestamp 1800000000',
    ]);
  });

  it('reaches a NAS over IPv6, however its address is spelled', async () => {
    const nas = await listen(acknowledge, '::1');
    const spelled = { address: '0:0:0:0:0:0:0:1', port: nas.port };
    expect(await open(spelled).steer(session, disconnect)).toMatchObject({ kind: 'acknowledged' });
  });
});

describe('a refusal', () => {
  it.each([
    ['Session-Context-Not-Found', 503, true],
    ['NAS-Identification-Mismatch', 403, false],
    ['Resources-Unavailable', 506, false],
    ['999', 999, false],
  ])('says its cause: %s', async (cause, number, sessionGone) => {
    const nas = await listen(({ packet }, reply) => reply(ack(packet, secret, number)));
    expect(await open(nas).steer(session, slower)).toEqual({ kind: 'refused', cause, sessionGone });
  });

  it('may have none', async () => {
    const nas = await listen(({ packet }, reply) =>
      reply(
        encodeReply({
          code: PACKET_CODES['CoA-NAK'],
          request: packet,
          attributes: [],
          secret,
          messageAuthenticator: false,
        }),
      ),
    );
    const outcome = await open(nas).steer(session, slower);
    expect(outcome).toEqual({ kind: 'refused', cause: null, sessionGone: false });
  });
});

describe('without an answer', () => {
  it('the same octets are sent again from the same port, a number of times', async () => {
    const nas = await listen(ignore);
    const client = open(nas);
    expect(await client.steer(session, disconnect)).toEqual({ kind: 'unanswered', tries: 3 });
    await nas.count(3);
    const [first, ...again] = nas.received;
    expect(again).toHaveLength(2);
    for (const { octets, remote } of again) {
      expect(octets).toEqual(first?.octets);
      expect(remote.port).toBe(first?.remote.port);
    }
    expect(await client.exposition()).toContain('tolld_radius_steering_resent_total 2');
  });

  it('an answer to a resend is an answer', async () => {
    let seen = 0;
    const nas = await listen(({ packet }, reply) => {
      seen += 1;
      if (seen === 3) reply(ack(packet));
    });
    const client = open(nas, {}, { retransmission: PERSISTENT });
    expect(await client.steer(session, disconnect)).toMatchObject({ kind: 'acknowledged' });
  });

  it('it is given up after the time in all', async () => {
    const nas = await listen(ignore);
    const retransmission = { ...QUICK, triesMax: 1_000_000, durationMaxMs: 30 };
    const outcome = await open(nas, {}, { retransmission }).steer(session, disconnect);
    expect(outcome.kind).toBe('unanswered');
  });
});

describe('what is no answer is not taken for one', () => {
  it.each<[string, (packet: RadiusPacket) => Buffer]>([
    ['signed with another secret', (packet) => ack(packet, new SharedSecret('other'))],
    ['no packet', () => Buffer.from([44, 0, 0])],
    [
      'an answer to another kind of request',
      (packet) =>
        encodeReply({
          code: PACKET_CODES['CoA-ACK'],
          request: packet,
          attributes: [],
          secret,
          messageAuthenticator: false,
        }),
    ],
    [
      'with a wrong Message-Authenticator',
      (packet) =>
        encodeReply({
          code: PACKET_CODES['Disconnect-ACK'],
          request: packet,
          attributes: [attributeValue(MessageAuthenticator, Buffer.alloc(16))],
          secret,
          messageAuthenticator: false,
        }),
    ],
    [
      'with another identifier',
      (packet) => {
        const octets = ack(packet);
        octets[1] = (octets[1] ?? 0) ^ 1;
        return octets;
      },
    ],
  ])('%s', async (_name, forge) => {
    let seen = 0;
    const nas = await listen(({ packet }, reply) => {
      seen += 1;
      reply(seen === 1 ? forge(packet) : ack(packet));
    });
    const client = open(nas, {}, { retransmission: PERSISTENT });
    expect(await client.steer(session, disconnect)).toMatchObject({ kind: 'acknowledged' });
    expect(seen).toBeGreaterThanOrEqual(2);
  });
});

describe('many orders', () => {
  it('go out a few at a time for each NAS', async () => {
    const held: (() => void)[] = [];
    const nas = await listen(({ packet }, reply) => held.push(() => reply(ack(packet))));
    const client = open(nas, {}, { pendingPerNasMax: 2, retransmission: PATIENT });
    const orders = Array.from({ length: 5 }, () => client.steer(session, disconnect));
    for (let answered = 0; answered < 5; answered += 1) {
      await nas.count(Math.min(5, answered + 2));
      expect(nas.received.length - answered).toBeLessThanOrEqual(2);
      held[answered]?.();
    }
    expect(await Promise.all(orders)).toHaveLength(5);
  });

  it('are sent from more ports than one when there are more than 256', async () => {
    const nas = await listen(acknowledge);
    const client = open(nas, {}, { retransmission: PATIENT });
    const outcomes = await Promise.all(
      Array.from({ length: 300 }, () => client.steer(session, disconnect)),
    );
    expect(outcomes.every(({ kind }) => kind === 'acknowledged')).toBe(true);
    expect(new Set(nas.received.map(({ remote }) => remote.port)).size).toBe(2);
  });

  it('are refused beyond what waits, and beyond what ports there are', async () => {
    const nas = await listen(ignore);
    const few = open(
      nas,
      {},
      { pendingPerNasMax: 1, waitingPerNasMax: 1, retransmission: PATIENT },
    );
    const orders = [few.steer(session, disconnect), few.steer(session, disconnect)];
    const refused = { kind: 'impossible', why: 'overloaded' };
    expect(await few.steer(session, disconnect)).toEqual(refused);
    await few.close();
    expect(await Promise.all(orders)).toEqual([
      { kind: 'impossible', why: 'closed' },
      { kind: 'impossible', why: 'closed' },
    ]);
    const portless = open(nas, {}, { portsMax: 0 });
    expect(await portless.steer(session, disconnect)).toEqual(refused);
  });
});

describe('while a secret is being changed', () => {
  it('the older one is tried when the newer is not answered, and first the next time', async () => {
    const nas = await listen(({ packet }, reply) => {
      if (verifyRequestAuthenticator(packet, secret)) reply(ack(packet));
    });
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const client = open(
      nas,
      { secrets: ['new secret', 'testing123'] },
      { retransmission: PATIENT },
    );
    const first = client.steer(session, disconnect);
    for (const tries of [1, 2]) {
      await nas.count(tries);
      await vi.advanceTimersByTimeAsync(PATIENT.initialMs);
    }
    expect(await first).toMatchObject({ kind: 'acknowledged' });
    expect(nas.received).toHaveLength(3);
    expect(await client.steer(session, disconnect)).toMatchObject({ kind: 'acknowledged' });
    expect(nas.received).toHaveLength(4);
  });
});

describe('an order is impossible', () => {
  it('to an unknown NAS, one without a way, or with nothing it can change', async () => {
    const nas = await listen(acknowledge);
    const client = open(nas);
    expect(await client.steer({ ...session, nas: 'bng-2' }, disconnect)).toEqual({
      kind: 'impossible',
      why: 'unknown-nas',
    });
    expect(await client.steer(session, { kind: 'change', terms: { vlan: 1 } })).toEqual({
      kind: 'impossible',
      why: 'nothing-changeable',
    });
    client.replaceClients([testNas()]);
    expect(await client.steer(session, disconnect)).toEqual({
      kind: 'impossible',
      why: 'not-configured',
    });
    expect(nas.received).toEqual([]);
    expect(await client.exposition()).toContain(
      'tolld_radius_steering_total{code="Disconnect-Request",outcome="impossible"} 2',
    );
  });

  it('with terms that cannot be written', async () => {
    const nas = await listen(acknowledge);
    const speed = { uploadBitsPerSecond: 0, downloadBitsPerSecond: 1 };
    const order: SteeringOrder = { kind: 'change', terms: { speed } };
    await expect(open(nas).steer(session, order)).rejects.toThrow(RangeError);
  });
});
