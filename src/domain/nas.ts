/**
 * Network access servers as the operator declares them: what the configuration says of each, with
 * its secrets sealed. Who opens them builds the clients of the RADIUS front.
 */
import type { ConnectionKind, TermName } from './access.js';
import type { SealedText } from './sealed-text.js';

/** Whose attributes a NAS understands. `generic`: those of the RFCs and WISPr. */
export const NAS_VENDORS = ['mikrotik', 'cisco', 'juniper-erx', 'huawei', 'generic'] as const;
export type NasVendor = (typeof NAS_VENDORS)[number];

/**
 * `require`: an Access-Request without a Message-Authenticator is dropped. `auto`: accepted with a
 * warning until the NAS has sent one, required from then on; never accepted with a Proxy-State.
 * `off`: not asked for. A wrong one is dropped always.
 */
export const MESSAGE_AUTHENTICATOR_POLICIES = ['require', 'auto', 'off'] as const;
export type MessageAuthenticatorPolicy = (typeof MESSAGE_AUTHENTICATOR_POLICIES)[number];

/**
 * What a NAS means by Acct-Input-Octets. RFC 2866 and most NAS: what it received from the
 * subscriber, the upload. Some products and firmwares count the other way round.
 */
export const COUNTER_DIRECTIONS = ['input-is-upload', 'input-is-download'] as const;
export type CounterDirection = (typeof COUNTER_DIRECTIONS)[number];

/** What RADIUS over TLS can be: with its MD5, or without [RFC 9765]. */
export const RADIUS_VERSIONS = ['1.0', '1.1'] as const;
export type RadiusVersion = (typeof RADIUS_VERSIONS)[number];

/** EAP methods that can be offered. */
export const EAP_METHOD_NAMES = ['md5', 'ms-chap2'] as const;

export type ChangeableTerms = Partial<Readonly<Record<ConnectionKind, readonly TermName[]>>>;

export interface NasDeclaration {
  /** As the operator calls it; unique. */
  readonly name: string;
  readonly networkScope: string;
  /** Addresses and ranges; none for one that speaks TLS only. */
  readonly addresses: readonly string[];
  /** Tells it from others behind one address. */
  readonly nasIdentifier?: string;
  /** Newest first: while a secret is being changed, the NAS may still use an older one. */
  readonly secrets: readonly SealedText[];
  readonly vendor: NasVendor;
  readonly messageAuthenticator?: MessageAuthenticatorPolicy;
  readonly counterDirection?: CounterDirection;
  /** What it offers; where that is one, all its sessions are of it. */
  readonly services?: readonly ConnectionKind[];
  /** Names in its certificate, for RADIUS over TLS. */
  readonly certificateNames?: readonly string[];
  /** What it may speak over TLS; whatever the listener does where absent. */
  readonly tlsVersions?: readonly RadiusVersion[];
  /** Best first. */
  readonly eapMethods?: readonly (typeof EAP_METHOD_NAMES)[number][];
  /** It takes CoA- and Disconnect-Requests over the TLS connection that it has opened to us. */
  readonly steeringOverTls?: boolean;
  /** Where it takes them as datagrams; beside the former, for while it is not connected. */
  readonly dynamicAuthorization?: {
    readonly address: string;
    readonly port: number;
    /** The NAS' own secret when absent. */
    readonly secret?: SealedText;
    readonly messageAuthenticator?: boolean;
  };
  readonly changeableTerms?: ChangeableTerms;
}
