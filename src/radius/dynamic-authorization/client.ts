/**
 * Steers live sessions: sends CoA- and Disconnect-Requests to their NAS and says what came back.
 * Each NAS gets a few at a time; the rest wait their turn.
 */
import type { SessionPointer, SteeringOrder, SteeringOutcome } from '../../domain/access.js';
import type { Logger } from '../../observability/logger.js';
import type { Metrics } from '../../observability/metrics.js';
import { valueName } from '../attribute.js';
import { ErrorCause } from '../generated/standard.js';
import { createSteeringMetrics, type SteeringMetrics } from '../metrics.js';
import {
  createNasRegistry,
  type DynamicAuthorization,
  type NasClient,
  type NasClientOptions,
  type NasRegistry,
} from '../nas-clients.js';
import { PACKET_CODES } from '../packet-code.js';
import type { RadiusPacket } from '../packet.js';
import type { SharedSecret } from '../shared-secret.js';
import { OrderConnections } from './order-connections.js';
import { RequestSender } from './request-sender.js';
import { RETRANSMISSION_DEFAULTS, type RetransmissionOptions } from './retransmission.js';
import { writeSteeringRequest, type SteeringRequest } from './steering-request.js';

export interface DynamicAuthorizationLimits {
  readonly retransmission: RetransmissionOptions;
  /** Requests under way to one NAS. */
  readonly pendingPerNasMax: number;
  /** Orders that wait for one NAS; more are refused. */
  readonly waitingPerNasMax: number;
  readonly portsMax: number;
  readonly windowMs: number;
}

/** Every bound of the client, each with its reason. */
const DYNAMIC_AUTHORIZATION_LIMITS: DynamicAuthorizationLimits = {
  retransmission: RETRANSMISSION_DEFAULTS,
  /** Small routers take them one by one, and drop what does not fit their queue. */
  pendingPerNasMax: 32,
  /** All sessions of a large NAS, once. */
  waitingPerNasMax: 65_536,
  /** 64 * 256 requests to one NAS in the window. */
  portsMax: 64,
  /** How long a NAS takes an Event-Timestamp for fresh [RFC 5176 6.3]. */
  windowMs: 300_000,
};

export interface DynamicAuthorizationClientOptions {
  readonly clients: readonly NasClientOptions[];
  readonly limits?: Partial<DynamicAuthorizationLimits>;
}

export interface DynamicAuthorizationClientDependencies {
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Milliseconds since 1970; the system's clock by default. */
  readonly clock?: () => number;
  /** From 0 to below 1. */
  readonly random?: () => number;
}

export interface DynamicAuthorizationClient {
  /** Where connections of NAS are told of, for those whose orders go over them. */
  readonly connections: OrderConnections;
  /** Whether this process has a way to a NAS now. */
  reaches(nas: string): boolean;
  /**
   * Resolves with what became of the order; never rejects for what a NAS does.
   * @throws RangeError for terms that no attribute can hold.
   */
  steer(session: SessionPointer, order: SteeringOrder): Promise<SteeringOutcome>;
  /** @throws NasClientsError, and the clients stay as they are. */
  replaceClients(clients: readonly NasClientOptions[]): void;
  /** Gives up what is under way and closes the ports. */
  close(): Promise<void>;
}

/** @throws NasClientsError. */
export function createDynamicAuthorizationClient(
  options: DynamicAuthorizationClientOptions,
  dependencies: DynamicAuthorizationClientDependencies,
): DynamicAuthorizationClient {
  return new SteeringClient(options, dependencies);
}

/** The turns of one NAS. */
interface Lane {
  /** Orders that have their turn. */
  pending: number;
  readonly waiting: (() => void)[];
}

/** Tries with a secret that may be an old one, before the next is tried. */
const ROTATION_TRIES = 2;

class SteeringClient implements DynamicAuthorizationClient {
  readonly connections: OrderConnections;
  readonly #limits: DynamicAuthorizationLimits;
  readonly #logger: Logger;
  readonly #metrics: SteeringMetrics;
  readonly #clock: () => number;
  readonly #sender: RequestSender;
  readonly #lanes = new Map<string, Lane>();
  /** The secret that a NAS last answered to. */
  readonly #lastSecret = new Map<string, SharedSecret>();
  #registry: NasRegistry;
  #closed = false;

  constructor(
    options: DynamicAuthorizationClientOptions,
    dependencies: DynamicAuthorizationClientDependencies,
  ) {
    const { logger, clock = Date.now, random = Math.random } = dependencies;
    this.#limits = { ...DYNAMIC_AUTHORIZATION_LIMITS, ...options.limits };
    this.#logger = logger;
    this.#clock = clock;
    this.#metrics = createSteeringMetrics(dependencies.metrics);
    const metrics = this.#metrics;
    this.connections = new OrderConnections({ metrics });
    this.#sender = new RequestSender(this.#limits, { logger, metrics, clock, random });
    this.#registry = createNasRegistry(options.clients);
  }

  replaceClients(clients: readonly NasClientOptions[]): void {
    this.#registry = createNasRegistry(clients);
  }

