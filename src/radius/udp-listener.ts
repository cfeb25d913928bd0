/** One UDP socket for authentication or accounting. */
import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { Logger } from '../observability/logger.js';
import { plainAddress } from './ip-address.js';
import type { NasRegistry } from './nas-clients.js';
import type { Arrival, PortService } from './request-pipeline.js';

export interface UdpListenerOptions {
  /** IPv4 or IPv6; "::" takes IPv6 alone, so that both families have their own socket. */
  readonly address: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly service: PortService;
  /** Octets that the kernel may queue while the process is busy; it may allow less. */
  readonly receiveBufferOctets: number;
}

export interface ListenerDependencies {
  readonly take: (arrival: Arrival) => void;
  /** The NAS of now: they can be replaced while listening. */
  readonly nas: () => NasRegistry;
  readonly logger: Logger;
}

export interface BoundAddress {
  readonly address: string;
  readonly port: number;
}

export interface Listener {
  /** @throws the operating system's error. */
  listen(): Promise<BoundAddress>;
  /** Takes nothing more, and can still answer what is under way. */
  stopTaking(): void;
  close(): Promise<void>;
}

export function createUdpListener(
  options: UdpListenerOptions,
  { take, nas, logger }: ListenerDependencies,
): Listener {
  const v6 = isIPv6(options.address);
  const socket = createSocket({
    type: v6 ? 'udp6' : 'udp4',
    ipv6Only: v6,
    recvBufferSize: options.receiveBufferOctets,
    // Replies go to addresses, never to names: no look-up, no waiting for one.
    lookup: (address, _options, callback) => callback(null, address, v6 ? 6 : 4),
  });
  const { service } = options;
  let name = '';
  let taking = true;
  let open = false;
  let closed = false;
  let sending = 0;
  let onSent: (() => void) | undefined;

  socket.on('message', (octets, remote) => {
    if (!taking) return;
    const address = plainAddress(remote.address);
    take({
      octets,
      service,
      candidates: nas().atAddress(address),
      address,
      source: `${name} ${remote.address} ${remote.port}`,
      version: '1.0',
      tlsSecret: null,
      send: (reply) => {
        if (!open) return;
        sending += 1;
        socket.send(reply, remote.port, remote.address, (error) => {
          sending -= 1;
          onSent?.();
          // The NAS asks again; what could not be sent is kept as its answer.
          if (error !== null) logger.debug({ err: error, address }, 'radius reply not sent');
        });
      },
    });
  });

  return {
    listen: async () => {
      await new Promise<void>((resolve, reject) => {
        socket.once('error', reject);
        socket.bind({ address: options.address, port: options.port }, () => {
          socket.off('error', reject);
          resolve();
        });
      });
      open = true;
      socket.on('error', (err) => logger.error({ err, service }, 'radius socket failed'));
      const { address, port } = socket.address();
      name = `${address} ${port}`;
      return { address, port };
    },
    stopTaking: () => {
      taking = false;
    },
    close: async () => {
      taking = false;
      open = false;
      if (closed) return;
      closed = true;
      // A closed socket drops what it was given to send.
      while (sending > 0) {
        await new Promise<void>((resolve) => {
          onSent = resolve;
        });
      }
      await new Promise<void>((resolve) => socket.close(() => resolve()));
    },
  };
}
