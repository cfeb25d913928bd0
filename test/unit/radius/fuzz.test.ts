/**
 * Mutated packets by the ten thousand: as an attacker sends them, and signed as a broken NAS does.
 * The seed is printed with what fails; give it to `randomSource` to run the same packets again.
 */
import { describe, expect, it } from 'vitest';
import { describeAttribute } from '../../../src/radius/description.js';
import { ATTRIBUTES } from '../../../src/radius/generated/register.js';
import {
  AcctSessionId,
  AcctStatusType,
  EapMessage,
  MessageAuthenticator,
} from '../../../src/radius/generated/standard.js';
import { encodePacket } from '../../../src/radius/packet-encoder.js';
import { MALFORMATIONS, decodePacket } from '../../../src/radius/packet.js';
import { PACKET_CODES } from '../../../src/radius/packet-code.js';
import { SharedSecret } from '../../../src/radius/shared-secret.js';
import { FUZZ_FACTOR, FUZZ_TIMEOUT_MS } from '../../support/fuzz-factor.js';
import { randomSource, type RandomSource } from '../../support/random-source.js';
import { buildRequest } from '../../support/radius-client.js';
import { testNas } from '../../support/radius-front.js';
import { createTestPipeline } from '../../support/radius-pipeline.js';
import { readWireVectors } from '../../support/radius-vectors.js';

const PACKETS = 40_000 * FUZZ_FACTOR;
const secret = new SharedSecret('testing123');
const seeds = [...readWireVectors('packets.txt'), ...readWireVectors('lenient.txt')].map(
  ({ octets }) => octets,
);

/** One to eight changes: bits, octets, lengths, cuts, joins. */
function mutate(source: RandomSource): Buffer {
  const pick = (): Buffer => Buffer.from(seeds[source.integer(seeds.length)] ?? []);
  let octets = pick();
  const changes = 1 + source.integer(8);
  for (let n = 0; n < changes; n += 1) {
    const at = source.integer(Math.max(1, octets.length));
    switch (source.integer(6)) {
      case 0:
        octets[at] = (octets[at] ?? 0) ^ (1 << source.integer(8));
        break;
      case 1:
        octets[at] = source.integer(256);
        break;
      case 2:
        octets = octets.subarray(0, at);
        break;
      case 3:
        octets = Buffer.concat([octets.subarray(0, at), pick().subarray(source.integer(60))]);
        break;
      case 4:
        if (octets.length >= 4) octets.writeUInt16BE(octets.length & 0xffff, 2);
        break;
      default:
        octets[at] = [0, 1, 2, 3, 0x7f, 0x80, 0xff][source.integer(7)] ?? 0;
    }
  }
  return octets;
}

/** Attributes that no honest NAS would send together, each with a length of its own choosing. */
function randomAttributes(source: RandomSource) {
  const keys = [...ATTRIBUTES.keys()].filter((key) => key !== MessageAuthenticator.key);
  const lengths = [0, 1, 2, 3, 4, 8, 16, 17, 18, 50, 59, 64, 120, 247];
  const octets = (length: number): Buffer =>
    Buffer.from(Array.from({ length }, () => source.integer(256)));
  const any = Array.from({ length: source.integer(25) }, () => {
    const value = octets(lengths[source.integer(lengths.length)] ?? 0);
    return { key: keys[source.integer(keys.length)] ?? 1, value };
  });
  // What reaches deeper: a report with its session, an EAP response of some type.
  const type = [1, 3, 4, 26, 200][source.integer(5)] ?? 0;
  const data = octets(source.integer(70));
  const eap = Buffer.concat([Buffer.from([2, source.integer(4), 0, 5 + data.length, type]), data]);
  const status = Buffer.from([0, 0, 0, 1 + source.integer(9)]);
  const deep = [
    { key: EapMessage.key, value: eap },
    { key: AcctStatusType.key, value: status },
    { key: AcctSessionId.key, value: octets(1 + source.integer(20)) },
  ];
  return [...any, ...deep.filter(() => source.integer(3) > 0)];
}

function pipeline() {
  return createTestPipeline({
    clients: [testNas({ messageAuthenticator: 'off' })],
    limits: { pendingMax: 1_000_000, pendingPerClientMax: 1_000_000 },
  });
}

const failures = (lines: ReturnType<typeof pipeline>['lines']): unknown[] =>
  lines.filter(({ message }) => message === 'radius request failed').map(({ fields }) => fields);

