/** What a request says of the subscriber and its place in the network, in our words. */
import { canonicalMac, type ConnectionKind } from '../domain/access.js';
import type { NetworkContext } from '../domain/credit-control.js';
import type { SubscriberIdentity } from '../domain/identity.js';
import { valueName, type Attribute } from './attribute.js';
import { MsChapDomain } from './generated/microsoft.js';
import { MikrotikHostIp, MikrotikRealm } from './generated/mikrotik.js';
import {
  AcctMultiSessionId,
  AcctSessionId,
  CalledStationId,
  CallingStationId,
  ChargeableUserIdentity,
  ConnectInfo,
  DelegatedIPv6Prefix,
  EapMessage,
  FramedIPv6Address,
  FramedIPv6Prefix,
  FramedIpAddress,
  FramedProtocol,
  NasIPv6Address,
  NasIdentifier,
  NasIpAddress,
  NasPort,
  NasPortId,
  NasPortType,
  ProxyState,
  ServiceType,
  UserName,
} from './generated/standard.js';
import { WISPrLocationId, WISPrLocationName } from './generated/wispr.js';
import type { NasClient } from './nas-clients.js';
import type { RadiusPacket } from './packet.js';

const CONTEXT_LENGTH_MAX = 128;

// eslint-disable-next-line no-control-regex -- these are what must not pass
const CONTROLS = /[\x00-\x1f\x7f]/g;

function escapeControl(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
}

/** What a cut through a character leaves of it. */
const HALF_CHARACTER = /[\ud800-\udbff]$/;

const SPACE = 0x20;
const DELETE = 0x7f;

/** Unit by unit: nearly no text has one, and a regular expression takes several times as long. */
function hasControl(value: string): boolean {
  for (let at = 0; at < value.length; at += 1) {
    const code = value.charCodeAt(at);
    if (code < SPACE || code === DELETE) return true;
  }
  return false;
}

function withoutControls(value: string): string {
  return hasControl(value) ? value.replace(CONTROLS, escapeControl) : value;
}

/** Text for an event: control characters as %XX, cut to 128 characters. */
function contextText(value: string): string {
  const escaped = withoutControls(value);
  if (escaped.length <= CONTEXT_LENGTH_MAX) return escaped;
  return escaped.slice(0, CONTEXT_LENGTH_MAX).replace(HALF_CHARACTER, '');
}

interface ContextAttribute {
  readonly name: string;
  readonly attribute: Attribute<string>;
}

const CONTEXT_ATTRIBUTES: readonly ContextAttribute[] = [
  { name: 'nasIdentifier', attribute: NasIdentifier },
  { name: 'nasAddress', attribute: NasIpAddress },
  { name: 'nasIpv6Address', attribute: NasIPv6Address },
  { name: 'portId', attribute: NasPortId },
  { name: 'calledStation', attribute: CalledStationId },
  { name: 'callingStation', attribute: CallingStationId },
  { name: 'address', attribute: FramedIpAddress },
  { name: 'ipv6Address', attribute: FramedIPv6Address },
  { name: 'hostAddress', attribute: MikrotikHostIp },
  { name: 'realm', attribute: MikrotikRealm },
  { name: 'domain', attribute: MsChapDomain },
  { name: 'connectInfo', attribute: ConnectInfo },
  { name: 'multiSessionId', attribute: AcctMultiSessionId },
  { name: 'locationId', attribute: WISPrLocationId },
  { name: 'locationName', attribute: WISPrLocationName },
];

/** Everything of a request that may be of use on an event, as bounded text. */
export function networkContext(packet: RadiusPacket): NetworkContext {
  const context: Record<string, string> = {};
  for (const { name, attribute } of CONTEXT_ATTRIBUTES) {
    const value = packet.get(attribute);
    if (value !== undefined && value !== '') context[name] = contextText(value);
  }
  const port = packet.get(NasPort);
  if (port !== undefined) context['port'] = String(port);
  const portType = packet.get(NasPortType);
  if (portType !== undefined) context['portType'] = valueName(NasPortType, portType);
  const framed = packet.get(FramedIPv6Prefix);
  if (framed !== undefined) context['ipv6Prefix'] = `${framed.address}/${framed.length}`;
  const delegated = packet.get(DelegatedIPv6Prefix);
  if (delegated !== undefined) {
    context['delegatedPrefix'] = `${delegated.address}/${delegated.length}`;
  }
  const chargeable = packet.get(ChargeableUserIdentity);
  if (chargeable !== undefined && chargeable.length > 1) {
    context['chargeableUserIdentity'] = contextText(chargeable.toString('latin1'));
  }
  return context;
}

// eslint-disable-next-line no-control-regex -- some equipment ends text as C does
const TERMINATOR = /\x00+$/;

