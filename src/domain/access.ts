/**
 * The words of network access: who asks to come in and with what proof, what a session may do, what
 * it reports while it lasts, and how it is steered. The RADIUS front builds and reads them, credit
 * control decides; neither knows the other.
 *
 * Directions are the subscriber's: upload is what the subscriber sends, download what it gets.
 */
import type { Amount } from './amounts.js';
import type { NetworkContext } from './credit-control.js';
import type { SubscriberIdentity } from './identity.js';

/** How a subscriber is attached; a profile may allow some of them only. */
export const CONNECTION_KINDS = ['pppoe', 'hotspot', 'vpn', 'dot1x', 'static', 'other'] as const;
export type ConnectionKind = (typeof CONNECTION_KINDS)[number];

export const ACCESS_METHODS = [
  'pap',
  'chap',
  'ms-chap',
  'ms-chap2',
  'eap-md5',
  'eap-ms-chap2',
  /** The request carries nothing to check: only a station's own address can be admitted by it. */
  'none',
] as const;
export type AccessMethod = (typeof ACCESS_METHODS)[number];

/** What a profile keeps to check a proof with, already decrypted. */
export type AccessSecret =
  | { readonly kind: 'clear'; readonly password: string }
  /** MD4 of the password in UTF-16: enough for MS-CHAP and PAP, not for CHAP. */
  | { readonly kind: 'nt-hash'; readonly hash: Uint8Array }
  /** A one-way hash, which only a password in clear (PAP) can be checked against. */
  | { readonly kind: 'one-way'; readonly matches: (password: Uint8Array) => Promise<boolean> }
  /**
   * The station address is the credential: the user name is a MAC, in any spelling, that of the
   * calling station where the NAS says it, with no password, the MAC itself, or this one.
   */
  | { readonly kind: 'station'; readonly password: string | null };

export type ProofResult =
  | 'proven'
  | 'wrong'
  /** The method cannot be checked against a secret of this kind. */
  | 'unsupported';

/** The proof in a request. The front alone knows its form. */
export interface AccessProof {
  readonly method: AccessMethod;
  /**
   * Checks the proof in constant time. A proven secret is remembered for the reply, which may have
   * to prove to the subscriber that the network knows it too.
   */
  verify(secret: AccessSecret): ProofResult | Promise<ProofResult>;
}

/**
 * Points to what was decided when a session was admitted. It travels through the NAS, sealed, and
 * comes back with every report, so that the session is found without its subscriber.
 */
export interface SessionHandle {
  readonly partition: number;
  readonly accountId: string;
  /** 8 to 32 octets as hex digits, unique per admission. */
  readonly nonce: string;
}

export interface AccessRequest {
  /** The NAS as the operator named it, and the scope its identities live in. */
  readonly nas: string;
  readonly networkScope: string;
  /**
   * The same for every resend of the request, whichever process receives it, and for no other
   * request: a second decision for it must be the first one again.
   */
  readonly requestKey: string;
  /**
   * `prove`: a middle round of a longer exchange, answered with `proven` or `rejected`; nothing is
   * granted. `admit`: check the proof and decide.
   */
  readonly step: 'prove' | 'admit';
  /** The user name, and the MAC it spells if it is one. Empty when the NAS sent no name. */
  readonly identities: readonly SubscriberIdentity[];
  readonly proof: AccessProof;
  readonly connection: ConnectionKind;
  /** Key of the session that accounting will name, where the NAS chose it already. */
  readonly sessionKey: string | null;
  /** Canonical MAC of the calling station, or its address as the NAS wrote it. */
  readonly station: string | null;
  /** Milliseconds since 1970. */
  readonly receivedAt: number;
  readonly context: NetworkContext;
}

/** Why a subscriber may not come in; the operator's reject log and messages use these. */
export const REJECT_REASONS = [
  'unknown-subscriber',
  'wrong-password',
  /** The stored secret cannot check the method that the NAS chose. */
  'method-unsupported',
  'locked-out',
  'suspended',
  'closed',
  'expired',
  'no-credit',
  'too-many-sessions',
  'wrong-connection',
  'wrong-nas',
  'wrong-station',
  'no-address',
  /** The tariff bars what the plan's sessions are charged as. */
  'barred',
  /** An exchange of several rounds that was not finished as it began, or took too long. */
  'exchange-failed',
] as const;
export type RejectReason = (typeof REJECT_REASONS)[number];

/** Bits per second in each direction. */
export interface Rates {
  readonly uploadBitsPerSecond: number;
  readonly downloadBitsPerSecond: number;
}

