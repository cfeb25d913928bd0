/** RouterOS commands that make a router a RADIUS client of ours (docs/recipes/mikrotik.md). */
import type { ConnectionKind } from '../domain/access.js';
import type { NasDeclaration } from '../domain/nas.js';

export interface RouterScriptOptions {
  readonly nas: NasDeclaration;
  /** The shared secret; null leaves a place to fill in. */
  readonly secret: string | null;
  /** Address of tolld as the router reaches it. */
  readonly server: string;
  /** The router's own address that requests leave from, where it has several. */
  readonly sourceAddress: string | null;
  /** How often sessions report where an accept does not say so. */
  readonly interimSeconds: number;
  readonly ntpServers: readonly string[];
  /** Hosts that a subscriber without credit may reach: portal, payment. */
  readonly portalHosts: readonly string[];
  /** Firewall lists of the walled gardens. */
  readonly gardenLists: readonly string[];
  /** Ways to log in at a hotspot, as RouterOS names them. */
  readonly hotspotLogin: readonly string[];
}

const SECRET_PLACE = '<the shared secret>';
/** Far above the defaults that were found (100 ms to 1.1 s), so that no slow moment is a resend. */
const TIMEOUT = '3s';
/** What RouterOS forces with `protocol=radsec`. */
const RADSEC_SECRET = 'radsec';
const MARK = 'tolld';
const PORTAL_LIST = 'tolld-portal';

/** The script, line by line; running it again replaces what it made. */
export function routerScript(options: RouterScriptOptions): readonly string[] {
  const { nas } = options;
  const services = nas.services ?? ['pppoe', 'hotspot'];
  const hasPpp = services.some(isPpp);
  const hasHotspot = services.includes('hotspot');
  const parts = [
    heading(options),
    identity(nas),
    radiusClient(options, { hasPpp, hasHotspot }),
    incoming(options),
    hasPpp ? ppp(options) : [],
    hasHotspot ? hotspot(options) : [],
    gardens(options),
    clock(options),
    health({ hasPpp, hasHotspot }),
  ];
  return parts
    .filter((part) => part.length > 0)
    .flatMap((part) => ['', ...part])
    .slice(1);
}

/** What RouterOS' ppp service covers. */
function isPpp(kind: ConnectionKind): boolean {
  return kind === 'pppoe' || kind === 'vpn';
}

