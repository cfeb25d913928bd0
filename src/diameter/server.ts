/**
 * The Diameter front: listens, admits declared peers, keeps their connections, and hands
 * Credit-Control-Requests to a handler. It knows nothing of who decides.
 */
import { setTimeout } from 'node:timers/promises';
import type { AddressInfo } from 'node:net';
import type { CreditControlHandler } from '../domain/credit-control.js';
import type { DiameterPeer } from '../domain/diameter-peer.js';
import type { TlsMaterial } from '../domain/tls-identity.js';
import type { Logger } from '../observability/logger.js';
import type { Metrics } from '../observability/metrics.js';
import type { DiameterConnection } from './connection.js';
import { Destination } from './destination.js';
import { createGyService } from './gy-service.js';
import { createEndToEnd } from './identifiers.js';
import { encodeIdentity, type NodeIdentity } from './identity.js';
import { DIAMETER_LIMITS, type DiameterLimits } from './limits.js';
import { Listeners, type ListenAddress } from './listeners.js';
import { MessageReader } from './message-reader.js';
import { createDiameterMetrics } from './metrics.js';
import { OriginStates, type OriginStart } from './origin-states.js';
import { createPeerConnections } from './peer-connections.js';
import { PeerDirectory } from './peer-directory.js';
import {
  createServerRequests,
  isRelay,
  type ServerRequestOutcome,
  type SessionRoute,
} from './server-requests.js';

export interface DiameterServerOptions {
  readonly identity: NodeIdentity;
  readonly listen: readonly ListenAddress[];
  /** Needed to listen for TLS, and for peers that are declared to use it. */
  readonly tls?: TlsMaterial;
  readonly peers: readonly DiameterPeer[];
  /** Hosts of the other nodes: any of us can go on with any session. */
  readonly siblings?: readonly string[];
  /** Realms served beside the identity's own. */
  readonly realms?: readonly string[];
  readonly limits?: Partial<DiameterLimits>;
}

export interface DiameterServerDependencies {
  readonly handler: CreditControlHandler;
  /** A host said which of its starts this is, told once by each process [RFC 6733 8.16]. */
  readonly started?: (start: OriginStart) => void;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** A connection as an operator sees it. */
export interface ConnectionView {
  readonly peer: string;
  readonly originHost: string;
  readonly remoteAddress: string;
  readonly inFlight: number;
  /** Whether requests for sessions that came by this peer may go there, whatever their host. */
  readonly relays: boolean;
}

export interface DiameterServer {
  /** Resolves when every address listens. @throws the first address's error, with none left open. */
  listen(): Promise<void>;
  /** Where it listens, in the order of the options. */
  readonly addresses: readonly AddressInfo[];
  /** Takes another configuration; open connections keep what they were admitted with. */
  update(options: Pick<DiameterServerOptions, 'peers' | 'siblings'>): void;
  /** Takes a renewed certificate for handshakes from now on. */
  renewTls(material: TlsMaterial): void;
  connections(): ConnectionView[];
  /**
   * Asks the gateway of a session to come back for every service, or for one rating group
   * [RFC 8506 5.5]. Resolves with what became of it, after retries: see `ServerRequestOutcome`.
   */
  sendReAuth(
    route: SessionRoute,
    options?: { readonly ratingGroup?: number },
  ): Promise<ServerRequestOutcome>;
  /** Asks the gateway of a session to end it [RFC 6733 8.5]. */
  sendAbort(route: SessionRoute): Promise<ServerRequestOutcome>;
  /**
   * Stops: new requests are sent elsewhere, those in flight are answered, peers are told by DPR.
   * Resolves when every connection is closed.
   */
  close(): Promise<void>;
}

export function createDiameterServer(
  options: DiameterServerOptions,
  { handler, started = () => undefined, logger, metrics }: DiameterServerDependencies,
): DiameterServer {
  const limits: DiameterLimits = { ...DIAMETER_LIMITS, ...options.limits };
  const identity = encodeIdentity(options.identity);
  const diameterMetrics = createDiameterMetrics(metrics, { connections: countConnections });
  const reader = new MessageReader(limits);
  const endToEnd = createEndToEnd(Date.now());
  const directory = new PeerDirectory(options.peers);
  const destination = new Destination({
    host: identity.host,
    realms: [identity.realm, ...(options.realms ?? [])],
    siblings: options.siblings ?? [],
  });
  const originStates = new OriginStates(started);
  const service = createGyService({
    handler,
    originStates,
    identity,
    destination,
    reader,
    logger,
    metrics: diameterMetrics,
  });
  let tls = options.tls ?? null;
  const connections = createPeerConnections({
    identity,
    limits,
    directory,
    reader,
    endToEnd,
    originStates,
    received: service.serve,
    tls: () => tls,
    logger,
    metrics: diameterMetrics,
  });
  const sendServerRequest = createServerRequests({
    connections: connections.all,
    directory,
    identity,
    reader,
    endToEnd,
    limits,
    metrics: diameterMetrics,
  });
  const listeners = new Listeners(
    { handshakeMs: limits.capabilitiesMs, tls },
    {
      hasRoom: connections.hasRoom,
      accept: connections.accept,
      refused: (reason) => diameterMetrics.refusedConnections.labels(reason).inc(),
      logger,
    },
  );
  let { peers } = options;
  let listening = false;

  function countConnections(): ReadonlyMap<string, number> {
    const counts = new Map(peers.map(({ name }) => [name, 0]));
    for (const { peer, state } of connections.all) {
      if (peer !== null && state === 'open')
        counts.set(peer.name, (counts.get(peer.name) ?? 0) + 1);
    }
    return counts;
  }

  async function listen(): Promise<void> {
    await listeners.open(options.listen);
    listening = true;
    connections.call(peers);
    const { host, realm } = identity;
    logger.info({ addresses: listeners.addresses, host, realm }, 'Diameter front listens');
  }

  async function close(): Promise<void> {
    listeners.close();
    connections.stopOpening();
    const timer = new AbortController();
    const late = setTimeout(limits.drainMs, undefined, { signal: timer.signal }).catch(() => {});
    await Promise.race([service.drain(), late]);
    timer.abort();
    await connections.end();
  }

  return {
    listen,
    get addresses() {
      return listeners.addresses;
    },
    renewTls(material) {
      tls = material;
      listeners.renew(material);
    },
    update({ peers: declared, siblings }) {
      peers = declared;
      directory.replace(peers);
      if (listening) connections.call(peers);
      destination.setSiblings(siblings ?? []);
    },
    connections: () => [...connections.all].flatMap(viewOf),
    sendReAuth: (route, one = {}) => sendServerRequest({ command: 're-auth', route, ...one }),
    sendAbort: (route) => sendServerRequest({ command: 'abort-session', route }),
    close,
  };
}

function viewOf(connection: DiameterConnection): ConnectionView[] {
  const { peer, capabilities, remoteAddress, inFlight } = connection;
  if (peer === null || capabilities === null) return [];
  if (connection.state !== 'open') return [];
  const { originHost } = capabilities;
  const relays = isRelay(connection);
  return [{ peer: peer.name, originHost, remoteAddress, inFlight, relays }];
}
