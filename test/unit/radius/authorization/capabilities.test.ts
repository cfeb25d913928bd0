import { describe, expect, it } from 'vitest';
import type { AccessTerms, ConnectionKind } from '../../../../src/domain/access.js';
import { toAmount } from '../../../../src/domain/amounts.js';
import {
  writeAcceptTerms,
  writeChangedTerms,
  type WrittenTerms,
} from '../../../../src/radius/authorization/capabilities.js';
import {
  chooseInterimSeconds,
  spreadInterimSeconds,
} from '../../../../src/radius/authorization/interim-interval.js';
import { volumeWords } from '../../../../src/radius/authorization/volume-limit.js';
import { describeAttribute } from '../../../../src/radius/description.js';
import type { NasVendor } from '../../../../src/domain/nas.js';

const GIB_4 = 2 ** 32;

function words({ attributes, left }: WrittenTerms): string[] {
  const written = attributes.map((attribute) => {
    const { name, value } = describeAttribute(attribute);
    return `${name} ${value}`;
  });
  return [...written, ...left.map((name) => `left: ${name}`)];
}

function accepted(vendor: NasVendor, connection: ConnectionKind, terms: AccessTerms): string[] {
  return words(writeAcceptTerms(terms, { vendor, connection }));
}

function changed(vendor: NasVendor, connection: ConnectionKind, terms: AccessTerms): string[] {
  return words(writeChangedTerms(terms, { vendor, connection }));
}

const speed = { uploadBitsPerSecond: 5_000_000, downloadBitsPerSecond: 20_000_000 };
const everything: AccessTerms = {
  speed,
  sessionSecondsMax: 3600,
  idleSecondsMax: 600,
  uploadOctetsMax: toAmount(1_000),
  downloadOctetsMax: toAmount(GIB_4),
  totalOctetsMax: toAmount(3 * GIB_4 + 5),
  interimSeconds: 300,
  ipv4: { kind: 'fixed', address: '10.0.0.5', netmask: '255.255.255.255' },
  ipv6: {
    framedPrefix: '2001:db8:1::/64',
    delegatedPrefix: '2001:db8:2::/56',
    address: '2001:db8:1::5',
    framedPool: 'f',
    delegatedPool: 'd',
  },
  routes: ['192.0.2.0/24 0.0.0.0 1', '2001:db8:3::/48 :: 1'],
  dnsServers: ['192.0.2.53', '192.0.2.54', '2001:db8::53'],
  addressList: 'garden',
  profile: 'gold',
  filters: ['in', 'out'],
  redirectUrl: 'https://pay.example.net/',
  devicesMax: 2,
  vlan: 120,
  encryption: 'required',
};

