/**
 * RADIUS over TLS: mutual certificates, everything over one port; with the secret "radsec"
 * [RFC 6614], or without any where both ends speak RADIUS/1.1 [RFC 9765]. A NAS is known by the
 * names in its certificate, not by its address; what the address tells, before the certificate is
 * there, is which versions it may speak.
 */
import { constants, randomUUID } from 'node:crypto';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import type { RadiusVersion } from '../domain/nas.js';
import { certificateNames } from '../domain/tls-identity.js';
import type {
  OrderConnection,
  OrderConnections,
} from './dynamic-authorization/order-connections.js';
import { plainAddress } from './ip-address.js';
import { LimitedLog } from './limited-log.js';
import type { Listener, ListenerDependencies } from './listener.js';
import type { RadiusMetrics } from './metrics.js';
import type { NasClient } from './nas-clients.js';
import { PacketFramer } from './packet-framer.js';
import { agreedVersion, chooseProtocol, refusalOf, versionsOf } from './protocol-version.js';
import { SharedSecret } from './shared-secret.js';
import { versionRefusal } from './token-packet.js';

export interface TlsListenerOptions {
  readonly address: string;
  /** 2083 by RFC 6614; 0 takes a free one. */
  readonly port: number;
  /** PEM texts: our key and certificate, and the authorities that sign those of NAS. */
  readonly key: string;
  readonly certificate: string;
  readonly authorities: readonly string[];
  /** What may be spoken [RFC 9765 3.3], where its NAS may. */
  readonly versions: readonly RadiusVersion[];
  /** Connections at once; more are refused. */
  readonly connectionsMax: number;
  /** Requests under way of one connection before no more is read from it. */
  readonly pendingPerConnectionMax: number;
  readonly handshakeTimeoutMs: number;
  readonly logIntervalMs: number;
  /** A connection that carries nothing for so long is closed. */
  readonly idleTimeoutMs: number;
}

/** The shared secret of every TLS connection that speaks RADIUS/1.0 [RFC 6614 2.3]. */
const TLS_SECRET = new SharedSecret('radsec');
/** Peers of whose failed agreements one line each is kept. */
const LOG_KEYS_MAX = 1_024;
/** Addresses of which it is remembered what their certificates may speak. */
const PREFERENCES_MAX = 1_024;

export interface TlsListenerDependencies extends ListenerDependencies {
  readonly metrics: RadiusMetrics;
  /** Who sends orders back over the connections; null for nobody. */
  readonly orders: OrderConnections | null;
}

/** What OpenSSL says where ALPN found nothing. */
const NO_COMMON_PROTOCOL = 'ERR_SSL_NO_APPLICATION_PROTOCOL';

function speaksTls({ certificateNames: names }: NasClient): boolean {
  return names.length > 0;
}

function speaks(version: RadiusVersion): (nas: NasClient) => boolean {
  return ({ tlsVersions }) => tlsVersions.includes(version);
}

function codeOf(error: Error): unknown {
  return 'code' in error ? error.code : undefined;
}

