/** What simulated gateways do: subscribers, kinds of sessions, pace. */

/** From `min` to `max`, both included. */
export interface Range {
  readonly min: number;
  readonly max: number;
}

export interface SimulatedSubscriber {
  readonly imsi: string;
  readonly msisdn: string;
}

export type SimulatedUnit = 'octets' | 'seconds' | 'events';

export interface SimulatedService {
  /** Null leaves the rating group out of the request. */
  readonly ratingGroup: number | null;
  readonly serviceIdentifier?: number;
  readonly unit: SimulatedUnit;
  /** Units that the subscriber uses between two requests, as far as they are granted. */
  readonly usePerStep: Range;
  /** Units to ask for; null asks for the default quota. */
  readonly requested: number | null;
}

/** A kind of session and how often it occurs beside the others. */
export type SimulatedTraffic =
  | {
      readonly kind: 'data';
      readonly weight: number;
      readonly services: readonly SimulatedService[];
      /** Requests between the first and the last. */
      readonly updates: Range;
      readonly apn: string;
    }
  | {
      readonly kind: 'voice';
      readonly weight: number;
      readonly services: readonly SimulatedService[];
      readonly updates: Range;
      readonly calledParty: string;
    }
  | {
      /** One immediate event for each message. */
      readonly kind: 'sms';
      readonly weight: number;
      readonly calledParty: string;
      readonly serviceIdentifier?: number;
    };

/** Two data services, asked for by a million octets: what a first look needs. */
export const DATA_TRAFFIC: SimulatedTraffic = {
  kind: 'data',
  weight: 1,
  apn: 'internet',
  updates: { min: 2, max: 6 },
  services: [
    {
      ratingGroup: 10,
      unit: 'octets',
      usePerStep: { min: 100_000, max: 1_000_000 },
      requested: 1_000_000,
    },
  ],
};

export interface GySimulatorOptions {
  /** Nodes, or a relay, to connect to; each gets `connectionsPerNode` connections. */
  readonly nodes: readonly { readonly host: string; readonly port: number }[];
  readonly connectionsPerNode?: number;
  /** Origin-Host and Origin-Realm of the gateway. */
  readonly originHost: string;
  readonly originRealm: string;
  readonly destinationRealm: string;
  readonly subscribers: readonly SimulatedSubscriber[];
  readonly traffic: readonly SimulatedTraffic[];
  /** Sessions in all; null goes on until it is stopped. */
  readonly sessions: number | null;
  /** Closed loop: so many sessions at once. */
  readonly concurrent?: number;
  /**
   * Open loop: so many sessions begin each second, whether those before have been answered or not;
   * latency counts from the moment a request was due. It takes the place of `concurrent`.
   */
  readonly sessionsPerSecond?: number | null;
  /** Pause between the answer and the next request of a session. */
  readonly thinkMs?: Range;
  /** Share of requests that are sent again after their answer, with the T flag. */
  readonly retransmitShare?: number;
  /**
   * `sticky` keeps a session on its connection, `alternate` sends each request over the next
   * connection, as after a fail-over.
   */
  readonly routing?: 'sticky' | 'alternate';
  /** Milliseconds to wait for an answer before the request is sent again over another connection. */
  readonly answerMs?: number;
  /** Times that a request is sent before its session is given up. */
  readonly triesMax?: number;
  /** Number that the random choices follow from; the same number, the same choices. */
  readonly seed: number;
}

/** Options with every default decided. */
export type ResolvedTraffic = Required<GySimulatorOptions>;

export function resolveTraffic(options: GySimulatorOptions): ResolvedTraffic {
  return {
    connectionsPerNode: 1,
    concurrent: 1,
    sessionsPerSecond: null,
    thinkMs: { min: 0, max: 0 },
    retransmitShare: 0,
    routing: 'sticky',
    answerMs: 5_000,
    triesMax: 4,
    ...options,
  };
}
