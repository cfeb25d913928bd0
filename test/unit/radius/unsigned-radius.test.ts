/** RADIUS/1.1: over TLS, without MD5 [RFC 9765]. */
import type { TLSSocket } from 'node:tls';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { AccessDecision, AccountingOutcome } from '../../../src/domain/access.js';
import { attributeValue, type RawAttribute } from '../../../src/radius/attribute.js';
import { chapDigest } from '../../../src/radius/authentication/chap.js';
import {
  challengeResponse,
  ntPasswordHash,
  ntResponse,
} from '../../../src/radius/authentication/ms-chap.js';
import { md4 } from '../../../src/radius/authentication/md4.js';
import { serverKeys } from '../../../src/radius/authentication/mppe.js';
import {
  MsChap2Response,
  MsChapChallenge,
  MsChapMppeKeys,
  MsChapResponse,
  MsMppeRecvKey,
  MsMppeSendKey,
} from '../../../src/radius/generated/microsoft.js';
import {
  AcctSessionId,
  AcctStatusType,
  ChapChallenge,
  ChapPassword,
  EapMessage,
  ErrorCause,
  MessageAuthenticator,
  ReplyMessage,
  UserName,
  UserPassword,
} from '../../../src/radius/generated/standard.js';
import { PACKET_CODES, packetCodeName } from '../../../src/radius/packet-code.js';
import { decodePacket, type RadiusPacket } from '../../../src/radius/packet.js';
import { encodeTokenPacket, tokenOf } from '../../../src/radius/token-packet.js';
import { admitSekrit, testNas } from '../../support/radius-front.js';
import {
  closing,
  createRadiusTlsBench,
  receive,
  type TestFront,
} from '../../support/radius-tls.js';
import { readWireVectors } from '../../support/radius-vectors.js';

const bench = createRadiusTlsBench();
const { authority, theirs, start } = bench;
afterEach(() => bench.cleanUp());
afterAll(() => authority.remove());

const BOTH = ['radius/1.0', 'radius/1.1'];

async function dial(front: TestFront, protocols: readonly string[] = BOTH): Promise<TLSSocket> {
  const socket = await bench.dial(front, theirs, { ALPNProtocols: [...protocols] });
  expect(socket.alpnProtocol).toBe('radius/1.1');
  return socket;
}

function read(octets: Buffer | undefined): RadiusPacket {
  const result = decodePacket(octets ?? Buffer.alloc(0));
  if (!result.ok) throw new Error(result.malformation);
  return result.packet;
}

async function ask(
  socket: TLSSocket,
  code: keyof typeof PACKET_CODES,
  attributes: readonly RawAttribute[],
  token = 7,
): Promise<RadiusPacket> {
  socket.write(encodeTokenPacket(PACKET_CODES[code], token, attributes));
  const [octets] = await receive(socket, 1);
  const packet = read(octets);
  expect(tokenOf(packet.bytes)).toBe(token);
  return packet;
}

const named = attributeValue(UserName, 'alice');
const password = (text: string): RawAttribute => attributeValue(UserPassword, Buffer.from(text));
const report = [
  attributeValue(AcctStatusType, AcctStatusType.values.Start),
  attributeValue(AcctSessionId, Buffer.from('81000001')),
];

describe('a packet of RADIUS/1.1', () => {
  it.each(readWireVectors('token-packets.txt'))(
    '$name is answered octet for octet',
    async ({ octets, lines }) => {
      const front = await start();
      const socket = await dial(front);
      socket.write(octets);
      const [reply] = await receive(socket, 1);
      const expected = (lines.get('reply') ?? []).join('').replaceAll(' ', '');
      expect(reply?.toString('hex')).toBe(expected);
    },
  );

  it('is another one than the one before that had its token', async () => {
    const front = await start();
    const socket = await dial(front);
    const first = await ask(socket, 'Access-Request', [named, password('sekrit')], 1);
    const second = await ask(socket, 'Access-Request', [named, password('other')], 1);
    expect([first, second].map(({ code }) => packetCodeName(code))).toEqual([
      'Access-Accept',
      'Access-Reject',
    ]);
    const [one, other] = front.requests;
    expect(one?.requestKey).not.toBe(other?.requestKey);
  });

  it('is another one, too, than one under way that has its token', async () => {
    const waiting: ((outcome: AccountingOutcome) => void)[] = [];
    const front = await start({
      accounting: () =>
        new Promise((resolve) => {
          waiting.push(resolve);
          if (waiting.length === 2) for (const answer of waiting) answer({ kind: 'recorded' });
        }),
    });
    const socket = await dial(front);
    const octets = encodeTokenPacket(PACKET_CODES['Accounting-Request'], 1, report);
    socket.write(Buffer.concat([octets, octets]));
    const replies = await receive(socket, 2);
    expect(replies.map(([code]) => packetCodeName(code ?? 0))).toEqual([
      'Accounting-Response',
      'Accounting-Response',
    ]);
  });

  it('needs no identifier, so that more than 256 can wait on one connection', async () => {
    const waiting: ((outcome: AccountingOutcome) => void)[] = [];
    let all: (() => void) | undefined;
    const arrived = new Promise<void>((resolve) => (all = resolve));
    const count = 300;
    const front = await start(
      {
        accounting: () =>
          new Promise((resolve) => {
            waiting.push(resolve);
            if (waiting.length === count) all?.();
          }),
      },
      { limits: { pendingPerConnectionMax: 1_000 } },
    );
    const socket = await dial(front);
    const code = PACKET_CODES['Accounting-Request'];
    for (let token = 0; token < count; token += 1) {
      socket.write(encodeTokenPacket(code, token, report));
    }
    await arrived;
    for (const answer of waiting) answer({ kind: 'recorded' });
    const tokens = (await receive(socket, count)).map(tokenOf);
    expect(new Set(tokens).size).toBe(count);
    expect(front.server.pending).toBe(0);
  });
});

