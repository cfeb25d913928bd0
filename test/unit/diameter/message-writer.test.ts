import { describe, expect, it } from 'vitest';
import { Avp } from '../../../src/diameter/generated/avps.js';
import { encodeAvps, MessageWriter } from '../../../src/diameter/message-writer.js';

const HEADER = { flags: 0x80, command: 272, application: 4, hopByHop: 1, endToEnd: 2 };
const hex = (write: (writer: MessageWriter) => void): string => encodeAvps(write).toString('hex');

describe('the message writer', () => {
  it.each([
    ['one octet', 'a', '000001074000000961000000'],
    ['four octets', 'abcd', '000001074000000c61626364'],
    ['letters of several octets', 'é€', '000001074000000dc3a9e282ac000000'],
    ['nothing', '', '0000010740000008'],
  ])('pads text of %s with zeroes', (_, text, expected) => {
    expect(hex((writer) => writer.text(Avp.SessionId, text))).toBe(expected);
  });

  it('writes text that is longer than the short path takes', () => {
    const text = 'x'.repeat(1000);
    const avps = encodeAvps((writer) => writer.text(Avp.SessionId, text));
    expect(avps.length).toBe(1008);
    expect(avps.subarray(8).toString()).toBe(text);
  });

  it.each([
    [3_000_000_000, '00000000b2d05e00'],
    [7_000_000_000, '00000001a13b8600'],
    [Number.MAX_SAFE_INTEGER, '001fffffffffffff'],
    [2n ** 64n - 1n, 'ffffffffffffffff'],
  ])('writes %s as an Unsigned64', (value, expected) => {
    expect(hex((writer) => writer.unsigned64(Avp.CcTotalOctets, value))).toBe(
      `000001a540000010${expected}`,
    );
  });

  it.each([
    [-1, 'ffffffffffffffff'],
    [-1250, 'fffffffffffffb1e'],
    [-(2n ** 63n), '8000000000000000'],
  ])('writes %s as an Integer64', (value, expected) => {
    expect(hex((writer) => writer.integer64(Avp.ValueDigits, value))).toBe(
      `000001bf40000010${expected}`,
    );
  });

  it('writes the vendor of a 3GPP AVP', () => {
    expect(hex((writer) => writer.unsigned32(Avp.VolumeQuotaThreshold, 1))).toBe(
      '00000365c0000010000028af00000001',
    );
  });

  it('closes groups inside groups at their lengths', () => {
    const group = hex((writer) => {
      const outer = writer.open(Avp.MultipleServicesCreditControl);
      const inner = writer.open(Avp.GrantedServiceUnit);
      writer.unsigned32(Avp.CcTime, 60);
      writer.close(inner);
      writer.unsigned32(Avp.RatingGroup, 1);
      writer.close(outer);
    });
    expect(group).toBe(
      '000001c840000028' +
        '000001af40000014' +
        '000001a44000000c0000003c' +
        '000001b04000000c00000001',
    );
  });

  it('never touches what was taken, also when a message outgrows its buffer', () => {
    const writer = new MessageWriter();
    const taken: Buffer[] = [];
    const copies: Buffer[] = [];
    for (let round = 0; round < 400; round += 1) {
      writer.begin({ ...HEADER, hopByHop: round });
      const group = writer.open(Avp.FailedAvp);
      writer.text(Avp.ErrorMessage, String.fromCharCode(97 + (round % 26)).repeat(round * 3));
      writer.close(group);
      writer.end();
      if (round % 7 === 6) {
        const messages = writer.take();
        taken.push(messages);
        copies.push(Buffer.from(messages));
      }
    }
    expect(taken.every((messages, index) => messages.equals(copies[index] as Buffer))).toBe(true);
    let at = 0;
    const stream = Buffer.concat([...taken, writer.take()]);
    for (let round = 0; round < 400; round += 1) {
      expect(stream.readUInt32BE(at + 12)).toBe(round);
      at += stream.readUIntBE(at + 1, 3);
    }
    expect(at).toBe(stream.length);
  });

  it('forgets a message that was begun', () => {
    const writer = new MessageWriter();
    writer.begin(HEADER);
    writer.end();
    writer.begin(HEADER);
    writer.text(Avp.SessionId, 'x');
    writer.discard();
    expect(writer.take().toString('hex')).toBe('0100001480000110000000040000000100000002');
  });
});
