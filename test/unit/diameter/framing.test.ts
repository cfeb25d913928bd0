import { describe, expect, it } from 'vitest';
import { Framer, type Frame } from '../../../src/diameter/framing.js';
import { readVectors } from '../../support/diameter-vectors.js';
import { randomSource } from '../../support/random-source.js';

const MESSAGES = readVectors('credit-control-requests.txt').map((vector) => vector.bytes);

function take(framer: Framer): Frame[] {
  const frames: Frame[] = [];
  for (let frame = framer.next(); frame !== null; frame = framer.next()) frames.push(frame);
  return frames;
}

describe('framing', () => {
  it('finds every message however the stream is cut', () => {
    const { random, seed } = randomSource();
    const stream = Buffer.concat([...MESSAGES, ...MESSAGES, ...MESSAGES]);
    const lengths = [...MESSAGES, ...MESSAGES, ...MESSAGES].map((message) => message.length);
    for (let round = 0; round < 200; round += 1) {
      const framer = new Framer({ messageSizeMax: 65_536 });
      const found: Buffer[] = [];
      const longest = 1 + Math.floor(random() ** 3 * stream.length);
      for (let at = 0; at < stream.length;) {
        const end = Math.min(stream.length, at + 1 + Math.floor(random() * longest));
        framer.push(Buffer.from(stream.subarray(at, end)));
        for (const frame of take(framer)) {
          if (frame.kind === 'message') found.push(Buffer.from(frame.message));
        }
        at = end;
      }
      expect(
        found.map((message) => message.length),
        `seed ${seed}`,
      ).toEqual(lengths);
      expect(Buffer.concat(found).equals(stream), `seed ${seed}`).toBe(true);
      expect(framer.buffered).toBe(0);
    }
  });

  it('delivers a message that comes byte by byte', () => {
    const [message = Buffer.alloc(0)] = MESSAGES;
    const framer = new Framer({ messageSizeMax: 65_536 });
    const frames: Frame[] = [];
    for (const byte of message) {
      framer.push(Buffer.from([byte]));
      frames.push(...take(framer));
    }
    expect(frames).toEqual([{ kind: 'message', message }]);
  });

  it.each([
    ['another version', '02000014', 5011],
    ['a length below the header', '01000010', 5015],
    ['a length of zero', '01000000', 5015],
    ['a length that is no multiple of four', '01000015', 5015],
    ['a length above the limit', '01010000', 5015],
  ])('stops at %s and takes nothing more', (_, start, resultCode) => {
    const framer = new Framer({ messageSizeMax: 65_532 });
    const header = Buffer.concat([Buffer.from(start, 'hex'), Buffer.alloc(16)]);
    framer.push(Buffer.concat([header, ...MESSAGES]));
    expect(framer.next()).toEqual({ kind: 'broken', header, resultCode });
    framer.push(MESSAGES[0] ?? Buffer.alloc(0));
    expect(framer.next()).toBeNull();
    expect(framer.buffered).toBe(0);
  });

  it('keeps no more of a message than its length says', () => {
    const framer = new Framer({ messageSizeMax: 65_536 });
    framer.push(Buffer.concat([Buffer.from('01010000', 'hex'), Buffer.alloc(1000)]));
    expect(framer.next()).toBeNull();
    expect(framer.buffered).toBe(1004);
  });
});
