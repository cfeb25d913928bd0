/**
 * The peers that we connect to: one connection each, tried again with a growing pause while there
 * is none, over the peer's addresses in turn [RFC 6733 2.1, 5.6].
 */
import { connect, type Socket } from 'node:net';
import { connect as connectSecurely } from 'node:tls';
import type { DiameterPeer, PeerAddress } from '../domain/diameter-peer.js';
import type { TlsMaterial } from '../domain/tls-identity.js';
import type { Logger } from '../observability/logger.js';
import type { DiameterConnection } from './connection.js';
import type { DiameterLimits } from './limits.js';
import { tlsOptions } from './listeners.js';

export interface InitiatorsDependencies {
  /** Makes a connection of a socket that is on its way. */
  readonly open: (socket: Socket) => DiameterConnection;
  /** Whether the peer has an open connection, whoever opened it: then none is sought. */
  readonly isConnected: (peer: string) => boolean;
  readonly limits: Pick<
    DiameterLimits,
    'reconnectMinMs' | 'reconnectMaxMs' | 'reconnectUnwantedMs'
  >;
  readonly tls: () => TlsMaterial | null;
  readonly random: () => number;
  readonly logger: Logger;
}

/** One peer that we call, with what became of it so far. */
interface Call {
  readonly peer: DiameterPeer;
  readonly addresses: readonly PeerAddress[];
  attempts: number;
  failures: number;
  connection: DiameterConnection | null;
  openedAtMs: number | null;
  timer: NodeJS.Timeout | undefined;
}

export class Initiators {
  readonly #dependencies: InitiatorsDependencies;
  #calls = new Map<string, Call>();

  constructor(dependencies: InitiatorsDependencies) {
    this.#dependencies = dependencies;
  }

  /** Takes a new list. A peer that is declared otherwise than before is called anew. */
  replace(peers: readonly DiameterPeer[]): void {
    const before = this.#calls;
    this.#calls = new Map();
    for (const peer of peers) {
      const { connect: addresses = [] } = peer;
      if (addresses.length === 0) continue;
      const known = before.get(peer.name);
      if (known !== undefined && JSON.stringify(known.peer) === JSON.stringify(peer)) {
        before.delete(peer.name);
        this.#calls.set(peer.name, known);
        continue;
      }
      const call: Call = {
        peer,
        addresses,
        attempts: 0,
        failures: 0,
        connection: null,
        openedAtMs: null,
        timer: undefined,
      };
      this.#calls.set(peer.name, call);
      this.#callLater(call, 0);
    }
    // An open connection keeps what it was admitted with; an attempt is given up.
    for (const { timer, connection, openedAtMs } of before.values()) {
      clearTimeout(timer);
      if (openedAtMs === null) connection?.drop('the peer is declared otherwise now');
    }
  }

  /** Our attempt at this peer that has not come to a connection yet; null when there is none. */
  attemptAt(peer: string): DiameterConnection | null {
    const call = this.#calls.get(peer);
    return call === undefined || call.openedAtMs !== null ? null : call.connection;
  }

  /** The peer that this connection of ours calls; undefined for one that is not ours. */
  nameOf(connection: DiameterConnection): string | undefined {
    return this.#callOf(connection)?.peer.name;
  }

  opened(connection: DiameterConnection): void {
    const call = this.#callOf(connection);
    if (call !== undefined) call.openedAtMs = performance.now();
  }

  /** A connection has ended, ours or the peer's own: the peer is called again after a pause. */
  closed(connection: DiameterConnection): void {
    const own = this.#callOf(connection);
    const call = own ?? this.#calls.get(connection.peer?.name ?? '');
    if (call === undefined) return;
    if (own !== undefined) this.#endCall(own);
    this.#callLater(call, this.#pauseMs(call, connection));
  }

  stop(): void {
    for (const { timer } of this.#calls.values()) clearTimeout(timer);
    this.#calls = new Map();
  }

  #callOf(connection: DiameterConnection): Call | undefined {
    for (const call of this.#calls.values()) if (call.connection === connection) return call;
    return undefined;
  }

  #endCall(call: Call): void {
    const { reconnectMaxMs } = this.#dependencies.limits;
    const heldMs = call.openedAtMs === null ? 0 : performance.now() - call.openedAtMs;
    // One that opens and ends at once is no better than one that never opens.
    call.failures = heldMs >= reconnectMaxMs ? 0 : call.failures + 1;
    call.connection = null;
    call.openedAtMs = null;
  }

  #pauseMs({ failures }: Call, { disconnectCause }: DiameterConnection): number {
    const { limits, random } = this.#dependencies;
    const { reconnectMinMs, reconnectMaxMs, reconnectUnwantedMs } = limits;
    // BUSY and DO_NOT_WANT_TO_TALK_TO_YOU: not to be called again soon [RFC 6733 5.4.3].
    if (disconnectCause === 1 || disconnectCause === 2) return reconnectUnwantedMs;
    const pauseMs = Math.min(reconnectMaxMs, reconnectMinMs * 2 ** Math.max(0, failures - 1));
    // Nodes that lost the same peer don't come back as one.
    return pauseMs * (0.75 + random() / 2);
  }

  #callLater(call: Call, pauseMs: number): void {
    clearTimeout(call.timer);
    call.timer = setTimeout(() => this.#call(call), pauseMs);
  }

  #call(call: Call): void {
    const { open, isConnected, limits } = this.#dependencies;
    // When that one ends, `closed` calls again.
    if (call.connection !== null || isConnected(call.peer.name)) return;
    const socket = this.#dial(call);
    if (socket === null) this.#callLater(call, limits.reconnectMaxMs);
    else call.connection = open(socket);
  }

  /** The next of the peer's addresses; null when we have not what its security takes. */
  #dial(call: Call): Socket | null {
    const { peer, addresses } = call;
    const address = addresses[call.attempts % addresses.length] as PeerAddress;
    call.attempts += 1;
    if (peer.security !== 'tls') return plain(address);
    const { tls, logger } = this.#dependencies;
    const material = tls();
    if (material !== null) return secured(address, material);
    logger.error(
      { peer: peer.name },
      'peer is declared to use TLS, and this node has no key for it',
    );
    return null;
  }
}

function plain({ host, port }: PeerAddress): Socket {
  return connect({ host, port, noDelay: true });
}

/** Whom the certificate must name is not the address but the Origin-Host: judged with the CEA. */
function secured({ host, port }: PeerAddress, material: TlsMaterial): Socket {
  return connectSecurely({
    ...tlsOptions(material),
    host,
    port,
    checkServerIdentity: () => undefined,
  });
}
