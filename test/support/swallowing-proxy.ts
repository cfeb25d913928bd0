/** A TCP proxy in front of Redis that can lose replies, as a network does. */
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

export type Loss =
  /** The command runs, its reply never leaves, and the connection dies. */
  | 'cut'
  /** The command runs, its reply never leaves, and the connection stays up and silent. */
  | 'hang';

export interface SwallowingProxy {
  readonly url: string;
  /** Loses the replies from the next command on that holds these bytes; once. */
  loseReplyTo(bytes: string, loss: Loss): void;
  /** How many replies were lost so far. */
  readonly lost: number;
  close(): Promise<void>;
}

export async function startSwallowingProxy(redisUrl: string): Promise<SwallowingProxy> {
  const { hostname, port } = new URL(redisUrl);
  const sockets = new Set<Socket>();
  let next: { readonly bytes: string; readonly loss: Loss } | null = null;
  let lost = 0;

  function join(client: Socket): void {
    const server = connect(Number(port), hostname);
    let losing: Loss | null = null;
    for (const socket of [client, server]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        server.destroy();
      });
    }
    client.on('data', (chunk) => {
      if (next !== null && chunk.includes(next.bytes)) {
        losing = next.loss;
        next = null;
      }
      server.write(chunk);
    });
    server.on('data', (chunk) => {
      if (losing === null) {
        client.write(chunk);
        return;
      }
      // The reply is here, so the command has run.
      lost += 1;
      if (losing === 'cut') client.destroy();
    });
  }

  const listener: Server = createServer(join);
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  return {
    url: `redis://127.0.0.1:${(listener.address() as AddressInfo).port}`,
    loseReplyTo: (bytes, loss) => {
      next = { bytes, loss };
    },
    get lost() {
      return lost;
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => listener.close(() => resolve()));
    },
  };
}
