/**
 * How many accounting requests a core verifies, decodes into the report that credit control takes,
 * and answers; and how many logins it reads and accepts. The reference is the two MD5 that the
 * protocol asks of an accounting request and its response, over the same octets: what no
 * implementation can leave out.
 */
import { createHash } from 'node:crypto';
import type { AccessTerms } from '../src/domain/access.js';
import type { Amount } from '../src/domain/amounts.js';
import { readReport } from '../src/radius/accounting-report.js';
import { attributeValue, type RawAttribute } from '../src/radius/attribute.js';
import { papCheck } from '../src/radius/authentication/pap.js';
import {
  encodeReply,
  encodeRequest,
  messageAuthenticatorField,
  verifyMessageAuthenticator,
  verifyRequestAuthenticator,
} from '../src/radius/authenticator.js';
import { writeAcceptTerms } from '../src/radius/authorization/capabilities.js';
import { encodeClass } from '../src/radius/class-value.js';
import {
  AcctAuthentic,
  AcctDelayTime,
  AcctInputGigawords,
  AcctInputOctets,
  AcctInputPackets,
  AcctOutputGigawords,
  AcctOutputOctets,
  AcctOutputPackets,
  AcctSessionId,
  AcctSessionTime,
  AcctStatusType,
  CalledStationId,
  CallingStationId,
  Class,
  EventTimestamp,
  FramedIpAddress,
  FramedProtocol,
  NasIdentifier,
  NasIpAddress,
  NasPort,
  NasPortId,
  NasPortType,
  ServiceType,
  UserName,
  UserPassword,
} from '../src/radius/generated/standard.js';
import { hidePassword } from '../src/radius/hidden-value.js';
import { createNasRegistry } from '../src/radius/nas-clients.js';
import { PACKET_CODES } from '../src/radius/packet-code.js';
import { decodePacket, type RadiusPacket } from '../src/radius/packet.js';
import { createSealingKeys } from '../src/radius/sealing-keys.js';
import { median } from './median.js';

const PACKETS = 2_048;
const ROUNDS = 7;
const PER_ROUND = 60_000;
const SECRET = 'a shared secret';
const PASSWORD = 'correct horse';

const nas = createNasRegistry([
  {
    name: 'bng-1',
    networkScope: 'isp',
    addresses: ['192.0.2.1'],
    secrets: [SECRET],
    vendor: 'mikrotik',
  },
]).named('bng-1');
if (nas === undefined) throw new Error('no NAS');
const router = nas;
const [secret] = router.secrets;
const keys = createSealingKeys(['sixteen octets at least']);
const handle = { partition: 17, accountId: 'acc-000017', nonce: '00112233445566778899aabb' };
const classValue = encodeClass(handle, keys);
const terms: AccessTerms = {
  speed: { uploadBitsPerSecond: 5_000_000, downloadBitsPerSecond: 20_000_000 },
  sessionSecondsMax: 86_400,
  interimSeconds: 300,
  totalOctetsMax: 30_000_000_000 as Amount,
  ipv4: { kind: 'pool', name: 'pool1' },
};

/** What RouterOS sends about a PPPoE session. */
function common(n: number): RawAttribute[] {
  return [
    attributeValue(ServiceType, ServiceType.values.Framed),
    attributeValue(FramedProtocol, FramedProtocol.values.PPP),
    attributeValue(NasPort, 2_163_212_291 + n),
    attributeValue(NasPortType, NasPortType.values.Ethernet),
    attributeValue(UserName, `subscriber${n}@example.net`),
    attributeValue(CallingStationId, 'AA:BB:CC:00:11:22'),
    attributeValue(CalledStationId, 'isp'),
    attributeValue(NasPortId, 'ether2'),
    attributeValue(AcctSessionId, Buffer.from((0x81c0_0000 + n).toString(16))),
    attributeValue(NasIdentifier, 'bng-1'),
    attributeValue(NasIpAddress, '192.0.2.1'),
  ];
}

function interim(n: number): Buffer {
  const attributes = [
    ...common(n),
    attributeValue(AcctStatusType, AcctStatusType.values['Interim-Update']),
    attributeValue(FramedIpAddress, '10.0.0.5'),
    attributeValue(AcctAuthentic, AcctAuthentic.values.RADIUS),
    attributeValue(EventTimestamp, 1_800_000_000),
    attributeValue(AcctSessionTime, 3_600 + n),
    attributeValue(AcctInputOctets, 123_456_789),
    attributeValue(AcctInputGigawords, 0),
    attributeValue(AcctOutputOctets, 987_654_321),
    attributeValue(AcctOutputGigawords, 3),
    attributeValue(AcctInputPackets, 100_000),
    attributeValue(AcctOutputPackets, 200_000),
    attributeValue(Class, classValue),
    attributeValue(AcctDelayTime, 0),
  ];
  return encodeRequest({
    code: PACKET_CODES['Accounting-Request'],
    identifier: n % 256,
    attributes,
    secret,
    messageAuthenticator: false,
    randomAuthenticator: null,
  });
}

