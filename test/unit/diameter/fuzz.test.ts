import { afterEach, describe, expect, it } from 'vitest';
import { Framer } from '../../../src/diameter/framing.js';
import { AVP_ROWS } from '../../../src/diameter/generated/avps.js';
import { ResultCode } from '../../../src/diameter/generated/enumerations.js';
import { readCreditControlRequest } from '../../../src/diameter/gy.js';
import { writeErrorAnswer } from '../../../src/diameter/error-answer.js';
import { encodeIdentity } from '../../../src/diameter/identity.js';
import { DIAMETER_LIMITS } from '../../../src/diameter/limits.js';
import { MessageReader } from '../../../src/diameter/message-reader.js';
import { MessageWriter } from '../../../src/diameter/message-writer.js';
import { resolvePeer } from '../../../src/diameter/peer.js';
import { GATEWAY, startDiameterNode, type DiameterNode } from '../../support/diameter-node.js';
import { readVector, readVectors } from '../../support/diameter-vectors.js';
import { avpsOf, WirePeer } from '../../support/diameter-wire.js';
import { FUZZ_FACTOR, FUZZ_TIMEOUT_MS } from '../../support/fuzz-factor.js';
import { randomSource, type RandomSource } from '../../support/random-source.js';

/** Stands in the title of every result: give it to `randomSource` here to see a failure again. */
const { seed: SEED } = randomSource();
const CASES = 20_000 * FUZZ_FACTOR;
const REAL = [
  ...readVectors('credit-control-requests.txt'),
  ...readVectors('errors.txt'),
  ...readVectors('base.txt'),
].map(({ bytes }) => bytes);
const REQUESTS = readVectors('credit-control-requests.txt').map(({ bytes }) => bytes);
const CER = readVector('base.txt', 'cer').bytes;
const DWR = readVector('base.txt', 'dwr').bytes;

const CODES: ReadonlySet<number> = new Set(Object.values(ResultCode));
const IDENTITY = encodeIdentity({
  host: 'tolld-1.ocs.example',
  realm: 'ocs.example',
  originStateId: 1,
});

function pick<T>(list: readonly T[], { integer }: RandomSource): T {
  return list[integer(list.length)] as T;
}

/** Numbers at which lengths and counts change their meaning. */
const EDGES = [0, 1, 7, 8, 9, 11, 12, 13, 19, 20, 255, 65_535, 65_536, 0xffffff];

/** A message with bytes changed, cut out, doubled, or lengths that lie; its own length is right. */
function mutate(message: Buffer, random: RandomSource): Buffer {
  let bytes = Buffer.from(message);
  for (let rest = 1 + random.integer(4); rest > 0; rest -= 1) {
    const at = 20 + random.integer(Math.max(1, bytes.length - 20));
    switch (random.integer(6)) {
      case 0:
        if (at < bytes.length) bytes[at] = random.integer(256);
        break;
      case 1:
        if (at < bytes.length) bytes[at] = (bytes[at] as number) ^ (1 << random.integer(8));
        break;
      case 2:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + random.integer(40))]);
        break;
      case 3: {
        const from = random.integer(bytes.length);
        bytes = Buffer.concat([
          bytes.subarray(0, at),
          bytes.subarray(from, from + random.integer(64)),
          bytes.subarray(at),
        ]);
        break;
      }
      case 4: {
        const offset = avpOffset(bytes, random) + 5;
        if (offset + 3 <= bytes.length) bytes.writeUIntBE(pick(EDGES, random), offset, 3);
        break;
      }
      default: {
        const other = pick(REAL, random);
        const from = avpOffset(other, random);
        bytes = Buffer.concat([bytes.subarray(0, avpOffset(bytes, random)), other.subarray(from)]);
      }
    }
  }
  return framed(bytes);
}

/** Where an AVP of the message begins, as far as its lengths lead. */
function avpOffset(bytes: Buffer, random: RandomSource): number {
  const offsets = [20];
  for (let at = 20; at + 8 <= bytes.length;) {
    const length = bytes.readUIntBE(at + 5, 3);
    if (length < 8) break;
    at += Math.ceil(length / 4) * 4;
    if (at < bytes.length) offsets.push(at);
  }
  return Math.min(bytes.length, pick(offsets, random));
}

/** With the length in the header that it has, made a multiple of four. */
function framed(bytes: Buffer): Buffer {
  const least = Math.min(
    Math.max(20, Math.ceil(bytes.length / 4) * 4),
    DIAMETER_LIMITS.messageSizeMax,
  );
  const message = Buffer.alloc(least);
  bytes.copy(message);
  message[0] = 1;
  message.writeUIntBE(least, 1, 3);
  return message;
}

/** A tree of AVPs of the dictionary, and of nobody's, with data that seldom fits its type. */
function avpTree(random: RandomSource, depth: number): Buffer {
  const avps: Buffer[] = [];
  for (let rest = random.integer(6); rest > 0; rest -= 1) {
    const [, known, vendor, flags] = pick(AVP_ROWS, random);
    const code = random.integer(10) === 0 ? random.integer(0x100000000) : known;
    const data =
      depth > 0 && random.integer(3) === 0
        ? avpTree(random, depth - 1)
        : Buffer.from(Array.from({ length: random.integer(20) }, () => random.integer(256)));
    const header = Buffer.alloc(vendor === 0 ? 8 : 12);
    header.writeUInt32BE(code, 0);
    header[4] = random.integer(20) === 0 ? random.integer(256) : flags;
    header.writeUIntBE(header.length + data.length, 5, 3);
    if (vendor !== 0) header.writeUInt32BE(vendor, 8);
    avps.push(header, data, Buffer.alloc(-data.length & 3));
  }
  return Buffer.concat(avps);
}