export function createTlsListener(
  options: TlsListenerOptions,
  dependencies: TlsListenerDependencies,
): Listener {
  const { logger, metrics } = dependencies;
  const limited = new LimitedLog(
    { intervalMs: options.logIntervalMs, keysMax: LOG_KEYS_MAX },
    logger,
  );
  // Of this process alone: numbers begin anew with the next one.
  const name = `tls ${randomUUID()}`;
  const connections = new Set<TLSSocket>();
  let taking = true;
  let nextConnection = 0;

  /** Of each set of versions that connections are offered, and of those that are preferred. */
  const ends = new Map<string, Server>();
  /** By address, what a certificate of there may speak: told too late for its connection, not for the next. */
  const preferences = new Map<string, readonly RadiusVersion[]>();
  // At once: a key or a certificate that is none is told at the start.
  endOf(options.versions, options.versions);
  const server = createTcpServer((socket) => {
    const address = plainAddress(socket.remoteAddress ?? '');
    const versions = versionsAt(address);
    endOf(versions, preferences.get(address) ?? versions).emit('connection', socket);
  });
  server.maxConnections = options.connectionsMax;

  function endOf(versions: readonly RadiusVersion[], preferred: readonly RadiusVersion[]): Server {
    const key = `${versions.join()} ${preferred.join()}`;
    const known = ends.get(key);
    if (known !== undefined) return known;
    const end = createEnd(versions, preferred);
    ends.set(key, end);
    return end;
  }

  /** What the NAS at an address may speak over TLS; where none has it, the certificate will tell. */
  function versionsAt(address: string): readonly RadiusVersion[] {
    const there = dependencies.nas().atAddress(address).filter(speaksTls);
    if (there.length === 0) return options.versions;
    // Whatever stands behind the first that needs no identifier is for other addresses.
    const first = there.findIndex(({ nasIdentifier }) => nasIdentifier === null);
    const likely = first < 0 ? there : there.slice(0, first + 1);
    return versionsOf(options.versions, likely);
  }

  /** What takes connections from TCP to TLS, and listens to nothing itself. */
  function createEnd(
    versions: readonly RadiusVersion[],
    preferred: readonly RadiusVersion[],
  ): Server {
    const end = createServer({
      key: options.key,
      cert: options.certificate,
      ca: [...options.authorities],
      requestCert: true,
      rejectUnauthorized: true,
      // RADIUS/1.1 needs 1.3; equipment that speaks 1.0 may have 1.2 only.
      minVersion: versions.includes('1.0') ? 'TLSv1.2' : 'TLSv1.3',
      ALPNCallback: ({ protocols }) => chooseProtocol(versions, protocols, preferred),
      // No connection goes on with the keys of one before: it can't be talked down to an older version
      // [RFC 9765 3.5], and a certificate is looked at each time.
      secureOptions: constants.SSL_OP_NO_TICKET,
      handshakeTimeout: options.handshakeTimeoutMs,
    });
    end.on('secureConnection', (socket) => begin(socket, versions));
    end.on('tlsClientError', (err, socket) => {
      const address = plainAddress(socket.remoteAddress ?? '');
      metrics.dropped.inc({ reason: 'tls-handshake' });
      const isVersion = codeOf(err) === NO_COMMON_PROTOCOL;
      const fields = isVersion ? { address, versions } : { address, err };
      const what = isVersion ? 'no common version' : 'handshake failed';
      limited.warn(`${what} ${address}`, fields, `radius over tls: ${what}`, Date.now());
    });
    return end;
  }

  function begin(socket: TLSSocket, versions: readonly RadiusVersion[]): void {
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
    const agreement = agreedVersion(versions, socket);
    if (!agreement.ok) {
      refuse(socket, { address, names, why: agreement.why });
      return;
    }
    const { version } = agreement;
    nextConnection += 1;
    const peer = { address, names, version, source: `${name} ${nextConnection}` };
    const speaking = candidates.filter(speaks(version));
    if (speaking.length === 0) return refuseVersion(socket, peer, candidates);
    logger.info({ nas: speaking.map((nas) => nas.name), address, version }, 'radius over tls');
    serveConnection(socket, peer);
  }

  interface Peer {
    readonly address: string;
    readonly names: readonly string[];
    readonly version: RadiusVersion;
    readonly source: string;
  }

  /** Leaves a peer that TLS could not tell [RFC 9765 3.3.1]. */
  function refuse(
    socket: TLSSocket,
    fields: { readonly address: string; readonly names: readonly string[]; readonly why: string },
  ): void {
    metrics.dropped.inc({ reason: 'tls-version' });
    limited.warn(fields.address, fields, 'radius over tls: version refused', Date.now());
    socket.on('error', () => socket.destroy());
    socket.setTimeout(options.handshakeTimeoutMs, () => socket.destroy());
    socket.end(versionRefusal(fields.why));
    socket.resume();
  }

  /**
   * The same for one whose certificate says that it may not speak what it does. It was our choice: where
   * it has what it may speak, that is chosen when it comes again.
   */
  function refuseVersion(
    socket: TLSSocket,
    { address, names }: Peer,
    candidates: readonly NasClient[],
  ): void {
    const versions = versionsOf(options.versions, candidates);
    preferences.delete(address);
    for (const oldest of preferences.keys()) {
      if (preferences.size < PREFERENCES_MAX) break;
      preferences.delete(oldest);
    }
    preferences.set(address, versions);
    const why = refusalOf(versions);
    refuse(socket, { address, names, why });
  }

  function serveConnection(socket: TLSSocket, peer: Peer): void {
    const framer = new PacketFramer();
    const orders = openOrders(socket, peer);
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
        if (orders?.take(octets) === true) continue;
        pending += 1;
        if (pending >= options.pendingPerConnectionMax) socket.pause();
        takePacket(socket, { peer, octets, done, orders });
      }
      if (!broken) return;
      metrics.dropped.inc({ reason: 'length-out-of-range' });
      logger.warn({ address: peer.address }, 'radius over tls: no packet, connection closed');
      socket.destroy();
    });
  }

  /** The NAS of now that a peer may be: its certificate may belong to nobody any more. */
  function nasOf({ names, version }: Peer) {
    const candidates = dependencies.nas().withCertificate(names);
    return { candidates, speaking: candidates.filter(speaks(version)) };
  }

  /** The way back of a connection, for orders. */
  function openOrders(socket: TLSSocket, peer: Peer): OrderConnection | null {
    const { orders } = dependencies;
    if (orders === null) return null;
    const { names, version } = peer;
    const connection = orders.accept({
      ...{ names, version, secret: TLS_SECRET },
      write: (octets) => socket.write(octets),
    });
    const [only, ...others] = nasOf(peer).speaking;
    // Of several, which of them it is shows with its first request.
    if (only !== undefined && others.length === 0) connection.heardOf(only);
    socket.once('close', () => connection.close());
    return connection;
  }

  interface ReceivedPacket {
    readonly peer: Peer;
    readonly octets: Buffer;
    readonly done: () => void;
    readonly orders: OrderConnection | null;
  }

  function takePacket(socket: TLSSocket, { peer, octets, done, orders }: ReceivedPacket): void {
    const { candidates, speaking } = nasOf(peer);
    if (candidates.length > 0 && speaking.length === 0) {
      // It may speak another version since: so it does when it comes again.
      if (socket.writable) refuseVersion(socket, peer, candidates);
      return done();
    }
    dependencies.take({
      octets,
      service: 'both',
      candidates: speaking,
      address: peer.address,
      source: peer.source,
      version: peer.version,
      tlsSecret: TLS_SECRET,
      send: (reply) => {
        if (socket.writable) socket.write(reply);
      },
      done,
      onProven: orders === null ? null : (nas) => orders.heardOf(nas),
      onForged: null,
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