function login(n: number): Buffer {
  const authenticator = createHash('md5').update(String(n)).digest();
  const hidden = hidePassword(Buffer.from(PASSWORD), secret, authenticator);
  return encodeRequest({
    code: PACKET_CODES['Access-Request'],
    identifier: n % 256,
    attributes: [...common(n), attributeValue(UserPassword, hidden)],
    secret,
    messageAuthenticator: true,
    randomAuthenticator: authenticator,
  });
}

function decoded(octets: Buffer): RadiusPacket {
  const result = decodePacket(octets);
  if (!result.ok) throw new Error(result.malformation);
  return result.packet;
}

/** From octets to the report of a genuine request, and the octets of its response. */
function account(octets: Buffer): number {
  const packet = decoded(octets);
  if (!verifyRequestAuthenticator(packet, secret)) throw new Error('not genuine');
  const seen = { nas: router, address: '192.0.2.1', receivedAt: 1_800_000_000_000 };
  const result = readReport(packet, { ...seen, keys });
  if (result.kind !== 'report') throw new Error(result.kind);
  const code = PACKET_CODES['Accounting-Response'];
  return encodeReply({ code, request: packet, attributes: [], secret, messageAuthenticator: false })
    .length;
}

/** From octets to a checked password, and the octets of the accept. */
function admit(octets: Buffer): number {
  const packet = decoded(octets);
  const verdict = verifyMessageAuthenticator(packet, secret, messageAuthenticatorField(packet));
  if (verdict !== 'valid') throw new Error(verdict);
  const check = papCheck(packet.get(UserPassword) ?? Buffer.alloc(0), {
    secrets: [secret],
    requestAuthenticator: packet.authenticator,
    inUse: { secret: null },
  });
  if (!check.withPassword(PASSWORD)) throw new Error('wrong password');
  const { attributes } = writeAcceptTerms(terms, { vendor: 'mikrotik', connection: 'pppoe' });
  return encodeReply({
    code: PACKET_CODES['Access-Accept'],
    request: packet,
    attributes: [attributeValue(Class, encodeClass(handle, keys)), ...attributes],
    secret,
    messageAuthenticator: true,
  }).length;
}

const response = Buffer.alloc(20);
function digests(octets: Buffer): number {
  createHash('md5').update(octets).update(SECRET).digest();
  return createHash('md5').update(response).update(SECRET).digest().length;
}

/** Runs per second of one core: CPU time, so that a busy machine doesn't count against it. */
function rate(run: (octets: Buffer) => number, packets: readonly Buffer[]): number {
  let kept = 0;
  const before = process.cpuUsage();
  for (let n = 0; n < PER_ROUND; n += 1) kept += run(packets[n % PACKETS] as Buffer);
  const { user, system } = process.cpuUsage(before);
  if (kept === 0) throw new Error('nothing ran');
  return PER_ROUND / ((user + system) / 1e6);
}

const reports = Array.from({ length: PACKETS }, (_, n) => interim(n));
const logins = Array.from({ length: PACKETS }, (_, n) => login(n));
const figures = { account: [] as number[], admit: [] as number[], digests: [] as number[] };
for (let round = -2; round < ROUNDS; round += 1) {
  const measured = {
    account: rate(account, reports),
    admit: rate(admit, logins),
    digests: rate(digests, reports),
  };
  if (round < 0) continue;
  figures.account.push(measured.account);
  figures.admit.push(measured.admit);
  figures.digests.push(measured.digests);
}

const value = median(figures.account);
const accesses = median(figures.admit);
const reference = median(figures.digests);
const microseconds = (perSecond: number): number => Number((1e6 / perSecond).toFixed(2));
console.log(
  JSON.stringify({
    bench: 'radius-codec',
    value: Math.round(value),
    unit: 'accounting requests/s/core',
    logins: Math.round(accesses),
    reference: Math.round(reference),
    ratio: Number((value / reference).toFixed(4)),
    packetOctets: reports[0]?.length ?? 0,
    cpuUs: { accounting: microseconds(value), login: microseconds(accesses) },
    errors: 0,
    balanced: true,
  }),
);
