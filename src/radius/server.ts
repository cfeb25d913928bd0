/**
 * The RADIUS front: sockets for authentication and accounting, over UDP and TLS, joined to the two
 * handlers that decide and record. Nothing listens before {@link RadiusServer.listen}.
 */
import type { AccessHandler, AccountingHandler } from '../domain/access.js';
import { RADIUS_VERSIONS } from '../domain/nas.js';
import type { Logger } from '../observability/logger.js';
import type { Metrics } from '../observability/metrics.js';
import { createAccessExchange } from './access-exchange.js';
import { createAccountingExchange } from './accounting-exchange.js';
import type { OrderConnections } from './dynamic-authorization/order-connections.js';
import { createRadiusMetrics } from './metrics.js';
import type { BoundAddress, Listener } from './listener.js';
import { createNasRegistry, type NasClientOptions } from './nas-clients.js';
import { RequestPipeline, type PipelineOptions } from './request-pipeline.js';
import { RequestVerifier } from './request-verifier.js';
import { createSealingKeys } from './sealing-keys.js';
import { createTlsListener, type TlsListenerOptions } from './tls-listener.js';
import { createUdpListener, type UdpListenerOptions } from './udp-listener.js';

export interface UdpAddressOptions {
  /** One address of this machine. On a machine with several, name each: replies leave from it. */
  readonly address: string;
  /** 1812 by RFC 2865, 0 for a free one, null for none. */
  readonly authenticationPort: number | null;
  /** 1813 by RFC 2866, 0 for a free one, null for none. */
  readonly accountingPort: number | null;
}

export type TlsAddressOptions = Pick<
  TlsListenerOptions,
  'address' | 'port' | 'key' | 'certificate' | 'authorities'
> &
  /** Default: both versions [RFC 9765 3.3]. */
  Partial<Pick<TlsListenerOptions, 'versions'>>;

export interface RadiusServerOptions {
  readonly udp: readonly UdpAddressOptions[];
  readonly tls: readonly TlsAddressOptions[];
  readonly clients: readonly NasClientOptions[];
  /** Newest first, the same in every process: they seal Class and State. */
  readonly sealingSecrets: readonly string[];
  /** The name that EAP shows to peers. */
  readonly serverName: string;
  /** Sources that are known to send Message-Authenticator, as told by an earlier run. */
  readonly messageAuthenticatorSources?: readonly string[];
  readonly limits?: Partial<RadiusServerLimits>;
}

export type RadiusServerLimits = PipelineOptions &
  Pick<UdpListenerOptions, 'receiveBufferOctets' | 'sourceQueuesMax' | 'vainPerSecondMax'> &
  Pick<
    TlsListenerOptions,
    'connectionsMax' | 'pendingPerConnectionMax' | 'handshakeTimeoutMs' | 'idleTimeoutMs'
  > & {
    readonly eapRoundSeconds: number;
    readonly sweepIntervalMs: number;
    /** How long closing waits for what is under way. */
    readonly closeTimeoutMs: number;
  };

/** Every bound of the server, each with its reason. */
export const RADIUS_SERVER_LIMITS: RadiusServerLimits = {
  /** Ten times what an engine of 40,000 decisions a second has under way at 10 ms each. */
  pendingMax: 4_096,
  /** A quarter of all: one NAS coming back after an outage leaves room for the others. */
  pendingPerClientMax: 1_024,
  /** RFC 5080 2.2.2 asks for 5 to 30 s; a login is repeated by a person, a report by a machine. */
  accessAnsweredMs: 30_000,
  accountingAnsweredMs: 5_000,
  /** Longer than any NAS waits; an engine that answers later answers nobody. */
  pendingMs: 10_000,
  logIntervalMs: 60_000,
  /** A tenth of a second of accounting at 40,000 packets a second and 512 octets each, twice. */
  receiveBufferOctets: 4 * 1024 * 1024,
  /** A descriptor each: both ports and TLS together stay below what a service may open. */
  sourceQueuesMax: 512,
  /** A quarter to a half of a core: what floods leave of it, and of the core, others are served with. */
  vainPerSecondMax: 50_000,
  connectionsMax: 1_024,
  pendingPerConnectionMax: 256,
  handshakeTimeoutMs: 10_000,
  idleTimeoutMs: 3_600_000,
  /** What a person takes to type a password. */
  eapRoundSeconds: 60,
  sweepIntervalMs: 1_000,
  closeTimeoutMs: 5_000,
};

