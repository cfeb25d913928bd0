/**
 * The Diameter front: listens, admits declared peers, keeps their connections, and hands
 * Credit-Control-Requests to a handler. It knows nothing of who decides.
 */
import { setTimeout } from 'node:timers/promises';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { CreditControlHandler } from '../domain/credit-control.js';
import type { Logger } from '../observability/logger.js';
import type { Metrics } from '../observability/metrics.js';
import { DiameterConnection, type Admission, type ConnectionOwner } from './connection.js';
import { Destination } from './destination.js';
import { DisconnectCause, ResultCode } from './generated/enumerations.js';
import { createGyService } from './gy-service.js';
import { createEndToEnd } from './identifiers.js';
import { encodeIdentity, type NodeIdentity } from './identity.js';
import { DIAMETER_LIMITS, type DiameterLimits } from './limits.js';
import { MessageReader } from './message-reader.js';
import type { Capabilities } from './messages/capabilities-exchange.js';
import { createDiameterMetrics } from './metrics.js';
import { PeerDirectory } from './peer-directory.js';
import type { DiameterPeer } from './peer.js';
import {
  createServerRequests,
  isRelay,
  type ServerRequestOutcome,
  type SessionRoute,
} from './server-requests.js';

export interface DiameterServerOptions {
  readonly identity: NodeIdentity;
  readonly listen: readonly { readonly host: string; readonly port: number }[];
  readonly peers: readonly DiameterPeer[];
  /** Hosts of the other nodes: any of us can go on with any session. */
  readonly siblings?: readonly string[];
  /** Realms served beside the identity's own. */
  readonly realms?: readonly string[];
  readonly limits?: Partial<DiameterLimits>;
}

export interface DiameterServerDependencies {
  readonly handler: CreditControlHandler;
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
  { handler, logger, metrics }: DiameterServerDependencies,
): DiameterServer {
  const limits: DiameterLimits = { ...DIAMETER_LIMITS, ...options.limits };
  const identity = encodeIdentity(options.identity);
  const diameterMetrics = createDiameterMetrics(metrics);
  const reader = new MessageReader(limits);
  const endToEnd = createEndToEnd(Date.now());
  const directory = new PeerDirectory(options.peers);
  const destination = new Destination({
    host: identity.host,
    realms: [identity.realm, ...(options.realms ?? [])],
    siblings: options.siblings ?? [],
  });
  const service = createGyService({
    handler,
    identity,
    destination,
    reader,
    logger,
    metrics: diameterMetrics,
  });
  const connections = new Set<DiameterConnection>();
  const sendServerRequest = createServerRequests({
    connections,
    directory,
    identity,
    reader,
    endToEnd,
    limits,
    metrics: diameterMetrics,
  });
  const servers: Server[] = [];
  let strangers = 0;
  let closing = false;
  let settled: (() => void) | undefined;

  const owner: ConnectionOwner = {
    admit(capabilities, connection): Admission {
      return admit(directory, capabilities, connection);
    },
    opened(connection) {
      strangers -= 1;
      const peer = connection.peer?.name ?? '';
      diameterMetrics.connections.labels(peer).inc();
      logger.info({ peer, remote: connection.remoteAddress }, 'peer connected');
    },
    received: service.serve,
    silent(connection) {
      diameterMetrics.watchdogFailures.labels(connection.peer?.name ?? '').inc();
    },
    closed(connection, reason) {
      connections.delete(connection);
      const peer = connection.peer?.name;
      if (peer === undefined) {
        strangers -= 1;
        diameterMetrics.refusedConnections.labels('capabilities').inc();
        logger.warn({ remote: connection.remoteAddress, reason }, 'connection not admitted');
      } else {
        diameterMetrics.connections.labels(peer).dec();
        logger.info({ peer, reason }, 'peer disconnected');
      }
      if (closing && connections.size === 0) settled?.();
    },
  };

  function accept(socket: Socket): void {
    if (closing || connections.size >= limits.connectionsMax || strangers >= limits.strangersMax) {
      diameterMetrics.refusedConnections.labels('limit').inc();
      socket.destroy();
      return;
    }
    strangers += 1;
    connections.add(
      new DiameterConnection(
        { role: 'responder', identity, limits },
        { socket, owner, logger, reader, endToEnd },
      ),
    );
  }

  async function listen(): Promise<void> {
    try {
      for (const { host, port } of options.listen) {
        const server = createServer({ noDelay: true }, accept);
        await new Promise<void>((resolve, reject) => {
          server.once('error', reject);
          server.listen({ host, port }, () => {
            server.off('error', reject);
            resolve();
          });
        });
        server.on('error', (error) => logger.error({ err: error }, 'listener failed'));
        servers.push(server);
      }
    } catch (error) {
      for (const server of servers.splice(0)) server.close();
      throw error;
    }
    const { host, realm } = identity;
    logger.info({ addresses: addresses(), host, realm }, 'Diameter front listens');
  }

  function addresses(): AddressInfo[] {
    return servers.flatMap((server) => {
      const address = server.address();
      return address === null || typeof address === 'string' ? [] : [address];
    });
  }

  async function close(): Promise<void> {
    closing = true;
    for (const server of servers) server.close();
    const timer = new AbortController();
    const late = setTimeout(limits.drainMs, undefined, { signal: timer.signal }).catch(() => {});
    await Promise.race([service.drain(), late]);
    timer.abort();
    const allClosed = new Promise<void>((resolve) => {
      settled = resolve;
      if (connections.size === 0) resolve();
    });
    for (const connection of connections) {
      if (connection.state === 'open')
        connection.stop(DisconnectCause.REBOOTING, 'node is going down');
      else if (connection.state !== 'closing') connection.drop('node is going down');
    }
    await allClosed;
  }

  return {
    listen,
    get addresses() {
      return addresses();
    },
    update({ peers, siblings }) {
      directory.replace(peers);
      destination.setSiblings(siblings ?? []);
    },
    connections: () => [...connections].flatMap(viewOf),
    sendReAuth: (route, one = {}) => sendServerRequest({ command: 're-auth', route, ...one }),
    sendAbort: (route) => sendServerRequest({ command: 'abort-session', route }),
    close,
  };
}

/** A known peer, from an address of its own: else 3010 [RFC 6733 5.3]. */
function admit(
  directory: PeerDirectory,
  capabilities: Capabilities,
  connection: DiameterConnection,
): Admission {
  const peer = directory.find(capabilities.originHost, capabilities.originRealm);
  if (peer === null || !PeerDirectory.mayConnectFrom(peer, connection.remoteAddress)) {
    return { resultCode: ResultCode.DIAMETER_UNKNOWN_PEER, reason: 'unknown peer' };
  }
  return { peer };
}

function viewOf(connection: DiameterConnection): ConnectionView[] {
  const { peer, capabilities, remoteAddress, inFlight } = connection;
  if (peer === null || capabilities === null) return [];
  if (connection.state !== 'open') return [];
  const { originHost } = capabilities;
  const relays = isRelay(connection);
  return [{ peer: peer.name, originHost, remoteAddress, inFlight, relays }];
}
