/** A RADIUS server over TLS on loopback, and connections of a NAS to it. */
import { once } from 'node:events';
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls';
import type { RadiusVersion } from '../../src/domain/nas.js';
import { PacketFramer } from '../../src/radius/packet-framer.js';
import { createAuthority, type KeyAndCertificate, type TestAuthority } from './certificates.js';
import { startRadiusFront, testNas, type TestFrontHandlers } from './radius-front.js';

export type TestFront = Awaited<ReturnType<typeof startRadiusFront>>;

export interface DialOptions extends ConnectionOptions {
  /** Where it is dialled from. */
  readonly localAddress?: string;
}

export interface RadiusTlsBench {
  readonly authority: TestAuthority;
  readonly theirs: KeyAndCertificate;
  start(
    handlers?: TestFrontHandlers,
    changes?: Parameters<typeof startRadiusFront>[0] & {
      readonly versions?: readonly RadiusVersion[];
    },
  ): Promise<TestFront>;
  /** Resolves once both ends know each other; `by`: the certificate that is shown, null for none. */
  dial(front: TestFront, by?: KeyAndCertificate | null, options?: DialOptions): Promise<TLSSocket>;
  /** Closes what was opened since the last time. */
  cleanUp(): Promise<void>;
}

export function createRadiusTlsBench(): RadiusTlsBench {
  const authority = createAuthority();
  const ours = authority.issue(['tolld.example.net']);
  const theirs = authority.issue(['nas-1.example.net']);
  const cleanups: (() => Promise<void>)[] = [];
  return {
    authority,
    theirs,
    start: async (handlers = {}, { versions, ...changes } = {}) => {
      const listener = { address: '127.0.0.1', port: 0, authorities: [authority.certificate] };
      const front = await startRadiusFront(
        {
          udp: [],
          tls: [{ ...listener, ...ours, ...(versions !== undefined && { versions }) }],
          clients: [testNas({ addresses: [], certificateNames: ['nas-1.example.net'] })],
          ...changes,
        },
        handlers,
      );
      cleanups.push(() => front.server.close());
      return front;
    },
    dial: async (front, by = theirs, options = {}) => {
      const socket = connectTls({
        host: '127.0.0.1',
        port: front.tls[0]?.port ?? 0,
        servername: 'tolld.example.net',
        ca: authority.certificate,
        ...(by === null ? {} : { key: by.key, cert: by.certificate }),
        ...options,
      });
      cleanups.push(async () => {
        socket.destroy();
      });
      await once(socket, 'secureConnect');
      socket.on('error', () => undefined);
      return socket;
    },
    cleanUp: async () => {
      for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
    },
  };
}

/** Resolves when the connection is gone, with or without an alert. */
export async function closing(socket: TLSSocket): Promise<void> {
  if (!socket.closed) await new Promise<void>((resolve) => socket.once('close', () => resolve()));
}

/** Takes this many packets from a connection. */
export async function receive(socket: TLSSocket, count: number): Promise<Buffer[]> {
  const framer = new PacketFramer();
  const packets: Buffer[] = [];
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    packets.push(...framer.take(chunk as Buffer).packets);
    if (packets.length >= count) break;
  }
  return packets;
}
