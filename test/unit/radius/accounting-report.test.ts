import { describe, expect, it } from 'vitest';
import type { SessionReport } from '../../../src/domain/access.js';
import { readReport, type ReportResult } from '../../../src/radius/accounting-report.js';
import {
  attributeValue,
  type Attribute,
  type RawAttribute,
} from '../../../src/radius/attribute.js';
import { encodeClass } from '../../../src/radius/class-value.js';
import { MikrotikHostIp } from '../../../src/radius/generated/mikrotik.js';
import {
  AcctDelayTime,
  AcctInputGigawords,
  AcctInputOctets,
  AcctOutputGigawords,
  AcctOutputOctets,
  AcctSessionId,
  AcctSessionTime,
  AcctStatusType,
  AcctTerminateCause,
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
  ProxyState,
  ServiceType,
  UserName,
} from '../../../src/radius/generated/standard.js';
import { WISPrLocationName } from '../../../src/radius/generated/wispr.js';
import { createNasRegistry, type NasClientOptions } from '../../../src/radius/nas-clients.js';
import { encodePacket } from '../../../src/radius/packet-encoder.js';
import { decodePacket } from '../../../src/radius/packet.js';
import { createSealingKeys } from '../../../src/radius/sealing-keys.js';
import { acctSessionIdOf, sessionKeyOf } from '../../../src/radius/session-key.js';
import { readWireVectors } from '../../support/radius-vectors.js';

const keys = createSealingKeys(['0123456789abcdef']);
const RECEIVED = 1_800_000_000_000;
const SOURCE = '192.0.2.1';
const { values: STATUS } = AcctStatusType;

function nasOf(changes: Partial<NasClientOptions> = {}) {
  const options: NasClientOptions = {
    name: 'bng-1',
    networkScope: 'isp',
    addresses: ['192.0.2.1'],
    secrets: ['testing123'],
    vendor: 'mikrotik',
    ...changes,
  };
  const nas = createNasRegistry([options]).named('bng-1');
  if (nas === undefined) throw new Error('no NAS');
  return nas;
}

function read(
  attributes: readonly RawAttribute[],
  changes?: Partial<NasClientOptions>,
  address = SOURCE,
): ReportResult {
  const result = decodePacket(
    encodePacket({ code: 4, identifier: 1, authenticator: null }, attributes),
  );
  if (!result.ok) throw new Error(result.malformation);
  return readReport(result.packet, { nas: nasOf(changes), address, keys, receivedAt: RECEIVED });
}

function session(
  attributes: readonly RawAttribute[],
  changes?: Partial<NasClientOptions>,
  address = SOURCE,
): SessionReport {
  const given = [
    attributeValue(AcctStatusType, STATUS['Interim-Update']),
    attributeValue(AcctSessionId, Buffer.from('81c00003')),
    ...attributes,
  ];
  const result = read(given, changes, address);
  if (result.kind !== 'report' || result.report.kind !== 'session') throw new Error(result.kind);
  return result.report;
}

const number = (attribute: Attribute<number>, value: number): RawAttribute =>
  attributeValue(attribute, value);

it('reads the interim report of a vector', () => {
  const vector = readWireVectors('packets.txt').find(({ name }) => name === 'accounting-interim');
  const result = decodePacket(vector?.octets ?? Buffer.alloc(0));
  if (!result.ok) throw new Error(result.malformation);
  const read = readReport(result.packet, {
    ...{ nas: nasOf(), address: SOURCE, keys, receivedAt: RECEIVED },
  });
  expect(read).toEqual({
    kind: 'report',
    report: {
      kind: 'session',
      nas: 'bng-1',
      networkScope: 'isp',
      sessionKey: 'radius:bng-1:81c00003',
      handle: null,
      status: 'interim',
      counters: {
        uploadOctets: 2 * 2 ** 32 + 123_456_789,
        downloadOctets: 17 * 2 ** 32 + 4_294_967_295,
        width: 64,
      },
      sessionSeconds: 3600,
      eventAt: RECEIVED - 3_000,
      receivedAt: RECEIVED,
      eventTimestamp: 1_768_046_400_000,
      terminationCause: 'Lost-Carrier',
      identities: [{ kind: 'user-name', value: 'alice@example.net' }],
      connection: null,
      station: null,
      address: null,
      port: null,
      bootMark: 'c',
      device: null,
      context: {
        nasAddress: '192.0.2.1',
        nasIpv6Address: '2001:db8::1',
        ipv6Address: '2001:db8::1:0:0:5',
        ipv6Prefix: '2001:db8:1:2::/64',
        delegatedPrefix: '2001:db8:ff00::/40',
      },
    },
  });
});