describe('a login over RADIUS/1.1', () => {
  it('with its password in clear comes in, and is answered without a signature', async () => {
    const socket = await dial(await start());
    const reply = await ask(socket, 'Access-Request', [named, password('sekrit')]);
    expect(packetCodeName(reply.code)).toBe('Access-Accept');
    expect(reply.has(MessageAuthenticator)).toBe(false);
    expect(reply.bytes.subarray(8, 20)).toEqual(Buffer.alloc(12));
  });

  it.each([
    ['nothing', ''],
    ['more than 128 octets', 'x'.repeat(129)],
  ])('with %s for a password has no proof', async (_name, text) => {
    const front = await start();
    const socket = await dial(front);
    await ask(socket, 'Access-Request', [named, password(text)]);
    expect(front.requests[0]?.proof.method).toBe('none');
  });

  it('by CHAP needs a challenge of its own', async () => {
    const front = await start();
    const socket = await dial(front);
    const challenge = Buffer.alloc(16, 9);
    const answer = (of: Buffer): RawAttribute =>
      attributeValue(ChapPassword, Buffer.concat([Buffer.from([1]), chapDigest(1, 'sekrit', of)]));
    const with1 = [named, answer(challenge), attributeValue(ChapChallenge, challenge)];
    expect(packetCodeName((await ask(socket, 'Access-Request', with1)).code)).toBe('Access-Accept');
    // The octets that would be the authenticator in 1.0: the token and zeros.
    const header = Buffer.alloc(16);
    header.writeUInt32BE(7);
    const without = [named, answer(header)];
    expect(packetCodeName((await ask(socket, 'Access-Request', without)).code)).toBe(
      'Access-Reject',
    );
    expect(front.requests[1]?.proof.method).toBe('none');
  });

  it('by MS-CHAP-V2 gets its keys in clear', async () => {
    const socket = await dial(await start());
    const exchange = {
      authenticatorChallenge: Buffer.alloc(16, 1),
      peerChallenge: Buffer.alloc(16, 2),
      userName: 'alice',
    };
    const hash = ntPasswordHash('sekrit');
    const nt = ntResponse(exchange, hash);
    const parts = [Buffer.from([1, 0]), exchange.peerChallenge, Buffer.alloc(8), nt];
    const reply = await ask(socket, 'Access-Request', [
      named,
      attributeValue(MsChapChallenge, exchange.authenticatorChallenge),
      attributeValue(MsChap2Response, Buffer.concat(parts)),
    ]);
    const keys = serverKeys(hash, nt);
    expect(reply.get(MsMppeSendKey)).toEqual(keys.send);
    expect(reply.get(MsMppeRecvKey)).toEqual(keys.receive);
  });

  it('by MS-CHAP gets its keys in clear', async () => {
    const socket = await dial(await start());
    const challenge = Buffer.alloc(8, 3);
    const hash = ntPasswordHash('sekrit');
    const nt = challengeResponse(challenge, hash);
    const reply = await ask(socket, 'Access-Request', [
      named,
      attributeValue(MsChapChallenge, challenge),
      attributeValue(MsChapResponse, Buffer.concat([Buffer.from([1, 1]), Buffer.alloc(24), nt])),
    ]);
    expect(reply.get(MsChapMppeKeys)).toEqual(Buffer.concat([Buffer.alloc(8), md4(hash)]));
  });

  it('by EAP needs no Message-Authenticator', async () => {
    const socket = await dial(await start());
    const identity = Buffer.concat([Buffer.from([2, 1, 0, 10, 1]), Buffer.from('alice')]);
    const reply = await ask(socket, 'Access-Request', [
      named,
      attributeValue(EapMessage, identity),
    ]);
    expect(packetCodeName(reply.code)).toBe('Access-Challenge');
  });
});

