import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pack, PackingError } from '../../../src/charging/packing.js';
import { packStamp, unpackStamp } from '../../../src/charging/stamp-codec.js';
import type { EventStamp } from '../../../src/domain/events.js';

const text = fc.string({ maxLength: 40 });
const textOrNull = fc.option(text, { nil: null });

const stamps: fc.Arbitrary<EventStamp> = fc.record({
  tenant: text,
  customer: textOrNull,
  subscription: textOrNull,
  protocol: fc.constantFrom('gy', 'radius', 'management'),
  peer: textOrNull,
  serviceContext: textOrNull,
  personal: fc.record(
    { imsi: text, msisdn: text, userName: text, mac: text, address: text, calledParty: text },
    { requiredKeys: [] },
  ),
  network: fc.dictionary(
    fc.oneof(fc.constantFrom('apn', 'ratType', 'sessionKey', 'userLocation'), text),
    text,
  ),
  eventTimestamp: fc.option(fc.maxSafeNat(), { nil: null }),
  configVersion: fc.maxSafeNat(),
});

const usual: EventStamp = {
  tenant: 'example',
  customer: 'c00012345',
  subscription: 's00012345',
  protocol: 'gy',
  peer: 'pgw1.example.net',
  serviceContext: '32251@3gpp.org',
  personal: { imsi: '001010000012345', msisdn: '491700012345' },
  network: { apn: 'internet', ratType: '6', visitedNetwork: '00101' },
  eventTimestamp: null,
  configVersion: 1,
};

describe('stamps', () => {
  it('come back as they were packed', () => {
    fc.assert(
      fc.property(stamps, (stamp) => {
        expect(unpackStamp(packStamp(stamp))).toEqual(stamp);
      }),
    );
  });

  it('come back from JSON, as they were written before they were packed', () => {
    expect(unpackStamp(Buffer.from(JSON.stringify(usual)))).toEqual(usual);
  });

  it('take no more octets than their texts and one or two for each', () => {
    expect(packStamp(usual).length).toBeLessThan(130);
  });

  it('are refused where they name what this version does not know', () => {
    const packed = (protocol: number, name: number): Buffer =>
      pack(['t', false, false, protocol, false, false, [], [name, 'x'], false, 1]);
    expect(unpackStamp(packed(0, 0)).network).toEqual({ apn: 'x' });
    expect(() => unpackStamp(packed(3, 0))).toThrow(PackingError);
    expect(() => unpackStamp(packed(0, 1_000))).toThrow(PackingError);
  });
});