describe('counters', () => {
  const both = [number(AcctInputOctets, 10), number(AcctOutputOctets, 200)];
  it('are of 32 bits where no upper word came, of 64 where one did', () => {
    expect(session(both).counters).toEqual({ uploadOctets: 10, downloadOctets: 200, width: 32 });
    const words = [...both, number(AcctOutputGigawords, 1)];
    expect(session(words).counters).toEqual({
      uploadOctets: 10,
      downloadOctets: 2 ** 32 + 200,
      width: 64,
    });
  });

  it('change sides for a NAS that counts the other way', () => {
    const inverse = { counterDirection: 'input-is-download' } as const;
    expect(session(both, inverse).counters).toEqual({
      uploadOctets: 200,
      downloadOctets: 10,
      width: 32,
    });
  });

  it('are absent where the NAS said nothing, not zero', () => {
    expect(session([]).counters).toBeNull();
    expect(session([number(AcctInputGigawords, 1)]).counters).toBeNull();
    expect(session([number(AcctInputOctets, 5)]).counters).toEqual({
      uploadOctets: 5,
      downloadOctets: null,
      width: 32,
    });
  });

  it('are exact up to 2^53 - 1, and as good as absent beyond', () => {
    const total = (gigawords: number) =>
      session([number(AcctInputOctets, 0xffff_ffff), number(AcctInputGigawords, gigawords)]);
    expect(total(2 ** 21 - 1).counters?.uploadOctets).toBe(Number.MAX_SAFE_INTEGER);
    expect(total(2 ** 21).counters).toBeNull();
  });

  it('of a wrong length are as good as absent', () => {
    const three = { key: AcctInputOctets.key, value: Buffer.from([1, 2, 3]) };
    expect(session([three]).counters).toBeNull();
  });
});

describe('times', () => {
  it('are the receipt less the delay, unless the delay cannot be one', () => {
    expect(session([]).eventAt).toBe(RECEIVED);
    expect(session([number(AcctDelayTime, 90)]).eventAt).toBe(RECEIVED - 90_000);
    expect(session([number(AcctDelayTime, 0xffff_ffff)]).eventAt).toBe(RECEIVED);
  });

  it('take the clock of the NAS for information only', () => {
    const report = session([number(EventTimestamp, 1_200_000_000), number(AcctSessionTime, 5)]);
    expect(report.eventAt).toBe(RECEIVED);
    expect(report.eventTimestamp).toBe(1_200_000_000_000);
    expect(report.sessionSeconds).toBe(5);
  });
});

describe('the session', () => {
  it('is found by the handle in any Class of ours', () => {
    const handle = { partition: 3, accountId: 'acc-1', nonce: '0011223344556677' };
    const theirs = attributeValue(Class, Buffer.from('theirs'));
    const ours = attributeValue(Class, encodeClass(handle, keys));
    expect(session([theirs, ours]).handle).toEqual(handle);
    expect(session([theirs]).handle).toBeNull();
  });

  it.each([
    ['start', STATUS.Start],
    ['interim', STATUS['Interim-Update']],
    ['stop', STATUS.Stop],
  ])('has the status %s', (status, value) => {
    const result = read([
      number(AcctStatusType, value),
      attributeValue(AcctSessionId, Buffer.from('x')),
    ]);
    expect(result).toMatchObject({ kind: 'report', report: { status } });
  });

  it('names the cause of its end, or its number', () => {
    expect(session([number(AcctTerminateCause, 5)]).terminationCause).toBe('Session-Timeout');
    expect(session([number(AcctTerminateCause, 999)]).terminationCause).toBe('999');
  });

  it('has a port number above 2^31 as it is', () => {
    expect(session([number(NasPort, 2_163_212_291)]).port).toBe('/2163212291');
    expect(session([attributeValue(NasPortId, 'ether2')]).port).toBe('ether2/');
  });

  it('has its station as a canonical MAC, and its address', () => {
    const report = session([
      attributeValue(CallingStationId, 'aa-bb-cc-00-11-22'),
      attributeValue(FramedIpAddress, '10.0.0.5'),
      attributeValue(UserName, 'AABBCC001122'),
    ]);
    expect(report.station).toBe('AA:BB:CC:00:11:22');
    expect(report.address).toBe('10.0.0.5');
    expect(report.identities).toEqual([
      { kind: 'user-name', value: 'AABBCC001122' },
      { kind: 'mac', value: 'AA:BB:CC:00:11:22' },
    ]);
  });
});

