import { describe, expect, it } from 'vitest';
import {
  equipmentText,
  partyOf,
  safeText,
  timeZoneText,
} from '../../../src/diameter/network-text.js';

describe('network text', () => {
  it.each([
    ['tel:+49-30-1234.56', '4930123456', null],
    ['+49 30 123456', '4930123456', null],
    ['sip:+4930123456@ims.example;user=phone', '4930123456', 'ims.example'],
    ['sips:alice@IMS.example:5061', 'alice', 'ims.example'],
    ['SIP:conference.ims.example;transport=tcp', '', 'conference.ims.example'],
    ['sip:bob@office@ims.example?subject=hi', 'bob@office', 'ims.example'],
    ['alice@mail.example', 'alice', 'mail.example'],
    ['tel:112;phone-context=+49', '112', null],
    ['491701234567', '491701234567', null],
    ['', '', null],
  ])('takes the party and the domain of "%s"', (address, party, domain) => {
    expect(partyOf(address)).toEqual({ party, domain });
  });

  it.each([
    ['80', '+02:00'],
    ['40', '+01:00'],
    ['0a', '-05:00'],
    ['22', '+05:30'],
    ['00', '+00:00'],
  ])('reads the time zone %s', (hex, text) => {
    expect(timeZoneText(Number.parseInt(hex, 16))).toBe(text);
  });

  it('reads an IMEI sent as digits or as telephony BCD', () => {
    expect(equipmentText(Buffer.from('3534900698733190'), true)).toBe('3534900698733190');
    expect(equipmentText(Buffer.from('5343096089371309', 'hex'), true)).toBe('3534900698733190');
    expect(equipmentText(Buffer.from('53430960893713f9', 'hex'), true)).toBe('353490069873319');
    expect(equipmentText(Buffer.from('0200c0ffee01', 'hex'), false)).toBe('0200c0ffee01');
  });

  it('shows control characters, and cuts what is too long', () => {
    expect(safeText('a\r\nb\u0085')).toBe('a\\x0d\\x0ab\\x85');
    expect(safeText('x'.repeat(300))).toHaveLength(255);
    expect(safeText('München')).toBe('München');
  });
});
