/** Which RADIUS each NAS may speak over TLS, as the operator says [RFC 9765 3.3]. */
import type { TLSSocket } from 'node:tls';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { RadiusVersion } from '../../../src/domain/nas.js';
import { attributeValue } from '../../../src/radius/attribute.js';
import {
  AcctSessionId,
  AcctStatusType,
  ReplyMessage,
} from '../../../src/radius/generated/standard.js';
import type { NasClientOptions } from '../../../src/radius/nas-clients.js';
import { PACKET_CODES, packetCodeName } from '../../../src/radius/packet-code.js';
import { decodePacket } from '../../../src/radius/packet.js';
import { encodeTokenPacket } from '../../../src/radius/token-packet.js';
import { testNas } from '../../support/radius-front.js';
import {
  closing,
  createRadiusTlsBench,
  receive,
  type TestFront,
} from '../../support/radius-tls.js';

const bench = createRadiusTlsBench();
const { authority, theirs, start } = bench;
const others = authority.issue(['nas-2.example.net']);
afterEach(() => bench.cleanUp());
afterAll(() => authority.remove());

const ONE = '127.0.0.2';
const TWO = '127.0.0.3';
const [OLD, NEW] = ['radius/1.0', 'radius/1.1'] as const;
const NO_PROTOCOL = { code: 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL' };

function nas(tlsVersions: readonly RadiusVersion[], changes: Partial<NasClientOptions> = {}) {
  const certificateNames = ['nas-1.example.net'];
  return testNas({ addresses: [ONE], certificateNames, tlsVersions, ...changes });
}

function dial(front: TestFront, protocols: readonly string[], localAddress = ONE) {
  return bench.dial(front, theirs, { ALPNProtocols: [...protocols], localAddress });
}

/** What is said to a connection before it is left. */
async function wordsOf(socket: TLSSocket): Promise<[string, string | undefined]> {
  const [octets = Buffer.alloc(0)] = await receive(socket, 1);
  const result = decodePacket(octets);
  if (!result.ok) throw new Error(result.malformation);
  socket.end();
  await closing(socket);
  return [packetCodeName(result.packet.code), result.packet.get(ReplyMessage)];
}

const report = encodeTokenPacket(PACKET_CODES['Accounting-Request'], 7, [
  attributeValue(AcctStatusType, AcctStatusType.values.Start),
  attributeValue(AcctSessionId, Buffer.from('81000001')),
]);

describe('a NAS that is known by its address', () => {
  it.each<[readonly RadiusVersion[], readonly string[], string]>([
    [['1.0'], [OLD, NEW], OLD],
    [['1.0', '1.1'], [OLD, NEW], NEW],
    [['1.0', '1.1'], [OLD], OLD],
    [['1.1'], [OLD, NEW], NEW],
  ])('and may speak %j agrees, of %j, on %s', async (versions, offered, agreed) => {
    const front = await start({}, { clients: [nas(versions)] });
    expect((await dial(front, offered)).alpnProtocol).toBe(agreed);
  });

  it.each<[readonly RadiusVersion[], string]>([
    [['1.0'], NEW],
    [['1.1'], OLD],
  ])('and may speak %j is refused by an alert with %s alone', async (versions, offered) => {
    const front = await start({}, { clients: [nas(versions)] });
    await expect(dial(front, [offered])).rejects.toMatchObject(NO_PROTOCOL);
  });

  it('agrees on its own, whatever another may speak', async () => {
    const other = { name: 'other', certificateNames: ['nas-2.example.net'] };
    const clients = [nas(['1.0']), nas(['1.1'], { ...other, addresses: [TWO, '127.0.0.0/8'] })];
    const front = await start({}, { clients });
    expect((await dial(front, [OLD, NEW])).alpnProtocol).toBe(OLD);
    const socket = await bench.dial(front, others, {
      localAddress: TWO,
      ALPNProtocols: [OLD, NEW],
    });
    expect(socket.alpnProtocol).toBe(NEW);
  });

  it('has nothing to speak where the listener does not serve what it may', async () => {
    const front = await start({}, { clients: [nas(['1.1'])], versions: ['1.0'] });
    await expect(dial(front, [OLD, NEW])).rejects.toMatchObject(NO_PROTOCOL);
  });
});

describe('a NAS that is known by its certificate alone', () => {
  const byCertificate = (versions: readonly RadiusVersion[]) => nas(versions, { addresses: [] });

  it.each<[readonly RadiusVersion[], readonly string[], string]>([
    [['1.1'], [], NEW],
    [['1.1'], [OLD], NEW],
    [['1.0'], [OLD, NEW], OLD],
  ])('and may speak %j is refused in words with %j', async (versions, offered, served) => {
    const front = await start({}, { clients: [byCertificate(versions)] });
    const socket = await dial(front, offered);
    socket.write(report);
    expect(await wordsOf(socket)).toEqual(['Protocol-Error', `only ${served} is served, by ALPN`]);
    expect(front.reports).toEqual([]);
    expect(await front.dropped('tls-version')).toBe(1);
    expect(front.lines).toContainEqual(
      expect.objectContaining({ level: 'warn', message: 'radius over tls: version refused' }),
    );
  });

  it('agrees on what it may speak when it comes again, and so does another of its address', async () => {
    const other = { name: 'other', certificateNames: ['nas-2.example.net'], addresses: [] };
    const front = await start({}, { clients: [byCertificate(['1.0']), nas(['1.1'], other)] });
    const refused = await dial(front, [OLD, NEW]);
    refused.write(report);
    expect((await wordsOf(refused))[0]).toBe('Protocol-Error');
    expect((await dial(front, [OLD, NEW])).alpnProtocol).toBe(OLD);
    const dialOther = (protocols: string[]) =>
      bench.dial(front, others, { localAddress: ONE, ALPNProtocols: protocols });
    const socket = await dialOther([NEW]);
    socket.write(report);
    expect((await receive(socket, 1))[0]?.[0]).toBe(PACKET_CODES['Accounting-Response']);
    const mistaken = await dialOther([OLD, NEW]);
    expect((await wordsOf(mistaken))[0]).toBe('Protocol-Error');
    expect((await dialOther([OLD, NEW])).alpnProtocol).toBe(NEW);
  });

  it('is served by what it may speak', async () => {
    const front = await start({}, { clients: [byCertificate(['1.1'])] });
    const socket = await dial(front, [OLD, NEW]);
    socket.write(report);
    const [reply] = await receive(socket, 1);
    expect(reply?.[0]).toBe(PACKET_CODES['Accounting-Response']);
  });

  it('is held to what it may speak now, on a connection of before too', async () => {
    const front = await start({}, { clients: [byCertificate(['1.0', '1.1'])] });
    const socket = await dial(front, [OLD, NEW]);
    front.server.replaceClients([byCertificate(['1.0'])]);
    socket.write(report);
    expect((await wordsOf(socket))[0]).toBe('Protocol-Error');
    expect(front.reports).toEqual([]);
  });
});