export interface Burst {
  readonly rates: Rates;
  /** Average below which bursting is allowed; the rate itself when absent. */
  readonly thresholds?: Rates;
  /** Seconds over which the average is taken. */
  readonly uploadSeconds: number;
  readonly downloadSeconds: number;
}

export interface Speed extends Rates {
  readonly burst?: Burst;
  /** 1 (first) to 8 (last). */
  readonly priority?: number;
  /** What the session gets when the line is full. */
  readonly guaranteed?: Rates;
}

export type Ipv4Assignment =
  | { readonly kind: 'fixed'; readonly address: string; readonly netmask?: string }
  /** A pool of the NAS, by its name there. */
  | { readonly kind: 'pool'; readonly name: string };

export interface Ipv6Assignment {
  /** Prefixes as "2001:db8::/64". */
  readonly framedPrefix?: string;
  readonly delegatedPrefix?: string;
  readonly address?: string;
  readonly framedPool?: string;
  readonly delegatedPool?: string;
}

/** What a session may do. Absent means: nothing is said about it, the NAS' own rule holds. */
export interface AccessTerms {
  readonly speed?: Speed;
  /** Seconds and octets count from the start of the session, not from now. */
  readonly sessionSecondsMax?: number;
  readonly idleSecondsMax?: number;
  readonly uploadOctetsMax?: Amount;
  readonly downloadOctetsMax?: Amount;
  readonly totalOctetsMax?: Amount;
  /** Seconds between reports: 60 at least. The front spreads it a little. */
  readonly interimSeconds?: number;
  readonly ipv4?: Ipv4Assignment;
  readonly ipv6?: Ipv6Assignment;
  /** Routes behind the subscriber, as RADIUS writes them ("192.0.2.0/24 0.0.0.0 1"). */
  readonly routes?: readonly string[];
  readonly dnsServers?: readonly string[];
  /** Firewall list of the NAS that the session's address joins (walled garden, blocked …). */
  readonly addressList?: string;
  /** Profile, group or service of the NAS by its name there. */
  readonly profile?: string;
  readonly filters?: readonly string[];
  /** Where the subscriber's browser is sent. */
  readonly redirectUrl?: string;
  /** Devices that may share one hotspot login. */
  readonly devicesMax?: number;
  readonly vlan?: number;
  /** MPPE of PPP links; absent: allowed. */
  readonly encryption?: 'none' | 'allowed' | 'required';
}

export type TermName = keyof AccessTerms;

export type AccessDecision =
  /** The answer to the step `prove`. */
  | { readonly kind: 'proven' }
  | {
      readonly kind: 'accepted';
      readonly session: SessionHandle;
      readonly terms: AccessTerms;
      /** Words for the subscriber; null for none. */
      readonly message: string | null;
    }
  | {
      readonly kind: 'rejected';
      readonly reason: RejectReason;
      readonly message: string | null;
    }
  /** Nothing could be decided: no answer, so that the NAS asks another server. */
  | { readonly kind: 'unavailable' };

/**
 * Decides a request. Resolves only after a grant is durable; may reject for an operating failure,
 * which is answered like `unavailable`.
 */
export type AccessHandler = (request: AccessRequest) => Promise<AccessDecision>;

/** Running totals of a session, or of what the NAS counts since it last lost them. */
export interface SessionCounters {
  /** Null where the report says nothing about the direction. */
  readonly uploadOctets: Amount | null;
  readonly downloadOctets: Amount | null;
  /**
   * 32: the NAS said nothing of the upper words, so a total may have wrapped at 2^32.
   * 64: the totals are whole.
   */
  readonly width: 32 | 64;
}

export interface SessionReport {
  readonly kind: 'session';
  readonly nas: string;
  readonly networkScope: string;
  /**
   * The NAS, its session id, octet for octet (odd octets as %XX), and which of its devices it is of,
   * where it may be several. A NAS may use an id again after a reboot: the handle tells such sessions
   * apart.
   */
  readonly sessionKey: string;
  /** What was decided at admission; null when the NAS sent nothing back that we sealed. */
  readonly handle: SessionHandle | null;
  readonly status: 'start' | 'interim' | 'stop';
  readonly counters: SessionCounters | null;
  readonly sessionSeconds: number | null;
  /** Receipt less the delay that the NAS admits, milliseconds since 1970: reports have this order. */
  readonly eventAt: number;
  readonly receivedAt: number;
  /** The NAS' own clock, often wrong: information only. Milliseconds since 1970. */
  readonly eventTimestamp: number | null;
  /** Acct-Terminate-Cause by name ("Lost-Carrier"). */
  readonly terminationCause: string | null;
  readonly identities: readonly SubscriberIdentity[];
  /** Null where the report alone does not say; the session's own is meant then. */
  readonly connection: ConnectionKind | null;
  readonly station: string | null;
  /** IPv4 address of the subscriber. */
  readonly address: string | null;
  /** Physical or virtual port: a new session of one user on one port ends the one before. */
  readonly port: string | null;
  /**
   * What the NAS marks each of its boots with; another one than before means that its older
   * sessions are gone. Null for a NAS without such a mark.
   */
  readonly bootMark: string | null;
  /** Which of the devices that are declared as one NAS; null where it is one device. */
  readonly device: string | null;
  readonly context: NetworkContext;
}