function randomTree(random: RandomSource): Buffer {
  const request = pick(REQUESTS, random);
  const head = random.integer(2) === 0 ? request.subarray(0, 20) : request;
  return framed(Buffer.concat([head, avpTree(random, random.integer(12))]));
}

/** One too deep for any limit: groups inside groups that no grammar closes. */
function nested(random: RandomSource): Buffer {
  let inner = Buffer.alloc(0);
  for (let depth = random.integer(400); depth > 0; depth -= 1) {
    const header = Buffer.from('0000011740000000', 'hex');
    header.writeUIntBE(header.length + inner.length, 5, 3);
    inner = Buffer.concat([header, inner]);
  }
  return framed(Buffer.concat([pick(REQUESTS, random), inner]));
}

function anyMessage(random: RandomSource): Buffer {
  const kind = random.integer(20);
  if (kind === 0) return nested(random);
  return kind < 6 ? randomTree(random) : mutate(pick(REAL, random), random);
}

let node: DiameterNode | undefined;
afterEach(async () => {
  await node?.server.close();
  node = undefined;
});

describe(`messages that no sound peer sends, seed ${SEED}`, { timeout: FUZZ_TIMEOUT_MS }, () => {
  it('are read or refused with a code, and the refusal is a message that can be read', () => {
    const random = randomSource(SEED);
    const reader = new MessageReader(DIAMETER_LIMITS);
    const peer = resolvePeer(GATEWAY);
    const answers = new MessageReader(DIAMETER_LIMITS);
    const refused = new Map<number, number>();
    let decoded = 0;
    for (let index = 0; index < CASES; index += 1) {
      const message = anyMessage(random);
      const where = `case ${index}: ${message.toString('hex')}`;
      let fault = reader.read(message);
      if (fault === null && message.readUIntBE(5, 3) === 272 && (message[4] ?? 0) >= 0x80) {
        const request = readCreditControlRequest(reader, peer);
        fault = reader.fault;
        if (request !== null) decoded += 1;
        else if (fault === null) throw new Error(`neither request nor fault: ${where}`);
      }
      if (fault === null) continue;
      if (!CODES.has(fault.resultCode)) throw new Error(`${fault.resultCode}: ${where}`);
      refused.set(fault.resultCode, (refused.get(fault.resultCode) ?? 0) + 1);
      const writer = new MessageWriter();
      writeErrorAnswer(writer, message, fault, IDENTITY);
      const answer = writer.take();
      avpsOf(answer.subarray(20));
      if (answer.readUIntBE(1, 3) !== answer.length) throw new Error(`length: ${where}`);
      answers.read(answer);
    }
    expect(decoded).toBeGreaterThan(CASES / 100);
    for (const code of [5001, 5004, 5005, 5009, 5014]) {
      expect(refused.get(code) ?? 0, `refusals with ${code}`).toBeGreaterThan(0);
    }
  });

  it('end the stream once where they can not be framed, and never before', () => {
    const random = randomSource(SEED);
    for (let round = 0; round < 2_000 * FUZZ_FACTOR; round += 1) {
      const stream = Buffer.concat(Array.from({ length: 4 }, () => pick(REAL, random)));
      for (let rest = random.integer(3); rest > 0; rest -= 1) {
        stream[random.integer(stream.length)] = random.integer(256);
      }
      const framer = new Framer({ messageSizeMax: DIAMETER_LIMITS.messageSizeMax });
      let taken = 0;
      for (let at = 0; at < stream.length;) {
        const end = Math.min(stream.length, at + 1 + random.integer(400));
        framer.push(Buffer.from(stream.subarray(at, end)));
        for (let frame = framer.next(); frame !== null; frame = framer.next()) {
          if (frame.kind === 'broken') expect([5011, 5015]).toContain(frame.resultCode);
          else taken += frame.message.length;
        }
        at = end;
      }
      expect(taken + framer.buffered).toBeLessThanOrEqual(stream.length);
    }
  });

  it('are answered or end their own connection, while another peer is served', async () => {
    const random = randomSource(SEED);
    node = await startDiameterNode();
    const { port, server } = node;
    const steady = await WirePeer.open(port, CER);
    let bad: WirePeer | null = null;
    for (let round = 0; round < 150 * FUZZ_FACTOR; round += 1) {
      if (bad === null || bad.socket.destroyed) bad = await WirePeer.open(port, CER);
      const burst = Array.from({ length: 20 }, () => anyMessage(random));
      // Some of them are cut short: what follows is then read from the wrong place.
      if (random.integer(3) === 0) burst.push(pick(REAL, random).subarray(0, random.integer(90)));
      const peer: WirePeer = bad;
      peer.send(...burst);
      if (random.integer(4) === 0) {
        peer.socket.end();
        await peer.closed;
      }
      const [answer] = await steady.exchange(DWR);
      expect(answer?.resultCode, `round ${round}`).toBe(2001);
    }
    bad?.destroy();
    await expect.poll(() => server.connections().length).toBe(1);
  });
});
