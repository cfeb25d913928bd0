/** The processes of `radius-flood`: the front that is flooded, and who floods it. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { createMetrics } from '../src/observability/metrics.js';
import type { Logger } from '../src/observability/logger.js';
import { createRadiusServer } from '../src/radius/server.js';

export interface FrontRequest {
  readonly secret: string;
  /** Addresses of NAS. */
  readonly nas: readonly string[];
  /** Sources with a queue of their own at most. */
  readonly queues: number;
}

export interface FloodedFront {
  readonly port: number;
}

export interface FloodRequest {
  readonly sources: readonly string[];
  /** Hex digits. */
  readonly datagram: string;
  readonly port: number;
}

const SOCKETS_PER_SOURCE = 4;
const BURST = 256;
/** Datagrams between two words to the measurement. */
const WORD = 8_192;

const quiet = (): void => undefined;
const logger: Logger = {
  ...{ trace: quiet, debug: quiet, info: quiet, warn: quiet, error: quiet, fatal: quiet },
  child: () => logger,
  isLevelEnabled: () => false,
};

async function serve({ secret, nas, queues }: FrontRequest): Promise<void> {
  const soon = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const server = createRadiusServer(
    {
      udp: [{ address: '127.0.0.1', authenticationPort: null, accountingPort: 0 }],
      tls: [],
      clients: nas.map((address, index) => ({
        name: `nas-${index}`,
        networkScope: 'bench',
        addresses: [address],
        secrets: [secret],
        vendor: 'mikrotik',
      })),
      sealingSecrets: ['a key for the measurement'],
      serverName: 'bench',
      limits: { sourceQueuesMax: queues },
    },
    {
      access: () => Promise.reject(new Error('no logins here')),
      accounting: async () => {
        await soon();
        return { kind: 'recorded' };
      },
      logger,
      metrics: createMetrics({ processMetrics: false }),
    },
  );
  const { accounting } = await server.listen();
  process.send?.({ port: accounting[0]?.port ?? 0 } satisfies FloodedFront);
  await once(process, 'disconnect');
  await server.close();
}

/** As fast as it can: a burst of each socket, then a turn of the loop to notice the end. */
async function flood({ sources, datagram, port }: FloodRequest): Promise<void> {
  const octets = Buffer.from(datagram, 'hex');
  const sockets: Socket[] = [];
  for (const source of sources) {
    for (let n = 0; n < SOCKETS_PER_SOURCE; n += 1) {
      const socket = createSocket('udp4');
      socket.bind(0, source);
      await once(socket, 'listening');
      socket.connect(port, '127.0.0.1');
      await once(socket, 'connect');
      socket.on('error', quiet);
      sockets.push(socket);
    }
  }
  let isOver = false;
  process.once('disconnect', () => (isOver = true));
  let unsaid = 0;
  for (let turn = 0; !isOver; turn += 1) {
    const socket = sockets[turn % sockets.length];
    for (let n = 0; n < BURST; n += 1) socket?.send(octets);
    unsaid += BURST;
    if (unsaid >= WORD) {
      if (process.connected) process.send?.(unsaid);
      unsaid = 0;
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  for (const socket of sockets) socket.close();
}

const [, , role] = process.argv;
process.once('message', (message) => {
  void (role === 'front' ? serve(message as FrontRequest) : flood(message as FloodRequest));
});