describe('the connection', () => {
  const ppp = number(FramedProtocol, FramedProtocol.values.PPP);
  const framed = number(ServiceType, ServiceType.values.Framed);
  const login = number(ServiceType, ServiceType.values.Login);
  const portType = (value: number) => number(NasPortType, value);
  it.each<[string, RawAttribute[], Partial<NasClientOptions>, string | null]>([
    ['PPP over Ethernet', [ppp, framed, portType(15)], {}, 'pppoe'],
    ['PPP over QinQ', [ppp, portType(34)], {}, 'pppoe'],
    ['PPP over a virtual port', [ppp, portType(5)], {}, 'vpn'],
    ['a hotspot by its host address', [attributeValue(MikrotikHostIp, '10.0.0.1')], {}, 'hotspot'],
    ['a hotspot by its location', [attributeValue(WISPrLocationName, 'x')], {}, 'hotspot'],
    ['a hotspot login of RouterOS', [login], {}, 'hotspot'],
    ['a login elsewhere', [login], { vendor: 'generic' }, null],
    ['a framed service without PPP', [framed], { vendor: 'generic' }, 'static'],
    ['nothing that tells: no Service-Type is no PPPoE', [portType(19)], {}, null],
    ['what the operator says', [], { connection: 'static' }, 'static'],
  ])('is known from %s', (_name, attributes, changes, expected) => {
    expect(session(attributes, changes).connection).toBe(expected);
  });

  it('is a hotspot by the service in the session id of RouterOS', () => {
    const attributes = [
      number(AcctStatusType, STATUS.Start),
      attributeValue(AcctSessionId, Buffer.from('80f00003')),
    ];
    expect(read(attributes)).toMatchObject({
      report: { connection: 'hotspot', bootMark: 'f' },
    });
    expect(read(attributes, { vendor: 'generic' })).toMatchObject({
      report: { connection: null, bootMark: null },
    });
  });
});

describe('the context', () => {
  it('is bounded text without control characters', () => {
    const report = session([
      attributeValue(CalledStationId, `isp\n${'x'.repeat(200)}`),
      attributeValue(NasPortType, 15),
    ]);
    expect(report.context['calledStation']).toHaveLength(128);
    expect(report.context['calledStation']?.startsWith('isp%0Ax')).toBe(true);
    expect(report.context['portType']).toBe('Ethernet');
  });
});

describe('a NAS that may be several devices', () => {
  const attributes = [
    number(AcctStatusType, STATUS.Start),
    attributeValue(AcctSessionId, Buffer.from('81c00003')),
    attributeValue(NasIdentifier, 'MikroTik'),
    attributeValue(NasIpAddress, '10.0.0.7'),
  ];
  it.each<[string, Partial<NasClientOptions>, string | null]>([
    ['of a range', { addresses: ['10.0.0.0/8'] }, 'MikroTik 10.0.0.7'],
    ['of two addresses', { addresses: ['10.0.0.7', '10.0.0.8'] }, 'MikroTik 10.0.0.7'],
    [
      'behind a certificate',
      { addresses: [], certificateNames: ['a.example'] },
      'MikroTik 10.0.0.7',
    ],
    ['of one address', { addresses: ['10.0.0.7'] }, null],
    ['of one address of either family', { addresses: ['10.0.0.7', '2001:db8::7'] }, null],
    ['of one identifier', { addresses: ['10.0.0.0/8'], nasIdentifier: 'MikroTik' }, null],
  ])('is told by its reports which one: %s', (_name, changes, device) => {
    expect(read(attributes, changes)).toMatchObject({ report: { device } });
  });

  describe('gives a session of each a key of its own', () => {
    const range = { addresses: ['10.0.0.0/8'] };
    const at = (place: readonly RawAttribute[], address = SOURCE): string =>
      session(place, range, address).sessionKey;
    const named = (name: string, address: string): RawAttribute[] => [
      attributeValue(NasIdentifier, name),
      attributeValue(NasIpAddress, address),
    ];

    it('by what it says of itself, wherever its packets come through', () => {
      const one = at(named('tower', '10.0.0.7'));
      expect(one).toMatch(/^radius:bng-1:81c00003~[0-9a-f]{16}$/);
      expect(at(named('tower', '10.0.0.8'))).not.toBe(one);
      expect(at(named('hall', '10.0.0.7'))).not.toBe(one);
      expect(at(named('tower', '10.0.0.7'), '10.0.0.99')).toBe(one);
      expect(acctSessionIdOf('bng-1', one)?.toString()).toBe('81c00003');
    });

    it('behind a proxy that is declared by its one address', () => {
      const proxied = (name: string, address: string): string =>
        session([...named(name, address), attributeValue(ProxyState, Buffer.from('1'))]).sessionKey;
      const one = proxied('tower', '10.0.0.7');
      expect(proxied('hall', '10.0.0.8')).not.toBe(one);
      expect(proxied('tower', '10.0.0.7')).toBe(one);
      expect(session(named('tower', '10.0.0.7')).sessionKey).toBe('radius:bng-1:81c00003');
    });

    it('by where it sends from, where it says nothing', () => {
      expect(at([], '10.0.0.7')).toBe(at([], '10.0.0.7'));
      expect(at([], '10.0.0.7')).not.toBe(at([], '10.0.0.8'));
    });
  });
});