export interface RadiusServerDependencies {
  readonly access: AccessHandler;
  readonly accounting: AccountingHandler;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Milliseconds since 1970; the system's clock by default. */
  readonly clock?: () => number;
  /** Told of the connections over TLS, so that orders can go back over them. */
  readonly orders?: OrderConnections;
  /** Told when a source has first sent a valid Message-Authenticator, to be kept for later runs. */
  readonly onMessageAuthenticatorLearned?: (source: string) => void;
}

export interface RadiusServerAddresses {
  readonly authentication: readonly BoundAddress[];
  readonly accounting: readonly BoundAddress[];
  readonly tls: readonly BoundAddress[];
}

export interface RadiusServer {
  /** Resolves with the addresses once all of them listen. @throws the operating system's error. */
  listen(): Promise<RadiusServerAddresses>;
  /**
   * Takes other clients from the next packet on; what is under way is answered as it came.
   * @throws NasClientsError, and the clients stay as they are.
   */
  replaceClients(clients: readonly NasClientOptions[]): void;
  /** Requests that wait for their answer. */
  readonly pending: number;
  /** Takes nothing more, answers what is under way, closes. */
  close(): Promise<void>;
}

/** @throws NasClientsError, or RangeError for sealing secrets that are too short. */
export function createRadiusServer(
  options: RadiusServerOptions,
  dependencies: RadiusServerDependencies,
): RadiusServer {
  const limits: RadiusServerLimits = { ...RADIUS_SERVER_LIMITS, ...options.limits };
  const { logger, access, accounting, clock = Date.now } = dependencies;
  const metrics = createRadiusMetrics(dependencies.metrics);
  const keys = createSealingKeys(options.sealingSecrets);
  let registry = createNasRegistry(options.clients);

  const verifier = new RequestVerifier({
    onLearned: dependencies.onMessageAuthenticatorLearned ?? (() => undefined),
  });
  verifier.learn(options.messageAuthenticatorSources ?? []);
  const pipeline: RequestPipeline = new RequestPipeline(limits, {
    access: createAccessExchange(
      { keys, serverName: options.serverName, eapRoundSeconds: limits.eapRoundSeconds },
      {
        access,
        onTermsLeft: (left, { nas }) =>
          logger.debug({ nas: nas.name, left }, 'radius terms that the NAS cannot be told'),
      },
    ),
    accounting: createAccountingExchange(
      { keys },
      {
        accounting,
        onIncomplete: (missing, request) => pipeline.dropIncomplete(missing, request),
      },
    ),
    verifier,
    logger,
    metrics,
    clock,
  });

  const shared = {
    take: pipeline.take.bind(pipeline),
    nas: () => registry,
    logger,
  };
  const udp = (address: string, port: number | null, service: 'authentication' | 'accounting') =>
    port === null
      ? []
      : [
          createUdpListener(
            { ...limits, address, port, service },
            { ...shared, dropUnknown: pipeline.dropUnknown.bind(pipeline), clock },
          ),
        ];
  const listeners = {
    authentication: options.udp.flatMap((one) =>
      udp(one.address, one.authenticationPort, 'authentication'),
    ),
    accounting: options.udp.flatMap((one) => udp(one.address, one.accountingPort, 'accounting')),
    tls: options.tls.map((one) =>
      createTlsListener(
        { ...limits, versions: RADIUS_VERSIONS, ...one },
        { ...shared, metrics, orders: dependencies.orders ?? null },
      ),
    ),
  };
  const all: readonly Listener[] = Object.values(listeners).flat();
  let sweeper: NodeJS.Timeout | undefined;

  return {
    listen: async () => {
      const bind = (some: readonly Listener[]): Promise<BoundAddress[]> =>
        Promise.all(some.map((listener) => listener.listen()));
      const addresses = {
        authentication: await bind(listeners.authentication),
        accounting: await bind(listeners.accounting),
        tls: await bind(listeners.tls),
      };
      sweeper = setInterval(() => pipeline.sweep(), limits.sweepIntervalMs);
      logger.info({ ...addresses }, 'radius server listens');
      return addresses;
    },
    replaceClients: (clients) => {
      registry = createNasRegistry(clients);
      for (const listener of [...listeners.authentication, ...listeners.accounting]) {
        listener.keepQueues();
      }
      logger.info({ clients: clients.length }, 'radius clients replaced');
    },
    get pending() {
      return pipeline.pending;
    },
    close: async () => {
      for (const listener of all) listener.stopTaking();
      await idleWithin(pipeline, limits.closeTimeoutMs);
      clearInterval(sweeper);
      await Promise.all(all.map((listener) => listener.close()));
    },
  };
}

async function idleWithin(pipeline: RequestPipeline, timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const tooLong = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, timeoutMs);
  });
  await Promise.race([pipeline.idle(), tooLong]);
  clearTimeout(timer);
}