describe('a request that is not processed', () => {
  const causeOf = async (front: TestFront, attributes = [named, password('sekrit')]) => {
    const reply = await ask(await dial(front), 'Access-Request', attributes);
    return [packetCodeName(reply.code), reply.get(ErrorCause)];
  };
  const unavailable = ['Protocol-Error', ErrorCause.values['Resources-Unavailable']];

  it.each<[string, () => Promise<AccessDecision>]>([
    ['nothing could be decided', async () => ({ kind: 'unavailable' })],
    ['the engine fails', () => Promise.reject(new Error('no engine'))],
  ])('is told so where %s', async (_name, access) => {
    expect(await causeOf(await start({ access }))).toEqual(unavailable);
  });

  it('is told so where there is no room for it', async () => {
    expect(await causeOf(await start({}, { limits: { pendingMax: 0 } }))).toEqual(unavailable);
  });

  it('is told so where it cannot be read', async () => {
    const front = await start();
    const socket = await dial(front);
    const octets = encodeTokenPacket(PACKET_CODES['Access-Request'], 7, [named]);
    octets[21] = 0xff;
    socket.write(octets);
    const [reply] = await receive(socket, 1);
    expect(read(reply).get(ErrorCause)).toBe(ErrorCause.values['Invalid-Request']);
  });

  it('is told so where its NAS is none any more', async () => {
    const front = await start({ access: admitSekrit });
    const socket = await dial(front);
    await ask(socket, 'Access-Request', [named, password('sekrit')]);
    front.server.replaceClients([testNas()]);
    const reply = await ask(socket, 'Access-Request', [named, password('sekrit')]);
    expect(reply.get(ErrorCause)).toBe(ErrorCause.values['NAS-Identification-Mismatch']);
  });
});

describe('the version of a connection', () => {
  it('is 1.0, signed and hidden, for a NAS that says nothing', async () => {
    const front = await start();
    const socket = await bench.dial(front);
    expect(socket.alpnProtocol).toBe(false);
    // A packet of 1.1 proves nothing here.
    socket.write(encodeTokenPacket(PACKET_CODES['Accounting-Request'], 1, report));
    while ((await front.dropped('bad-authenticator')) === 0) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(front.reports).toEqual([]);
  });

  it.each<['1.0' | '1.1', string]>([
    ['1.0', 'radius/1.1'],
    ['1.1', 'radius/1.0'],
  ])(
    'is refused by an alert where %s is all there is and %s all that is asked for',
    async (version, protocol) => {
      const front = await start({}, { versions: [version] });
      await expect(bench.dial(front, theirs, { ALPNProtocols: [protocol] })).rejects.toMatchObject({
        code: 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL',
      });
      while (!front.lines.some(({ message }) => message === 'radius over tls: no common version')) {
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
  );

  it('is refused in words where 1.1 is required and the NAS says nothing', async () => {
    const front = await start({}, { versions: ['1.1'] });
    const socket = await bench.dial(front);
    const [octets] = await receive(socket, 1);
    const refusal = read(octets);
    expect(packetCodeName(refusal.code)).toBe('Protocol-Error');
    expect(refusal.bytes.subarray(4, 20)).toEqual(Buffer.alloc(16));
    expect(refusal.get(ErrorCause)).toBe(ErrorCause.values['Unsupported-Extension']);
    expect(refusal.get(ReplyMessage)).toContain('radius/1.1');
    socket.end();
    await closing(socket);
    expect(await front.dropped('tls-version')).toBe(1);
  });

  it('is not 1.1 over TLS 1.2', async () => {
    const front = await start();
    const socket = await bench.dial(front, theirs, {
      ALPNProtocols: BOTH,
      maxVersion: 'TLSv1.2',
    });
    const [octets] = await receive(socket, 1);
    expect(packetCodeName(read(octets).code)).toBe('Protocol-Error');
  });

  it('is agreed on anew each time, since no connection goes on with the keys of another', async () => {
    const front = await start();
    const first = await bench.dial(front, theirs, { ALPNProtocols: BOTH });
    const session = new Promise<Buffer>((resolve) => first.once('session', resolve));
    await ask(first, 'Access-Request', [named, password('sekrit')]);
    const kept = await session;
    first.destroy();
    const again = await bench.dial(front, theirs, { session: kept });
    expect(again.isSessionReused()).toBe(false);
  });
});