describe('an accept says what its NAS understands, and what is left over is named', () => {
  it('MikroTik, PPPoE', () => {
    expect(accepted('mikrotik', 'pppoe', everything)).toEqual([
      'Session-Timeout 3600',
      'Idle-Timeout 600',
      'Acct-Interim-Interval 300',
      'Filter-Id in',
      'Filter-Id out',
      'Framed-IP-Address 10.0.0.5',
      'Framed-IP-Netmask 255.255.255.255',
      'Framed-IPv6-Prefix 2001:db8:1::/64',
      'Delegated-IPv6-Prefix 2001:db8:2::/56',
      'Framed-IPv6-Address 2001:db8:1::5',
      'Framed-IPv6-Pool f',
      'Mikrotik-Delegated-IPv6-Pool d',
      'Framed-Route 192.0.2.0/24 0.0.0.0 1',
      'Framed-IPv6-Route 2001:db8:3::/48 :: 1',
      'Mikrotik-Rate-Limit 5M/20M',
      'Mikrotik-Recv-Limit 1000',
      'Mikrotik-Xmit-Limit 0',
      'Mikrotik-Xmit-Limit-Gigawords 1',
      'Mikrotik-Address-List garden',
      'Mikrotik-Group gold',
      'left: dnsServers',
      'left: redirectUrl',
      'left: devicesMax',
      'left: vlan',
    ]);
  });

  it('MikroTik, hotspot', () => {
    expect(accepted('mikrotik', 'hotspot', everything)).toEqual([
      'Session-Timeout 3600',
      'Idle-Timeout 600',
      'Acct-Interim-Interval 300',
      'Filter-Id in',
      'Filter-Id out',
      'Framed-IP-Address 10.0.0.5',
      'Port-Limit 2',
      'Mikrotik-Rate-Limit 5M/20M',
      'Mikrotik-Recv-Limit 1000',
      'Mikrotik-Xmit-Limit 0',
      'Mikrotik-Xmit-Limit-Gigawords 1',
      'Mikrotik-Total-Limit 5',
      'Mikrotik-Total-Limit-Gigawords 3',
      'Mikrotik-Address-List garden',
      'Mikrotik-Group gold',
      'WISPr-Redirection-URL https://pay.example.net/',
      'left: ipv6',
      'left: routes',
      'left: dnsServers',
      'left: vlan',
    ]);
  });

  it('a NAS of the standards', () => {
    expect(accepted('generic', 'static', everything)).toEqual([
      'Session-Timeout 3600',
      'Idle-Timeout 600',
      'Acct-Interim-Interval 300',
      'Filter-Id in',
      'Filter-Id out',
      'Framed-IP-Address 10.0.0.5',
      'Framed-IP-Netmask 255.255.255.255',
      'Framed-IPv6-Prefix 2001:db8:1::/64',
      'Delegated-IPv6-Prefix 2001:db8:2::/56',
      'Framed-IPv6-Address 2001:db8:1::5',
      'Framed-IPv6-Pool f',
      'Delegated-IPv6-Prefix-Pool d',
      'Framed-Route 192.0.2.0/24 0.0.0.0 1',
      'Framed-IPv6-Route 2001:db8:3::/48 :: 1',
      'MS-Primary-DNS-Server 192.0.2.53',
      'MS-Secondary-DNS-Server 192.0.2.54',
      'DNS-Server-IPv6-Address 2001:db8::53',
      'Tunnel-Type 0:VLAN',
      'Tunnel-Medium-Type 0:IEEE-802',
      'Tunnel-Private-Group-ID 0:120',
      'Port-Limit 2',
      'WISPr-Bandwidth-Max-Up 5000000',
      'WISPr-Bandwidth-Max-Down 20000000',
      'WISPr-Redirection-URL https://pay.example.net/',
      'left: uploadOctetsMax',
      'left: downloadOctetsMax',
      'left: totalOctetsMax',
      'left: addressList',
      'left: profile',
    ]);
  });

  it.each<[NasVendor, string[]]>([
    [
      'cisco',
      [
        'Cisco-AVPair ip:sub-qos-policy-in=gold',
        'Cisco-AVPair ip:sub-qos-policy-out=gold',
        'left: speed',
      ],
    ],
    ['juniper-erx', ['ERX-Service-Activate 1:gold', 'left: speed']],
    [
      'huawei',
      [
        'Huawei-Input-Average-Rate 5000000',
        'Huawei-Output-Average-Rate 20000000',
        'Huawei-Qos-Profile-Name gold',
      ],
    ],
  ])('%s, its speed and profile', (vendor, expected) => {
    expect(accepted(vendor, 'pppoe', { speed, profile: 'gold' })).toEqual(expected);
  });

  it('DNS servers in the attributes of the vendor', () => {
    const dnsServers = ['192.0.2.53'];
    expect(accepted('juniper-erx', 'pppoe', { dnsServers })).toEqual([
      'ERX-Primary-Dns 192.0.2.53',
    ]);
    expect(accepted('huawei', 'pppoe', { dnsServers })).toEqual(['Huawei-Primary-DNS 192.0.2.53']);
  });
});

describe('addresses on MikroTik', () => {
  const pool: AccessTerms = { ipv4: { kind: 'pool', name: 'pool1' } };
  it('come from a pool by name on PPPoE', () => {
    expect(accepted('mikrotik', 'pppoe', pool)).toEqual(['Framed-Pool pool1']);
  });

  it('never name a pool to a hotspot, which would fail the login', () => {
    expect(accepted('mikrotik', 'hotspot', pool)).toEqual(['left: ipv4']);
  });
});

