/** A TCP proxy that makes a network misbehave: late, silent, losing what was answered, cut. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Wire {
  /** Where it listens on loopback. */
  readonly port: number;
  /** From now on everything arrives so much later, in order; 0 ends that. */
  delay(ms: number): void;
  /** Carries nothing for so long, then all of it: a network that hangs. */
  hold(ms: number): void;
  /** Drops for so long what the server answers, then resets every connection. */
  cut(losingMs: number): Promise<void>;
  close(): Promise<void>;
}

/** Starts a proxy before a server on loopback; the server need not be there yet. */
export async function startWire(serverPort: number): Promise<Wire> {
  const sockets = new Set<Socket>();
  let delayMs = 0;
  let heldUntil = 0;
  let losing = false;

  /** Passes on what one side sends, in order, whatever the delay becomes meanwhile. */
  function carry(from: Socket, to: Socket, isAnswer: boolean): void {
    let order = Promise.resolve();
    from.on('data', (chunk) => {
      const due = Math.max(performance.now() + delayMs, heldUntil);
      order = order.then(async () => {
        const waitMs = due - performance.now();
        if (waitMs > 0) await sleep(waitMs);
        if (isAnswer && losing) return;
        to.write(chunk);
      });
    });
    from.on('end', () => {
      order = order.then(() => void to.end());
    });
  }

  function join(client: Socket): void {
    const server = connect(serverPort, '127.0.0.1');
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
    carry(client, server, false);
    carry(server, client, true);
  }

  const listener = createServer({ allowHalfOpen: true }, join);
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  return {
    port: (listener.address() as AddressInfo).port,
    delay: (ms) => {
      delayMs = ms;
    },
    hold: (ms) => {
      heldUntil = performance.now() + ms;
    },
    cut: async (losingMs) => {
      losing = true;
      await sleep(losingMs);
      for (const socket of sockets) socket.resetAndDestroy();
      losing = false;
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => listener.close(() => resolve()));
    },
  };
}
