/** Where the front listens, over TCP and over TLS, with one way to take what connects. */
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import {
  createServer as createTlsServer,
  type SecureContextOptions,
  type Server as TlsServer,
} from 'node:tls';
import type { TlsMaterial } from '../domain/tls-identity.js';
import type { Logger } from '../observability/logger.js';

export interface ListenAddress {
  readonly host: string;
  /** 3868, or 5868 for TLS [RFC 6733 2.1]; 0 takes a free one. */
  readonly port: number;
  readonly security?: 'tls';
}

export interface ListenerOptions {
  readonly handshakeMs: number;
  readonly tls: TlsMaterial | null;
}

export interface ListenerDependencies {
  /** Whether one more may come, with so many in their TLS handshake. */
  readonly hasRoom: (handshaking: number) => boolean;
  readonly accept: (socket: Socket) => void;
  readonly refused: (reason: 'limit' | 'tls') => void;
  readonly logger: Logger;
}

/** What both ends of a TLS connection ask of each other: a certificate that we can check. */
export function tlsOptions({ key, certificate, authorities }: TlsMaterial): SecureContextOptions & {
  readonly requestCert: true;
  readonly rejectUnauthorized: true;
} {
  return {
    key,
    cert: certificate,
    ca: [...authorities],
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2',
  };
}

export class Listeners {
  readonly #options: ListenerOptions;
  readonly #dependencies: ListenerDependencies;
  readonly #servers: Server[] = [];
  readonly #secureServers: TlsServer[] = [];
  #handshaking = 0;

  constructor(options: ListenerOptions, dependencies: ListenerDependencies) {
    this.#options = options;
    this.#dependencies = dependencies;
  }

  /** Resolves when every address listens. @throws the first error, with none left open. */
  async open(addresses: readonly ListenAddress[]): Promise<void> {
    try {
      for (const { host, port, security } of addresses) {
        const server = security === 'tls' ? this.#createSecure() : this.#createPlain();
        await new Promise<void>((resolve, reject) => {
          server.once('error', reject);
          server.listen({ host, port }, () => {
            server.off('error', reject);
            resolve();
          });
        });
        server.on('error', (error) => {
          this.#dependencies.logger.error({ err: error }, 'listener failed');
        });
        this.#servers.push(server);
      }
    } catch (error) {
      for (const server of this.#servers.splice(0)) server.close();
      throw error;
    }
  }

  get addresses(): AddressInfo[] {
    return this.#servers.flatMap((server) => {
      const address = server.address();
      return address === null || typeof address === 'string' ? [] : [address];
    });
  }

  /** Takes a renewed certificate: handshakes from now on use it, open connections stay. */
  renew(material: TlsMaterial): void {
    for (const server of this.#secureServers) server.setSecureContext(tlsOptions(material));
  }

  close(): void {
    for (const server of this.#servers) server.close();
  }

  #createPlain(): Server {
    const { hasRoom, accept, refused } = this.#dependencies;
    return createServer({ noDelay: true }, (socket) => {
      if (hasRoom(this.#handshaking)) accept(socket);
      else {
        refused('limit');
        socket.destroy();
      }
    });
  }

  #createSecure(): Server {
    const { handshakeMs, tls } = this.#options;
    const { hasRoom, accept, refused, logger } = this.#dependencies;
    if (tls === null) throw new Error('TLS needs a key, a certificate and authorities');
    const server = createTlsServer({
      ...tlsOptions(tls),
      noDelay: true,
      handshakeTimeout: handshakeMs,
    });
    // A handshake costs more than a connection: those under way count as strangers. Each ends in
    // one of the two events below.
    server.on('connection', (socket: Socket) => {
      const full = !hasRoom(this.#handshaking);
      this.#handshaking += 1;
      if (!full) return;
      refused('limit');
      socket.destroy();
    });
    server.on('secureConnection', (socket) => {
      this.#handshaking -= 1;
      accept(socket);
    });
    server.on('tlsClientError', (error, socket) => {
      this.#handshaking -= 1;
      refused('tls');
      logger.warn({ err: error, remote: socket.remoteAddress }, 'TLS handshake failed');
      socket.destroy();
    });
    this.#secureServers.push(server);
    return server;
  }
}
