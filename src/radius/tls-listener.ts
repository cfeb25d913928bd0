/**
 * RADIUS over TLS [RFC 6614]: mutual certificates, the secret "radsec", everything over one port.
 * A NAS is known by the names in its certificate, not by its address.
 */
import { createServer, type TLSSocket } from 'node:tls';
import type { AddressInfo } from 'node:net';
import { certificateNames } from '../domain/tls-identity.js';
import { plainAddress } from './ip-address.js';
import type { RadiusMetrics } from './metrics.js';
import type { NasClient } from './nas-clients.js';
import { PacketFramer } from './packet-framer.js';
import { SharedSecret } from './shared-secret.js';
import type { Listener, ListenerDependencies } from './udp-listener.js';

export interface TlsListenerOptions {
  readonly address: string;
  /** 2083 by RFC 6614; 0 takes a free one. */
  readonly port: number;
  /** PEM texts: our key and certificate, and the authorities that sign those of NAS. */
  readonly key: string;
  readonly certificate: string;
  readonly authorities: readonly string[];
  /** Connections at once; more are refused. */
  readonly connectionsMax: number;
  /** Requests under way of one connection before no more is read from it. */
  readonly pendingPerConnectionMax: number;
  readonly handshakeTimeoutMs: number;
  /** A connection that carries nothing for so long is closed. */
  readonly idleTimeoutMs: number;
}

/** The shared secret of every TLS connection [RFC 6614 2.3]. */
const TLS_SECRET = new SharedSecret('radsec');

export interface TlsListenerDependencies extends ListenerDependencies {
  readonly metrics: RadiusMetrics;
}

export function createTlsListener(
  options: TlsListenerOptions,
  dependencies: TlsListenerDependencies,
): Listener {
  const { logger, metrics } = dependencies;
  const connections = new Set<TLSSocket>();
  let taking = true;
  let nextConnection = 0;

  const server = createServer({
    key: options.key,
    cert: options.certificate,
    ca: [...options.authorities],
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2',
    handshakeTimeout: options.handshakeTimeoutMs,
  });
  server.maxConnections = options.connectionsMax;

  server.on('secureConnection', (socket) => {
    const address = plainAddress(socket.remoteAddress ?? '');
    const names = certificateNames(socket.getPeerCertificate());
    const candidates = dependencies.nas().withCertificate(names);
    if (candidates.length === 0) {
      metrics.dropped.inc({ reason: 'unknown-client' });
      logger.warn({ address, names }, 'radius over tls: no NAS has such a certificate');
      socket.destroy();
      return;
    }
    connections.add(socket);
    metrics.tlsConnections.set(connections.size);
    socket.once('close', () => {
      connections.delete(socket);
      metrics.tlsConnections.set(connections.size);
    });
    nextConnection += 1;
    serveConnection(socket, { address, names, candidates, source: `tls ${nextConnection}` });
  });
  server.on('tlsClientError', (err, socket) => {
    metrics.dropped.inc({ reason: 'tls-handshake' });
    logger.debug({ err, address: socket.remoteAddress }, 'radius over tls: handshake failed');
  });

  interface Peer {
    readonly address: string;
    readonly names: readonly string[];
    readonly candidates: readonly NasClient[];
    readonly source: string;
  }

  function serveConnection(socket: TLSSocket, peer: Peer): void {
    const framer = new PacketFramer();
    let pending = 0;
    socket.setNoDelay(true);
    socket.setTimeout(options.idleTimeoutMs, () => socket.destroy());
    socket.on('error', (err) => logger.debug({ err, address: peer.address }, 'radius over tls'));
    const done = (): void => {
      pending -= 1;
      if (pending < options.pendingPerConnectionMax && taking) socket.resume();
    };
    socket.on('data', (chunk: Buffer) => {
      const { packets, broken } = framer.take(chunk);
      for (const octets of packets) {
        pending += 1;
        if (pending >= options.pendingPerConnectionMax) socket.pause();
        takePacket(socket, peer, octets, done);
      }
      if (!broken) return;
      metrics.dropped.inc({ reason: 'length-out-of-range' });
      logger.warn({ address: peer.address }, 'radius over tls: no packet, connection closed');
      socket.destroy();
    });
  }

  function takePacket(socket: TLSSocket, peer: Peer, octets: Buffer, done: () => void): void {
    dependencies.take({
      octets,
      service: 'both',
      // The NAS of now: its certificate may belong to nobody any more.
      candidates: dependencies.nas().withCertificate(peer.names),
      address: peer.address,
      source: peer.source,
      tlsSecret: TLS_SECRET,
      send: (reply) => {
        if (!socket.destroyed) socket.write(reply);
      },
      done,
    });
  }

  return {
    listen: async () => {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen({ host: options.address, port: options.port }, () => {
          server.off('error', reject);
          resolve();
        });
      });
      server.on('error', (err) => logger.error({ err }, 'radius over tls: server failed'));
      const { address, port } = server.address() as AddressInfo;
      return { address, port };
    },
    stopTaking: () => {
      taking = false;
      for (const socket of connections) socket.pause();
    },
    close: async () => {
      taking = false;
      if (!server.listening) return;
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of connections) socket.destroySoon();
      await closed;
    },
  };
}
