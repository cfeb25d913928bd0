/**
 * A process of its own that floods: a burst of datagrams from every socket, then it waits to be asked
 * for the next one, so that the flood is as fast as it is taken and the kernel drops nothing.
 */
import { createSocket, type Socket } from 'node:dgram';
import type { FloodOrder } from './flood.js';

async function open(address: string): Promise<Socket> {
  const socket = createSocket('udp4');
  socket.on('message', () => process.send?.({ heard: true }));
  await new Promise<void>((resolve) => socket.bind(0, address, resolve));
  return socket;
}

process.once('message', (order: FloodOrder) => {
  void flood(order);
});

async function flood({ sources, datagrams, burst }: FloodOrder): Promise<void> {
  const sockets = await Promise.all(sources.map(open));
  let next = 0;
  const send = async (): Promise<void> => {
    for (let n = 0; n < burst; n += 1, next += 1) {
      const { octets, port, source } = datagrams[next % datagrams.length] ?? {
        octets: '',
        port: 0,
      };
      const socket = sockets[(source ?? next) % sockets.length];
      const bytes = Buffer.from(octets, 'hex');
      await new Promise((resolve) => socket?.send(bytes, port, '127.0.0.1', resolve));
    }
    process.send?.({ sent: burst });
  };
  process.on('message', () => void send());
  process.on('disconnect', () => {
    for (const socket of sockets) socket.close();
  });
  await send();
}
