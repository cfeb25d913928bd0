/** How each of the terms of a session is written, one writer for each way that NAS understand. */
import type { AccessTerms, TermName } from '../../domain/access.js';
import type { Amount } from '../../domain/amounts.js';
import { attributeValue, type Attribute, type IpPrefix, type RawAttribute } from '../attribute.js';
import { CiscoAVPair } from '../generated/cisco.js';
import { ErxPrimaryDns, ErxSecondaryDns, ErxServiceActivate } from '../generated/erx.js';
import {
  HuaweiHttpRedirectUrl,
  HuaweiInputAverageRate,
  HuaweiOutputAverageRate,
  HuaweiPrimaryDns,
  HuaweiQosProfileName,
  HuaweiSecondaryDns,
} from '../generated/huawei.js';
import { MsPrimaryDnsServer, MsSecondaryDnsServer } from '../generated/microsoft.js';
import {
  MikrotikAddressList,
  MikrotikDelegatedIPv6Pool,
  MikrotikGroup,
  MikrotikRateLimit,
  MikrotikRecvLimit,
  MikrotikRecvLimitGigawords,
  MikrotikTotalLimit,
  MikrotikTotalLimitGigawords,
  MikrotikXmitLimit,
  MikrotikXmitLimitGigawords,
} from '../generated/mikrotik.js';
import {
  AcctInterimInterval,
  DelegatedIPv6Prefix,
  DelegatedIPv6PrefixPool,
  DnsServerIPv6Address,
  FilterId,
  FramedIPv6Address,
  FramedIPv6Pool,
  FramedIPv6Prefix,
  FramedIPv6Route,
  FramedIpAddress,
  FramedIpNetmask,
  FramedPool,
  FramedRoute,
  IdleTimeout,
  PortLimit,
  SessionTimeout,
  TunnelMediumType,
  TunnelPrivateGroupId,
  TunnelType,
} from '../generated/standard.js';
import {
  WISPrBandwidthMaxDown,
  WISPrBandwidthMaxUp,
  WISPrRedirectionUrl,
} from '../generated/wispr.js';
import { formatRateLimit } from './mikrotik-rate-limit.js';
import { shortVolumeAttribute, volumeAttributes } from './volume-limit.js';

/** Writes some of the terms; asked only when one of them is there. */
export interface TermWriter {
  readonly covers: readonly TermName[];
  /** Null when the NAS has no way to say these values. */
  readonly write: (terms: AccessTerms) => RawAttribute[] | null;
}

const UINT32_MAX = 0xffff_ffff;

/** A writer for one term that is there. */
function term<Name extends TermName>(
  name: Name,
  write: (value: NonNullable<AccessTerms[Name]>) => RawAttribute[] | null,
): TermWriter {
  return {
    covers: [name],
    write: (terms) => {
      const value = terms[name];
      return value === undefined ? [] : write(value);
    },
  };
}

function secondsTerm(
  name: 'sessionSecondsMax' | 'idleSecondsMax' | 'interimSeconds',
  attribute: Attribute<number>,
): TermWriter {
  // 0 would mean no limit.
  return term(name, (seconds) => [
    attributeValue(attribute, Math.min(UINT32_MAX, Math.max(1, Math.floor(seconds)))),
  ]);
}

export const sessionTimeout = secondsTerm('sessionSecondsMax', SessionTimeout);
export const idleTimeout = secondsTerm('idleSecondsMax', IdleTimeout);
export const interimInterval = secondsTerm('interimSeconds', AcctInterimInterval);
export const filterIds = term('filters', (names) =>
  names.map((name) => attributeValue(FilterId, name)),
);
export const portLimit = term('devicesMax', (devices) => [attributeValue(PortLimit, devices)]);
/** MPPE is agreed on with the attributes of the authentication method. */
export const encryption = term('encryption', () => []);

/** Fixed address, or a pool by its name on the NAS. */
export const framedIpv4 = term('ipv4', (ipv4) => {
  if (ipv4.kind === 'pool') return [attributeValue(FramedPool, ipv4.name)];
  const address = attributeValue(FramedIpAddress, ipv4.address);
  if (ipv4.netmask === undefined) return [address];
  return [address, attributeValue(FramedIpNetmask, ipv4.netmask)];
});