/**
 * The user name, and the MAC address that it spells if it is one. Control characters of it are written %XX:
 * it becomes part of events, and no text of Postgres holds a zero octet.
 */
export function requestIdentities(packet: RadiusPacket): SubscriberIdentity[] {
  const sent = packet.get(UserName);
  const userName = sent === undefined ? '' : withoutControls(sent.replace(TERMINATOR, ''));
  if (userName === '') return [];
  const mac = canonicalMac(userName);
  const named: SubscriberIdentity = { kind: 'user-name', value: userName };
  return mac === null ? [named] : [named, { kind: 'mac', value: mac }];
}

/** The calling station as a canonical MAC, or as the NAS wrote it. */
export function requestStation(packet: RadiusPacket): string | null {
  const station = packet.get(CallingStationId);
  if (station === undefined || station === '') return null;
  return canonicalMac(station) ?? contextText(station);
}

/** The port of the session: its name where the NAS has one, beside the number. */
export function requestPort(packet: RadiusPacket): string | null {
  const number = packet.get(NasPort);
  const name = packet.get(NasPortId);
  if (number === undefined && name === undefined) return null;
  return contextText(`${name ?? ''}/${number ?? ''}`);
}

/**
 * What RouterOS puts into an Acct-Session-Id of eight hex digits: two for the service, one that
 * grows with every boot, and the session.
 */
const ROUTER_OS_SESSION_ID = /^[0-9a-f]{8}$/i;
const ROUTER_OS_HOTSPOT = '80';

/** An Acct-Session-Id of that form; null for any other. */
function routerOsSessionId(sessionId: Buffer | undefined, nas: NasClient): string | null {
  if (nas.vendor !== 'mikrotik') return null;
  const id = sessionId?.toString('latin1') ?? '';
  return ROUTER_OS_SESSION_ID.test(id) ? id : null;
}

/**
 * Which device of a NAS that may be many, or that a proxy speaks for: its identifier and its address, one
 * of which every request has [RFC 2865 4.1, RFC 2866 4.1]. Routers left at their default identity differ by the address alone. One
 * that says neither is known by where it sends from; others are not, as proxies may be between.
 */
export function requestDevice(
  packet: RadiusPacket,
  { nas, address: source }: { readonly nas: NasClient; readonly address: string },
): string | null {
  const isProxied = nas.nasIdentifier === null && packet.has(ProxyState);
  if (!nas.isMany && !isProxied) return null;
  const identifier = packet.get(NasIdentifier) ?? '';
  const address = packet.get(NasIpAddress) ?? packet.get(NasIPv6Address) ?? '';
  const isUnnamed = identifier === '' && address === '';
  // The one NAS of its address, or nothing to tell it by but the proxy.
  if (!nas.isMany && (isUnnamed || address === source)) return null;
  return deviceName(identifier, isUnnamed ? source : address);
}

/** A device that says of itself who and where it is. */
export function deviceName(identifier: string, address: string): string {
  return contextText(`${identifier} ${address}`);
}

/** The boot digit of RouterOS in an Acct-Session-Id; null for every other NAS. */
export function bootMarkOf(sessionId: Buffer, nas: NasClient): string | null {
  return routerOsSessionId(sessionId, nas)?.charAt(2).toLowerCase() ?? null;
}

const { values: PORT_TYPES } = NasPortType;
const { values: SERVICES } = ServiceType;

/**
 * What kind of connection a request speaks of; null when it does not tell. A missing Service-Type
 * says nothing: RouterOS leaves it out of a hotspot's accounting.
 */
export function requestConnection(packet: RadiusPacket, nas: NasClient): ConnectionKind | null {
  if (nas.connection !== null) return nas.connection;
  const portType = packet.get(NasPortType);
  if (packet.get(FramedProtocol) === FramedProtocol.values.PPP) {
    return portType === PORT_TYPES.Virtual ? 'vpn' : 'pppoe';
  }
  if (isHotspot(packet, nas)) return 'hotspot';
  if (packet.has(EapMessage)) return portType === PORT_TYPES.Virtual ? 'vpn' : 'dot1x';
  const service = packet.get(ServiceType);
  if (service === SERVICES.Framed || service === SERVICES['Call-Check']) return 'static';
  return null;
}

function isHotspot(packet: RadiusPacket, nas: NasClient): boolean {
  return (
    packet.has(MikrotikHostIp) ||
    packet.has(WISPrLocationId) ||
    packet.has(WISPrLocationName) ||
    routerOsSessionId(packet.get(AcctSessionId), nas)?.startsWith(ROUTER_OS_HOTSPOT) === true ||
    (nas.vendor === 'mikrotik' && packet.get(ServiceType) === SERVICES.Login)
  );
}