describe('volume limits on MikroTik', () => {
  it('bound either direction of PPP by the total, which it does not know', () => {
    const terms = { totalOctetsMax: toAmount(5_000), uploadOctetsMax: toAmount(9_000) };
    expect(accepted('mikrotik', 'pppoe', terms)).toEqual([
      'Mikrotik-Recv-Limit 5000',
      'Mikrotik-Xmit-Limit 5000',
    ]);
    expect(accepted('mikrotik', 'pppoe', { downloadOctetsMax: toAmount(7) })).toEqual([
      'Mikrotik-Xmit-Limit 7',
    ]);
  });

  it('are never 0, which would be no limit', () => {
    expect(accepted('mikrotik', 'hotspot', { totalOctetsMax: toAmount(0) })).toEqual([
      'Mikrotik-Total-Limit 1',
    ]);
    expect(accepted('mikrotik', 'hotspot', { sessionSecondsMax: 0 })).toEqual([
      'Session-Timeout 1',
    ]);
  });

  it.each([
    [1, { octets: 1, gigawords: 0 }],
    [GIB_4 - 1, { octets: 0xffff_ffff, gigawords: 0 }],
    [GIB_4, { octets: 0, gigawords: 1 }],
    [Number.MAX_SAFE_INTEGER, { octets: 0xffff_ffff, gigawords: 2 ** 21 - 1 }],
  ])('%i octets are two words', (limit, expected) => {
    expect(volumeWords(toAmount(limit))).toEqual(expected);
  });
});

describe('a change says what its NAS can change', () => {
  it('MikroTik, PPPoE: speed, limits of 32 bits, lists', () => {
    const terms = { ...everything, downloadOctetsMax: toAmount(7), totalOctetsMax: toAmount(9) };
    expect(changed('mikrotik', 'pppoe', terms)).toEqual([
      'Session-Timeout 3600',
      'Idle-Timeout 600',
      'Filter-Id in',
      'Filter-Id out',
      'Mikrotik-Group gold',
      'Mikrotik-Address-List garden',
      'Mikrotik-Rate-Limit 5M/20M',
      'Mikrotik-Recv-Limit 9',
      'Mikrotik-Xmit-Limit 7',
      'left: interimSeconds',
      'left: ipv4',
      'left: ipv6',
      'left: routes',
      'left: dnsServers',
      'left: redirectUrl',
      'left: devicesMax',
      'left: vlan',
      'left: encryption',
    ]);
  });

  it('MikroTik, PPPoE: no volume beyond 32 bits', () => {
    expect(changed('mikrotik', 'pppoe', { totalOctetsMax: toAmount(GIB_4) })).toEqual([
      'left: totalOctetsMax',
    ]);
  });

  it('MikroTik, hotspot: speed, limits of one direction, and no total', () => {
    const terms = { speed, totalOctetsMax: toAmount(9), addressList: 'garden', devicesMax: 3 };
    expect(changed('mikrotik', 'hotspot', { ...terms, downloadOctetsMax: toAmount(7) })).toEqual([
      'Mikrotik-Address-List garden',
      'Mikrotik-Rate-Limit 5M/20M',
      'Mikrotik-Xmit-Limit 7',
      'Port-Limit 3',
      'left: totalOctetsMax',
    ]);
  });

  it('what the operator says it can change, where the table is wrong', () => {
    const target = { vendor: 'mikrotik', connection: 'hotspot' } as const;
    const terms = { speed, addressList: 'garden' };
    expect(words(writeChangedTerms(terms, target, ['speed']))).toEqual([
      'Mikrotik-Rate-Limit 5M/20M',
      'left: addressList',
    ]);
  });
});

describe('the interim interval', () => {
  it('spreads by a tenth to either side, and the same way for the same session', () => {
    expect(spreadInterimSeconds(300, '0000000000000000')).toBe(270);
    expect(spreadInterimSeconds(300, 'ffffffffffffffff')).toBe(330);
    expect(spreadInterimSeconds(300, '7fffffffffffffff')).toBe(300);
    expect(spreadInterimSeconds(300, 'c0ffee0000000000')).toBe(
      spreadInterimSeconds(300, 'c0ffee0000000000'),
    );
  });

  it('never falls below a minute', () => {
    expect(spreadInterimSeconds(60, '0000000000000000')).toBe(60);
    expect(spreadInterimSeconds(1, 'ffffffffffffffff')).toBe(60);
  });

  it.each([
    // octets left, octets per second, seconds
    [100_000_000_000, 1_000_000, 600],
    [1_000_000_000, 1_000_000, 250],
    [1_000_000, 1_000_000, 60],
    [0, 1_000_000, 60],
    [1_000, 0, 600],
  ])(
    'is a quarter of the time that %i octets last at %i a second: %i s',
    (octetsLeft, octetsPerSecond, seconds) => {
      const bounds = { secondsMin: 30, secondsMax: 600 };
      expect(chooseInterimSeconds({ octetsLeft, octetsPerSecond, ...bounds })).toBe(seconds);
    },
  );
});
