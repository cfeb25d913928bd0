/** A Redis that looks as one of the time before functions, through a proxy that says another version. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import type { OwnRedis } from './redis-instance.js';

/** Settings for {@link startRedis}: without them it would know functions. */
export const WITHOUT_FUNCTIONS = ['rename-command FUNCTION ""', 'rename-command FCALL ""'];

export interface AgedRedis {
  readonly url: string;
  close(): Promise<void>;
}

/** @param version of as many characters as the server's own */
export async function ageRedis({ port }: OwnRedis, version: string): Promise<AgedRedis> {
  const sockets = new Set<Socket>();
  const listener = createServer((client) => {
    const server = connect(port, '127.0.0.1');
    for (const socket of [client, server]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        client.destroy();
        server.destroy();
      });
    }
    client.pipe(server);
    server.on('data', (chunk) => {
      const text = chunk.toString('latin1');
      client.write(Buffer.from(text.replace(/(?<=redis_version:)[\d.]+/, aged), 'latin1'));
    });
  });
  const aged = (found: string): string => version.padEnd(found.length, '0');
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  return {
    url: `redis://127.0.0.1:${(listener.address() as AddressInfo).port}`,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => listener.close(() => resolve()));
    },
  };
}