/** A hotspot's fixed address; a pool would have to exist there by name, or the login fails. */
export const hotspotIpv4 = term('ipv4', (ipv4) =>
  ipv4.kind === 'fixed' ? [attributeValue(FramedIpAddress, ipv4.address)] : null,
);

function prefixOf(text: string): IpPrefix {
  const [address = '', length = '128'] = text.split('/');
  return { address, length: Number(length) };
}

/** Prefixes, address and pools, the delegated pool in the attribute that the NAS knows. */
function ipv6Writer(delegatedPool: Attribute<string>): TermWriter {
  return term('ipv6', (ipv6) => {
    const written: RawAttribute[] = [];
    const add = <T>(attribute: Attribute<T>, value: T | undefined): void => {
      if (value !== undefined) written.push(attributeValue(attribute, value));
    };
    const prefix = (text: string | undefined): IpPrefix | undefined =>
      text === undefined ? undefined : prefixOf(text);
    add(FramedIPv6Prefix, prefix(ipv6.framedPrefix));
    add(DelegatedIPv6Prefix, prefix(ipv6.delegatedPrefix));
    add(FramedIPv6Address, ipv6.address);
    add(FramedIPv6Pool, ipv6.framedPool);
    add(delegatedPool, ipv6.delegatedPool);
    return written;
  });
}

export const framedIpv6 = ipv6Writer(DelegatedIPv6PrefixPool);
export const mikrotikIpv6 = ipv6Writer(MikrotikDelegatedIPv6Pool);

export const framedRoutes = term('routes', (routes) =>
  routes.map((route) =>
    attributeValue(
      route.split(' ', 1)[0]?.includes(':') === true ? FramedIPv6Route : FramedRoute,
      route,
    ),
  ),
);

/** IPv4 servers in the vendor's two attributes, IPv6 ones in the standard's. */
function dnsWriter(primary: Attribute<string>, secondary: Attribute<string>): TermWriter {
  return term('dnsServers', (servers) => {
    const [first, second] = servers.filter((server) => !server.includes(':'));
    const v6 = servers.filter((server) => server.includes(':'));
    return [
      ...(first === undefined ? [] : [attributeValue(primary, first)]),
      ...(second === undefined ? [] : [attributeValue(secondary, second)]),
      ...v6.map((server) => attributeValue(DnsServerIPv6Address, server)),
    ];
  });
}

export const microsoftDns = dnsWriter(MsPrimaryDnsServer, MsSecondaryDnsServer);
export const erxDns = dnsWriter(ErxPrimaryDns, ErxSecondaryDns);
export const huaweiDns = dnsWriter(HuaweiPrimaryDns, HuaweiSecondaryDns);

/** The VLAN of a port [RFC 3580 3.31]. */
export const tunnelVlan = term('vlan', (vlan) => [
  attributeValue(TunnelType, { tag: 0, value: TunnelType.values.VLAN }),
  attributeValue(TunnelMediumType, { tag: 0, value: TunnelMediumType.values['IEEE-802'] }),
  attributeValue(TunnelPrivateGroupId, { tag: 0, value: String(vlan) }),
]);

export const mikrotikSpeed = term('speed', (speed) => [
  attributeValue(MikrotikRateLimit, formatRateLimit(speed)),
]);

function rateWriter(upload: Attribute<number>, download: Attribute<number>): TermWriter {
  const clamp = (rate: number): number => Math.min(UINT32_MAX, Math.max(1, rate));
  return term('speed', (speed) => [
    attributeValue(upload, clamp(speed.uploadBitsPerSecond)),
    attributeValue(download, clamp(speed.downloadBitsPerSecond)),
  ]);
}

export const wisprSpeed = rateWriter(WISPrBandwidthMaxUp, WISPrBandwidthMaxDown);
export const huaweiSpeed = rateWriter(HuaweiInputAverageRate, HuaweiOutputAverageRate);