/** A text in RouterOS' quotes, in which $ begins a variable and ? asks for help. */
export function quoted(text: string): string {
  const escaped = text.replace(/["\\$?]/g, (character) => `\\${character}`);
  return `"${escaped}"`;
}

function heading({ nas, secret }: RouterScriptOptions): readonly string[] {
  return [
    `# RADIUS of NAS ${nas.name}, made by tolld. Paste it into the router's terminal.`,
    '# Entries that it makes are marked with a comment and replaced when it runs again.',
    ...(secret === null && nas.addresses.length > 0
      ? [`# Replace ${SECRET_PLACE}, or have it filled in by --with-secret.`]
      : []),
  ];
}

function identity({ name, nasIdentifier }: NasDeclaration): readonly string[] {
  return [
    '# NAS-Identifier: unique, or routers behind one address can not be told apart.',
    `/system identity set name=${quoted(nasIdentifier ?? name)}`,
  ];
}

function radiusClient(
  { nas, secret, server, sourceAddress }: RouterScriptOptions,
  { hasPpp, hasHotspot }: { readonly hasPpp: boolean; readonly hasHotspot: boolean },
): readonly string[] {
  const service = [...(hasPpp ? ['ppp'] : []), ...(hasHotspot ? ['hotspot'] : [])].join(',');
  const isTls = nas.addresses.length === 0;
  const own = nas.addresses.length === 1 && !/[/]/.test(nas.addresses[0] ?? '/');
  const source = sourceAddress ?? (own ? nas.addresses[0] : undefined);
  return [
    '# Requests. The order of servers matters: this one is added behind those that are there.',
    `/radius remove [find comment=${quoted(MARK)}]`,
    [
      `/radius add service=${service} address=${server}`,
      ...(isTls ? ['protocol=radsec'] : []),
      `secret=${quoted(isTls ? RADSEC_SECRET : (secret ?? SECRET_PLACE))}`,
      ...(source === undefined ? [] : [`src-address=${source}`]),
      `timeout=${TIMEOUT}`,
      `comment=${quoted(MARK)}`,
    ].join(' '),
    ...(isTls ? ["# Give it the router's client certificate, which names the NAS."] : []),
    '# RouterOS 7.15 or later: leave require-message-auth at yes-for-request-resp, its default.',
  ];
}

function incoming({ nas, server }: RouterScriptOptions): readonly string[] {
  const { dynamicAuthorization, steeringOverTls } = nas;
  if (dynamicAuthorization === undefined && steeringOverTls === true) {
    return [
      '# RouterOS is not known to take changes and ends of sessions over its own connection: if it does',
      '# not, give "steering" in the operator file an address.',
    ];
  }
  if (dynamicAuthorization === undefined) {
    return [
      '# Changes and ends of sessions are not taken: the NAS has no "steering" in the operator file.',
    ];
  }
  const { port } = dynamicAuthorization;
  return [
    '# Changes and ends of sessions: off until they are accepted, and open to us alone.',
    `/radius incoming set accept=yes port=${port}`,
    `/ip firewall filter remove [find comment=${quoted(`${MARK} incoming`)}]`,
    `/ip firewall filter add chain=input protocol=udp dst-port=${port} src-address=${server} ` +
      `action=accept place-before=0 comment=${quoted(`${MARK} incoming`)}`,
  ];
}

function ppp({ interimSeconds }: RouterScriptOptions): readonly string[] {
  return [
    '# PPP. Local users are asked first: a left-over secret of the same name is unbilled service.',
    `/ppp aaa set use-radius=yes accounting=yes interim-update=${interimSeconds}s`,
    '/ppp secret print',
  ];
}

function hotspot({ hotspotLogin, portalHosts }: RouterScriptOptions): readonly string[] {
  return [
    '# Hotspot. An interval is honoured only as "received"; the default user profile must name no',
    '# pool, or logins fail although they were accepted.',
    '/ip hotspot profile set [find] use-radius=yes radius-accounting=yes ' +
      `radius-interim-update=received login-by=${hotspotLogin.join(',')}`,
    '/ip hotspot user profile set [find default=yes] address-pool=none',
    ...(portalHosts.length > 0
      ? [
          `/ip hotspot walled-garden remove [find comment=${quoted(MARK)}]`,
          ...portalHosts.map(
            (host) =>
              `/ip hotspot walled-garden add action=allow dst-host=${quoted(host)} ` +
              `comment=${quoted(MARK)}`,
          ),
        ]
      : ['# Without --portal nobody reaches a page to pay on before the login.']),
    '/ip hotspot user print',
  ];
}

function gardens({ gardenLists, portalHosts }: RouterScriptOptions): readonly string[] {
  if (gardenLists.length === 0) return [];
  const comment = `comment=${quoted(`${MARK} garden`)}`;
  return [
    '# Walled gardens: whose address is on the list reaches the portal and nothing else.',
    `/ip firewall address-list remove [find comment=${quoted(`${MARK} garden`)}]`,
    `/ip firewall filter remove [find comment=${quoted(`${MARK} garden`)}]`,
    ...portalHosts.map(
      (host) => `/ip firewall address-list add list=${PORTAL_LIST} address=${host} ${comment}`,
    ),
    ...gardenLists.map(
      (list) =>
        `/ip firewall filter add chain=forward src-address-list=${quoted(list)} ` +
        `dst-address-list=!${PORTAL_LIST} action=drop place-before=0 ${comment}`,
    ),
    ...(portalHosts.length > 0 ? [] : ['# Name what they may reach by --portal.']),
  ];
}

function clock({ ntpServers }: RouterScriptOptions): readonly string[] {
  return [
    '# Time: when something happened is said by the clock of the router.',
    `/system ntp client set enabled=yes servers=${ntpServers.join(',')}`,
  ];
}

function health({
  hasPpp,
  hasHotspot,
}: {
  readonly hasPpp: boolean;
  readonly hasHotspot: boolean;
}): readonly string[] {
  return [
    '# Check: requests and accepts grow, timeouts and bad-replies do not. With CHAP a wrong secret',
    '# shows here only, as bad-replies.',
    `/radius monitor [find comment=${quoted(MARK)}] once`,
    '/radius incoming print',
    ...(hasPpp ? ['/ppp aaa print'] : []),
    ...(hasHotspot ? ['/ip hotspot profile print'] : []),
  ];
}