describe('mutated packets', { timeout: FUZZ_TIMEOUT_MS }, () => {
  it('decode to a packet or to a malformation, and describe themselves', () => {
    const source = randomSource();
    for (let n = 0; n < PACKETS; n += 1) {
      const octets = mutate(source);
      const result = decodePacket(octets);
      const where = `seed ${source.seed}, packet ${n}: ${octets.toString('hex')}`;
      if (!result.ok) expect(MALFORMATIONS, where).toContain(result.malformation);
      else {
        for (const attribute of result.packet.attributes()) {
          expect(typeof describeAttribute(attribute).value, where).toBe('string');
        }
      }
    }
  });

  it('what is decoded is written again as the same attributes', () => {
    const source = randomSource();
    for (let n = 0; n < PACKETS; n += 1) {
      const result = decodePacket(mutate(source));
      if (!result.ok) continue;
      const attributes = result.packet.attributes();
      const header = { code: 1, identifier: 1, authenticator: null };
      const again = decodePacket(encodePacket(header, attributes));
      expect(again.ok && again.packet.attributes(), `seed ${source.seed}, packet ${n}`).toEqual(
        attributes,
      );
    }
  });

  it('never fail the server, and report nothing that is not genuine', async () => {
    const source = randomSource();
    const front = pipeline();
    const originals = new Set(seeds.map((octets) => octets.toString('hex')));
    let genuine = 0;
    for (let n = 0; n < PACKETS; n += 1) {
      const octets = mutate(source);
      const result = decodePacket(octets);
      // Padding behind an untouched packet leaves it genuine.
      if (result.ok && result.packet.code === PACKET_CODES['Accounting-Request']) {
        if (originals.has(result.packet.bytes.toString('hex'))) genuine += 1;
      }
      front.take(octets);
    }
    await front.built.idle();
    expect(failures(front.lines), `seed ${source.seed}`).toEqual([]);
    expect(front.reports.length, `seed ${source.seed}`).toBeLessThanOrEqual(genuine);
    for (const reply of front.replies) expect(decodePacket(reply).ok).toBe(true);
  });
});

describe('packets of RADIUS/1.1 of any content', { timeout: FUZZ_TIMEOUT_MS }, () => {
  it('never fail the server, and no request is left without an answer', async () => {
    const source = randomSource();
    const front = pipeline();
    let requests = 0;
    for (let n = 0; n < PACKETS / 4; n += 1) {
      const octets = mutate(source);
      // As the stream is cut: shorter ones close the connection.
      if (octets.length < 20) continue;
      if (octets[0] === PACKET_CODES['Access-Request']) requests += 1;
      if (octets[0] === PACKET_CODES['Accounting-Request']) requests += 1;
      if (octets[0] === PACKET_CODES['Status-Server'] && decodePacket(octets).ok) requests += 1;
      front.take(octets, { version: '1.1' });
    }
    await front.built.idle();
    expect(failures(front.lines), `seed ${source.seed}`).toEqual([]);
    expect(front.replies.length, `seed ${source.seed}`).toBe(requests);
    expect(front.built.pending).toBe(0);
    for (const reply of front.replies) {
      const result = decodePacket(reply);
      expect(result.ok && result.packet.has(MessageAuthenticator)).toBe(false);
    }
  });
});

describe('signed packets of any content', { timeout: FUZZ_TIMEOUT_MS }, () => {
  it.each(['Access-Request', 'Accounting-Request'] as const)(
    'never fail the server as %s',
    async (code) => {
      const source = randomSource();
      const front = pipeline();
      let sent = 0;
      for (let n = 0; n < PACKETS / 4; n += 1) {
        const attributes = randomAttributes(source);
        const octetsInAll = attributes.reduce((sum, { value }) => sum + value.length + 8, 20);
        if (octetsInAll > 4_000) continue;
        const identifier = source.integer(256);
        const messageAuthenticator = source.integer(2) === 0;
        const request = buildRequest({
          code,
          identifier,
          attributes,
          secret,
          messageAuthenticator,
        });
        front.take(request.octets);
        sent += 1;
      }
      await front.built.idle();
      expect(failures(front.lines), `seed ${source.seed}`).toEqual([]);
      expect(front.built.pending).toBe(0);
      expect(sent).toBeGreaterThan(1_000);
      expect(front.replies.length).toBeGreaterThan(100);
    },
  );
});
