/**
 * Which RADIUS is spoken over TLS: 1.0 with its MD5, or 1.1 without [RFC 9765 3]. Peers agree by
 * ALPN as the connection is set up; one that says nothing speaks 1.0.
 */
import { RADIUS_VERSIONS, type RadiusVersion } from '../domain/nas.js';

const PROTOCOLS: Readonly<Record<RadiusVersion, string>> = {
  '1.0': 'radius/1.0',
  '1.1': 'radius/1.1',
};

/**
 * The best protocol that both ends have, of those preferred where there is one; undefined for none,
 * which TLS answers with an alert.
 */
export function chooseProtocol(
  versions: readonly RadiusVersion[],
  offered: readonly string[],
  preferred: readonly RadiusVersion[] = versions,
): string | undefined {
  const common = RADIUS_VERSIONS.toReversed().filter(
    (version) => versions.includes(version) && offered.includes(PROTOCOLS[version]),
  );
  const best = common.find((version) => preferred.includes(version)) ?? common[0];
  return best === undefined ? undefined : PROTOCOLS[best];
}

/** Of the versions that are served, those that one of these NAS at least may speak. */
export function versionsOf(
  served: readonly RadiusVersion[],
  nas: readonly { readonly tlsVersions: readonly RadiusVersion[] }[],
): readonly RadiusVersion[] {
  return served.filter((version) => nas.some(({ tlsVersions }) => tlsVersions.includes(version)));
}

/** What to offer as a client [RFC 9765 3.3]. */
export function protocolsOf(versions: readonly RadiusVersion[]): string[] {
  return versions.map((version) => PROTOCOLS[version]);
}

/** How a connection was set up, in the words of node:tls. */
export interface AgreedConnection {
  readonly alpnProtocol: string | false | null;
  getProtocol(): string | null;
}

export type VersionAgreement =
  | { readonly ok: true; readonly version: RadiusVersion }
  /** `why`: words for those who run the other end. */
  | { readonly ok: false; readonly why: string };

/** The version that a connection carries, or why it may carry none [RFC 9765 3.3, 3.4]. */
export function agreedVersion(
  versions: readonly RadiusVersion[],
  connection: AgreedConnection,
): VersionAgreement {
  const version = connection.alpnProtocol === PROTOCOLS['1.1'] ? '1.1' : '1.0';
  if (!versions.includes(version)) {
    return { ok: false, why: refusalOf(versions) };
  }
  if (version === '1.1' && connection.getProtocol() !== 'TLSv1.3') {
    return { ok: false, why: 'RADIUS/1.1 needs TLS 1.3' };
  }
  return { ok: true, version };
}

/** Words for a peer that has none of these versions. */
export function refusalOf(versions: readonly RadiusVersion[]): string {
  const served = protocolsOf(versions).join(' or ');
  return served === '' ? 'no version of RADIUS is served' : `only ${served} is served, by ALPN`;
}