  reaches(name: string): boolean {
    const nas = this.#registry.named(name);
    if (nas === undefined) return false;
    return (
      nas.dynamicAuthorization !== null || (nas.steeringOverTls && this.connections.reach(nas))
    );
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const { waiting } of this.#lanes.values()) for (const next of waiting.splice(0)) next();
    this.connections.close();
    await this.#sender.close();
  }

  async steer(session: SessionPointer, order: SteeringOrder): Promise<SteeringOutcome> {
    const outcome = await this.#steer(session, order);
    const code = order.kind === 'disconnect' ? 'Disconnect-Request' : 'CoA-Request';
    this.#metrics.orders.inc({ code, outcome: outcome.kind });
    return outcome;
  }

  async #steer(session: SessionPointer, order: SteeringOrder): Promise<SteeringOutcome> {
    const nas = this.#registry.named(session.nas);
    if (nas === undefined) return { kind: 'impossible', why: 'unknown-nas' };
    if (nas.dynamicAuthorization === null && !nas.steeringOverTls) {
      return { kind: 'impossible', why: 'not-configured' };
    }
    const lane = this.#lane(nas.name);
    if (lane.waiting.length >= this.#limits.waitingPerNasMax) {
      return { kind: 'impossible', why: 'overloaded' };
    }
    await this.#takeTurn(lane);
    try {
      if (this.#closed) return { kind: 'impossible', why: 'closed' };
      // Written when its turn comes: the timestamp is that of sending.
      const request = writeSteeringRequest(session, order, { nas, now: this.#clock() });
      if (request === null) return { kind: 'impossible', why: 'nothing-changeable' };
      return await this.#exchange(request, nas);
    } finally {
      // The turn goes over to the next, or ends.
      const next = lane.waiting.shift();
      if (next === undefined) lane.pending -= 1;
      else next();
    }
  }

  #lane(nas: string): Lane {
    const known = this.#lanes.get(nas);
    if (known !== undefined) return known;
    const lane: Lane = { pending: 0, waiting: [] };
    this.#lanes.set(nas, lane);
    return lane;
  }

  async #takeTurn(lane: Lane): Promise<void> {
    if (lane.pending < this.#limits.pendingPerNasMax) lane.pending += 1;
    else await new Promise<void>((resolve) => lane.waiting.push(resolve));
  }

  /** Over the connection that the NAS has opened, or else to where it takes datagrams. */
  async #exchange(request: SteeringRequest, nas: NasClient): Promise<SteeringOutcome> {
    const { dynamicAuthorization: to, steeringOverTls } = nas;
    if (steeringOverTls) {
      const waitMs = this.#limits.retransmission.durationMaxMs;
      const answer = await this.connections.send(request, { nas, waitMs });
      if (answer === 'overloaded') return { kind: 'impossible', why: 'overloaded' };
      if (answer === 'unanswered') return { kind: 'unanswered', tries: 1 };
      if (answer !== 'gone') return outcomeOf(answer, request);
      if (this.#closed) return { kind: 'impossible', why: 'closed' };
    }
    if (to === null) return { kind: 'impossible', why: 'not-connected' };
    return this.#sendDatagrams(request, nas, to);
  }

  /** Sends a request, with each of the secrets that the NAS may have until one is answered. */
  async #sendDatagrams(
    request: SteeringRequest,
    nas: NasClient,
    to: DynamicAuthorization,
  ): Promise<SteeringOutcome> {
    const { retransmission } = this.#limits;
    let tries = 0;
    const secrets = this.#secretsOf(nas.name, to);
    for (const [index, secret] of secrets.entries()) {
      const isLast = index === secrets.length - 1;
      const triesMax = isLast ? retransmission.triesMax : ROTATION_TRIES;
      const limited = { ...retransmission, triesMax };
      const sent = await this.#sender.send({ request, to, secret, retransmission: limited });
      if (sent === null) return { kind: 'impossible', why: 'overloaded' };
      tries += sent.tries;
      if (sent.result === 'closed') return { kind: 'impossible', why: 'closed' };
      if (sent.result === 'unanswered') continue;
      this.#lastSecret.set(nas.name, secret);
      return outcomeOf(sent.result, request);
    }
    this.#logger.debug({ nas: nas.name, tries }, 'radius steering unanswered');
    return { kind: 'unanswered', tries };
  }

  /** The secret that was last answered to first. */
  #secretsOf(nas: string, to: DynamicAuthorization): readonly SharedSecret[] {
    const last = this.#lastSecret.get(nas);
    const used = last === undefined ? undefined : to.secrets.find((one) => one.equals(last));
    return used === undefined ? to.secrets : [used, ...to.secrets.filter((one) => one !== used)];
  }
}

const ACK_CODES: ReadonlySet<number> = new Set([
  PACKET_CODES['CoA-ACK'],
  PACKET_CODES['Disconnect-ACK'],
]);

function outcomeOf(reply: RadiusPacket, request: SteeringRequest): SteeringOutcome {
  if (ACK_CODES.has(reply.code)) return { kind: 'acknowledged', unchanged: request.unchanged };
  const cause = reply.get(ErrorCause);
  return {
    kind: 'refused',
    cause: cause === undefined ? null : valueName(ErrorCause, cause),
    sessionGone: cause === ErrorCause.values['Session-Context-Not-Found'],
  };
}
