/**
 * All connections of a node, those that peers open and those that we open, from their first byte
 * to their end: who is admitted, who wins when both sides connect, how they are taken down.
 */
import type { Socket } from 'node:net';
import type { DiameterPeer } from '../domain/diameter-peer.js';
import type { TlsMaterial } from '../domain/tls-identity.js';
import type { Logger } from '../observability/logger.js';
import { admitPeer, winsElection } from './admission.js';
import { DiameterConnection, type Admission, type ConnectionOwner } from './connection.js';
import { DisconnectCause, ResultCode } from './generated/enumerations.js';
import type { EncodedIdentity } from './identity.js';
import { Initiators } from './initiators.js';
import type { DiameterLimits } from './limits.js';
import type { MessageReader } from './message-reader.js';
import type { Capabilities } from './messages/capabilities-exchange.js';
import type { DiameterMetrics } from './metrics.js';
import type { OriginStates } from './origin-states.js';
import type { PeerDirectory } from './peer-directory.js';

export interface PeerConnectionsDependencies {
  readonly identity: EncodedIdentity;
  readonly limits: DiameterLimits;
  readonly directory: PeerDirectory;
  readonly reader: MessageReader;
  readonly endToEnd: () => number;
  readonly originStates: OriginStates;
  /** Takes a request that isn't the base protocol's own. */
  readonly received: (message: Buffer, connection: DiameterConnection) => void;
  /** What connections that we open over TLS show. */
  readonly tls: () => TlsMaterial | null;
  readonly logger: Logger;
  readonly metrics: DiameterMetrics;
}

export interface PeerConnections {
  readonly all: ReadonlySet<DiameterConnection>;
  /** Whether one more may come, with so many in their TLS handshake. */
  readonly hasRoom: (handshaking: number) => boolean;
  /** Takes a connection that somebody opened. */
  readonly accept: (socket: Socket) => void;
  /** Connects to those of the peers that are declared with addresses to connect to. */
  call(peers: readonly DiameterPeer[]): void;
  /** No connection is opened or taken from now on. */
  stopOpening(): void;
  /** Ends all: by DPR where capabilities were exchanged. Resolves when none is left. */
  end(): Promise<void>;
}

export function createPeerConnections(dependencies: PeerConnectionsDependencies): PeerConnections {
  const { identity, limits, directory, reader, endToEnd, originStates, logger, metrics } =
    dependencies;
  const all = new Set<DiameterConnection>();
  /** Connections of peers that wait for what becomes of ours to the same peer. */
  const elections = new Map<string, DiameterConnection[]>();
  let strangers = 0;
  let stopped = false;
  let settled: (() => void) | undefined;

  const initiators = new Initiators({
    open: (socket) => begin('initiator', socket),
    isConnected: (peer) => [...all].some((one) => one.state === 'open' && one.peer?.name === peer),
    limits,
    tls: dependencies.tls,
    random: Math.random,
    logger,
  });

  const owner: ConnectionOwner = {
    admit: (capabilities, connection) =>
      connection.role === 'responder'
        ? admitCaller(capabilities, connection)
        : admitCalled(capabilities, connection),
    opened(connection) {
      if (connection.role === 'responder') strangers -= 1;
      else winElections(connection);
      const { peer: declared, capabilities } = connection;
      if (declared !== null && capabilities !== null) {
        originStates.note(declared, capabilities.originHost, capabilities.originStateId);
      }
      logger.info(
        { peer: declared?.name ?? '', remote: connection.remoteAddress },
        'peer connected',
      );
    },
    received: dependencies.received,
    silent(connection) {
      metrics.watchdogFailures.labels(connection.peer?.name ?? '').inc();
    },
    closed(connection, reason) {
      all.delete(connection);
      const peer = connection.peer?.name;
      if (peer === undefined) countRefused(connection, reason);
      else logger.info({ peer, reason }, 'peer disconnected');
      const called = initiators.nameOf(connection);
      initiators.closed(connection);
      if (called !== undefined) endElections(called, (waiting) => waiting.goOn());
      if (all.size === 0) settled?.();
    },
  };

  /** A peer that connects to us, maybe while we connect to it [RFC 6733 5.6.4]. */
  function admitCaller(capabilities: Capabilities, connection: DiameterConnection): Admission {
    const verdict = admitPeer(directory, capabilities, connection);
    if (!('peer' in verdict)) return verdict;
    const { name } = verdict.peer;
    const rival = initiators.attemptAt(name);
    if (rival === null) return verdict;
    if (rival.state === 'wait-cea' && !winsElection(identity.host, capabilities.originHost)) {
      elections.set(name, [...(elections.get(name) ?? []), connection]);
      return 'wait-for-election';
    }
    rival.drop('the peer has connected to us');
    return verdict;
  }

  /** The peer at the end of a connection of ours, which must be the one that was called. */
  function admitCalled(capabilities: Capabilities, connection: DiameterConnection): Admission {
    const verdict = admitPeer(directory, capabilities, connection);
    if (!('peer' in verdict) || initiators.nameOf(connection) === verdict.peer.name) return verdict;
    const reason = `it is peer ${verdict.peer.name}`;
    return { resultCode: ResultCode.DIAMETER_UNKNOWN_PEER, reason };
  }

  /** Our connection to a peer is open: those that it opened meanwhile are not needed. */
  function winElections(connection: DiameterConnection): void {
    initiators.opened(connection);
    const peer = initiators.nameOf(connection) ?? '';
    endElections(peer, (waiting) => waiting.drop('both sides connected, and ours goes on'));
  }

  function endElections(peer: string, end: (waiting: DiameterConnection) => void): void {
    const waiting = elections.get(peer) ?? [];
    elections.delete(peer);
    for (const connection of waiting) if (connection.state === 'wait-returns') end(connection);
  }

  function countRefused(connection: DiameterConnection, reason: string): void {
    const remote = connection.remoteAddress;
    if (connection.role === 'responder') {
      strangers -= 1;
      metrics.refusedConnections.labels('capabilities').inc();
      logger.warn({ remote, reason }, 'connection not admitted');
    } else {
      metrics.refusedConnections.labels('not-connected').inc();
      logger.warn({ peer: initiators.nameOf(connection), remote, reason }, 'peer not reached');
    }
  }

  function begin(role: 'responder' | 'initiator', socket: Socket): DiameterConnection {
    const connection = new DiameterConnection(
      { role, identity, limits },
      { socket, owner, logger, reader, endToEnd },
    );
    all.add(connection);
    return connection;
  }

  return {
    all,
    hasRoom: (handshaking) =>
      !stopped && all.size < limits.connectionsMax && strangers + handshaking < limits.strangersMax,
    accept(socket) {
      strangers += 1;
      begin('responder', socket);
    },
    call(peers) {
      if (!stopped) initiators.replace(peers);
    },
    stopOpening() {
      stopped = true;
      initiators.stop();
    },
    end() {
      const ended = new Promise<void>((resolve) => {
        settled = resolve;
        if (all.size === 0) resolve();
      });
      const reason = 'node is going down';
      for (const connection of all) {
        if (connection.state === 'open') connection.stop(DisconnectCause.REBOOTING, reason);
        else if (connection.state !== 'closing') connection.drop(reason);
      }
      return ended;
    },
  };
}