/** A NAS that says that it starts or stops, and with it all of its sessions. */
export interface NasReport {
  readonly kind: 'nas';
  readonly nas: string;
  readonly networkScope: string;
  /** As of a session's report: the others of a range go on. */
  readonly device: string | null;
  readonly change: 'on' | 'off';
  readonly eventAt: number;
  readonly receivedAt: number;
  readonly context: NetworkContext;
}

export type AccountingReport = SessionReport | NasReport;

export type AccountingOutcome =
  /** Durable, now or by an earlier copy of the report. */
  | { readonly kind: 'recorded' }
  /** Understood and of no consequence (unknown session without a subscriber …): answered too. */
  | { readonly kind: 'ignored' }
  /** Not recorded: no answer, so that the NAS sends it again. */
  | { readonly kind: 'unavailable' };

/** Records a report. Resolves only after it is durable; a rejection leaves it unanswered. */
export type AccountingHandler = (report: AccountingReport) => Promise<AccountingOutcome>;

/** Where a live session is found in the network: as much of it as is known. */
export interface SessionPointer {
  readonly nas: string;
  readonly sessionKey: string;
  readonly userName: string | null;
  readonly address: string | null;
  readonly station: string | null;
  readonly connection: ConnectionKind;
}

export type SteeringOrder =
  { readonly kind: 'disconnect' } | { readonly kind: 'change'; readonly terms: AccessTerms };

export type SteeringOutcome =
  /** The NAS says yes. Not a proof: its next report is. */
  | { readonly kind: 'acknowledged'; readonly unchanged: readonly TermName[] }
  /** The NAS says no. `sessionGone`: it knows no such session, which has ended then. */
  | {
      readonly kind: 'refused';
      /** Error-Cause by name, or its number; null where the NAS gave none. */
      readonly cause: string | null;
      readonly sessionGone: boolean;
    }
  /** No answer to any try. */
  | { readonly kind: 'unanswered'; readonly tries: number }
  /** Nothing was sent: the NAS has no such way, or too much is under way. */
  | {
      readonly kind: 'impossible';
      readonly why:
        | 'unknown-nas'
        | 'not-configured'
        | 'not-connected'
        | 'nothing-changeable'
        | 'overloaded'
        | 'closed';
    };

const CANONICAL_MAC = /^(?:[0-9A-F]{2}:){5}[0-9A-F]{2}$/;

/** Octets of a MAC by the number of groups it is written in ("aabb.ccdd.eeff" has three). */
const MAC_GROUPS: Readonly<Record<number, RegExp>> = {
  1: /^[0-9a-f]{12}$/i,
  2: /^[0-9a-f]{6}$/i,
  3: /^[0-9a-f]{4}$/i,
  6: /^[0-9a-f]{1,2}$/i,
};

/**
 * A MAC address in its canonical form, six octets in upper case hex joined by colons, from any of
 * the ways that equipment writes it; null when the text is none.
 */
export function canonicalMac(text: string): string | null {
  if (CANONICAL_MAC.test(text)) return text;
  const trimmed = text.trim();
  if (trimmed.length < 11 || trimmed.length > 17) return null;
  const separator = /[^0-9a-f]/i.exec(trimmed)?.[0];
  if (separator !== undefined && !':-. '.includes(separator)) return null;
  const groups = separator === undefined ? [trimmed] : trimmed.split(separator);
  const pattern = MAC_GROUPS[groups.length];
  if (pattern === undefined || !groups.every((group) => pattern.test(group))) return null;
  const digits = groups.map((group) => group.padStart(groups.length === 6 ? 2 : 0, '0')).join('');
  return digits.toUpperCase().match(/../g)?.join(':') ?? null;
}
