/** What a simulated NAS does: its subscribers, their sessions, its faults, the network between. */
import type { Range } from '../gy-simulator/traffic.js';

export type SimulatedService = 'pppoe' | 'hotspot';
/** `mac`: a hotspot login by the station's address alone. */
export type SimulatedMethod = 'pap' | 'chap' | 'ms-chap' | 'ms-chap2' | 'mac';

export interface SimulatedSubscriber {
  readonly userName: string;
  readonly password: string;
  /** Canonical MAC address of its device. */
  readonly station: string;
  readonly service: SimulatedService;
  readonly method: SimulatedMethod;
}

/**
 * What equipment is known to do wrong. Shares from 0 to 1 are of sessions; a fault that is set on
 * the NAS as a whole holds for all of them.
 */
export interface SimulatedFaults {
  /** Stop is never sent. */
  readonly lostStop?: number;
  /** An interim report arrives once more after the Stop. */
  readonly interimAfterStop?: number;
  /** Stop says nothing of octets. */
  readonly stopWithoutOctets?: number;
  /** Counters begin at zero again in the middle of a session. */
  readonly countersRestart?: number;
  /** Class is not sent back. */
  readonly classLost?: number;
  /** Counters wrap at 2^32: there are no upper words. */
  readonly withoutGigawords?: boolean;
  /** Input and output are counted from the other side. */
  readonly inverseCounters?: boolean;
  /** The clock stands in 2008. */
  readonly wrongClock?: boolean;
  /** Access-Requests carry no Message-Authenticator, as before RouterOS 7.15. */
  readonly withoutMessageAuthenticator?: boolean;
  /**
   * After so many sessions the router restarts: live sessions are gone without a word, the boot
   * digit grows, session ids begin again. Null never.
   */
  readonly rebootAfterSessions?: number | null;
}

/** What the network does to datagrams, both ways, as shares from 0 to 1. */
export interface SimulatedNetwork {
  readonly loss?: number;
  readonly duplication?: number;
  /** Share that is held back for up to `holdMs`, so that others overtake it. */
  readonly reordering?: number;
  readonly holdMs?: number;
}

export interface SimulatedServer {
  readonly address: string;
  readonly authenticationPort: number;
  readonly accountingPort: number;
}

/** RADIUS/1.1 over TLS, in place of UDP. */
export interface SimulatedTls {
  /** 2083 by RFC 6614, for logins and reports. */
  readonly port: number;
  /** PEM texts: the router's key and certificate, and the authorities that sign those of servers. */
  readonly key: string;
  readonly certificate: string;
  readonly authorities: readonly string[];
  /** The name that the server's certificate must have; its address when absent. */
  readonly serverName?: string;
}

export interface RadiusSimulatorOptions {
  /** Servers that requests go to by turns, as after a fail-over. */
  readonly servers: readonly SimulatedServer[];
  readonly secret: string;
  /** Null for UDP. Over TLS the network loses nothing. */
  readonly tls?: SimulatedTls | null;
  /** NAS-Identifier and NAS-IP-Address. */
  readonly nasIdentifier: string;
  readonly nasAddress?: string;
  /** Where CoA- and Disconnect-Requests are taken; null for nowhere, 0 for a free port. */
  readonly dynamicAuthorization?: { readonly address: string; readonly port: number } | null;
  readonly subscribers: readonly SimulatedSubscriber[];
  /** Sessions in all; null goes on until it is stopped. */
  readonly sessions: number | null;
  /** Closed loop: so many sessions at once. */
  readonly concurrent?: number;
  /**
   * Open loop: so many logins each second, whether those before have been answered or not; latency
   * counts from the moment a request was due. It takes the place of `concurrent`.
   */
  readonly sessionsPerSecond?: number | null;
  /** Interim reports of a session. */
  readonly interims?: Range;
  /** Octets that a subscriber downloads between two reports, as far as speed and limits let it. */
  readonly downloadPerInterim?: Range;
  /** Upload, as a share of the download. */
  readonly uploadShare?: number;
  /** What a session takes for the time between two reports, in seconds; its own interval if null. */
  readonly interimSeconds?: number | null;
  /** Real time between two reports. */
  readonly thinkMs?: Range;
  /** Milliseconds until a request is sent again, and how often it is sent in all. */
  readonly answerMs?: number;
  readonly triesMax?: number;
  /** Times that an accounting request is sent: a NAS doesn't give up a report soon [RFC 2866 2]. */
  readonly accountingTriesMax?: number;
  readonly faults?: SimulatedFaults;
  readonly network?: SimulatedNetwork;
  /** Number that the random choices follow from; the same number, the same choices. */
  readonly seed: number;
}

/** Options with every default decided. */
export type ResolvedTraffic = Required<Omit<RadiusSimulatorOptions, 'faults' | 'network'>> & {
  readonly faults: Required<SimulatedFaults>;
  readonly network: Required<SimulatedNetwork>;
};

export function resolveTraffic(options: RadiusSimulatorOptions): ResolvedTraffic {
  return {
    tls: null,
    nasAddress: '192.0.2.1',
    dynamicAuthorization: null,
    concurrent: 1,
    sessionsPerSecond: null,
    interims: { min: 1, max: 4 },
    downloadPerInterim: { min: 1_000_000, max: 100_000_000 },
    uploadShare: 0.1,
    interimSeconds: null,
    thinkMs: { min: 0, max: 0 },
    answerMs: 1_000,
    triesMax: 3,
    accountingTriesMax: 20,
    ...options,
    faults: {
      lostStop: 0,
      interimAfterStop: 0,
      stopWithoutOctets: 0,
      countersRestart: 0,
      classLost: 0,
      withoutGigawords: false,
      inverseCounters: false,
      wrongClock: false,
      withoutMessageAuthenticator: false,
      rebootAfterSessions: null,
      ...options.faults,
    },
    network: { loss: 0, duplication: 0, reordering: 0, holdMs: 50, ...options.network },
  };
}