export const mikrotikAddressList = term('addressList', (name) => [
  attributeValue(MikrotikAddressList, name),
]);
export const mikrotikGroup = term('profile', (name) => [attributeValue(MikrotikGroup, name)]);
export const ciscoPolicy = term('profile', (name) => [
  attributeValue(CiscoAVPair, `ip:sub-qos-policy-in=${name}`),
  attributeValue(CiscoAVPair, `ip:sub-qos-policy-out=${name}`),
]);
export const erxService = term('profile', (name) => [
  attributeValue(ErxServiceActivate, { tag: 1, value: name }),
]);
export const huaweiProfile = term('profile', (name) => [
  attributeValue(HuaweiQosProfileName, name),
]);
export const wisprRedirect = term('redirectUrl', (url) => [
  attributeValue(WISPrRedirectionUrl, url),
]);
export const huaweiRedirect = term('redirectUrl', (url) => [
  attributeValue(HuaweiHttpRedirectUrl, url),
]);

const VOLUME_TERMS = ['uploadOctetsMax', 'downloadOctetsMax', 'totalOctetsMax'] as const;

function smaller(one: Amount | undefined, other: Amount | undefined): Amount | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return one < other ? one : other;
}

/** Limits for a hotspot, which knows a total. */
export const mikrotikHotspotVolume: TermWriter = {
  covers: VOLUME_TERMS,
  write: ({ uploadOctetsMax, downloadOctetsMax, totalOctetsMax }) => [
    ...(uploadOctetsMax === undefined
      ? []
      : volumeAttributes(uploadOctetsMax, MikrotikRecvLimit, MikrotikRecvLimitGigawords)),
    ...(downloadOctetsMax === undefined
      ? []
      : volumeAttributes(downloadOctetsMax, MikrotikXmitLimit, MikrotikXmitLimitGigawords)),
    ...(totalOctetsMax === undefined
      ? []
      : volumeAttributes(totalOctetsMax, MikrotikTotalLimit, MikrotikTotalLimitGigawords)),
  ],
};

/**
 * Limits for PPP, which knows none for the sum: either direction alone may not pass the total. That
 * bounds what a session can use while we are away to twice the total, and accounting does the rest.
 */
export const mikrotikPppVolume: TermWriter = {
  covers: VOLUME_TERMS,
  write: ({ uploadOctetsMax, downloadOctetsMax, totalOctetsMax }) => {
    const upload = smaller(uploadOctetsMax, totalOctetsMax);
    const download = smaller(downloadOctetsMax, totalOctetsMax);
    return [
      ...(upload === undefined
        ? []
        : volumeAttributes(upload, MikrotikRecvLimit, MikrotikRecvLimitGigawords)),
      ...(download === undefined
        ? []
        : volumeAttributes(download, MikrotikXmitLimit, MikrotikXmitLimitGigawords)),
    ];
  },
};

/** Changed limits of a hotspot: each direction as below, and no total. */
export const mikrotikHotspotChangedVolume: TermWriter = {
  covers: ['uploadOctetsMax', 'downloadOctetsMax'],
  write: ({ uploadOctetsMax, downloadOctetsMax }) =>
    mikrotikChangedVolume.write({
      ...(uploadOctetsMax !== undefined && { uploadOctetsMax }),
      ...(downloadOctetsMax !== undefined && { downloadOctetsMax }),
    }),
};

/** Changed limits: RouterOS takes the lower words in a CoA, and neither upper words nor a total. */
export const mikrotikChangedVolume: TermWriter = {
  covers: VOLUME_TERMS,
  write: ({ uploadOctetsMax, downloadOctetsMax, totalOctetsMax }) => {
    const upload = smaller(uploadOctetsMax, totalOctetsMax);
    const download = smaller(downloadOctetsMax, totalOctetsMax);
    const up = upload === undefined ? [] : shortVolumeAttribute(upload, MikrotikRecvLimit);
    const down = download === undefined ? [] : shortVolumeAttribute(download, MikrotikXmitLimit);
    return up === null || down === null ? null : [...up, ...down];
  },
};
