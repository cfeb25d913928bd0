import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { AccountingOutcome } from '../../../src/domain/access.js';
import { attributeValue } from '../../../src/radius/attribute.js';
import {
  AcctSessionId,
  AcctStatusType,
  UserName,
  UserPassword,
} from '../../../src/radius/generated/standard.js';
import { hidePassword } from '../../../src/radius/hidden-value.js';
import { PacketFramer } from '../../../src/radius/packet-framer.js';
import { packetCodeName } from '../../../src/radius/packet-code.js';
import { SharedSecret } from '../../../src/radius/shared-secret.js';
import { certificateNames } from '../../../src/domain/tls-identity.js';
import { createAuthority } from '../../support/certificates.js';
import { buildRequest, readReply, type BuiltRequest } from '../../support/radius-client.js';
import { testNas } from '../../support/radius-front.js';
import { closing, createRadiusTlsBench, receive } from '../../support/radius-tls.js';

const radsec = new SharedSecret('radsec');
const bench = createRadiusTlsBench();
const { authority, start, dial } = bench;

afterEach(() => bench.cleanUp());
afterAll(() => authority.remove());

function login(identifier: number): BuiltRequest {
  const authenticator = Buffer.alloc(16, identifier);
  const hidden = hidePassword(Buffer.from('sekrit'), radsec, authenticator);
  return buildRequest({
    code: 'Access-Request',
    identifier,
    secret: radsec,
    authenticator,
    messageAuthenticator: false,
    attributes: [attributeValue(UserName, 'alice'), attributeValue(UserPassword, hidden)],
  });
}

function report(identifier: number): BuiltRequest {
  return buildRequest({
    code: 'Accounting-Request',
    identifier,
    secret: radsec,
    attributes: [
      attributeValue(AcctStatusType, AcctStatusType.values.Start),
      attributeValue(AcctSessionId, Buffer.from(`session ${identifier}`)),
    ],
  });
}

function status(identifier: number): BuiltRequest {
  return buildRequest({ code: 'Status-Server', identifier, secret: radsec });
}

describe('RADIUS over TLS', () => {
  it('carries everything over one connection, with the secret radsec', async () => {
    const front = await start();
    const socket = await dial(front);
    const requests = [login(1), report(2), status(3)];
    socket.write(Buffer.concat(requests.map(({ octets }) => octets)));
    const replies = await receive(socket, 3);
    const codes = new Map(
      replies.map((octets) => {
        const request = requests.find((one) => one.octets[1] === octets[1]);
        if (request === undefined) throw new Error('an answer to nothing');
        const reply = readReply(octets, request);
        return [reply.identifier, packetCodeName(reply.code)];
      }),
    );
    expect([codes.get(1), codes.get(2), codes.get(3)]).toEqual([
      'Access-Accept',
      'Accounting-Response',
      'Access-Accept',
    ]);
    expect(front.requests[0]?.nas).toBe('bng-1');
  });

  it('takes packets that arrive octet by octet', async () => {
    const front = await start();
    const socket = await dial(front);
    for (const octet of login(1).octets) socket.write(Buffer.from([octet]));
    const [reply] = await receive(socket, 1);
    expect(packetCodeName(reply?.[0] ?? 0)).toBe('Access-Accept');
  });

  it('closes a connection whose length is no length', async () => {
    const front = await start();
    const socket = await dial(front);
    const closed = closing(socket);
    socket.write(Buffer.from('01000000', 'hex'));
    await closed;
    expect(await front.dropped('length-out-of-range')).toBe(1);
  });

  it('turns away a certificate that belongs to no NAS', async () => {
    const front = await start();
    const stranger = authority.issue(['other.example.net']);
    const socket = await dial(front, stranger);
    await closing(socket);
    expect(await front.dropped('unknown-client')).toBe(1);
  });

  it('turns away whoever shows no certificate, or one of another authority', async () => {
    const front = await start();
    const other = createAuthority();
    const foreign = other.issue(['nas-1.example.net']);
    other.remove();
    for (const by of [null, foreign]) {
      const socket = await dial(front, by);
      await closing(socket);
    }
    expect(await front.dropped('tls-handshake')).toBe(2);
    expect(front.requests).toEqual([]);
  });

  it('does not serve a NAS any more that was removed while connected', async () => {
    const front = await start();
    const socket = await dial(front);
    socket.write(login(1).octets);
    await receive(socket, 1);
    front.server.replaceClients([testNas()]);
    socket.write(login(2).octets);
    while ((await front.dropped('unknown-client')) === 0) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(front.requests).toHaveLength(1);
  });

  it('reads no more from a connection with enough under way, and goes on later', async () => {
    const waiting: ((outcome: AccountingOutcome) => void)[] = [];
    let arrived: (() => void) | undefined;
    const front = await start(
      {
        accounting: () =>
          new Promise((resolve) => {
            waiting.push(resolve);
            arrived?.();
          }),
      },
      { limits: { pendingPerConnectionMax: 1 } },
    );
    const socket = await dial(front);
    socket.write(report(1).octets);
    while (waiting.length < 1) await new Promise<void>((resolve) => (arrived = resolve));
    socket.write(report(2).octets);
    expect(front.reports).toHaveLength(1);
    waiting[0]?.({ kind: 'recorded' });
    while (waiting.length < 2) await new Promise<void>((resolve) => (arrived = resolve));
    waiting[1]?.({ kind: 'recorded' });
    expect(await receive(socket, 2)).toHaveLength(2);
  });
});

describe('names of a certificate', () => {
  it.each<[string, Parameters<typeof certificateNames>[0], string[]]>([
    [
      'DNS names, addresses and the common name',
      { subjectaltname: 'DNS:a.example, IP Address:192.0.2.1', subject: { CN: 'b.example' } },
      ['a.example', '192.0.2.1', 'b.example'],
    ],
    ['several common names', { subject: { CN: ['a', 'b'] } }, ['a', 'b']],
    ['none', {}, []],
    [
      'nothing quoted, which could hide a name in another',
      { subjectaltname: 'DNS:"a.example, DNS:b.example", URI:c' },
      [],
    ],
    ['no wildcards', { subjectaltname: 'DNS:*.example' }, []],
  ])('are %s', (_name, certificate, names) => {
    expect(certificateNames(certificate)).toEqual(names);
  });
});

describe('a stream is cut into packets', () => {
  const packet = (octets: number): Buffer => {
    const bytes = Buffer.alloc(octets, 7);
    bytes.writeUInt16BE(octets, 2);
    return bytes;
  };

  it('wherever it is split', () => {
    const stream = Buffer.concat([packet(20), packet(4096), packet(33)]);
    for (const size of [1, 2, 3, 19, 20, 21, 4000, 5000]) {
      const framer = new PacketFramer();
      const packets: number[] = [];
      for (let at = 0; at < stream.length; at += size) {
        const taken = framer.take(stream.subarray(at, at + size));
        packets.push(...taken.packets.map(({ length }) => length));
      }
      expect([packets, framer.held]).toEqual([[20, 4096, 33], 0]);
    }
  });

  it.each([0, 19, 4097, 65_535])('or broken by a length of %i', (length) => {
    const bytes = Buffer.alloc(40);
    bytes.writeUInt16BE(length, 2);
    const taken = new PacketFramer().take(Buffer.concat([packet(20), bytes]));
    expect([taken.packets.length, taken.broken]).toEqual([1, true]);
  });
});
