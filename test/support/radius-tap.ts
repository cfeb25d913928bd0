/** Stands between a client and a server of RADIUS and keeps what goes by, for tshark to read. */
import { createSocket, type Socket } from 'node:dgram';
import type { CapturedPacket } from './radius-capture.js';

export interface RadiusTap {
  readonly address: string;
  readonly port: number;
  readonly packets: readonly CapturedPacket[];
  close(): Promise<void>;
}

async function bound(): Promise<Socket> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  return socket;
}

/**
 * Forwards to `server` and back.
 * @param wellKnownPort the port that the server's packets are kept under (1812, 1813, 3799).
 */
export async function openTap(
  server: { readonly port: number },
  wellKnownPort: number,
): Promise<RadiusTap> {
  const packets: CapturedPacket[] = [];
  const front = await bound();
  const backs = new Map<number, Socket>();
  front.on('message', (octets, remote) => {
    packets.push({ octets, fromPort: remote.port, toPort: wellKnownPort });
    const forward = (back: Socket): void => back.send(octets, server.port, '127.0.0.1');
    const known = backs.get(remote.port);
    if (known !== undefined) return forward(known);
    const back = createSocket('udp4');
    backs.set(remote.port, back);
    back.on('message', (reply) => {
      packets.push({ octets: reply, fromPort: wellKnownPort, toPort: remote.port });
      front.send(reply, remote.port, remote.address);
    });
    forward(back);
  });
  return {
    address: '127.0.0.1',
    port: front.address().port,
    packets,
    close: async () => {
      for (const socket of [front, ...backs.values()]) {
        await new Promise<void>((resolve) => socket.close(() => resolve()));
      }
    },
  };
}