it.each([
  ['anna\0', 'anna'],
  ['an\0na\n', 'an%00na%0A'],
  ['\0', undefined],
])('reads the name %j without what no text of the record can hold', (sent, value) => {
  const { identities } = session([attributeValue(UserName, sent)]);
  expect(identities[0]?.value).toBe(value);
});

it('cuts long words of the network between two characters', () => {
  const { context } = session([attributeValue(CalledStationId, `${'a'.repeat(127)}\u{1f3e0}b`)]);
  expect(context['calledStation']).toBe('a'.repeat(127));
});

describe('requests without a session', () => {
  it.each([
    [STATUS['Accounting-On'], 'on'],
    [STATUS['Accounting-Off'], 'off'],
  ])('Acct-Status-Type %i says that the NAS goes %s', (value, change) => {
    expect(read([number(AcctStatusType, value), number(AcctDelayTime, 1)])).toEqual({
      kind: 'report',
      report: {
        kind: 'nas',
        nas: 'bng-1',
        networkScope: 'isp',
        device: null,
        change,
        eventAt: RECEIVED - 1_000,
        receivedAt: RECEIVED,
        context: {},
      },
    });
  });

  it('of tunnels and failures are of no use, and of unknown kinds too', () => {
    const id = attributeValue(AcctSessionId, Buffer.from('x'));
    for (const value of [9, 15, 77]) {
      expect(read([number(AcctStatusType, value), id])).toEqual({ kind: 'irrelevant' });
    }
  });

  it('lack what every report must have', () => {
    const id = attributeValue(AcctSessionId, Buffer.from('x'));
    expect(read([id])).toEqual({ kind: 'incomplete', missing: 'no-status-type' });
    expect(read([number(AcctStatusType, 1)])).toEqual({
      kind: 'incomplete',
      missing: 'no-session-id',
    });
    const empty = attributeValue(AcctSessionId, Buffer.alloc(0));
    expect(read([number(AcctStatusType, 1), empty])).toMatchObject({ missing: 'no-session-id' });
  });
});

describe('session keys', () => {
  const BNG = { nas: 'bng-1', device: null };

  it.each(['81c00003', 'Ünï 5%', '~tilde', '\u0000\u00ff', 'a'.repeat(230)])(
    'give the id %j back octet for octet',
    (id) => {
      const octets = Buffer.from(id, 'latin1');
      const key = sessionKeyOf(BNG, octets);
      expect(key).toMatch(/^[\x21-\x7e]+$/);
      expect(key.length).toBeLessThanOrEqual(255);
      expect(acctSessionIdOf('bng-1', key)).toEqual(octets);
    },
  );

  it('hold a digest of an id that is too long, which cannot be brought back', () => {
    const key = sessionKeyOf(BNG, Buffer.alloc(253, 0xff));
    expect(key).toMatch(/^radius:bng-1:~[0-9a-f]{64}$/);
    expect(acctSessionIdOf('bng-1', key)).toBeNull();
    const ofDevice = sessionKeyOf({ ...BNG, device: 'tower 10.0.0.7' }, Buffer.alloc(253, 0xff));
    expect(ofDevice.startsWith(`${key}~`)).toBe(true);
    expect(acctSessionIdOf('bng-1', ofDevice)).toBeNull();
    expect(acctSessionIdOf('bng-2', sessionKeyOf(BNG, Buffer.from('x')))).toBeNull();
  });
});
